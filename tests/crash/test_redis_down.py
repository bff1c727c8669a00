"""What people see while Redis is gone, and what an operator reads who starts the bot on a Redis that it cannot use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from simulator.client import Simulator, render_text
from tests.crash.cluster import Cluster, at_rest, records, until
from tests.crash.evidence import look
from tests.crash.people import Message, room
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack

SLACKS_PATIENCE = 3.0
"""Seconds in which a click has to be acknowledged (Slack: handling user interaction)."""
DOWN = "did not get through"


@pytest.fixture
async def cluster(tmp_path: Path, redis_server: RedisServer, slack: Slack) -> AsyncIterator[Cluster]:
    """Its Redis is not started yet."""
    cluster = Cluster.prepare(tmp_path / "crash", redis_server, slack, escalate=600, deadline=900)
    yield cluster
    await cluster.kill_all()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("outage", ["gone", "hanging"])
async def test_who_clicks_while_redis_is_away_is_told_to_try_again_and_all_goes_on_once_it_is_back(
    cluster: Cluster, redis_server: RedisServer, simulator: Simulator, outage: str
) -> None:
    redis_server.start()
    await cluster.start(2)
    line = f"/task gates number=0 gates=1 folder={cluster.effects}"
    assert (await simulator.seat("alice").command(room(0), line))["ok"]
    card = await until(lambda: asking(simulator), "the card")
    mark = len(await simulator.traffic())

    redis_server.kill() if outage == "gone" else redis_server.pause()
    clicked = await asyncio.gather(
        simulator.seat("bob").press(card, "approve"),
        simulator.seat("carol").press(card, "reject"),
        simulator.seat("alice").command(room(1), "/task list"),
    )
    for who in ("bob", "carol", "alice"):
        await until(lambda who=who: told(simulator, who), f"a word to {who}")  # type: ignore[misc]
    redis_server.start() if outage == "gone" else redis_server.go_on()
    await until(lambda: approved(simulator, card), "the approval counts again")

    async with records(redis_server) as storage:
        await at_rest(storage, simulator, 1)
        assert await cluster.stop_all() == [0, 0]
        findings = await look(
            storage, simulator, cluster.effects, sent=1, acknowledged=[0], interrupted=cluster.interrupted
        )
    assert not findings.problems, "\n".join([*findings.problems, cluster.logs])
    assert all(answer["ok"] for answer in clicked)
    assert_acknowledged_in_time(await simulator.traffic(after=mark))
    assert "Traceback" not in cluster.logs, cluster.logs


async def test_a_redis_that_is_down_at_the_start_is_one_sentence_and_exit_code_2(
    cluster: Cluster, redis_server: RedisServer
) -> None:
    redis_server.start()
    redis_server.stop()

    replica = await cluster.launch()

    assert await replica.ended() == 2
    assert f"no Redis answers at 127.0.0.1:{redis_server.port}" in replica.words
    assert len(replica.words.strip().splitlines()) == 1, replica.words


async def test_a_redis_without_modules_is_one_sentence_and_exit_code_2(
    cluster: Cluster, redis_server: RedisServer
) -> None:
    redis_server.modules = False
    redis_server.start()

    replica = await cluster.launch()

    assert await replica.ended() == 2
    assert "this server lacks the search and the JSON module" in replica.words
    assert len(replica.words.strip().splitlines()) == 1, replica.words


async def asking(simulator: Simulator) -> Message | None:
    """The card, once it can be clicked on."""
    return await card_with(simulator, "[Approve]")


async def card_with(simulator: Simulator, words: str) -> Message | None:
    names, seat = await simulator.names(), simulator.seat("bob")
    for opening in await seat.messages(room(0)):
        for message in await seat.thread(room(0), opening["ts"]):
            if words in render_text(message, names):
                return message
    return None


async def approved(simulator: Simulator, card: Message) -> Message | None:
    """Whether the card says so; where it still asks, Bob clicks again."""
    if await asking(simulator) is not None:
        await simulator.seat("bob").press(card, "approve")
        await asyncio.sleep(1)
    return await card_with(simulator, "Approved by @bob")


async def told(simulator: Simulator, who: str) -> bool:
    notices = await simulator.seat(who).notices()
    return any(DOWN in notice["text"] and "try again in a moment" in notice["text"] for notice in notices)


def assert_acknowledged_in_time(traffic: list[dict[str, Any]]) -> None:
    envelopes = [entry for entry in traffic if entry["direction"] == "envelope"]
    late = [e for e in envelopes if e["acknowledged_after"] is None or e["acknowledged_after"] > SLACKS_PATIENCE]
    assert envelopes
    assert not late, late
