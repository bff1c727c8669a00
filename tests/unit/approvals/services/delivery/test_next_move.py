"""What is done next with a task is a function of its records and of its graph's checkpoint."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.agent import Asked, Phase, ThreadStatus
from bot.approvals.model.decision import Answered, Approve, Cancelled
from bot.approvals.model.ids import RequestId, TaskId, ThreadId
from bot.approvals.model.request import Decided, Request
from bot.approvals.model.task import Failed, Failure, Gone, Part, Running, Starting, Task, TaskState, Waiting
from bot.approvals.rules.next_action import (
    AskAfterStale,
    AskInstead,
    Await,
    GiveUp,
    Move,
    Proceed,
    Record,
    Resume,
    Start,
    next_move,
)
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, CHANNEL, FIRST, RITA, SECOND, a_request, question

HOUR = timedelta(hours=1)
FAILURE = Failure(error_id="e1", summary="ValueError", at=MORNING)
APPROVED = Answered(verdicts=(Approve(),), voters=(ALICE,), edited=False, at=MORNING)
ASKED = (Asked(interrupt_id=FIRST, question=question()),)


def a_task(state: TaskState) -> Task:
    return Task(
        id=TaskId("t1"),
        thread_id=ThreadId("thread-1"),
        graph="cleanup",
        inputs={},
        requester=RITA,
        channel=CHANNEL,
        created_at=MORNING,
        state=state,
    )


OTHER = question(title="Delete everything?")
STALE = a_request(state=Decided(decision=APPROVED, next_try=MORNING, valid_until=MORNING))
STALE_LATER = a_request(state=Decided(decision=APPROVED, next_try=None, attempts=1, valid_until=MORNING))
VALID = a_request(state=Decided(decision=APPROVED, next_try=MORNING, valid_until=MORNING + HOUR))
HELD = a_request(state=Decided(decision=APPROVED, next_try=MORNING, held_until=MORNING + HOUR))
HELD_TILL_NOW = a_request(state=Decided(decision=APPROVED, next_try=MORNING, held_until=MORNING))
HELD_ITS_STEP_BACK = replace(HELD, gone=Gone(part=Part.STEP, name="act"))
DUE = a_request(state=Decided(decision=APPROVED, next_try=MORNING))
PUT_OFF = a_request(state=Decided(decision=APPROVED, next_try=MORNING + HOUR))
EXHAUSTED = a_request(state=Decided(decision=APPROVED, next_try=None, failure=FAILURE))
CALLED_OFF = a_request(state=Decided(decision=Cancelled(by=RITA, at=MORNING), next_try=MORNING))
OPEN = a_request()
FAILED = Failed(failure=FAILURE, retryable=True)

WAITS = ThreadStatus(phase=Phase.WAITING, asked=ASKED)
ASKS_OTHER = ThreadStatus(phase=Phase.WAITING, asked=(Asked(interrupt_id=FIRST, question=OTHER),))
ANSWERED = ThreadStatus(phase=Phase.FAILED, answered=frozenset({FIRST}))
LOST = ThreadStatus(phase=Phase.LOST)
STOPPED = ThreadStatus(phase=Phase.STOPPED)
RAISED = ThreadStatus(phase=Phase.FAILED)
DONE = ThreadStatus(phase=Phase.DONE)
BROKEN = ThreadStatus(phase=Phase.BROKEN)


@pytest.mark.parametrize(
    ("state", "requests", "status", "move"),
    [
        pytest.param(Starting(), [], LOST, Start(), id="a new task is started"),
        pytest.param(Starting(), [OPEN], LOST, GiveUp(), id="one that has asked before is not started again"),
        pytest.param(Running(), [], LOST, GiveUp(), id="one that ran before is not started again"),
        pytest.param(Waiting(), [OPEN], LOST, GiveUp(), id="lost checkpoints are given up"),
        pytest.param(FAILED, [], LOST, Record(), id="a failed start waits for a retry"),
        pytest.param(FAILED, [DUE], LOST, GiveUp(), id="lost checkpoints are given up after a failure too"),
        pytest.param(Waiting(), [DUE], WAITS, Resume(DUE), id="an open interrupt is answered"),
        pytest.param(FAILED, [DUE], ANSWERED, Proceed(DUE), id="an answer that was taken is not given again"),
        pytest.param(Waiting(), [PUT_OFF], WAITS, Record(), id="nothing is tried before its time"),
        pytest.param(FAILED, [EXHAUSTED], ANSWERED, Record(), id="nothing is tried for ever"),
        pytest.param(Waiting(), [STALE], WAITS, AskAfterStale(STALE), id="what is too old is asked again"),
        pytest.param(FAILED, [STALE], ANSWERED, AskAfterStale(STALE), id="and is not given once more"),
        pytest.param(
            FAILED, [STALE_LATER], ANSWERED, AskAfterStale(STALE_LATER), id="nor is one that waits for a person"
        ),
        pytest.param(Waiting(), [STALE], ASKS_OTHER, AskInstead(STALE, *ASKS_OTHER.asked), id="another is asked first"),
        pytest.param(Running(), [STALE], DONE, Record(), id="what the agent took in time is recorded"),
        pytest.param(Waiting(), [VALID], WAITS, Resume(VALID), id="what is still valid is given"),
        pytest.param(Waiting(), [HELD], WAITS, Record(), id="what is held is not given"),
        pytest.param(Waiting(), [HELD_ITS_STEP_BACK], WAITS, Record(), id="nor if its code is back"),
        pytest.param(Waiting(), [HELD_TILL_NOW], WAITS, Resume(HELD_TILL_NOW), id="what was held is given"),
        pytest.param(Waiting(), [CALLED_OFF], WAITS, Record(), id="a cancelled request resumes nothing"),
        pytest.param(Waiting(), [OPEN], WAITS, Record(), id="an open request resumes nothing"),
        pytest.param(Running(), [DUE], DONE, Record(), id="an answer that got through is recorded"),
        pytest.param(Running(), [DUE], STOPPED, Proceed(), id="a thread that stopped past its answer goes on"),
        pytest.param(Running(), [], STOPPED, Proceed(), id="a thread that stopped goes on"),
        pytest.param(Running(), [], RAISED, Proceed(), id="a run that died while failing is tried once more"),
        pytest.param(Starting(), [], RAISED, Proceed(), id="a retry runs the failed node again"),
        pytest.param(Running(), [PUT_OFF], RAISED, Record(), id="a failed answer waits for its time"),
        pytest.param(FAILED, [], RAISED, Record(), id="a failed task waits for a person"),
        pytest.param(Running(), [], DONE, Record(), id="an ended thread is recorded"),
        pytest.param(Running(), [DUE], BROKEN, Record(), id="a broken thread is recorded"),
    ],
)
def test_the_next_move(state: TaskState, requests: Sequence[Request], status: ThreadStatus, move: Move) -> None:
    assert next_move(a_task(state), requests, status, MORNING) == move


def test_one_answer_at_a_time_in_the_order_of_the_requests() -> None:
    second = replace(DUE, id=RequestId("r2"), interrupt_id=SECOND)
    both = ThreadStatus(phase=Phase.WAITING, asked=(*ASKED, Asked(interrupt_id=SECOND, question=question())))

    assert next_move(a_task(Waiting()), [DUE, second], both, MORNING) == Resume(DUE)
    assert next_move(a_task(Waiting()), [PUT_OFF, second], both, MORNING) == Resume(second)


@pytest.mark.parametrize("requests", [(), (DUE,), (OPEN,)], ids=["nothing asked", "decided", "asked"])
def test_while_a_run_is_under_way_elsewhere_nothing_is_done(requests: tuple[Request, ...]) -> None:
    busy = ThreadStatus(phase=Phase.BUSY)

    assert next_move(a_task(Running()), requests, busy, MORNING) == Await()
