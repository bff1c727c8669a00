"""How a task stands for whoever runs the bot: above all, whether it goes on by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.model.ids import Operator
from bot.approvals.model.request import Pending, Request, RequestState
from bot.approvals.model.task import (
    Ended,
    Failed,
    Failure,
    Gone,
    Part,
    Running,
    Starting,
    TaskCancelled,
    TaskState,
    Waiting,
)
from bot.approvals.rules.standing import Stands, standing
from tests.support.builders import MINUTE, NOON, a_request, a_task, decided

ERROR = Failure(error_id="e1", summary="KeyError", at=NOON)
LATER = replace(ERROR, error_id="e2", at=NOON + MINUTE)
GONE = Gone(part=Part.STEP, name="send")
FAILED = Failed(failure=ERROR, retryable=True)
PENDING = Pending(due_at=None)


def asked(state: RequestState, gone: Gone | None = None) -> Request:
    return a_request(state=state, gone=gone)


@pytest.mark.parametrize(
    ("state", "requests", "stands"),
    [
        (Starting(), [], Stands.STARTING),
        (Running(), [], Stands.RUNNING),
        (Running(), [asked(decided(NOON, failure=ERROR))], Stands.RUNNING),
        (Waiting(), [asked(PENDING)], Stands.WAITING),
        (Waiting(), [asked(PENDING), asked(decided())], Stands.WAITING),
        (Waiting(), [asked(decided())], Stands.DELIVERING),
        (Waiting(), [asked(decided(NOON, failure=ERROR))], Stands.RETRYING),
        (Waiting(), [asked(PENDING, GONE)], Stands.STUCK),
        (Waiting(), [asked(PENDING), asked(decided(None))], Stands.STUCK),
        (FAILED, [], Stands.STUCK),
        (FAILED, [asked(PENDING)], Stands.STUCK),
        (FAILED, [asked(decided(None, failure=ERROR))], Stands.STUCK),
        (FAILED, [asked(decided(NOON, failure=ERROR))], Stands.RETRYING),
        (FAILED, [asked(decided(NOON)), asked(decided(None, failure=ERROR))], Stands.STUCK),
        (Failed(failure=ERROR, retryable=False), [], Stands.LOST),
        (Ended(outcome="done", at=NOON), [], Stands.ENDED),
        (Ended(outcome="done", at=NOON, stopped=True), [], Stands.STOPPED),
        (TaskCancelled(by=Operator(login="olga"), at=NOON), [], Stands.CANCELLED),
    ],
)
def test_a_task_stands_as_its_state_and_its_requests_say(
    state: TaskState, requests: list[Request], stands: Stands
) -> None:
    found = standing(a_task(state=state), requests)

    assert found.stands is stands
    assert found.needs_person is (stands in (Stands.STUCK, Stands.LOST))


def test_the_next_try_is_the_earliest_and_the_error_the_last() -> None:
    requests = [
        asked(decided(NOON + 2 * MINUTE, failure=ERROR)),
        asked(decided(NOON + MINUTE, failure=LATER)),
    ]

    found = standing(a_task(state=Waiting()), requests)

    assert (found.next_try, found.failure) == (NOON + MINUTE, LATER)


def test_the_error_that_stopped_the_task_counts_before_those_of_its_decisions() -> None:
    assert standing(a_task(state=FAILED), [asked(decided(None, failure=LATER))]).failure == ERROR


def test_missing_code_is_named_by_the_request_or_by_the_error() -> None:
    lacking = replace(ERROR, gone=Gone(part=Part.GRAPH, name="cleanup"))

    assert standing(a_task(state=Waiting()), [asked(PENDING, GONE)]).gone == GONE
    assert standing(a_task(state=Failed(failure=lacking, retryable=True)), []).gone == lacking.gone
    assert standing(a_task(state=Failed(failure=lacking, retryable=False)), []).gone == lacking.gone
    assert standing(a_task(state=Waiting()), [asked(PENDING)]).gone is None
