"""Plays cases: a bot for each, on each of its stores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from bot.approvals.model.ids import ChannelId
from tests.adversarial.case import PRELUDE, Case
from tests.support.play import Play, prepared
from tests.support.redis_server import RedisServer
from tests.support.stage import PATIENT_POLICY, ROOMS, Room, Slack

MAX_SECONDS: Final = 300
"""Of one case, on a busy machine."""


def on_each_store(cases: Sequence[Case]) -> pytest.MarkDecorator:
    """The parameters `case` and `store`."""
    return pytest.mark.parametrize(
        ("case", "store"), [pytest.param(case, store, id=f"{case}-{store}") for case in cases for store in case.stores]
    )


async def play_case(case: Case, store: str, slack: Slack, room: Room, folder: Path, request: Any) -> None:
    """Take the steps of the case, and see that its effects are what they may be."""
    redis: RedisServer | None = None
    if store == "redis":
        redis = request.getfixturevalue("redis_server")
        redis.start()
    async with playing(slack, room, folder, case.policy, redis, **case.settings) as play:
        play.write(case=PRELUDE + case.graph)
        play.bot.start()
        for step in case.steps:
            await step.do(play)
    effects = play.effects()
    assert not set(case.never) & set(effects), effects
    assert case.exactly is None or list(case.exactly) == effects, effects
    for effect, most in case.most.items():
        assert effects.count(effect) <= most, effects


@asynccontextmanager
async def playing(
    slack: Slack,
    room: Room,
    folder: Path,
    policy: str = PATIENT_POLICY,
    redis: RedisServer | None = None,
    **settings: str,
) -> AsyncIterator[Play]:
    """A bot that is not started yet, and has no graphs yet; it is killed in the end."""
    bot = prepared(folder / "bot", dict(slack.environment), policy, redis, **settings)
    channels = (await room.simulator.state())["channels"]
    channel = next(each["id"] for each in channels if each["name"] == f"room-{ROOMS - 1}")
    try:
        yield Play(bot=bot, room=room, redis=redis, channel=ChannelId(channel))
    finally:
        bot.kill()
