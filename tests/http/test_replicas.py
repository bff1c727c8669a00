"""Two replicas on one Redis: what one of them settles, the other tells its callers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping

import pytest

from bot.approvals.model.ids import TaskId
from bot.storage.redis.store import RedisStorage, client
from tests.support.served import Api, served


@pytest.fixture
async def replicas(redis_url: str, redis_prefix: str) -> AsyncIterator[tuple[Api, Api]]:
    """Two gateways, neither of which hears from the other."""
    redis = client(redis_url)
    storage = RedisStorage(redis, prefix=redis_prefix)
    async with served(storage) as one, served(storage) as other:
        yield one, other
    await storage.close()
    await redis.aclose()


async def test_a_wait_on_one_ends_at_the_first_look_after_another_has_settled(replicas: tuple[Api, Api]) -> None:
    one, other = replicas
    token = await one.own()
    asked = await one.ask(token=token)
    looks: list[str] = []
    revisions = other.waiters._revisions

    async def noted(ids: Collection[TaskId]) -> Mapping[TaskId, int]:
        found = await revisions(ids)
        looks.append("settled" if (await one.get(f"/v1/requests/{asked['id']}", token=token)).json["decision"] else "")
        return found

    call = asyncio.create_task(other.get(f"/v1/requests/{asked['id']}?wait=60", token=token))
    while not len(other.waiters):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    other.waiters._revisions = noted

    await one.vote(asked["id"])

    assert (await call).json["decision"]["approved"] is True
    assert looks.count("settled") <= 2, "the look that saw it, and one that came while it was handed over"


async def test_a_token_that_is_revoked_opens_nothing_on_any_replica(replicas: tuple[Api, Api]) -> None:
    one, other = replicas
    token = await one.own()
    before = [(await each.get("/v1/requests", token=token)).status for each in replicas]

    await one.revoke(token)

    assert before == [200, 200]
    assert [(await each.get("/v1/requests", token=token)).status for each in (other, one)] == [401, 401]


async def test_one_decision_is_consumed_once_on_two_replicas(replicas: tuple[Api, Api]) -> None:
    one, other = replicas
    token = await one.own()
    decided = await one.decided(token=token)

    taken = await asyncio.gather(
        *(
            each.post(f"/v1/requests/{decided['id']}/consume", {"execution": f"execution-{number}"}, token=token)
            for number, each in enumerate([one, other] * 5)
        )
    )

    assert sorted(answer.status for answer in taken) == [200] + [409] * 9


async def test_one_key_is_one_request_on_two_replicas(replicas: tuple[Api, Api]) -> None:
    token = await replicas[0].own()

    made = await asyncio.gather(
        *(each.post("/v1/requests", {"question": "Once?"}, key="once", token=token) for each in replicas * 5)
    )

    assert sorted(answer.status for answer in made) == [200] * 9 + [201]
    assert len({answer.json["id"] for answer in made}) == 1
