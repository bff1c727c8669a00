"""Operators are told once what needs a person, even if the bot dies as it tells them, and that it is resolved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.stage import Bot, Room

GRAPHS = ("failing",)


async def test_a_task_that_stands_still_is_told_once_and_resolved_by_a_retry(
    own_bot: Bot, room: Room, tmp_path: Path
) -> None:
    """The bot is killed between the post and its record."""

    async def told(words: str) -> dict[str, Any] | None:
        """The one message to operators, once it says this."""
        found = [each for each in await room.seat("bob").messages(room.channel) if "since" in room.read(each)]
        assert len(found) <= 1
        return next((each for each in found if words in room.read(each)), None)

    own_bot.start(OPS_CHANNEL=room.channel, COUNTERSIGN_CRASH_AT="trouble-told")
    thread = await room.start(f"/task failing fixed={tmp_path / 'mended'} when=started")
    own_bot.wait()
    own_bot.kill()
    assert await told("failing was stopped by an error") is not None

    own_bot.start(OPS_CHANNEL=room.channel)
    (tmp_path / "mended").touch()
    await room.press("alice", await thread.shows("[Retry"), "retry")

    resolved = await room.until(lambda: told("Resolved after"), "the trouble is resolved")
    assert "countersign tasks retry" not in room.read(resolved)
    await thread.card("Go on with mended?")
