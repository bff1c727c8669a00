"""A decision on its way to the agent, and one that was called off or not used: what every message says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Decision,
    Expired,
    Keep,
    Reject,
    Respond,
    Undo,
    WindowClosed,
)
from bot.approvals.model.ids import TaskId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import OnStale
from bot.approvals.model.request import (
    Before,
    Decided,
    Delivered,
    NotUsed,
    Pending,
    Reopened,
    ReopenedBy,
    Request,
    Superseded,
)
from bot.approvals.model.task import Ended, Waiting
from bot.approvals.ports.slack import View
from bot.slack import lines
from bot.slack.cards import earlier_words, endings, reminder, render
from bot.slack.inbox import request_row
from bot.slack.text import moment
from tests.unit.slack.cards.reading import labels, seen
from tests.unit.slack.samples import (
    BOB,
    CAROL,
    DELETE,
    FAILURE,
    NOW,
    POLICY,
    answered,
    message,
    question,
    request,
    task,
)

LATER = NOW + timedelta(minutes=30)
YES = answered()


def card(asked: Request, kind: MessageKind = MessageKind.CARD) -> render.Card:
    made = View(message=message(kind), task=task(Waiting()), request=asked, requests=(asked,))
    return render.draw(made)


# --- On its way ---------------------------------------------------------------------------------


def on_its_way(decision: Decision = YES, **changes: object) -> Request:
    state = Decided(decision=decision, next_try=LATER, held=Pending(due_at=None))
    return request(state=replace(state, **changes))  # type: ignore[arg-type]


def test_a_held_decision_says_to_the_second_when_the_agent_gets_it_and_how_to_call_it_off() -> None:
    drawn = card(on_its_way(held_until=LATER))

    assert f" · the agent gets it {moment(LATER, seconds=True)} · until then *Undo* or *Stop*" in seen(drawn)
    assert labels(drawn) == ["Undo", "Stop", "Details"]
    assert f" · the agent gets it {moment(LATER, seconds=True)}" in endings.of_request(on_its_way(held_until=LATER))


def test_what_a_policy_decided_can_only_be_stopped() -> None:
    ruled = Answered(verdicts=(Approve(),), voters=(), edited=False, at=NOW, ruled="it is small")
    drawn = card(on_its_way(ruled, held_until=LATER))

    assert "· until then *Stop*" in seen(drawn)
    assert labels(drawn) == ["Stop", "Details", "History"]


def test_a_decision_that_nobody_has_begun_to_deliver_can_be_taken_back() -> None:
    drawn = card(on_its_way())

    assert "· waiting for the agent; until it has the answer, <@U0BOB> can take it back" in seen(drawn)
    assert labels(drawn) == ["Undo", "Details", "History"]


@pytest.mark.parametrize(
    "changes", [{"attempts": 1, "held_until": LATER}, {"held": None}, {"decision": Expired(at=NOW)}]
)
def test_otherwise_nothing_is_offered(changes: dict[str, object]) -> None:
    drawn = card(on_its_way(**changes))  # type: ignore[arg-type]

    assert labels(drawn) == ["Details", "History"]
    assert "take it back" not in seen(drawn)


def test_a_decision_that_fails_says_how_long_it_may_be_used() -> None:
    failed = on_its_way(attempts=1, failure=FAILURE, valid_until=LATER + timedelta(minutes=1))

    assert f"It is not used after {moment(LATER + timedelta(minutes=1))}." in seen(card(failed))


@pytest.mark.parametrize(
    ("on_stale", "then"), [(OnStale.ASK, "people are asked again"), (OnStale.STOP, "the task is stopped")]
)
def test_no_retry_is_promised_of_a_decision_that_ends_before_it(on_stale: OnStale, then: str) -> None:
    failed = on_its_way(attempts=1, failure=FAILURE, valid_until=LATER)
    failed = replace(failed, policy=replace(failed.policy, on_stale=on_stale))

    assert f"The answer is not used after {moment(LATER)}: then {then}." in seen(card(failed))
    assert "tries again" not in seen(card(failed))


# --- Called off ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reopened", "said"),
    [
        (Reopened(by=BOB, at=NOW, why=ReopenedBy.TAKEN_BACK), "<@U0BOB> took the answer back"),
        (Reopened(by=CAROL, at=NOW, why=ReopenedBy.STOPPED), "<@U0CAROL> stopped it before the agent got it"),
    ],
)
def test_every_message_says_that_the_answer_was_called_off(reopened: Reopened, said: str) -> None:
    asked = request(reopened=reopened)

    assert f"\n*{said}* · {moment(NOW)}" in seen(card(asked))
    assert f"\n*{said}* · {moment(NOW)}" in seen(card(asked, MessageKind.COPY))
    assert f" · {said} · {moment(NOW)}" in seen(card(asked, MessageKind.OPENING))
    assert f"{said} · {moment(NOW)}" in request_row.line(asked, "")
    assert any(said in words for words in map(str, request_row.row(asked, "")))
    assert card(asked).text.startswith("Open again. ")
    assert f"{said}, {moment(NOW)}." in card(asked).text


def test_once_it_is_settled_anew_that_is_over() -> None:
    settled = request(
        state=Delivered(decision=YES, at=NOW), reopened=Reopened(by=BOB, at=NOW, why=ReopenedBy.TAKEN_BACK)
    )

    assert "took the answer back" not in seen(card(settled)) + card(settled).text


# --- Not used -----------------------------------------------------------------------------------


def again(why: NotUsed, decision: Decision = YES, times: int = 1) -> Request:
    was = question(replace(DELETE, arguments={**DELETE.arguments, "folder": "/srv/logs/2024"}))
    policy = replace(POLICY, valid_for=timedelta(hours=1))
    before = Before(question=was, decision=decision, why=why, times=times)
    return request(policy=policy, before=before)


def test_a_decision_that_came_too_late_is_in_view_when_it_is_asked_again() -> None:
    said = seen(card(again(NotUsed.STALE)))

    assert f"*It is asked again.* <@U0BOB> approved this · {moment(YES.at)}. The agent could not be given that" in said
    assert "within 1 hour, so it was not used." in said
    assert "/srv/logs/2024" not in said
    assert card(again(NotUsed.STALE)).text.startswith("Asked again. ")


def test_what_changed_after_an_approval_is_shown() -> None:
    said = seen(card(again(NotUsed.WORLD_CHANGED)))

    assert f"*Something changed after <@U0BOB> approved this* · {moment(YES.at)}, and before the agent acted." in said
    assert "Nothing was done." in said
    assert "/srv/logs/2024" in said
    assert card(again(NotUsed.WORLD_CHANGED)).text.startswith("Something changed. ")


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (NotUsed.ASKED_ELSE, "It has asked something else 3 times in a row."),
        (NotUsed.STALE, "3 decisions in a row were not used."),
        (NotUsed.WORLD_CHANGED, "3 decisions in a row were not used."),
    ],
)
def test_a_card_says_how_often_that_has_happened(why: NotUsed, said: str) -> None:
    assert said in seen(card(again(why, times=3)))
    assert said not in seen(card(again(why)))


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (answered(Reject()), "<@U0BOB> rejected what it asked before"),
        (answered(Respond(value="x")), "<@U0BOB> answered what it asked before"),
        (answered(Undo()), "<@U0BOB> chose to undo what it asked before"),
        (answered(Keep()), "<@U0BOB> chose to keep what it asked before"),
        (Expired(at=NOW), "What it asked before: nobody answered by"),
        (WindowClosed(at=NOW), "What it asked before: nobody undid it by"),
        (Cancelled(by=BOB, at=NOW), "What it asked before: cancelled by <@U0BOB>"),
    ],
)
def test_what_was_decided_before_is_told(decision: Decision, said: str) -> None:
    assert said in earlier_words.not_used(again(NotUsed.ASKED_ELSE, decision))


def test_a_policy_is_told_as_its_policy_and_without_a_span_in_time() -> None:
    ruled = Answered(verdicts=(Approve(),), voters=(), edited=False, at=NOW, ruled="it is small")
    asked = replace(again(NotUsed.STALE, ruled), policy=POLICY)

    assert "Its policy approved this" in earlier_words.not_used(asked)
    assert "The agent could not be given that in time" in earlier_words.not_used(asked)


def test_a_private_request_does_not_show_what_was_decided_before() -> None:
    asked = again(NotUsed.WORLD_CHANGED)
    hidden = card(replace(asked, policy=replace(asked.policy, private=True)))

    assert "/srv/logs/2024" not in seen(hidden) + hidden.text


# --- The reminder -------------------------------------------------------------------------------


def test_a_change_after_the_approval_calls_people_to_the_card() -> None:
    asked = again(NotUsed.WORLD_CHANGED)
    first, *_ = lines.lines(reminder.reminder(asked, asked.opened_at), 200)
    text = card(asked, MessageKind.REMINDER).text

    assert first.startswith("🔔 Something changed after @U0BOB approved this, and before the agent acted.")
    assert "Please look at the card again, @U0BOB and @U0CAROL, by" in first
    assert text.startswith("Something changed. ")
    assert "Please look at the card again, <@U0BOB> and <@U0CAROL>" in text


def test_a_later_reminder_says_that_nobody_has_answered() -> None:
    asked = again(NotUsed.WORLD_CHANGED)

    assert lines.lines(reminder.reminder(asked, LATER))[0].startswith("⏰ Still waiting for")
    assert lines.lines(reminder.reminder(again(NotUsed.STALE), NOW))[0].startswith("⏰ Still waiting for")


# --- Stopped, because it came too late ----------------------------------------------------------


@pytest.mark.parametrize("task_id", ["t1", "caller-1"], ids=["an agent", "a program"])
def test_a_decision_that_ran_out_says_that_where_the_task_was_stopped_and_nobody_withdrew_anything(
    task_id: str,
) -> None:
    terms = replace(POLICY, valid_for=timedelta(hours=1))
    late = replace(
        request(state=Superseded(at=LATER, decision=YES, stopped=True, stale=True), policy=terms),
        task_id=TaskId(task_id),
    )
    ended = replace(task(Ended(outcome="Stopped: too late", at=LATER, stopped=True)), id=late.task_id)

    assert "could not be given that within 1 hour, so it is not used" in seen(card(late))
    for line in (endings.of_request(late), str(endings.of_task(ended, [late]))):
        assert "not used, as it could not be delivered in time" in line
    assert "withdr" not in seen(card(late)) + endings.of_request(late)
