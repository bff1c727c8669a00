"""Hints between processes that share a Redis: each comes to one of those who listen, or is lost without a word."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from bot.storage.redis import hints as module
from bot.storage.redis.connection import PREFIX, patient
from bot.storage.redis.hints import RedisHints
from bot.storage.redis.store import client
from tests.support.redis_server import RedisServer

PATIENCE = 30.0


@pytest.fixture
async def name(redis_url: str) -> AsyncIterator[str]:
    """A name that nobody else listens as."""
    made = f"worker-{secrets.token_hex(4)}"
    yield made
    async with client(redis_url) as redis:
        await redis.delete(f"{PREFIX}hints:{made}", f"{PREFIX}hints:{made}:own")


@asynccontextmanager
async def process(url: str) -> AsyncIterator[RedisHints]:
    """The hints of one process, which sends."""
    redis = patient(url)
    try:
        hints = RedisHints(redis)
        async with hints.sending():
            yield hints
    finally:
        await redis.aclose()


async def test_exactly_one_of_those_who_listen_takes_each_hint(redis_url: str, name: str) -> None:
    found: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
    async with AsyncExitStack() as stack:
        sender = await stack.enter_async_context(process(redis_url))
        for each in range(3):
            taker = await stack.enter_async_context(process(redis_url))
            taken = lambda hint, each=each: found.put_nowait((hint["number"], each))  # noqa: E731
            await stack.enter_async_context(taker.listening([name], taken))

        for number in range(30):
            sender.send(name, number=number)

        async with asyncio.timeout(PATIENCE):
            numbers = [(await found.get())[0] for _ in range(30)]
        assert sorted(numbers) == list(range(30))
    assert found.empty()


async def test_what_is_for_a_process_itself_comes_before_what_is_for_any(redis_url: str, name: str) -> None:
    found: asyncio.Queue[object] = asyncio.Queue()
    async with process(redis_url) as hints:
        hints.send(name, show="for any")
        hints.send(f"{name}:own", show="for this one")
    async with process(redis_url) as hints, hints.listening([f"{name}:own", name], found.put_nowait):
        async with asyncio.timeout(PATIENCE):
            assert [await found.get(), await found.get()] == [{"show": "for this one"}, {"show": "for any"}]


async def test_what_was_sent_last_before_the_end_arrives(redis_url: str, name: str) -> None:
    """A worker that ends says what it has done."""
    async with process(redis_url) as hints:
        hints.send(name, show="t1")

    async with client(redis_url) as redis:
        assert await redis.llen(f"{PREFIX}hints:{name}") == 1


async def test_hints_that_nobody_takes_are_few_and_forgotten_in_time(
    redis_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 5)
    async with process(redis_url) as hints:
        for number in range(8):
            hints.send(name, number=number)

    async with client(redis_url) as redis:
        key = f"{PREFIX}hints:{name}"
        kept = await redis.lrange(key, 0, -1)
        assert [json.loads(each)["number"] for each in kept] == [3, 4, 5, 6, 7]
        assert 0 < await redis.ttl(key) <= module.KEPT_SECONDS


async def test_what_is_no_hint_is_passed_over(redis_url: str, name: str) -> None:
    found: asyncio.Queue[object] = asyncio.Queue()
    async with client(redis_url) as redis:
        await redis.rpush(f"{PREFIX}hints:{name}", "no JSON")
    async with process(redis_url) as hints, hints.listening([name], found.put_nowait):
        hints.send(name, show="t1")

        async with asyncio.timeout(PATIENCE):
            assert await found.get() == {"show": "t1"}


async def test_while_redis_is_away_hints_are_lost_without_a_word_and_afterwards_they_come(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    redis_server.start()
    found: asyncio.Queue[object] = asyncio.Queue()
    async with process(redis_server.url) as hints, hints.listening(["worker"], found.put_nowait):
        hints.send("worker", show="before")
        async with asyncio.timeout(PATIENCE):
            assert await found.get() == {"show": "before"}
        redis_server.kill()
        hints.send("worker", show="lost")

        redis_server.start()
        async with asyncio.timeout(PATIENCE):
            while found.empty():
                hints.send("worker", show="after")
                await asyncio.sleep(0.05)
        said = await found.get()
    assert said in ({"show": "after"}, {"show": "lost"})
