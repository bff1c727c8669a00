"""What the Redis store promises beyond the port: how a change finds its place at the end of the audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from redis import Redis

from bot.approvals.model.audit import GENESIS
from bot.approvals.model.errors import Conflict, Unreachable
from bot.approvals.model.facts import Recorded
from bot.approvals.model.task import Running
from bot.approvals.services.audit.proof import Intact, verify
from bot.storage.redis.database import Database
from bot.storage.redis.store import PREFIX, RedisStorage, client
from tests.support.builders import a_task, an_event
from tests.support.redis_server import RedisServer

AT_ONCE = timedelta(0)
RESERVATION = f"{PREFIX}reservation"


@pytest.fixture
def server(redis_server: RedisServer) -> Iterator[Redis]:
    """A server that nobody else uses, so that commands can be counted."""
    redis_server.start()
    with Redis.from_url(redis_server.url, decode_responses=True) as redis:
        yield redis


@pytest.fixture
async def handles(server: Redis, redis_server: RedisServer) -> AsyncIterator[list[RedisStorage]]:
    """Three processes' handles to one store. The last one never waits for its turn."""
    async with AsyncExitStack() as stack:
        opened = [
            RedisStorage(client(redis_server.url)),
            RedisStorage(client(redis_server.url)),
            RedisStorage(client(redis_server.url), max_wait=AT_ONCE),
        ]
        for handle in opened:
            stack.push_async_callback(handle.close)
        yield opened


def commits(server: Redis) -> int:
    """How many scripts were run since the count was last taken."""
    calls = server.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0)
    server.config_resetstat()
    return int(calls)


async def test_a_change_is_one_round_trip_if_nobody_else_has_written(
    server: Redis, handles: list[RedisStorage]
) -> None:
    storage, _, _ = handles
    task = a_task()
    await storage.create_task(task, an_event("started", task))
    commits(server)

    for number in range(5):
        await storage.record(an_event(str(number), task))

    assert commits(server) == 5


async def test_a_change_whose_head_has_moved_is_made_at_the_second_try(
    server: Redis, handles: list[RedisStorage]
) -> None:
    one, another, _ = handles
    task = a_task()
    await one.create_task(task, an_event("started", task))
    await another.record(an_event("seen", task))
    await another.record(an_event("seen", task))
    commits(server)

    saved = await one.save_task(replace(task, state=Running()), an_event("running", task))

    assert commits(server) == 2
    assert await one.task(task.id) == saved
    assert isinstance(await verify(one), Intact)


async def test_a_conflict_is_known_at_the_first_try_whatever_the_head(
    server: Redis, handles: list[RedisStorage]
) -> None:
    one, another, _ = handles
    task = a_task()
    await one.create_task(task, an_event("started", task))
    await another.save_task(task, an_event("saved", task))
    commits(server)

    with pytest.raises(Conflict):
        await one.save_task(task, an_event("late", task))

    assert commits(server) == 1


async def test_the_log_is_reserved_for_a_change_that_was_overtaken(server: Redis, handles: list[RedisStorage]) -> None:
    one, _, hasty = handles
    await one.record(an_event("first", a_task()))

    with pytest.raises(Unreachable):
        await hasty.record(an_event("overtaken", a_task()))

    assert server.get(RESERVATION) is not None
    assert server.pttl(RESERVATION) in range(1, 251)


async def test_while_the_log_is_reserved_for_one_change_no_other_is_made(
    server: Redis, handles: list[RedisStorage]
) -> None:
    _, _, hasty = handles
    task = a_task()
    await hasty.record(an_event("first", task))
    server.set(RESERVATION, "another change")

    with pytest.raises(Unreachable):
        await hasty.record(an_event("in between", task))
    server.delete(RESERVATION)
    await hasty.record(an_event("afterwards", task))

    assert [event.kind for event in await hasty.history(task.id)] == ["first", "afterwards"]


async def test_a_reservation_ends_with_its_change(server: Redis, handles: list[RedisStorage]) -> None:
    one, another, _ = handles
    await one.record(an_event("first", a_task()))

    await another.record(an_event("at the second try", a_task()))

    assert server.get(RESERVATION) is None


async def test_a_change_that_never_gets_its_turn_is_unreachable_and_nothing_is_changed(
    handles: list[RedisStorage],
) -> None:
    one, _, hasty = handles
    task = a_task()
    await one.create_task(task, an_event("started", task))

    with pytest.raises(Unreachable, match="audit log"):
        await hasty.save_task(replace(task, state=Running()), an_event("running", task))

    assert await one.task(task.id) == task
    assert [event.kind for event in await one.history(task.id)] == ["started"]


async def test_several_events_of_one_change_are_linked_one_after_the_other(
    handles: list[RedisStorage], redis_server: RedisServer
) -> None:
    one, _, _ = handles
    task, other = a_task(), a_task("other")
    async with client(redis_server.url) as redis:
        db = Database(redis, PREFIX, timedelta(seconds=2))

        assert await db.change(
            [], events=[Recorded(entry=an_event("first", task)), Recorded(entry=an_event("second", other))]
        )

    assert [entry.task_id for entry in await one.trail(0, 9)] == [task.id, other.id]
    proof = await verify(one)
    assert isinstance(proof, Intact)
    assert proof.entries == 2


async def test_nothing_is_added_to_a_log_whose_last_entry_was_altered(
    server: Redis, handles: list[RedisStorage]
) -> None:
    one, _, _ = handles
    task = a_task()
    await one.create_task(task, an_event("started", task))
    server.lset(f"{PREFIX}chain", 0, f"{GENESIS} {'x' * 64} 0 {task.id}")

    with pytest.raises(Unreachable):
        await one.save_task(replace(task, state=Running()), an_event("running", task))

    assert await one.task(task.id) == task
    assert [event.kind for event in await one.history(task.id)] == ["started"]
