"""What only Redis can do wrong: leave keys, expire, be down, come back, or lack its modules."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from redis.asyncio import Redis
from typing_extensions import TypedDict

from bot.approvals.model.errors import SettingsError, Unreachable
from bot.engines.langgraph.checkpoints import lost
from bot.engines.langgraph.checkpoints.redis import redis_saver
from tests.checkpoints.savers import Leases, Saver
from tests.support.redis_server import RedisServer


class State(TypedDict, total=False):
    answer: Any


def asking(saver: Saver | None) -> Any:
    """A graph that asks in a subgraph."""
    inner = StateGraph(State)
    inner.add_node("ask", lambda _: {"answer": interrupt("Pay?")})
    inner.add_edge(START, "ask")
    builder = StateGraph(State)
    builder.add_node("inner", inner.compile())
    builder.add_edge(START, "inner")
    return builder.compile(checkpointer=saver)


async def keys(url: str, pattern: str) -> list[str]:
    async with Redis.from_url(url, decode_responses=True) as redis:
        return [key async for key in redis.scan_iter(match=pattern, count=1000)]


async def test_a_deleted_thread_leaves_no_key(redis_url: str, redis_prefix: str) -> None:
    leases, deleted, kept = Leases(), str(uuid.uuid4()), str(uuid.uuid4())
    async with redis_saver(redis_url, leases.fence, redis_prefix) as saver:
        for thread_id in (deleted, kept):
            config = leases.take(thread_id)
            await asking(saver).ainvoke({}, config, durability="sync")
            (asked,) = (await asking(saver).aget_state(config)).interrupts
            await asking(saver).ainvoke(Command(resume={asked.id: 1}), config, durability="sync")
        before = await keys(redis_url, f"*{deleted}*")

        await saver.adelete_thread(deleted)

        assert before
        assert await keys(redis_url, f"*{deleted}*") == []
        assert await keys(redis_url, f"*{kept}*")


async def test_nothing_that_waits_expires(redis_url: str, redis_prefix: str) -> None:
    leases, thread_id = Leases(), str(uuid.uuid4())
    async with redis_saver(redis_url, leases.fence, redis_prefix) as saver:
        await asking(saver).ainvoke({}, leases.take(thread_id), durability="sync")
    waiting = await keys(redis_url, f"*{thread_id}*")

    async with Redis.from_url(redis_url) as redis:
        expiries = {await redis.ttl(key) for key in waiting}

    assert expiries == {-1}


async def test_a_server_that_was_killed_comes_back_under_the_same_saver(redis_server: RedisServer) -> None:
    redis_server.start()
    leases, thread_id = Leases(), str(uuid.uuid4())
    config = leases.take(thread_id)
    async with redis_saver(redis_server.url, leases.fence) as saver:
        await asking(saver).ainvoke({}, config, durability="sync")

        redis_server.kill()
        with pytest.raises(Unreachable), lost():
            await asking(saver).aget_state(config)
        with pytest.raises(Unreachable), lost():
            await saver.adelete_thread(thread_id)
        redis_server.start()

        (asked,) = (await asking(saver).aget_state(config)).interrupts
        await asking(saver).ainvoke(Command(resume={asked.id: "yes"}), config, durability="sync")
        assert (await asking(saver).aget_state(config)).values == {"answer": "yes"}
        await saver.adelete_thread(thread_id)
        assert await keys(redis_server.url, f"*{thread_id}*") == []


async def refusal(url: str) -> str:
    """The sentence with which a saver on that address is refused."""
    with pytest.raises(SettingsError) as refused:
        async with redis_saver(url, Leases().fence):
            pass
    return str(refused.value)


async def test_a_server_that_is_down_is_one_clear_sentence(redis_server: RedisServer) -> None:
    redis_server.start()
    address = redis_server.url.replace("redis://", "redis://somebody:secret@")
    redis_server.kill()

    said = await refusal(address)

    assert said.startswith(f"REDIS_URL, 127.0.0.1:{redis_server.port}: no Redis answers there (")
    assert "secret" not in said


async def test_a_server_without_its_modules_is_one_clear_sentence(redis_server: RedisServer) -> None:
    redis_server.modules = False
    redis_server.start()

    said = await refusal(redis_server.url)

    assert "this Redis has no search and JSON modules" in said
    assert "Redis 8 and Redis Stack have them." in said


async def test_a_wrong_password_is_one_clear_sentence(redis_server: RedisServer) -> None:
    redis_server.start()

    said = await refusal(redis_server.url.replace("redis://", "redis://somebody:secret@"))

    assert "refuses the name or password" in said
    assert "secret" not in said


async def test_a_database_that_has_no_indexes_is_one_clear_sentence(redis_server: RedisServer) -> None:
    redis_server.start()

    said = await refusal(redis_server.url.removesuffix("/0") + "/1")

    assert "this address names database 1, and Redis indexes only database 0" in said
