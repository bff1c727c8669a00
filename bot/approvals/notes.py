"""What is noted on a request besides its votes: who stands in for whom, more time, questions, who was not reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.approvals.ids import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """Who gave their vote to whom. It counts for as long as the giver is one who may answer."""

    by: Person
    to: Person
    at: datetime


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
    """Others of the same step were asked."""
    NEXT = "next"
    """Nobody of the step was, so the next one that asks people comes at once."""
    END = "end"
    """Nobody of the step was, and there is no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """Somebody whom a step of the policy wanted to ask and could not; of nobody in particular where its names mean
    nobody."""

    step: int
    """Counted from 0; `DELEGATE` where it is a delegate who could not be told."""
    person: Person | None
    why: str
    at: datetime
    then: Then = Then.OTHERS


DELEGATE = -1
