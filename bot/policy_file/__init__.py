"""Reads policies.yaml and builds `Policies` from it.

The reading is strict. An unknown key, for example, or an empty list of approvers stops the start with an error that
names the file, the line, the key and what would be right.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from bot.approvals.model.errors import SettingsError
from bot.approvals.rules.matching import Policies
from bot.policy_file import building, places, sizes
from bot.policy_file.places import Place
from bot.policy_file.terms import Document


def load(path: Path) -> Policies:
    """The policies of the file. Raises `SettingsError` if the file is missing, unreadable or wrong."""
    try:
        text = path.read_text(encoding="utf-8")
        sizes.refuse_large(path, text)
        place = Place(path=path, tree=yaml.compose(text, Loader=yaml.SafeLoader))
        places.refuse_twice(place)
        document = yaml.safe_load(text)
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such file. POLICY_FILE names it; it says who may answer.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}).") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise SettingsError(f"{where}: this is not YAML ({error.problem}).") from None
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"{path}: this is not YAML ({' '.join(str(error).split())}).") from None
    try:
        read = Document.model_validate(document)
    except ValidationError as error:
        raise places.problems(place, error) from None
    return building.policies(place, read)
