"""A YAML file of settings, read so that nothing in it is lost without a word, and no file can exhaust the bot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bot.approvals.model.errors import SettingsError
from bot.policy_file import places, sizes
from bot.policy_file.places import Place


def document_of(path: Path, if_missing: str) -> tuple[Place, Any]:
    """The place where the file begins, and what it holds. Raises `SettingsError` if the file is unreadable, too large
    or no YAML, or if it is missing, which `if_missing` explains in a sentence."""
    return parsed(path, text_of(path, if_missing))


def text_of(path: Path, if_missing: str) -> str:
    """The text of the file. Raises `SettingsError` if it is unreadable, or missing, which `if_missing` explains."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such file. {if_missing}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}).") from None


def parsed(path: Path, text: str) -> tuple[Place, Any]:
    """The place where the file begins, and what its text holds. Raises `SettingsError` if it is too large or no
    YAML."""
    try:
        sizes.refuse_large(path, text)
        place = Place(path=path, tree=yaml.compose(text, Loader=yaml.SafeLoader))
        places.refuse_twice(place)
        return place, yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise SettingsError(f"{where}: this is not YAML ({error.problem}).") from None
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"{path}: this is not YAML ({' '.join(str(error).split())}).") from None
