"""The demo: its bot has the local Slack's clock, and its folder is full again whenever somebody starts the task."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bot.cli.demo import cleanup, stage
from bot.cli.demo.clock import following
from bot.cli.demo.programs import Programs, opened
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


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo as it runs, without its terminal."""

    folder: Path
    simulator: Simulator
    programs: Programs

    def thread_says(self, words: str) -> Callable[[], Awaitable[bool]]:
        alice = self.simulator.seat("alice")

        async def says() -> bool:
            names = await self.simulator.known_names()
            threads = [await alice.thread("#ops", one["ts"]) for one in await alice.messages("#ops")]
            return any(words in render_text(message, names) for thread in threads for message in thread)

        return says

    async def panel(self) -> dict[str, list[dict[str, Any]]]:
        """The entries of each list."""
        panel = (await self.simulator.get("/sim/panel"))["panel"]
        return {each["title"]: each["entries"] for each in panel["lists"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    stage.prepare(folder, WINDOWS)
    async with (
        stage.simulator(0) as slack,
        opened() as programs,
        stage.bot(slack, folder, programs.settings) as process,
        Simulator.connect(slack.url) as simulator,
    ):
        await stage.connected(simulator, process, folder)
        async with programs.shown(simulator, folder) as known:
            yield Demo(folder, simulator, known)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_page_shows_what_curl_asked_and_the_webhook_of_the_decision(demo: Demo) -> None:
    simulator, bob = demo.simulator, demo.simulator.seat("bob")
    first, again = [await output_of(demo.programs.curl) for _ in range(2)]

    await simulator.wait_for(demo.thread_says("Asked by billing-service"), timeout=WAIT, what="the card")
    (opening,) = [one for one in await bob.messages("#ops") if "billing-service" in one["text"]]
    *_, card = await bob.thread("#ops", opening["ts"])
    await bob.press(card, "approve")

    async def told() -> list[dict[str, Any]]:
        return (await demo.panel())["Webhooks"]

    (webhook,) = await simulator.wait_for(told, timeout=WAIT, what="the webhook")
    (asked,) = (await demo.panel())["Asked"]
    assert first["id"] == again["id"] == asked["detail"]["id"] == webhook["detail"]["body"]["data"]["id"]
    assert (asked["state"], asked["title"]) == ("approved", "refund_order")
    assert (webhook["state"], webhook["title"]) == ("signature verified", "request.decided")
    assert webhook["detail"]["body"]["data"]["decision"]["by"] == ["U0BOB"]


@pytest.mark.asyncio(loop_scope="module")
async def test_the_page_says_so_if_a_webhook_is_not_signed(demo: Demo) -> None:
    async with aiohttp.ClientSession() as session:
        answers = [await session.post(demo.programs.receiver.url, data=body) for body in (b"{}", b"\xff")]

    async def told() -> bool:
        states = [each["state"] for each in (await demo.panel())["Webhooks"]]
        return states[:2] == ["signature not valid"] * 2

    await demo.simulator.wait_for(told, timeout=WAIT, what="the two")
    assert [each.status for each in answers] == [401, 401]


@pytest.mark.asyncio(loop_scope="module")
async def test_skipped_hours_bring_the_reminder_the_dm_and_the_end(demo: Demo) -> None:
    simulator = demo.simulator
    alice, carol = simulator.seat("alice"), simulator.seat("carol")

    await alice.command("#ops", f"/task cleanup path={demo.folder}/logs older_than=30d")
    await simulator.wait_for(demo.thread_says("Move 2 files"), timeout=WAIT, what="the card")

    await simulator.advance(3600)
    await simulator.wait_for(demo.thread_says("Still waiting"), timeout=WAIT, what="the reminder")
    assert await carol.message("@countersign", containing="Move 2 files") is None
    await simulator.advance(3600)
    await simulator.wait_for(
        lambda: carol.message("@countersign", containing="Move 2 files"), timeout=WAIT, what="the DM"
    )
    await simulator.advance(2 * 3600)
    await simulator.wait_for(demo.thread_says("Expired"), timeout=WAIT, what="the end")


async def output_of(line: str) -> dict[str, Any]:
    """What a line of the shell prints, as JSON."""
    process = await asyncio.create_subprocess_shell(
        line, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    told, complaint = await process.communicate()
    assert process.returncode == 0, complaint
    said: dict[str, Any] = json.loads(told)
    return said


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
