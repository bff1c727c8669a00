"""The bot dies, or the server does: each answer arrives once, nothing else gets it, and the card is right."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.server.scene import House, Scene, Theirs
from tests.support.langgraph_server import LangGraphServer
from tests.support.stage import Thread

pytestmark = [pytest.mark.heavy]
YES = {"decisions": [{"type": "approve"}]}
AFTER_THE_VOTE = (
    "vote-saved",
    "decided",
    "leased",
    "resume-begun",
    "server-run-begun",
    "run-returned",
    "before-delivered",
)


@pytest.fixture(scope="module")
def house(own_server: LangGraphServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House.built(tmp_path_factory.mktemp("house"), own_server) as house:
        yield house


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Scene]:
    """The bot is not started."""
    async with Scene.of(house) as scene:
        yield scene
        house.bot.kill()


@pytest.mark.slow
async def test_a_bot_that_is_killed_on_the_whole_way_brings_the_answer_to_its_end(scene: Scene) -> None:
    """It dies as it asks, as it counts the vote, as it has sent the answer, and before it records that."""
    bot, mark = scene.house.bot, await scene.room.mark()
    bot.start(COUNTERSIGN_CRASH_AT="request-opened")
    theirs = await scene.begun("plain", user="U0ALICE")
    await scene.house.killed()
    bot.start(COUNTERSIGN_CRASH_AT="vote-saved")
    thread = await scene.room.opened("A thread of")
    await scene.room.seat("bob").press(await thread.card(), "approve")
    await scene.house.killed()
    for point in ("server-run-begun", "before-delivered"):
        bot.start(COUNTERSIGN_CRASH_AT=point)
        await scene.house.killed()

    bot.start()

    await _told_once(theirs, thread, mark)


@pytest.mark.slow
async def test_a_bot_that_is_killed_once_a_breakpoint_is_answered_passes_it_once(scene: Scene) -> None:
    bot, mark = scene.house.bot, await scene.room.mark()
    bot.start()
    theirs, thread = await scene.asked("stop", user="U0ALICE")
    card = await thread.card()
    bot.kill()
    bot.start(COUNTERSIGN_CRASH_AT="server-stop-answered")
    await scene.room.seat("bob").press(card, "approve")
    await scene.house.killed()

    bot.start()

    await thread.ended_well()
    assert theirs.effects("pay") == [[40, ["prepared"]]]
    assert set((await scene.room.posted_ids(mark)).values()) == {1}


@pytest.mark.slow
@pytest.mark.parametrize("point", AFTER_THE_VOTE)
@pytest.mark.parametrize("graph", ["plain", "stop"])
async def test_wherever_a_bot_is_killed_after_the_vote_the_agent_is_told_once(
    scene: Scene, graph: str, point: str
) -> None:
    bot, mark = scene.house.bot, await scene.room.mark()
    if graph == "stop" and point == "server-run-begun":
        point = "server-stop-answered"
    bot.start()
    theirs, thread = await scene.asked(graph, user="U0ALICE")
    card = await thread.card()
    bot.kill()
    bot.start(COUNTERSIGN_CRASH_AT=point)
    await scene.room.seat("bob").press(card, "approve")
    await scene.house.killed()

    bot.start()

    if graph == "plain":
        await _told_once(theirs, thread, mark)
    else:
        await thread.ended_well()
        assert theirs.effects("pay") == [[40, ["prepared"]]]


@pytest.mark.slow
async def test_a_server_that_is_shut_down_inside_a_run_does_not_answer_the_next_question(scene: Scene) -> None:
    """It begins the run again with the answer that was taken, and is refused. The bot has the agent go on, and what it
    asks next is asked here. `test_canaries.py` has the one question that this does not hold for."""
    server = scene.house.server
    scene.house.bot.start()
    theirs, thread = await scene.asked("slow_between", user="U0ALICE")
    await scene.room.press("bob", await thread.card(), "approve")
    await thread.opening("Working: step")
    server.kill(signal.SIGTERM)
    server.start()
    server.touch(f"go-{theirs.key}")

    second = await thread.card("second one?")
    unanswered = theirs.effects("ask_again")
    await scene.room.press("bob", second, "approve")

    await thread.ended("done with 3")
    assert unanswered == []
    assert theirs.effects("ask") == [YES]
    assert len(theirs.effects("ask_again")) == 1


@pytest.mark.slow
async def test_a_server_that_is_killed_and_comes_back_without_its_threads_is_told_so(scene: Scene) -> None:
    """`langgraph dev` keeps them in memory. What was decided is not said to have been delivered."""
    server = scene.house.server
    scene.house.bot.start()
    theirs, thread = await scene.asked("plain", user="U0ALICE")
    card = await thread.card()
    server.kill()
    server.forget()

    await scene.room.press("bob", card, "approve")
    await thread.opening("waiting for the server dev")
    server.start()

    await thread.ended("saved state is gone")
    await thread.settled("the task was stopped there")
    assert theirs.effects("ask") == []


async def _told_once(theirs: Theirs, thread: Thread, mark: int) -> None:
    await thread.ended_well()
    assert theirs.effects("ask") == [YES]
    assert len(theirs.effects("act")) == len(await theirs.answers()) == 1
    assert set((await thread.room.posted_ids(mark)).values()) == {1}
