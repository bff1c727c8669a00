"""What is noted on a request besides its votes: who stands in for whom, more time, questions, who was not reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.approvals.ids import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """Who gave their vote to whom, in one stage. It counts for as long as the giver is one who may answer."""

    by: Person
    to: Person
    at: datetime
    stage: int | None = None
    """Counted from 0; None in records of before this was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """Who put the deadline off, and by how much."""

    by: Person
    measure: timedelta
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody asks the requester, without answering."""

    by: Person
    text: str
    at: datetime


class Then(StrEnum):
    """What follows where somebody could not be asked."""

    OTHERS = "others"
    """Others were, at the same time."""
    NEXT = "next"
    """Nobody was, so the next step that asks people comes at once."""
    END = "end"
    """Nobody was, and there is no such step any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """Who was to get the card and did not: a person, or (no person) a channel or a name of the policy.

    `asked_at` is when that was to happen: it is the same for all who were to get it at one time. `why` is empty where
    the name means nobody.
    """

    person: Person | None = None
    name: str = ""
    why: str
    asked_at: datetime
    then: Then = Then.OTHERS

    @property
    def whom(self) -> Person | str:
        return self.person if self.person is not None else self.name
