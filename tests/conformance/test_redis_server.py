"""What is found of a Redis server, on real ones that are as they should not be; and the clock that comes from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from bot.approvals.model.errors import SettingsError
from bot.storage.redis.server import Findings, RedisClock, examine, refuse_unfit
from bot.storage.redis.store import client
from bot.stores import VERSION
from tests.support.redis_server import RedisServer


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    """A client of this test's own server, which is started."""
    redis_server.start()
    async with client(redis_server.url) as redis:
        yield redis


async def looked(url: str) -> Findings:
    async with client(url) as redis:
        return await examine(redis, VERSION)


async def test_a_server_as_it_should_be_has_nothing_wrong(redis: Redis, redis_server: RedisServer) -> None:
    found = await examine(redis, VERSION)

    assert (found.fatal, found.risky) == ((), ())
    version = ".".join(map(str, redis_server.program.version))
    expected = {f"{redis_server.program.kind} {version}", "database 0", "search and JSON modules"}
    assert {*found.good} == expected | {"append-only file on", "noeviction"}


async def test_a_look_changes_nothing(redis: Redis) -> None:
    await examine(redis, VERSION)

    assert await redis.dbsize() == 0


async def test_a_server_without_the_modules_cannot_be_used(redis_server: RedisServer) -> None:
    redis_server.modules = False
    redis_server.start()

    (said,) = (await looked(redis_server.url)).fatal

    assert "lacks the search and the JSON module" in said
    assert "redis:8" in said


async def test_a_server_that_keeps_no_append_only_file_is_a_risk(redis: Redis) -> None:
    await redis.config_set("appendonly", "no")

    found = await examine(redis, VERSION)

    (said,) = found.risky
    assert "appendonly yes" in said
    assert found.fatal == ()


async def test_a_server_that_evicts_keys_is_a_risk(redis: Redis) -> None:
    await redis.config_set("maxmemory-policy", "allkeys-lru")

    (said,) = (await examine(redis, VERSION)).risky

    assert "allkeys-lru" in said
    assert "Set maxmemory-policy noeviction" in said


@pytest.mark.parametrize("number", [1, 99], ids=["a database", "one that does not exist"])
async def test_another_database_than_the_first_cannot_be_used(
    redis: Redis, redis_server: RedisServer, number: int
) -> None:
    (said,) = (await looked(redis_server.url.replace("/0", f"/{number}"))).fatal

    assert f"names database {number}" in said
    assert "/0" in said


@pytest.mark.parametrize("given", ["", "ann:s3cret@"], ids=["none is given", "a wrong one is given"])
async def test_a_password_that_is_refused_is_said_and_never_shown(
    redis: Redis, redis_server: RedisServer, given: str
) -> None:
    await redis.config_set("requirepass", "right")

    (said,) = (await looked(redis_server.url.replace("redis://", f"redis://{given}"))).fatal

    assert "refuses the user or password" in said
    assert "s3cret" not in said


async def test_a_user_who_may_not_look_is_told_what_is_not_allowed(redis: Redis, redis_server: RedisServer) -> None:
    await redis.execute_command("ACL", "SETUSER", "ann", "on", ">pass", "~*", "+@all", "-info")  # type: ignore[no-untyped-call]

    (said,) = (await looked(redis_server.url.replace("redis://", "redis://ann:pass@"))).fatal

    assert "does not let this user look at it" in said
    assert "info" in said


async def test_a_server_that_is_down_is_said_to_be_with_its_address(redis_server: RedisServer) -> None:
    redis_server.start()
    redis_server.kill()

    (said,) = (await looked(redis_server.url)).fatal

    assert f"no Redis answers at 127.0.0.1:{redis_server.port}" in said
    assert "Start it" in said


async def test_a_server_that_hangs_is_said_to_be_silent(redis: Redis, redis_server: RedisServer) -> None:
    redis_server.pause()
    try:
        (said,) = (await looked(redis_server.url)).fatal
    finally:
        redis_server.go_on()

    assert "no Redis answers" in said


class Aged(Redis):
    """A client whose server says that it is of this version."""

    def __init__(self, said: dict[str, str], **keywords: Any) -> None:
        super().__init__(**keywords)
        self.said = said

    async def info(self, *_: Any, **__: Any) -> dict[str, Any]:
        own: dict[str, Any] = await super().info()
        return {name: value for name, value in own.items() if not name.endswith("_version")} | self.said


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ({"redis_version": "6.2.14"}, False),
        ({"redis_version": "7.1.9"}, False),
        ({"redis_version": "7.2.0"}, True),
        ({"redis_version": "8.10.1"}, True),
        ({"redis_version": "7.2.4", "valkey_version": "7.2.9"}, False),
        ({"redis_version": "7.2.4", "valkey_version": "8.0.1"}, True),
    ],
    ids=lambda value: "/".join(value.values()) if isinstance(value, dict) else "",
)
async def test_a_server_that_is_too_old_cannot_be_used(redis_url: str, said: dict[str, str], fits: bool) -> None:
    async with client(redis_url) as plain, Aged(said, connection_pool=plain.connection_pool) as redis:
        found = await examine(redis, VERSION)

    assert any("too old" in each for each in found.fatal) is not fits


async def test_what_cannot_be_used_stops_the_start(redis_server: RedisServer) -> None:
    redis_server.modules = False
    redis_server.start()

    async with client(redis_server.url) as redis:
        with pytest.raises(SettingsError, match="lacks the search and the JSON module"):
            await refuse_unfit(redis, VERSION)


async def test_what_is_risky_does_not_stop_the_start(redis: Redis) -> None:
    await redis.config_set("appendonly", "no")

    (risk,) = await refuse_unfit(redis, VERSION)

    assert "append-only" in risk


# --- The clock ----------------------------------------------------------------------------------

HOUR = timedelta(hours=1)


class Ahead(Redis):
    """A client whose server's clock is ahead of ours, or who does not answer."""

    by: timedelta | None = HOUR

    async def time(self, **_: Any) -> tuple[int, int]:
        await asyncio.sleep(0)
        if self.by is None:
            raise RedisConnectionError
        microseconds = (datetime.now(UTC) + self.by - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        return divmod(microseconds, 1_000_000)


def off(clock: RedisClock) -> timedelta:
    """How far the clock is from the server's, which is an hour ahead."""
    return abs(clock() - (datetime.now(UTC) + HOUR))


async def test_the_clock_is_the_servers_however_our_own_stands() -> None:
    clock = RedisClock(redis=Ahead())

    await clock.set()

    assert off(clock) < timedelta(minutes=1)
    assert clock().tzinfo is UTC


async def test_the_clock_goes_on_where_the_server_does_not_answer() -> None:
    server = Ahead()
    clock = RedisClock(redis=server)
    await clock.set()
    server.by = None

    await clock.set()

    assert off(clock) < timedelta(minutes=1)


async def test_a_real_server_sets_the_clock(redis: Redis) -> None:
    clock = RedisClock(redis=redis)

    await clock.set()

    seconds, _ = await redis.time()
    assert abs(clock().timestamp() - seconds) < 60
