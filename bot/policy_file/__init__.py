"""Reads policies.yaml and builds `Policies` from it.

The reading is strict. An unknown key, for example, or an empty list of approvers stops the start with an error that
names the file, the line, the key and what would be right.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from bot.approvals.rules.matching import Policies
from bot.policy_file import building, places
from bot.policy_file.documents import document_of
from bot.policy_file.terms import Document


def load(path: Path) -> Policies:
    """The policies of the file. Raises `SettingsError` if the file is missing, unreadable or wrong."""
    place, document = document_of(path, "POLICY_FILE names it; it says who may answer.")
    try:
        read = Document.model_validate(document)
    except ValidationError as error:
        raise places.problems(place, error) from None
    return building.policies(place, read)
