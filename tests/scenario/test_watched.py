"""The real bot, as Prometheus and an orchestrator see it: its metrics, its health, and whether it is ready."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from simulator.client import Simulator
from tests.support.redis_server import RedisServer
from tests.support.stage import Bot, Room, Slack
from tests.support.starter import WAIT


def a_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def bot(slack: Slack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """A bot that shows its metrics."""
    folder = tmp_path_factory.mktemp("bot")
    bot = Bot.prepare(folder, slack.environment, HTTP_BIND=f"127.0.0.1:{a_port()}").start()
    yield bot
    assert bot.stop() == 0, bot.log


async def read(bot: Bot, path: str) -> tuple[int, str]:
    """What the bot answers there. 0 if it does not."""
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{bot.environment['HTTP_BIND']}{path}") as it,
        ):
            return it.status, await it.text()
    except aiohttp.ClientConnectionError:
        return 0, ""


async def metrics(bot: Bot) -> dict[str, float]:
    status, page = await read(bot, "/metrics")
    assert status == 200
    lines = (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))
    return {name.removeprefix("countersign_"): float(value) for name, _, value in lines}


async def counted(bot: Bot, name: str, least: float) -> dict[str, float]:
    """All metrics, once this one has come so far: facts are counted a moment after they are told."""
    async with asyncio.timeout(WAIT):
        while (found := await metrics(bot)).get(name, 0) < least:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


async def until(bot: Bot, path: str, status: int, words: str = "") -> None:
    """Returns once the bot answers so."""
    async with asyncio.timeout(WAIT):
        while (found := await read(bot, path))[0] != status or words not in found[1]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_what_people_decide_is_counted_by_whichever_process_sees_it(bot: Bot, room: Room) -> None:
    """The gateway takes the vote, a worker delivers it, and one page has both."""
    bot.fill("logs", old=3)
    thread = await room.start("/task cleanup path=logs older_than=30d")
    card = await thread.card()
    before = await counted(bot, 'requests_total{graph="cleanup",risk="medium"}', 1)
    assert before['requests_pending{graph="cleanup"}'] == 1

    await room.press("alice", card, "approve")
    await room.press("bob", card, "approve")
    await thread.settled("Approved by @bob")

    await counted(bot, 'delivery_seconds_count{engine="langgraph"}', 1)
    found = await counted(bot, 'ack_seconds_count{kind="interactive"}', 2)
    assert found['decisions_total{graph="cleanup",outcome="approved"}'] == 1
    assert found['decision_seconds_count{graph="cleanup"}'] == 1
    assert found['delivery_seconds_count{engine="langgraph"}'] == 1
    assert sum(value for name, value in found.items() if name.startswith("refusals_total")) == 1, found
    assert found['ack_seconds_count{kind="interactive"}'] == 2
    assert found['slack_calls_total{method="chat.postMessage",outcome="done"}'] >= 2
    assert found['engine_up{engine="langgraph"}'] == found["slack_connected"] == 1
    assert found['sweep_seconds_count{role="worker"}'] > 0
    assert found['sweep_seconds_count{role="gateway"}'] > 0
    assert not any("C0ROOM" in name or "U0" in name for name in found), "ids belong into no label"


async def test_a_bot_that_slack_does_not_reach_is_well_and_not_ready(bot: Bot, simulator: Simulator) -> None:
    """To start it again would help nobody."""
    await until(bot, "/readyz", 200)

    await simulator.refuse_sockets(30)
    await simulator.drop_sockets()

    await until(bot, "/readyz", 503, "Slack is not connected")
    assert (await read(bot, "/healthz"))[0] == 200
    await simulator.refuse_sockets(0)
    await until(bot, "/readyz", 200)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(folder=tmp_path / "redis")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def apart(slack: Slack, tmp_path: Path, redis_server: RedisServer) -> Iterator[list[Bot]]:
    """A gateway and a worker of two machines, with their records in Redis."""
    bots = []
    for role in ("gateway", "worker"):
        bot = Bot.prepare(
            tmp_path / role, slack.environment, REDIS_URL=redis_server.url, HTTP_BIND=f"127.0.0.1:{a_port()}"
        )
        bot.module = ("bot", "run", "--role", role)
        bots.append(bot.start())
    yield bots
    for bot in bots:
        bot.kill()


def swept(bot: Bot) -> list[float]:
    """When a sweep of each role there last ended."""
    return [file.stat().st_mtime for file in Path(bot.environment["STATE_DIR"]).glob("swept-*")]


async def test_a_bot_without_its_redis_is_well_and_not_ready(apart: list[Bot], redis_server: RedisServer) -> None:
    """Its sweeps are cut short, and come to their end. A worker that runs alone says so of itself."""
    for bot in apart:
        await until(bot, "/readyz", 200)
    gateway, worker = [await counted(bot, f'sweep_seconds_count{{role="{bot.module[-1]}"}}', 1) for bot in apart]
    assert "undelivered" in gateway
    assert "undelivered" not in worker, "a gateway says it, and each has the same"

    redis_server.kill()
    for bot in apart:
        await until(bot, "/readyz", 503)
        assert "torage" in (await read(bot, "/readyz"))[1]
    for bot in apart:
        before = swept(bot)
        async with asyncio.timeout(WAIT):
            while swept(bot) == before:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await read(bot, "/healthz"))[0] == 200
    assert (await metrics(apart[0]))["storage_unreachable_total"] > 0

    redis_server.start()
    for bot in apart:
        await until(bot, "/readyz", 200)

    for bot in apart:
        assert bot.stop() == 0, bot.log
        assert await read(bot, "/readyz") == (0, "")
        assert not list((bot.folder / "state" / "metrics").iterdir()), "a start finds nothing of it"
