"""What `Engine` promises, on every engine: it asks, takes an answer by id and once, and tells how it stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.model.agent import Asked, Phase
from bot.approvals.model.decision import Answered, Approve, Expired, ItemVerdict, Reject
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON, InterruptId
from bot.approvals.model.question import with_arguments
from bot.approvals.model.request import Decided, Pending, Request, Superseded
from bot.approvals.model.task import Lease, Starting, Task
from bot.approvals.ports.engine import Engine
from bot.approvals.rules import lifecycle
from bot.approvals.rules.next_action import Record, Resume, next_move
from tests.engines.subjects import ACTION, Subject
from tests.support.builders import MINUTE, NOON, a_request

LATER = NOON + MINUTE


def lease_of(task: Task) -> Lease:
    return Lease(thread_id=task.thread_id, token=1, until=LATER)


def begun(task: Task) -> Task:
    """The task as it is stored when its run begins."""
    return replace(task, state=Starting(), tries=1, revision=1)


async def started(engine: Engine, task: Task) -> Request:
    """The open request of a task that was started."""
    status = await engine.start(begun(task), lease_of(task), NOON)
    (asked,) = status.asked
    return opened(task, asked)


def opened(task: Task, asked: Asked) -> Request:
    return a_request(
        task=task,
        question=asked.question,
        interrupt_id=asked.interrupt_id,
        fingerprint=asked.fingerprint,
        place=asked.place,
        state=Pending(due_at=None),
    )


def answered(request: Request, verdict: ItemVerdict | None) -> Request:
    """The request with the decision of people, or expired if there is no verdict."""
    decision = Answered(verdicts=(verdict,), voters=(), edited=False, at=NOON) if verdict else Expired(at=NOON)
    return replace(request, state=Decided(decision=decision, next_try=NOON))


def value_of(engine: Engine, request: Request) -> JSON:
    assert request.decision is not None
    return engine.answer(request.question, request.proposed, request.decision)


async def test_a_task_that_nobody_has_begun_has_no_thread(subject: Subject, engine: Engine) -> None:
    status = await engine.status(subject.make("1"))

    assert (status.phase, status.asked) == (Phase.LOST, ())


async def test_a_started_task_waits_with_its_question(subject: Subject, engine: Engine) -> None:
    task = subject.make("1")

    status = await engine.start(begun(task), lease_of(task), NOON)

    assert (status.phase, status.failure, status.answered) == (Phase.WAITING, None, frozenset())
    (asked,) = status.asked
    assert [item.name for item in asked.question.items] == [ACTION]
    assert asked.fingerprint is not None


async def test_another_process_reads_the_same_question(subject: Subject, engine: Engine) -> None:
    task = subject.make("1")
    request = await started(engine, task)

    async with subject.open() as other:
        status = await other.status(begun(task), [request])

    asked = status.asked_at(request.interrupt_id)
    assert asked is not None
    assert request.is_asked_by(asked.question, asked.fingerprint)
    assert asked.question.digest == request.question.digest


async def test_a_look_changes_nothing(subject: Subject, engine: Engine) -> None:
    task = subject.make("1")
    request = await started(engine, task)

    looks = [await engine.status(begun(task), [request]) for _ in range(3)]

    assert [look.phase for look in looks] == [Phase.WAITING] * 3


async def test_tasks_know_nothing_of_each_other(subject: Subject, engine: Engine) -> None:
    one, other = subject.make("1"), subject.make("2")
    request = await started(engine, one)

    assert (await engine.status(other)).phase is Phase.LOST
    assert (await engine.status(begun(one), [request])).is_open(request.interrupt_id)


async def test_an_answer_by_id_ends_the_wait(subject: Subject, engine: Engine) -> None:
    task = subject.make("1")
    request = answered(await started(engine, task), Approve())
    answer = value_of(engine, request)

    status = await engine.resume(begun(task), lease_of(task), request.interrupt_id, answer, NOON, [request])

    assert (status.phase, status.failure, status.refused) == (Phase.DONE, None, "")
    assert (await engine.status(begun(task), [lifecycle.attempted(request)])).phase is Phase.DONE
    assert subject.took == ([answer] if subject.has_agent else [])


async def test_the_same_answer_again_is_taken_by_nobody(subject: Subject, engine: Engine) -> None:
    task = subject.make("1")
    request = answered(await started(engine, task), Approve())
    answer = value_of(engine, request)
    await engine.resume(begun(task), lease_of(task), request.interrupt_id, answer, NOON, [request])

    status = await engine.resume(
        begun(task), lease_of(task), request.interrupt_id, answer, NOON, [lifecycle.attempted(request)]
    )

    assert (status.phase, status.failure) == (Phase.DONE, None)
    assert len(subject.took) == int(subject.has_agent)


async def test_an_answer_to_something_else_is_not_taken(subject: Subject, engine: Engine) -> None:
    task = subject.make("1")
    request = await started(engine, task)

    status = await engine.resume(begun(task), lease_of(task), InterruptId("another"), True, NOON, [request])

    assert status.phase is Phase.WAITING
    assert status.is_open(request.interrupt_id)
    assert subject.took == []


async def test_going_on_without_an_answer_asks_still(subject: Subject, engine: Engine) -> None:
    task = subject.make("1")
    request = await started(engine, task)

    status = await engine.proceed(begun(task), lease_of(task), NOON, [request])

    assert status.is_open(request.interrupt_id)
    assert subject.took == []


@pytest.mark.parametrize("verdict", [Approve(), Reject(reason="no"), None], ids=["yes", "no", "silence"])
async def test_a_process_that_dies_after_the_intent_leaves_what_the_next_one_ends(
    subject: Subject, engine: Engine, verdict: ItemVerdict | None
) -> None:
    """The intent to resume is stored, and nothing came of it. The next process resumes, or finds that no more is to be
    done: each agent gets its answer once."""
    task = subject.make("1")
    request = lifecycle.attempted(answered(await started(engine, task), verdict))

    async with subject.open() as other:
        status = await other.status(begun(task), [request])
        move = next_move(begun(task), [request], status, LATER)
        if isinstance(move, Resume):
            answer = value_of(other, request)
            status = await other.resume(begun(task), lease_of(task), request.interrupt_id, answer, LATER, [request])

    assert isinstance(move, Resume) is subject.has_agent
    assert status.phase is Phase.DONE
    assert isinstance(next_move(begun(task), [request], status, LATER), Record)
    assert len(subject.took) == int(subject.has_agent)


async def test_a_no_and_silence_have_values_that_are_no_consent(subject: Subject, engine: Engine) -> None:
    """What the agent or the caller gets does not look like the value for a yes."""
    request = await started(engine, subject.make("1"))

    yes, no, silence = (value_of(engine, answered(request, each)) for each in (Approve(), Reject(), None))

    assert "approve" in str(yes)
    assert "approve" not in str(no)
    assert "approve" not in str(silence)


async def test_an_edit_has_to_fit_the_schema_that_came_with_the_question(subject: Subject, engine: Engine) -> None:
    request = await started(engine, subject.make("1"))

    engine.check_edit(with_arguments(request.question, 0, {"order": "o-1", "amount": 20}), 0)
    with pytest.raises(InvalidAnswer):
        engine.check_edit(with_arguments(request.question, 0, {"order": "o-1", "amount": "much"}), 0)


async def test_an_edit_reaches_the_one_that_asked(subject: Subject, engine: Engine) -> None:
    request = await started(engine, subject.make("1"))
    edited = replace(request, question=with_arguments(request.question, 0, {"order": "o-1", "amount": 20}))

    answer = value_of(engine, answered(edited, Approve()))

    assert "20" in str(answer)
    assert "40" not in str(answer)


async def test_a_task_that_is_forgotten_is_forgotten_once(subject: Subject, engine: Engine) -> None:
    """A thread on a server is the server's, and stays."""
    task = subject.make("1")
    request = replace(await started(engine, task), state=Superseded(at=NOON, stopped=True))

    await engine.forget(task)
    await engine.forget(task)

    kept = (await engine.status(begun(task), [request])).asked
    assert [asked.interrupt_id for asked in kept] == ([] if subject.forgets else [request.interrupt_id])
