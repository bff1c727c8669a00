"""Which records need a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.ids import ChannelId, MessageRef, Ts
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Escalate, Remind, Step, one_stage
from bot.approvals.model.request import Pending, Request, Then, Unreached
from bot.approvals.model.task import Ended, Failed, Failure, Running, Waiting
from bot.approvals.rules import troubles
from tests.support.builders import NOON, a_message, a_person, a_policy, a_request, a_task, decided, staged

FAILED = Failed(failure=Failure(error_id="e1", summary="ValueError", at=NOON), retryable=True)
LATER = NOON + timedelta(hours=1)
ADDS = a_policy(stages=one_stage(("UAPP",), steps=(Step(after=timedelta(hours=1), action=Escalate(to=("UBOB",))),)))

REMINDS = a_policy(stages=one_stage(("U1",), steps=(Step(after=timedelta(hours=1), action=Remind()),)))


def missed(*names: str, then: Then = Then.OTHERS) -> tuple[Unreached, ...]:
    return tuple(Unreached(person=a_person(name), why="user_disabled", asked_at=LATER, then=then) for name in names)


@pytest.mark.parametrize(
    ("state", "next_try", "stuck", "moving"),
    [
        (FAILED, None, True, False),
        (FAILED, LATER, False, True),
        (Running(), None, False, True),
        (Waiting(), None, False, False),
        (replace(FAILED, retryable=False), None, False, False),
        (Ended(outcome="done", at=NOON), None, False, False),
    ],
)
def test_a_task_is_stuck_if_only_a_retry_takes_it_on(
    state: object, next_try: object, stuck: bool, moving: bool
) -> None:
    """One that is tried again by itself, or runs, is not, and neither is it well."""
    task = a_task(state=state)
    requests = (a_request(state=decided(next_try)),)  # type: ignore[arg-type]

    assert troubles.is_stuck(task, requests) is stuck
    assert troubles.is_on_its_way(task, requests) is moving


def test_the_first_decision_that_was_not_delivered_is_named() -> None:
    """Others wait for it, or for people."""
    waiting, first, second = a_request("r0"), a_request("r1", state=decided()), a_request("r2", state=decided())

    assert troubles.undelivered((waiting, first, second)) == first
    assert troubles.undelivered((waiting,)) is None


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (a_request(), False),
        (staged(a_request(), short=1), True),
        (staged(a_request(), untold=("@ops cannot be looked up.",), asked=()), True),
        (staged(a_request(), untold=("@ops cannot be looked up.",)), False),
        (staged(a_request(), short=1, escalated_to=("UBOB",)), False),
        (staged(a_request(policy=ADDS), short=1), False),
        (staged(a_request(policy=ADDS, state=Pending(due_at=None, taken=(0,))), short=1), True),
        (staged(a_request(policy=REMINDS), short=1), True),
        (staged(a_request(state=decided()), short=1), False),
    ],
)
def test_a_request_is_unanswerable_if_too_few_may_answer_and_nobody_joins_them(
    request_: Request, expected: bool
) -> None:
    """Neither by now nor by a later step."""
    assert troubles.is_unanswerable(request_) is expected


def test_nobody_is_reached_if_all_who_may_answer_could_not_be_asked() -> None:
    """One who has the card is enough."""
    two = staged(a_request(unreached=missed("UAPP")), asked=(a_person("UAPP"), a_person("UBOB")))

    assert troubles.nobody_reached(a_request()) == ()
    assert troubles.nobody_reached(two) == ()
    assert troubles.nobody_reached(replace(two, unreached=missed("UAPP", "UBOB"))) == missed("UAPP", "UBOB")


def test_nobody_is_reached_if_the_last_step_asked_nobody() -> None:
    """Whoever was asked before has not answered for so long."""
    request = a_request(unreached=missed("UBOB", then=Then.END))

    assert troubles.nobody_reached(request) == missed("UBOB", then=Then.END)
    assert troubles.nobody_reached(replace(request, unreached=missed("UBOB", then=Then.NEXT))) == ()


def test_others_whom_a_step_has_asked_since_are_reached() -> None:
    """Those whom the stage was opened for need not be reached any more."""
    missing = staged(a_request(unreached=missed("UBOB", then=Then.NEXT)), asked=(a_person("UBOB"),))

    assert troubles.nobody_reached(missing) == missed("UBOB", then=Then.NEXT)
    assert troubles.nobody_reached(staged(missing, escalated_to=("UCAT",))) == ()


def test_who_was_missed_in_an_earlier_stage_does_not_count() -> None:
    """Others are asked now, even if nobody knows who."""
    later = staged(a_request(unreached=missed("UAPP")), opened_at=LATER + timedelta(hours=1))

    assert troubles.nobody_reached(later) == ()
    assert troubles.nobody_reached(staged(a_request(unreached=missed("UBOB")), asked=())) == ()


def test_a_request_is_unseen_if_its_card_cannot_be_posted_and_no_copy_stands() -> None:
    """A copy in a DM, or a card that is posted later, is enough."""
    request = a_request(unreached=missed("UAPP"))
    ref = MessageRef(channel=ChannelId("D1"), ts=Ts("1.2"))
    gone, card = a_message("gone", request, abandoned="is_archived"), a_message("card", request, ref=ref)
    copy = a_message("copy", request, MessageKind.COPY, ref=ref)
    of_another = a_message("other", a_request("r2"), MessageKind.COPY, ref=ref)

    assert troubles.is_unseen(request, [gone, of_another])
    assert troubles.is_unseen(request, [gone, replace(copy, abandoned="user_disabled"), replace(copy, ref=None)])
    assert not troubles.is_unseen(request, [gone, copy])
    assert not troubles.is_unseen(request, [gone, card])
    assert not troubles.is_unseen(request, [])
    assert not troubles.is_unseen(replace(request, state=decided()), [gone])
