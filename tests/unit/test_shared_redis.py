"""A client whose callers share one connection: each gets its own answer, and what is lost is asked for once more."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.shared_redis import SharedRedis

PATIENCE = 30.0
SOON = 0.05


@pytest.fixture
async def key(redis_url: str) -> AsyncIterator[str]:
    """A key that is gone afterwards."""
    made = f"shared:{secrets.token_hex(4)}"
    yield made
    async with opened(redis_url) as redis:
        await redis.delete(made)


def opened(url: str, timeout: float = PATIENCE) -> Any:
    """A client. `timeout` is in seconds, for an answer."""
    return SharedRedis.from_url(url, decode_responses=True, socket_timeout=timeout, socket_connect_timeout=PATIENCE)


async def test_each_caller_gets_its_own_answer_over_one_connection(redis_url: str) -> None:
    async with opened(redis_url) as redis:
        answers = await asyncio.gather(*(redis.echo(str(number)) for number in range(200)))
        ids = set(await asyncio.gather(*(redis.client_id() for _ in range(20))))

    assert answers == [str(number) for number in range(200)]
    assert len(ids) == 1


async def test_a_caller_that_gave_up_takes_nobody_elses_answer(redis_url: str) -> None:
    async with opened(redis_url) as redis:
        await redis.ping()
        given_up = asyncio.create_task(redis.echo("mine"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        given_up.cancel()

        assert await redis.echo("yours") == "yours"
        assert given_up.cancelled()


async def test_what_waits_on_a_lost_connection_is_asked_again(redis_url: str, key: str) -> None:
    async with opened(redis_url) as redis, opened(redis_url) as other:
        id = await redis.client_id()
        waiting = asyncio.create_task(redis.execute_command("BLMPOP", 0, 1, key, "LEFT"))
        async with asyncio.timeout(PATIENCE):
            while (await other.client_list(client_id=[id]))[0]["cmd"] != "blmpop":  # noqa: ASYNC110 - Redis tells nobody
                await asyncio.sleep(0)

        await other.client_kill_filter(_id=str(id))
        await other.rpush(key, "one")

        assert await waiting == [key, ["one"]]


async def test_a_command_without_an_answer_is_repeated_and_then_given_up(redis_url: str, key: str) -> None:
    async with opened(redis_url, SOON) as redis, opened(redis_url) as other:
        with pytest.raises(RedisTimeoutError):
            await redis.execute_command("BLMPOP", 0, 1, key, "LEFT")
        assert await redis.echo("next") == "next"

        waiting = asyncio.create_task(redis.execute_command("BLMPOP", 0, 1, key, "LEFT"))
        await other.rpush(key, "one", "two", "three")
        assert (await waiting)[0] == key


@pytest.mark.parametrize("connects", [True, False])
async def test_whoever_waits_when_the_client_is_closed_is_told(redis_url: str, key: str, connects: bool) -> None:
    redis = opened(redis_url)
    if not connects:
        await redis.ping()
    waiting = asyncio.create_task(redis.execute_command("BLMPOP", 0, 1, key, "LEFT"))
    await asyncio.sleep(0)
    await redis.aclose()

    with pytest.raises(RedisConnectionError, match="closed"):
        await waiting


async def test_nothing_is_answered_if_nobody_listens_there() -> None:
    async with opened("redis://127.0.0.1:1/0") as redis:
        found = await asyncio.gather(redis.ping(), redis.ping(), return_exceptions=True)

    assert [type(each) for each in found] == [RedisConnectionError] * 2


async def test_commands_run_together_or_not_at_all(redis_url: str, key: str) -> None:
    async with opened(redis_url) as redis:
        assert await redis.together([("SET", key, "text"), ("APPEND", key, "s")]) == ["OK", 5]

        with pytest.raises(ResponseError, match="discarded"):
            await redis.together([("SET", key, "other"), ("NO SUCH COMMAND",)])
        assert await redis.get(key) == "texts"

        with pytest.raises(ResponseError, match="not an integer"):
            await redis.together([("INCR", key)])
        assert await redis.echo("next") == "next"


async def test_a_script_that_redis_does_not_know_is_sent_whole(redis_url: str) -> None:
    text = f"return ARGV[1] .. '{secrets.token_hex(4)}'"
    async with opened(redis_url) as redis:
        first = await redis.script(text, "0" * 40, 0, "it is ")

    assert first == "it is " + text.split("'")[1]


async def test_what_is_no_answer_ends_the_connection(tmp_path_factory: pytest.TempPathFactory) -> None:
    is_over = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(4096):
            writer.write(b"nonsense\r\n" if is_over.is_set() else b"+OK\r\n" * said.count(b"*"))
        writer.close()

    file = tmp_path_factory.mktemp("s") / "redis"
    async with await asyncio.start_unix_server(answer, str(file)):
        redis = SharedRedis(unix_socket_path=str(file), protocol=2, socket_timeout=PATIENCE)
        assert await redis.execute_command("NOW") == b"OK"
        is_over.set()
        with pytest.raises(RedisConnectionError):
            await redis.execute_command("NOW")
        await redis.aclose()
