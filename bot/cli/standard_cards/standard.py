"""The standard cards as records: a task that has just asked its question, and the request that was made of it.

The records ship as a file. `tools/cards` makes it from the graphs that ask these questions, under the policies that
ship, and a test holds the file to them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bot.approvals.model.ids import JSON, Person, TeamId, UserId
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.rules.eligible import EligibleApprovers
from bot.storage.codec import decode, encode

FILE: Final = Path(__file__).with_name("cards.json")
NOW: Final = datetime(2030, 1, 2, 9, 21, tzinfo=UTC)
"""When every standard question is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """One standard card."""

    name: str
    task: Task
    request: Request
    approvers: EligibleApprovers
    """The people who may answer."""
    outcome: str = ""
    """What the agent would say at its end after a yes."""
    refused: str = ""
    """What it would say at its end after a no."""
    edits: Mapping[str, JSON] = field(default_factory=dict)
    """Values that somebody changes before they approve. Empty if nothing can be edited."""
    said: JSON = None
    """What people answer: an option or a value, if the question wants no yes or no."""

    @property
    def voters(self) -> tuple[Person, ...]:
        """The people who may answer, in the order of their ids. The requester is among them if all they may do is to
        undo what was done."""
        able = self.approvers.people - (frozenset() if self.request.is_window else {self.request.requester})
        return tuple(sorted(able, key=lambda person: person.user_id))


def standard() -> tuple[Standard, ...]:
    """All standard cards."""
    return tuple(_read(said) for said in json.loads(FILE.read_text(encoding="utf-8")))


def written(cards: tuple[Standard, ...]) -> str:
    """What the file is to hold for these cards, one in a line."""
    return "[\n" + ",\n".join(json.dumps(_written(card), ensure_ascii=False) for card in cards) + "\n]\n"


# --- Within -------------------------------------------------------------------------------------


def _written(card: Standard) -> dict[str, Any]:
    return {
        "name": card.name,
        "task": json.loads(encode(card.task)),
        "request": json.loads(encode(card.request)),
        "groups": [sorted(map(_id, group)) for group in card.approvers.groups],
        "named": sorted(map(_id, card.approvers.named)),
        "outcome": card.outcome,
        "refused": card.refused,
        "edits": dict(card.edits),
        "said": card.said,
    }


def _read(said: Mapping[str, Any]) -> Standard:
    return Standard(
        name=said["name"],
        task=decode(Task, json.dumps(said["task"])),
        request=decode(Request, json.dumps(said["request"])),
        approvers=EligibleApprovers(
            groups=tuple(frozenset(map(_person, group)) for group in said["groups"]),
            named=frozenset(map(_person, said["named"])),
        ),
        outcome=said["outcome"],
        refused=said["refused"],
        edits=said["edits"],
        said=said["said"],
    )


def _id(person: Person) -> str:
    return f"{person.team_id}/{person.user_id}"


def _person(id: str) -> Person:
    team, _, user = id.partition("/")
    return Person(team_id=TeamId(team), user_id=UserId(user))
