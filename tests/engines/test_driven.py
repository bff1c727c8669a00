"""The same delivery over every engine: whatever happens to a task, its records say the same in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.approvals.model.decision import Approve, Cancelled, Expired, ItemVerdict, Reject
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Delivered, Pending
from bot.approvals.model.task import Ended, TaskCancelled
from bot.approvals.model.token import Scope, Token
from bot.approvals.model.webhook import WebhookKind
from bot.approvals.ports.engine import Engine
from bot.approvals.ports.storage import Storage
from tests.engines.processes import HOUR, Process, kinds, records, told
from tests.engines.subjects import Subject
from tests.support.builders import NOON
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.fuse import Fuse, Killed

CHANGES = {f"after {call}" for call in ("save_all", "save_task", "save_request", "lease", "start", "resume")}
TOKEN = Token(name="shop", digest="0" * 64, scopes=frozenset(Scope), sources=("shop",), created_at=NOON)


@pytest.fixture
async def storage() -> AsyncIterator[Storage]:
    async with records() as storage:
        yield storage


@pytest.mark.parametrize("verdict", [Approve(), Reject()], ids=["yes", "no"])
async def test_a_decision_is_delivered_once(
    subject: Subject, engine: Engine, storage: Storage, verdict: ItemVerdict
) -> None:
    process, task = Process(storage=storage, engine=engine), subject.make("1")
    await process.record(task)
    await process.drive(task)
    asked = await process.request(task)

    await process.vote(task, verdict)
    await process.drive(task)
    once = await kinds(storage, task)
    await process.delivery.drive(task.id)

    assert isinstance(asked.state, Pending)
    request = await process.request(task)
    assert isinstance(request.state, Delivered)
    assert isinstance((await storage.task(task.id)).state, Ended)
    assert await kinds(storage, task) == once
    assert once.count("resume_begun") == once.count("delivered") == once.count("voted") == 1
    assert await told(storage, task) == ([] if subject.has_agent else [WebhookKind.DECIDED])
    assert len(subject.took) == int(subject.has_agent)


async def test_silence_is_delivered_too(subject: Subject, engine: Engine, storage: Storage) -> None:
    process, task = Process(storage=storage, engine=engine), subject.make("1")
    await process.record(task)
    await process.drive(task)

    process.clock.advance(2 * HOUR)
    await process.expiry.step((await process.request(task)).id, process.clock.now)
    await process.drive(task)

    request = await process.request(task)
    assert isinstance(request.state, Delivered)
    assert isinstance(request.decision, Expired)
    assert await told(storage, task) == ([] if subject.has_agent else [WebhookKind.EXPIRED])
    assert len(subject.took) == int(subject.has_agent)


async def test_a_cancelled_task_takes_no_answer(subject: Subject, engine: Engine, storage: Storage) -> None:
    process, task = Process(storage=storage, engine=engine), subject.make("1")
    await process.record(task)
    await process.drive(task)

    await process.calls.cancel_task(task.id, ("shop",), TOKEN, process.clock.now)
    await process.drive(task)

    request = await process.request(task)
    assert isinstance(request.state, Delivered)
    assert isinstance(request.decision, Cancelled)
    assert isinstance((await storage.task(task.id)).state, TaskCancelled)
    assert await told(storage, task) == ([] if subject.has_agent else [WebhookKind.CANCELLED])
    assert subject.took == []


@pytest.mark.heavy
async def test_whenever_its_process_dies_the_next_one_comes_to_the_same_end(subject: Subject) -> None:
    """It is killed after each call that changed something, in storage or in the engine."""
    moments = await live(subject, "0", Fuse())

    for kill_at, moment in enumerate(moments):
        if moment not in CHANGES:
            continue
        key, answers = f"{kill_at + 1}", len(subject.took)
        await live(subject, key, Fuse(kill_at=kill_at))

        assert len(subject.took) - answers == int(subject.has_agent), moment


async def live(subject: Subject, key: str, fuse: Fuse) -> list[str]:
    """One task from its start to its end, in processes of which the first one dies. Returns its moments."""
    task = subject.make(key)
    async with records() as storage, subject.open() as engine:
        clock = ManualClock(NOON)
        await Process(storage=storage, engine=engine).record(task)
        for each in (fuse, Fuse(), Fuse()):
            process = Process(storage=storage, engine=engine, clock=clock, fuse=each)
            try:
                await process.drive(task)
                request = next(iter(await storage.requests_of(task.id)), None)
                if request is not None and isinstance(request.state, Pending):
                    await process.vote(task, Approve())
                await process.drive(task)
            except Killed:
                pass
            clock.advance(timedelta(minutes=2))  # past the lease and the first wait
        request = await process.request(task)
        events = await kinds(storage, task)
        assert isinstance(request.state, Delivered), (fuse.moments[-1:], request.state)
        assert isinstance((await storage.task(task.id)).state, Ended), fuse.moments[-1:]
        assert events.count("opened") == events.count("voted") == events.count("delivered") == 1, events
        assert len(await told(storage, task)) == int(not subject.has_agent), events
        outcomes = [each for each in await storage.messages_of(task.id) if each.kind is MessageKind.OUTCOME]
        assert len(outcomes) == int(subject.has_agent)
    return list(fuse.moments)
