"""Canaries: what the Redis saver does as it comes, and why ours keeps bytes of its own.

Where one of these fails, it was mended: then a part of ours may go.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.redis.aio import AsyncRedisSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Interrupt
from redis.asyncio import Redis
from redisvl.exceptions import RedisVLError  # type: ignore[import-untyped]

from tests.checkpoints.savers import Saver
from tests.checkpoints.values import nested


@pytest.fixture
async def plain(redis_url: str, redis_prefix: str) -> AsyncIterator[Saver]:
    """langgraph-checkpoint-redis without anything of ours."""
    async with Redis.from_url(redis_url, protocol=2) as client:
        saver = AsyncRedisSaver(
            redis_client=client,
            checkpoint_prefix=f"{redis_prefix}:checkpoint",
            checkpoint_write_prefix=f"{redis_prefix}:checkpoint_write",
        )
        await saver.asetup()
        yield saver


async def there_and_back(saver: Saver, value: Any) -> Any:
    config = RunnableConfig(configurable={"thread_id": str(uuid.uuid4()), "checkpoint_ns": ""})
    checkpoint = {**empty_checkpoint(), "channel_values": {"kept": value}}
    put = await saver.aput(config, checkpoint, {"source": "loop", "step": 1, "parents": {}}, {})  # type: ignore[arg-type]
    found = await saver.aget_tuple(put)
    assert found is not None
    return found.checkpoint["channel_values"]["kept"]


@pytest.mark.parametrize(
    ("value", "corrupted"),
    [
        pytest.param(Decimal("310.10"), Decimal(0), id="a decimal is nothing"),
        pytest.param(timedelta(days=2), timedelta(0), id="a duration is none"),
        pytest.param(uuid.UUID(int=1), str(uuid.UUID(int=1)), id="a UUID is a string"),
        pytest.param(datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00", id="a moment is a string"),
        pytest.param({1: "a"}, {"1": "a"}, id="numbers that are keys are strings"),
        pytest.param(float("nan"), None, id="not a number is nothing"),
        pytest.param((1, 2), [1, 2], id="a tuple is a list"),
        pytest.param({"__bytes__": "AAAA"}, b"\0\0\0", id="words are bytes"),
    ],
)
async def test_as_it_comes_state_is_corrupted(plain: Saver, value: Any, corrupted: Any) -> None:
    back = await there_and_back(plain, value)

    assert back == corrupted
    assert type(back) is type(corrupted)


async def test_as_it_comes_words_in_the_data_are_made_into_objects(plain: Saver) -> None:
    written = {"lc": 2, "type": "constructor", "id": ["decimal", "Decimal"], "args": ["1"]}

    assert await there_and_back(plain, written) == Decimal(1)


async def test_as_it_comes_deep_state_cannot_be_put(plain: Saver) -> None:
    with pytest.raises(RedisVLError, match="recursion limit"):
        await there_and_back(plain, nested(200, "l"))


async def test_as_it_comes_a_question_loses_its_schema(plain: Saver) -> None:
    asked = Interrupt("Pay?", id="1", response_schema={"type": "boolean"})

    config = RunnableConfig(configurable={"thread_id": str(uuid.uuid4()), "checkpoint_ns": ""})
    put = await plain.aput(config, empty_checkpoint(), {"source": "loop", "step": 1, "parents": {}}, {})

    await plain.aput_writes(put, [("__interrupt__", [asked])], "task")
    found = await plain.aget_tuple(put)

    assert found is not None
    assert found.pending_writes is not None
    ((_, _, (back,)),) = found.pending_writes
    assert back.id == "1"
    assert back.response_schema is None


@pytest.mark.parametrize(
    ("value", "corrupted"),
    [
        pytest.param((1, 2), [1, 2], id="a tuple is a list"),
        pytest.param({uuid.UUID(int=1): 1}, {str(uuid.UUID(int=1)): 1}, id="a UUID that is a key is a string"),
        pytest.param("\ud800", "?", id="a lone surrogate is a question mark"),
    ],
)
def test_as_it_comes_langgraphs_serializer_corrupts(value: Any, corrupted: Any) -> None:
    serializer = JsonPlusSerializer()

    assert serializer.loads_typed(serializer.dumps_typed(value)) == corrupted


@pytest.mark.parametrize("value", [nested(300, "l"), 2**64], ids=["300 levels", "65 bits"])
def test_as_it_comes_langgraphs_serializer_refuses(value: Any) -> None:
    with pytest.raises(TypeError):
        JsonPlusSerializer().dumps_typed(value)
