"""Graphs that would harm the bot, or would do what nobody approved: what they did in the end is what they may do."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.approvals.model.ids import ChannelId
from tests.adversarial import budgets, drifts, exits, outages, shutdowns
from tests.adversarial.case import PRELUDE, Case
from tests.adversarial.stage import Play, prepared
from tests.redis_server import RedisServer
from tests.scenario.stage import ROOMS, Room, Slack

CASES: tuple[Case, ...] = (
    *exits.CASES,
    *budgets.CASES,
    *outages.CASES,
    *shutdowns.CASES,
    *drifts.CASES,
)


PLAYED = [pytest.param(case, store, id=f"{case}-{store}") for case in CASES for store in case.stores]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("case", "store"), PLAYED)
async def test_case(
    case: Case, store: str, slack: Slack, room: Room, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    redis: RedisServer | None = None
    if store == "redis":
        redis = request.getfixturevalue("redis_server")
        redis.start()
    bot = prepared(tmp_path / "bot", dict(slack.environment), case.policy, redis, **case.settings)
    channels = (await room.simulator.state())["channels"]
    channel = next(each["id"] for each in channels if each["name"] == f"room-{ROOMS - 1}")
    play = Play(bot=bot, room=room, redis=redis, channel=ChannelId(channel))
    play.write(PRELUDE + case.graph)
    try:
        bot.start()
        for step in case.steps:
            await step.do(play)
    finally:
        bot.kill()
    effects = play.effects()
    assert not set(case.never) & set(effects), effects
    assert case.exactly is None or list(case.exactly) == effects, effects
    for effect, most in case.most.items():
        assert effects.count(effect) <= most, effects
