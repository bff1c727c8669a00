"""What people can do to a request: who may do it, and what the record says about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class May(Enum):
    """Who may do it."""

    VOTE = auto()
    """The eligible approvers, while the request is open and has not changed since they were shown it."""
    TAKE_PART = auto()
    """The eligible approvers, even if the request is settled or has changed."""
    ASK = auto()
    """Its requester, while it is open."""
    ANYBODY = auto()
    """Anybody whom the rules of the change itself allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """Something that people do to a request."""

    may: May
    kind: str = ""
    """The kind of the event that records the change; empty if nothing is changed."""
    tried: str | None = None
    """What the record calls the refused action. If None, only a refusal of the person is recorded."""
    counts: bool = False
    """Whether Slack is asked again who the person is and who may answer, instead of relying on what is remembered."""
    expires: bool = True
    """Whether a request whose deadline has passed is expired first."""


CHECK: Final = Verb(may=May.VOTE, tried="answer")
VIEW: Final = Verb(may=May.TAKE_PART, expires=False)
SEE_HIDDEN: Final = Verb(may=May.TAKE_PART, counts=True, expires=False)
VOTE: Final = Verb(may=May.VOTE, kind="voted", tried="vote", counts=True)
EDIT: Final = Verb(may=May.VOTE, kind="edited", tried="edit", counts=True)
TAKE_BACK: Final = Verb(may=May.ANYBODY, kind="taken_back", tried="take back", expires=False)
STOP_DELIVERY: Final = Verb(
    may=May.TAKE_PART, kind="delivery_stopped", tried="stop the delivery", counts=True, expires=False
)
ANSWER_AGAIN: Final = Verb(may=May.TAKE_PART, kind="reopened", tried="answer differently", counts=True, expires=False)
REWORD: Final = Verb(may=May.TAKE_PART, kind="reworded", tried="reword", counts=True, expires=False)

CHECK_SIDE_ACTION: Final = Verb(may=May.VOTE)
CHECK_REQUESTER: Final = Verb(may=May.ASK)
EXTEND: Final = Verb(may=May.VOTE, kind="extended", tried="extend", counts=True)
DELEGATE: Final = Verb(may=May.VOTE, kind="delegated", tried="delegate", counts=True)
WITHDRAW: Final = Verb(may=May.ANYBODY, kind="withdrawn", tried="withdraw")
COMMENT: Final = Verb(may=May.VOTE, kind="commented", tried="comment", counts=True)
NUDGE: Final = Verb(may=May.ASK, kind="nudged", tried="nudge")
CANCEL: Final = Verb(may=May.ANYBODY, kind="cancelled", expires=False)
LOOK: Final = Verb(may=May.ANYBODY, tried="look", expires=False)
