"""The real bot in Slack, and agents on a real LangGraph Server: threads that others start, and tasks that people start
here."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from countersign import AsyncCountersign
from tests.server.scene import House, Scene
from tests.support.langgraph_server import LangGraphServer

pytestmark = [pytest.mark.heavy]
YES = {"decisions": [{"type": "approve"}]}


@pytest.fixture(scope="module")
def house(langgraph_server: LangGraphServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House.built(tmp_path_factory.mktemp("house"), langgraph_server) as house:
        house.bot.start()
        yield house
        assert house.bot.stop() == 0, house.bot.log


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Scene]:
    async with Scene.of(house) as scene:
        yield scene


async def test_a_thread_of_a_web_app_is_asked_decided_and_goes_on(scene: Scene) -> None:
    """Its requester is the person whom its metadata names, by e-mail."""
    theirs, thread = await scene.asked("plain", user="alice@example.com")
    assert "A thread of plain on dev asks for @alice" in await thread.opening("Refund")
    await thread.shows("Refund", "[Approve]")

    await thread.approved()

    assert theirs.effects("ask") == [YES]
    assert len(theirs.effects("act")) == 1
    assert len(await theirs.answers()) == 1


async def test_a_thread_that_names_nobody_is_its_own_requester(scene: Scene) -> None:
    theirs, thread = await scene.asked("plain")
    assert "A thread of plain on dev asks" in await thread.opening("Refund")

    await scene.room.press("bob", await thread.card(), "reject")
    await scene.room.modal("bob", "Why?")
    assert await scene.room.submit("bob", {"Why?": "Too much"}) == {}

    await thread.settled("Rejected by @bob")
    await thread.ended()
    assert theirs.effects("ask") == [{"decisions": [{"type": "reject", "message": "Too much"}]}]


async def test_what_the_web_app_answers_first_is_superseded_and_its_card_says_so(scene: Scene) -> None:
    theirs, thread = await scene.asked("plain", user="U0ALICE")
    card = await thread.card()
    (asked,) = await theirs.interrupts()

    await theirs.run(command={"resume": {asked["id"]: YES}})

    settled = await thread.settled("No longer needed")
    assert settled["ts"] == card["ts"]
    await thread.ended("done with 1")
    assert theirs.effects("ask") == [YES]
    assert await theirs.answers() == []


async def test_a_thread_that_asks_again_after_its_end_is_the_same_task(scene: Scene) -> None:
    theirs, thread = await scene.asked("plain", user="U0ALICE")
    await thread.approved()

    await theirs.run(input={"key": theirs.key})

    await scene.room.press("bob", await thread.card(), "approve")
    await scene.until(lambda: _in(len(theirs.effects("act")) == 2), "the second effect")
    assert len(await theirs.answers()) == 2


async def test_a_person_starts_an_assistant_and_sees_what_it_does(scene: Scene) -> None:
    room, key = await scene.other_room(1), uuid.uuid4().hex
    thread = await room.start(f"/task slow key={key}")
    await thread.opening("Working: step")

    scene.house.server.touch(f"go-{key}")

    await thread.ended("done with 1")
    assert scene.house.server.effects("work", key) == [True]


async def test_the_form_of_an_assistant_has_its_inputs(scene: Scene) -> None:
    room, key = await scene.other_room(2), uuid.uuid4().hex
    await room.seat("alice").command(room.channel, "/task")
    await room.modal("alice", "Start a task")
    view = await room.seat("alice").modal()
    assert view is not None
    await room.seat("alice").press(view, "graph", value="plain")
    await room.modal("alice", "Key")

    assert await room.submit("alice", {"Key": key}) == {}

    thread = await room.opened()
    await thread.approved()
    assert scene.house.server.effects("ask", key) == [YES]


async def test_an_assistant_that_fails_says_so(scene: Scene) -> None:
    room = await scene.other_room(3)

    thread = await room.start("/task failing key=none")

    await thread.shows("RuntimeError", "[Retry]")


async def test_a_cancelled_task_has_its_run_stopped(scene: Scene) -> None:
    room, key = await scene.other_room(4), uuid.uuid4().hex
    thread = await room.start(f"/task slow key={key}")
    await thread.opening("Working: step")
    id = await thread.task_id()

    await room.says("alice", f"/task cancel {id}")

    await thread.ended("Cancelled by @alice")
    (found,) = await scene.web_app.threads.search(metadata={"countersign_task": id})

    async def stopped() -> bool:
        runs = await scene.web_app.runs.list(found["thread_id"])
        return [run["status"] for run in runs] == ["interrupted"]

    await scene.until(stopped, "the end of its run")
    assert scene.house.server.effects("work", key) == []


async def test_a_program_starts_an_assistant(scene: Scene) -> None:
    room, key = await scene.other_room(5), uuid.uuid4().hex
    url, token = f"http://{scene.house.bot.environment['HTTP_BIND']}", await asyncio.to_thread(scene.house.token)
    shop = AsyncCountersign(url, token, source="shop")

    task = await shop.start("plain", {"key": key}, key=key, requester="alice@example.com", channel=room.channel)
    thread = await room.opened()
    await room.press("bob", await thread.card(), "approve")
    over = await shop.wait_task(task.id)

    assert over.status == "ended"
    assert scene.house.server.effects("ask", key) == [YES]


async def test_a_server_that_is_away_delays_its_tasks_alone_and_says_so_once(scene: Scene) -> None:
    theirs, thread = await scene.asked("plain", user="U0ALICE")
    card = await thread.card()
    before = scene.house.bot.log
    other = await scene.other_room(6)
    folder = scene.house.bot.fill("meanwhile", old=2)

    with scene.house.proxy.away():
        await scene.room.press("bob", card, "approve")
        await thread.opening("for the server dev, which does not answer")
        here = await other.start("/task cleanup path=meanwhile")
        await here.approved()
        meanwhile = theirs.effects("ask")

    await thread.ended_well()
    assert meanwhile == []
    assert theirs.effects("ask") == [YES]
    assert len(list(folder.iterdir())) == 1
    log = scene.house.bot.log
    for event in ("server.away server=dev", "server.reached server=dev"):
        assert log.count(event) - before.count(event) == 1


async def test_what_the_bot_never_does(scene: Scene) -> None:
    """So that the check at the end of each module looks at something."""
    theirs, thread = await scene.asked("plain", user="U0ALICE")
    await thread.approved()

    scene.house.nothing_forbidden_was_called()
    mine = [each for each in scene.house.proxy.runs() if theirs.id in each.path]
    (interrupt,) = mine[-1].body["command"]["resume"]
    assert len(mine) == 1
    assert mine[0].body["metadata"]["countersign_interrupt"] == interrupt
    assert await scene.web_app.threads.get(theirs.id)


async def _in(value: bool) -> bool:
    return value
