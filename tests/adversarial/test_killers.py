"""Graphs that end, block, fill, fork or print into their process harm no other task, and are not run without end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.approvals.rules.lifecycle import MAX_DEADLY
from bot.slack.cards.decision_words import APPROVED as ENDED_WELL
from tests.adversarial import killers
from tests.adversarial.case import PRELUDE, Touch
from tests.adversarial.killers import Killer
from tests.adversarial.playing import MAX_SECONDS, playing
from tests.support.play import Play
from tests.support.redis_server import RedisServer
from tests.support.stage import UNPACED, Room, Slack, Thread

pytestmark = pytest.mark.timeout(MAX_SECONDS)
INNOCENT = (
    PRELUDE
    + """
def acts(state):
    act(state["note"])

graph = line(ask, acts, done)
"""
)


@pytest.mark.slow
@pytest.mark.parametrize("store", ["sqlite", "redis"])
async def test_a_run_that_ends_its_process_is_tried_again_alone_and_then_left_to_people(
    store: str, slack: Slack, room: Room, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """They are told what happened, and their retry works once the graph is mended. All that time others are served."""
    redis: RedisServer | None = None
    if store == "redis":
        redis = request.getfixturevalue("redis_server")
        redis.start()
    settings = {"WORKER_TIMEOUT": "3s", "WORKER_MEMORY": "400MB"}
    async with playing(slack, room, tmp_path, redis=redis, **settings) as play:
        threads = await _started(play, killers.DEADLY)
        told = asyncio.create_task(_all_told(killers.DEADLY, threads))
        served = 0
        while not told.done() or not served:
            await _is_served(play, served)
            served += 1
            await asyncio.wait([told], timeout=0.5)
        messages = await told

        for name in killers.DEADLY:
            effects = play.effects(name)
            assert "in two processes" not in effects
            assert "done" not in effects
            begun = killers.begun(effects)
            assert 1 <= len(begun) <= MAX_DEADLY, (name, effects)
            assert len(set(begun)) == len(begun)
            assert f"it was begun {MAX_DEADLY} times" in play.bot.trace(messages[name]), name
        assert set(play.effects("innocent")) == {str(number) for number in range(served)}

        await Touch("mended").do(play)
        for thread in threads.values():
            await room.press("alice", await thread.shows("[Retry]"), "retry")
        for thread in threads.values():
            await thread.ended(ENDED_WELL)


@pytest.mark.slow
async def test_others_are_served_while_runs_block_their_process_and_one_that_comes_back_is_let_end(
    slack: Slack, room: Room, tmp_path: Path
) -> None:
    """A blocked run is not begun in another process while its own lives, however long that is."""
    async with playing(slack, room, tmp_path) as play:
        threads = await _started(play, {**killers.BLOCKING, "comes_back": killers.COMES_BACK}, one_by_one=True)

        await Touch("go").do(play)
        await threads["comes_back"].ended(ENDED_WELL)
        (came_back,) = killers.begun(play.effects("comes_back"))
        await _is_gone(play, came_back)
        await _is_served(play, "after that")

        for name in killers.BLOCKING:
            effects = play.effects(name)
            assert len(effects) == 1, (name, effects)
            assert _runs(killers.begun(effects)[0])


async def test_what_a_graph_forks_ends_where_it_comes_back(slack: Slack, room: Room, tmp_path: Path) -> None:
    """The run goes on in one process, once, and nothing is told twice."""
    async with playing(slack, room, tmp_path) as play:
        mark = await room.mark()
        threads = await _started(play, killers.FORKING)
        for thread in threads.values():
            await thread.ended(ENDED_WELL)

        for name in killers.FORKING:
            effects = play.effects(name)
            assert len(killers.begun(effects)) == 1, (name, effects)
            (child,) = killers.children(effects)
            await _is_gone(play, child)
        posted = await room.posted_ids(mark)
        assert set(posted.values()) == {1}
        assert "Traceback" not in play.bot.log
        assert play.bot.stop() == 0


async def test_what_a_graph_leaves_running_does_not_keep_the_bot_from_its_next_start(
    slack: Slack, room: Room, tmp_path: Path
) -> None:
    async with playing(slack, room, tmp_path) as play:
        threads = await _started(play, {"leaves": killers.LEAVING})
        await threads["leaves"].ended(ENDED_WELL)
        (child,) = killers.children(play.effects("leaves"))
        try:
            play.bot.kill()
            play.bot.start()
            await _is_served(play, "after the start")

            assert _runs(child)
        finally:
            os.kill(child, signal.SIGKILL)


async def test_what_only_the_interpreter_should_raise_fails_its_run_and_no_process(
    slack: Slack, room: Room, tmp_path: Path
) -> None:
    async with playing(slack, room, tmp_path) as play:
        threads = await _started(play, killers.RAISING)
        for name, thread in threads.items():
            await thread.shows("Stopped by an error", killers.RAISING[name].how, "error id", "[Retry]")
        await _is_served(play, "all the same")

        begun = {each for name in killers.RAISING for each in killers.begun(play.effects(name))}
        assert len(begun) == 1


async def test_what_a_graph_prints_is_logged_as_its_own_and_without_secrets(
    slack: Slack, room: Room, tmp_path: Path
) -> None:
    """Also the last words before its process ends, and without harm if it closes its standard streams."""
    async with playing(slack, room, tmp_path) as play:
        graphs = {"prints": killers.PRINTING, "closes": killers.CLOSING}
        threads = await _started(play, graphs, note=killers.PASSWORD)
        await threads["closes"].ended(ENDED_WELL)
        await threads["prints"].shows("Stopped by an error", "error id", "[Retry]")
        await _is_served(play, "at last")

        log = play.bot.log.splitlines()
        theirs = [line.partition("printed in worker ")[2].partition(": ")[2] for line in log if "printed in w" in line]
        for words in ("from a print", "from a descriptor", "from a command", "0 of many", "the last of many", "closed"):
            assert words in theirs
        assert not [line for line in log if "no line of ours" in line and "INFO graphs: printed in" not in line]
        assert [line for line in theirs if line.startswith("a token ") and line != "a token "]
        assert [line for line in theirs if line.startswith("a password ") and line != "a password "]
        assert killers.SECRET not in play.bot.log
        assert killers.PASSWORD not in play.bot.log


# --- Within -------------------------------------------------------------------------------------


async def _started(
    play: Play, graphs: Mapping[str, Killer], *, note: str = "x", one_by_one: bool = False
) -> Mapping[str, Thread]:
    """A bot with these graphs, and the thread of a task of each, approved. One by one: each has begun its deed, and
    another task was served since."""
    play.write(innocent=INNOCENT, **killers.sources(graphs))
    play.bot.module = UNPACED
    play.bot.start()
    threads: dict[str, Thread] = {}

    async def approve(name: str) -> None:
        if graphs[name].asks:
            await play.room.press("bob", await threads[name].card(), "approve")

    for name in graphs:
        threads[name] = await play.room.start(f"/task {name} note={note}")
        if one_by_one:
            await approve(name)

            async def begun(name: str = name) -> bool:
                return bool(killers.begun(play.effects(name)))

            await play.until(begun, f"the deed of {name}")
            await _is_served(play, f"beside {name}")
    if not one_by_one:
        for name in graphs:
            await approve(name)
    return threads


async def _all_told(graphs: Mapping[str, Killer], threads: Mapping[str, Thread]) -> Mapping[str, str]:
    """What the threads of these graphs say once their runs are given up."""
    told = {}
    for name, thread in threads.items():
        words = ("Stopped by an error", "it was begun", graphs[name].how, "error id", "[Retry]")
        told[name] = thread.room.read(await thread.shows(*words))
    return told


async def _is_served(play: Play, what: object) -> None:
    """A task that does no harm is started, approved and ended."""
    thread = await play.room.start(f'/task innocent note="{what}"')
    await thread.approved()


def _runs(pid: int) -> bool:
    """Whether this process exists and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def _is_gone(play: Play, pid: int) -> None:
    async def gone() -> bool:
        return not _runs(pid)

    await play.until(gone, f"the end of process {pid}")
