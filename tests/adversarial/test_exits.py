"""Graphs that try to end the process: each is a failed run of one task, and never ends or wedges the bot."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adversarial import exits
from tests.adversarial.case import PRELUDE, STOPPED, Alive, Case, Restart, Sweeps
from tests.adversarial.playing import MAX_SECONDS, on_each_store, play_case, playing
from tests.support.stage import UNPACED, Room, Slack


@pytest.mark.timeout(MAX_SECONDS)
async def test_each_that_fails_at_its_start_fails_alone_and_is_not_run_again(
    slack: Slack, room: Room, tmp_path: Path
) -> None:
    """Neither by itself nor after a restart. One bot serves them all, and other tasks too."""
    graphs = {f"case_{number}": source for number, source in enumerate(exits.FAILING.values())}
    async with playing(slack, room, tmp_path) as play:
        play.write(**{name: PRELUDE + source for name, source in graphs.items()})
        play.bot.module = UNPACED
        play.bot.start()
        for name in graphs:
            play.thread = await room.start(f"/task {name} note=x")
            await STOPPED.do(play)

        for step in (Restart(), Alive(), Sweeps(2)):
            await step.do(play)

    did = {what: play.effects(name) for what, name in zip(exits.FAILING, graphs, strict=True)}
    assert did == {what: ["begun"] for what in exits.FAILING}


@pytest.mark.timeout(MAX_SECONDS)
@on_each_store(exits.CASES)
async def test_case(
    case: Case, store: str, slack: Slack, room: Room, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    await play_case(case, store, slack, room, tmp_path, request)
