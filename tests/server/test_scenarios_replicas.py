"""Two replicas of the bot on Redis watch the same server: each thread is one task, and each answer is sent once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.server.scene import House, Scene
from tests.support.langgraph_server import LangGraphServer
from tests.support.redis_server import NoRedis, RedisServer
from tests.support.stage import Bot

pytestmark = [pytest.mark.heavy, pytest.mark.redis]
YES = {"decisions": [{"type": "approve"}]}
THREADS = 6


@pytest.fixture(scope="module")
def replicas(
    langgraph_server: LangGraphServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[House, Bot]]:
    redis = a_redis(tmp_path_factory)
    redis.start()
    try:
        with House.built(tmp_path_factory.mktemp("house"), langgraph_server, redis) as house:
            other = house.another_bot()
            house.bot.start()
            try:
                yield house, other.start()
            finally:
                other.kill()
    finally:
        redis.kill()


@pytest.fixture
async def scene(replicas: tuple[House, Bot]) -> AsyncIterator[Scene]:
    async with Scene.of(replicas[0]) as scene:
        yield scene


async def test_each_thread_is_one_task_and_each_answer_is_sent_once(scene: Scene) -> None:
    mark = await scene.room.mark()
    theirs = await asyncio.gather(*(scene.begun("plain", user="U0ALICE") for _ in range(THREADS)))
    threads = [await scene.room.opened("A thread of") for _ in theirs]

    for thread in threads:
        await scene.room.press("bob", await thread.card(), "approve")

    for thread in threads:
        await thread.ended_well()
    assert set((await scene.room.posted_ids(mark)).values()) == {1}
    for each in theirs:
        assert each.effects("ask") == [YES]
        assert len(each.effects("act")) == len(await each.answers()) == 1


async def test_what_others_answer_is_superseded_once(scene: Scene) -> None:
    theirs, thread = await scene.asked("plain", user="U0ALICE")
    await thread.card()
    (asked,) = await theirs.interrupts()

    await theirs.run(command={"resume": {asked["id"]: YES}})

    await thread.settled("No longer needed")
    await thread.ended("done with 1")
    assert await theirs.answers() == []


async def test_when_one_replica_dies_with_the_answer_the_other_goes_on(
    scene: Scene, replicas: tuple[House, Bot]
) -> None:
    house, other = replicas
    theirs, thread = await scene.asked("plain", user="U0ALICE")
    card = await thread.card()
    house.bot.kill()
    other.kill()
    other.start(COUNTERSIGN_CRASH_AT="server-run-begun")

    await scene.room.seat("bob").press(card, "approve")
    died = await asyncio.to_thread(other.wait)
    house.bot.start()

    assert died == -9
    await thread.ended_well()
    assert theirs.effects("ask") == [YES]
    assert len(theirs.effects("act")) == len(await theirs.answers()) == 1


def a_redis(factory: pytest.TempPathFactory) -> RedisServer:
    try:
        return RedisServer(folder=factory.mktemp("redis"))
    except NoRedis as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
