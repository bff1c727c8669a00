"""Reads policies.yaml and builds `Policies` from it.

The reading is strict. An unknown key, for example, or an empty list of approvers stops the start with an error that
names the file, the line, the key and what would be right.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from bot.approvals.rules.matching import Policies
from bot.policy_file import building, documents, places
from bot.policy_file.terms import Document


def load(path: Path) -> Policies:
    """The policies of the file. Raises `SettingsError` if the file is missing, unreadable or wrong."""
    return read(path, text_of(path))


def text_of(path: Path) -> str:
    """What the file holds, for `read`. Raises `SettingsError` if it is missing or unreadable."""
    return documents.text_of(path, "POLICY_FILE names it; it says who may answer.")


def read(path: Path, text: str) -> Policies:
    """The policies of a file that holds this text. Raises `SettingsError` if it is wrong."""
    place, document = documents.parsed(path, text)
    try:
        said = Document.model_validate(document)
    except ValidationError as error:
        raise places.problems(place, error) from None
    return building.policies(place, said)
