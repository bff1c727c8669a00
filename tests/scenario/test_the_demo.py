"""The demo: its bot has the local Slack's clock, and its folder is full again whenever somebody starts the task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli.demo import cleanup, stage
from bot.cli.demo.clock import following
from bot.stores import system_clock
from simulator.client import Simulator, render_text

WINDOWS = stage.Windows(remind=timedelta(hours=1), escalate=timedelta(hours=2), deadline=timedelta(hours=4))
WAIT = 60.0


async def test_a_clock_that_follows_is_as_far_ahead_as_slack(tmp_path: Path) -> None:
    async with stage.simulator(0) as slack, Simulator.connect(slack.url) as simulator:
        await simulator.advance(60)
        async with following(slack.url) as clock:
            first = clock() - system_clock()
            await simulator.advance(3600)

            async def later() -> bool:
                return clock() - system_clock() > timedelta(hours=1)

            await simulator.wait_for(later, timeout=WAIT)

    assert timedelta(seconds=59) < first < timedelta(seconds=61)


async def test_skipped_hours_bring_the_reminder_the_dm_and_the_end(tmp_path: Path) -> None:
    stage.prepare(tmp_path, WINDOWS)
    async with (
        stage.simulator(0) as slack,
        stage.bot(slack, tmp_path) as process,
        Simulator.connect(slack.url) as simulator,
    ):
        await stage.connected(simulator, process, tmp_path)
        alice, carol = simulator.seat("alice"), simulator.seat("carol")
        names = await simulator.names()

        def thread_says(words: str) -> Callable[[], Awaitable[bool]]:
            async def says() -> bool:
                threads = [await alice.thread("#ops", one["ts"]) for one in await alice.messages("#ops")]
                return any(words in render_text(message, names) for thread in threads for message in thread)

            return says

        await alice.command("#ops", f"/task cleanup path={tmp_path}/logs older_than=30d")
        await simulator.wait_for(thread_says("Move 2 files"), timeout=WAIT, what="the card")

        await simulator.advance(3600)
        await simulator.wait_for(thread_says("Still waiting"), timeout=WAIT, what="the reminder")
        assert await carol.message("@countersign", containing="Move 2 files") is None
        await simulator.advance(3600)
        await simulator.wait_for(
            lambda: carol.message("@countersign", containing="Move 2 files"), timeout=WAIT, what="the DM"
        )
        await simulator.advance(2 * 3600)
        await simulator.wait_for(thread_says("Expired"), timeout=WAIT, what="the end")


def test_the_folder_is_full_again_at_each_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an approval moved is back; what is still there stays, since somebody may be asked about it."""
    stage.prepare(tmp_path, WINDOWS)
    monkeypatch.setenv("CLEANUP_ROOT", str(tmp_path))
    moved, kept = tmp_path / "logs" / "core.dump", tmp_path / "logs" / "deploy.log"
    moved.unlink()
    asked_about = kept.stat()

    cleanup.check_inputs({"path": "logs", "older_than": "30d"})

    assert {str(file.relative_to(tmp_path / "logs")) for file in (tmp_path / "logs").rglob("*.*")} == set(stage.LOGS)
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (asked_about.st_ino, asked_about.st_mtime_ns)


def test_the_refilled_folder_is_checked_as_the_shipped_graph_checks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEANUP_ROOT", str(tmp_path))

    with pytest.raises(ValueError, match="leads out of"):
        cleanup.check_inputs({"path": "../elsewhere"})
