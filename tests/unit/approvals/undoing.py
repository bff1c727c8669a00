"""Questions that offer to undo what was done, and votes and requests around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.approvals.model.agent import Asked
from bot.approvals.model.fingerprint import Fingerprint
from bot.approvals.model.ids import InterruptId, Person, Program, RequestId
from bot.approvals.model.policy import Policy
from bot.approvals.model.question import Question, Verdict, Window, payload_digest
from bot.approvals.model.request import Request, RequestState
from bot.approvals.rules import schedule, windows
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import FIRST, RITA, a_request, item, policy, question

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LENGTH = 10 * MINUTE
WINDOW, OTHER_WINDOW = InterruptId("i-window"), InterruptId("i-other-window")
PRICE: Mapping[str, int] = {"price": 10}


def a_window(*verdicts: Verdict, length: timedelta = LENGTH, at: datetime | None = None, title: str = "") -> Question:
    """An agent has moved a file, and says so."""
    return Question(
        shape="undo_window",
        title=title or "Moved one file",
        items=(item(*(verdicts or (Verdict.UNDO, Verdict.KEEP)), name="move"),),
        window=Window(length=length, at=at),
    )


def window_request(
    asks: Question | None = None,
    *,
    of: Policy | None = None,
    requester: Person | Program = RITA,
    now: datetime = MORNING,
    asked_at: datetime | None = None,
    state: RequestState | None = None,
) -> Request:
    """A window as it is opened now, under the terms of windows."""
    asks = asks or a_window()
    opened = replace(
        a_request(of=windows.under(of or policy(), asks, requester), asks=asks),
        id=RequestId("w1"),
        requester=requester,
        fingerprint=Fingerprint(digest="d", clocks=(), at=asked_at) if asked_at is not None else None,
    )
    opened = schedule.enter_stage(windows.begun(opened, now), now)
    return replace(opened, state=state) if state is not None else opened


def asking(payload: Mapping[str, int], *, after: Mapping[str, int] | None = None, title: str = "Pay?") -> Question:
    """Asks to pay this price. With `after`, because the agent looked again and no longer found what was approved."""
    digest = payload_digest(dict(after)) if after is not None else ""
    return replace(question(title=title), payload=dict(payload), look_again=digest)


def asked(what: Question, at: InterruptId = FIRST, place: str = "pay") -> Asked:
    return Asked(interrupt_id=at, question=what, place=place)
