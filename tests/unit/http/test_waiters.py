"""How waiting calls are woken, and what that asks of storage."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import TaskId
from bot.http.waiting import MAX_AT_ONCE, Waiters

T1 = TaskId("t1")


@dataclass
class Records:
    """Revisions as storage has them."""

    revisions: dict[TaskId, int]
    looks: int = 0
    down: bool = False
    most: int = 0

    async def read(self, ids: Collection[TaskId]) -> Mapping[TaskId, int]:
        self.looks += 1
        self.most = max(self.most, len(ids))
        if self.down:
            raise Unreachable("the store is away")
        return {id: self.revisions[id] for id in ids if id in self.revisions}

    async def of(self, id: TaskId) -> int:
        return self.revisions.get(id, -1)


def until(waiters: Waiters, records: Records, id: TaskId, over: int, seconds: float = 60) -> asyncio.Task[int]:
    return asyncio.create_task(
        waiters.until(id, lambda: records.of(id), lambda found: found >= over, lambda found: found, seconds)
    )


async def begun(waiters: Waiters, number: int = 1) -> None:
    while len(waiters) < number:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_change_that_is_not_the_one_does_not_end_a_wait() -> None:
    records = Records({T1: 0})
    waiters = Waiters(records.read)
    call = until(waiters, records, T1, over=2)
    await begun(waiters)

    for revision in (1, 2):
        records.revisions[T1] = revision
        waiters.changed(T1)
        await asyncio.sleep(0)

    assert await call == 2
    assert records.looks == 0
    assert len(waiters) == 0


async def test_a_change_while_it_is_read_is_not_missed() -> None:
    records = Records({T1: 0})
    waiters = Waiters(records.read)
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def read() -> int:
        found = await records.of(T1)
        reading.set()
        await go_on.wait()
        return found

    call = asyncio.create_task(waiters.until(T1, read, lambda found: found >= 1, lambda found: found, 60))
    await reading.wait()
    records.revisions[T1] = 1
    waiters.changed(T1)
    go_on.set()

    assert await call == 1


async def test_a_look_wakes_those_alone_whose_task_has_changed() -> None:
    ids = [TaskId(f"t{number}") for number in range(2 * MAX_AT_ONCE + 1)]
    records = Records(dict.fromkeys(ids, 0))
    waiters = Waiters(records.read)
    calls = [until(waiters, records, id, over=1) for id in ids]
    await begun(waiters, len(ids))

    records.revisions[ids[7]] = 1
    await waiters.look()
    done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)

    assert (len(done), records.looks, records.most) == (1, 3, MAX_AT_ONCE)
    waiters.drain()
    assert {await call for call in waiting} == {0}


async def test_a_task_that_is_gone_is_read_again() -> None:
    records = Records({T1: 0})
    waiters = Waiters(records.read)
    call = until(waiters, records, T1, over=0)
    assert await call == 0

    call = asyncio.create_task(
        waiters.until(T1, lambda: records.of(T1), lambda found: found < 0, lambda found: found, 60)
    )
    await begun(waiters)
    del records.revisions[T1]
    await waiters.look()

    assert await call == -1


async def test_storage_is_asked_only_as_long_as_anybody_waits_and_may_be_away() -> None:
    records = Records({T1: 0}, down=True)
    waiters = Waiters(records.read, look_seconds=0.001)

    async with waiters.looking():
        await asyncio.sleep(0.01)
        assert records.looks == 0
        call = until(waiters, records, T1, over=1)
        while records.looks < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        records.down = False
        records.revisions[T1] = 1
        assert await call == 1
        looks = records.looks
        await asyncio.sleep(0.01)

    assert records.looks <= looks + 1


async def test_nobody_waits_during_a_shutdown() -> None:
    records = Records({T1: 0})
    waiters = Waiters(records.read)
    before = until(waiters, records, T1, over=1)
    await begun(waiters)

    waiters.drain()
    after = until(waiters, records, T1, over=1)

    assert (await before, await after) == (0, 0)
