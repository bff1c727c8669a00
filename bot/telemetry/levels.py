"""How grave each fact is in the log. What a person should look at is a warning, or an error if something is lost."""

from __future__ import annotations

from logging import DEBUG, ERROR, INFO, WARNING
from typing import Final, assert_never

from bot.approvals.model.facts import (
    ApiAnswered,
    Fact,
    JobPutOff,
    LeaseLost,
    ProcessDraining,
    ProcessEnded,
    ProcessGone,
    ProcessStarted,
    Recorded,
    RoleEnded,
    RuleChosen,
    RunEnded,
    ServerAway,
    ServerReached,
    SlackAcknowledged,
    SlackCalled,
    SlackConnected,
    SlackDisconnected,
    SlackHeldBack,
    SlackLimited,
    StorageAnswered,
    StorageUnreachable,
    SweepEnded,
    TroubleBegan,
    TroubleEnded,
    WebhookTried,
    WorkerEnded,
)

LATE_SECONDS: Final = 2.5
"""Slack waits three seconds for an acknowledgement."""
INTERNAL_ERROR: Final = 500

GRAVE: Final = {
    "failed": ERROR,
    "lost": ERROR,
    "delivery_failed": WARNING,
    "webhook_given_up": WARNING,
    "unreached": WARNING,
    "unattached": WARNING,
    "code_missing": WARNING,
    "not_taken": WARNING,
    "asked_again": WARNING,
    "stale": WARNING,
    "resume_repeated": WARNING,
}
"""The kinds of audit events that a person should look at. All others are `INFO`."""


def level_of(fact: Fact) -> int:
    """The level of a fact, as a number of `logging`."""
    match fact:
        case Recorded(entry=entry):
            return GRAVE.get(entry.kind, INFO)
        case SlackAcknowledged(seconds=seconds):
            return WARNING if seconds > LATE_SECONDS else DEBUG
        case SlackCalled(outcome=outcome):
            return INFO if outcome in ("not_sent", "unknown") else DEBUG
        case SlackDisconnected(announced=announced):
            return INFO if announced else WARNING
        case SweepEnded(cut_short=cut_short):
            return WARNING if cut_short else DEBUG
        case WorkerEnded(why=why):
            return {"done": INFO, "late": WARNING}.get(why, ERROR)
        case RoleEnded(pause=pause):
            return WARNING if pause is None else ERROR
        case WebhookTried(outcome=outcome):  # the others are audit events as well
            return INFO if outcome == "failed" else DEBUG
        case ApiAnswered(code=code):
            return WARNING if code >= INTERNAL_ERROR else INFO
        case LeaseLost():
            return ERROR
        case SlackLimited() | StorageUnreachable() | ServerAway() | ProcessGone() | JobPutOff() | TroubleBegan():
            return WARNING
        case SlackConnected() | ServerReached() | ProcessStarted() | ProcessDraining() | ProcessEnded() | RunEnded():
            return INFO
        case TroubleEnded():
            return INFO
        case RuleChosen() | SlackHeldBack() | StorageAnswered():
            return DEBUG
        case _ as never:
            assert_never(never)
