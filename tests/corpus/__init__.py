"""Texts that hold secrets, and texts that hold none: `secrets.yaml`, which says how to add one."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

_FILE: Final = Path(__file__).parent / "secrets.yaml"
_LETTERS: Final[Mapping[str, str]] = {
    "": string.ascii_letters + string.digits,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "up": string.ascii_uppercase + string.digits,
    "low": string.ascii_lowercase + string.digits,
    "abc": string.ascii_letters,
    "b64": string.ascii_letters + string.digits + "+/",
    "url": string.ascii_letters + string.digits + "-_",
    "d": string.digits,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A made-up secret, and a text or an argument that holds it."""

    name: str
    secret: str
    text: str
    key: str = ""
    """The argument's name, if that alone tells that it is a secret."""


def secrets() -> list[Sample]:
    """Every secret of the corpus, the same at each reading."""
    return [_sample(entry) for entry in yaml.safe_load(_FILE.read_text())["secrets"]]


def readable() -> list[str]:
    """Every text that holds no secret."""
    listed: list[str] = yaml.safe_load(_FILE.read_text())["readable"]
    return [_filled(text, random.Random(text)) for text in listed]


def _sample(entry: Mapping[str, str | list[str]]) -> Sample:
    name = str(entry["name"])
    secret = _filled("".join(entry["is"]), random.Random(name))
    key = str(entry.get("under", ""))
    text = secret if key else str(entry.get("in", "Use SECRET for it")).replace("SECRET", secret)
    return Sample(name=name, secret=secret, text=text, key=key)


def _filled(parts: str, chance: random.Random) -> str:
    """With letters in the place of `{20}` or `{hex:20}`: nothing in the file looks like a token to a scanner."""

    def letters(found: re.Match[str]) -> str:
        kind, number = found[1] or "", int(found[2])
        drawn = "".join(chance.choice(_LETTERS[kind]) for _ in range(number))
        # of each kind of letter that a machine would not leave out of so many
        return drawn if kind not in ("", "b64", "url") or number < 6 else f"{drawn[:-6]}a7Qz4W"

    return re.sub(r"\{(?:(\w+):)?(\d+)\}", letters, parts)
