"""What an agent has done can be undone for a while, over every engine: from what it says to what it gets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.approvals.model.agent import Phase
from bot.approvals.model.decision import Answered, ItemVerdict, Keep, Outcome, Undo, WindowClosed, outcome_of
from bot.approvals.model.errors import AlreadySettled
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Delivered, Pending
from bot.approvals.model.task import Ended, Task
from bot.approvals.model.webhook import WebhookKind
from bot.approvals.ports.storage import Storage
from tests.engines.processes import CHANGES, Process, kinds, records, told
from tests.engines.subjects import DONE, Subject
from tests.engines.test_port import begun, lease_of
from tests.support.builders import NOON
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.fuse import Fuse, Killed

TEN_MINUTES = timedelta(minutes=10)


def is_undo(value: Any) -> bool:
    """Whether an agent that got this has its way back, and a key."""
    assert isinstance(DONE, dict)
    return (
        isinstance(value, Mapping) and value["type"] == "undo" and value["undo"] == DONE["undo"] and value["key"] != ""
    )


def a_clock() -> ManualClock:
    """Shows the time, because LangGraph notes by itself when a step was made."""
    return ManualClock(datetime.now(UTC))


async def offered(process: Process, task: Task) -> None:
    """The task, until its offer is open."""
    await process.record(task)
    await process.drive(task)
    assert isinstance((await process.request(task)).state, Pending)


async def test_an_offer_is_read_the_same_by_every_process(acting: Subject) -> None:
    task = acting.make("1")
    async with acting.open() as engine:
        (first,) = (await engine.start(begun(task), lease_of(task), NOON)).asked

    async with acting.open() as other:
        status = await other.status(begun(task))

    for asked in (first, *status.asked):
        assert asked.question.window is not None
        assert (asked.question.window.length, asked.question.window.how) == (TEN_MINUTES, "Takes it back")
        assert asked.question.items[0].verdicts == (Verdict.UNDO, Verdict.KEEP)
        assert asked.question.digest == first.question.digest
    assert status.phase in (Phase.WAITING, Phase.LOST)  # a caller's thread begins with its request


@pytest.mark.parametrize(
    ("verdict", "outcome", "webhook"),
    [(Undo(), Outcome.UNDO, WebhookKind.UNDO_REQUESTED), (Keep(), Outcome.KEEP, WebhookKind.DECIDED)],
)
async def test_what_people_want_is_delivered_once(
    acting: Subject, storage: Storage, verdict: ItemVerdict, outcome: Outcome, webhook: WebhookKind
) -> None:
    async with acting.open() as engine:
        process, task = Process(storage=storage, engine=engine, clock=a_clock()), acting.make("1")
        await offered(process, task)

        await process.vote(task, verdict)
        await process.drive(task)
        await process.delivery.drive(task.id)

        request = await process.request(task)
    assert isinstance(request.state, Delivered)
    assert outcome_of(request.state.decision) == outcome
    assert isinstance((await storage.task(task.id)).state, Ended)
    assert (await kinds(storage, task)).count("delivered") == 1
    assert await told(storage, task) == ([] if acting.has_agent else [webhook])
    assert [is_undo(each) for each in acting.took] == [outcome is Outcome.UNDO] * acting.has_agent


async def test_if_nobody_answers_the_result_stays_and_later_it_is_too_late(acting: Subject, storage: Storage) -> None:
    async with acting.open() as engine:
        process, task = Process(storage=storage, engine=engine, clock=a_clock()), acting.make("1")
        await offered(process, task)

        process.clock.advance(TEN_MINUTES)
        with pytest.raises(AlreadySettled):
            await process.vote(task, Undo())
        await process.drive(task)

        request = await process.request(task)
    assert isinstance(request.state, Delivered)
    assert isinstance(request.decision, WindowClosed)
    assert acting.took == [{"type": "keep"}] * acting.has_agent


@pytest.mark.heavy
@pytest.mark.parametrize("verdict", [Undo(), Keep(), None], ids=["undo", "keep", "silence"])
async def test_whenever_its_process_dies_the_agent_gets_one_value(acting: Subject, verdict: ItemVerdict | None) -> None:
    """It is killed after each call that changed something, in storage or in the engine."""
    moments = await live(acting, "0", Fuse(), verdict)

    for kill_at, moment in enumerate(moments):
        if moment in CHANGES:
            before = len(acting.took)
            await live(acting, f"{kill_at + 1}", Fuse(kill_at=kill_at), verdict)

            taken = acting.took[before:]
            assert [is_undo(each) for each in taken] == [isinstance(verdict, Undo)] * acting.has_agent, moment


async def live(acting: Subject, key: str, fuse: Fuse, verdict: ItemVerdict | None) -> list[str]:
    """One task from its start to its end, in processes of which the first one dies. Returns its moments."""
    task = acting.make(key)
    async with records() as storage, acting.open() as engine:
        clock = a_clock()
        await Process(storage=storage, engine=engine).record(task)
        for each in (fuse, Fuse(), Fuse()):
            process = Process(storage=storage, engine=engine, clock=clock, fuse=each)
            try:
                await process.drive(task)
                request = next(iter(await storage.requests_of(task.id)), None)
                if request is not None and isinstance(request.state, Pending):
                    if verdict is not None:
                        await process.vote(task, verdict)
                    else:
                        clock.advance(TEN_MINUTES)
                        await process.expiry.step(request.id, clock.now)
                await process.drive(task)
            except Killed:
                pass
            clock.advance(timedelta(minutes=2))  # past the lease and the first wait
        request = await process.request(task)
        assert isinstance(request.state, Delivered), (fuse.moments[-1:], request.state)
        assert isinstance(request.decision, Answered if verdict is not None else WindowClosed)
        assert isinstance((await storage.task(task.id)).state, Ended), fuse.moments[-1:]
        assert (await kinds(storage, task)).count("opened") == 1
        assert len(await told(storage, task)) == int(not acting.has_agent)
    return list(fuse.moments)
