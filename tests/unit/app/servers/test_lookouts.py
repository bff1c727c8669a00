"""A look at a server finds what has changed there, and one that cannot be made delays nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.app.servers.lookouts import Lane, Lookout
from bot.approvals.model.agent import ThreadStatus
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.facts import ServerAway, ServerReached
from bot.approvals.model.ids import TaskId, ThreadId
from bot.approvals.model.request import Request
from bot.approvals.model.server import task_of_thread
from bot.approvals.model.task import Task
from bot.approvals.services.adoption import Adoption, NowhereToAsk
from bot.engines.server.client import connect
from bot.servers_file import ServerTerms, WatchTerms
from tests.support.fakes.engine import FakeEngine, Thread
from tests.support.fakes.langgraph_server import FakeLangGraphServer
from tests.support.fakes.pause import Pause
from tests.support.fakes.telemetry import Heard
from tests.support.fakes.world import CHANNEL, FIRST, SECOND, World, a_world, question

WATCHED = WatchTerms(channel="#ops", graphs=("deploy", "refund-*"))
MINUTE = timedelta(minutes=1)


class Engine(FakeEngine):
    """Every thread of the server asks its first question, unless a test says otherwise."""

    def __init__(self) -> None:
        super().__init__({FIRST: question()}, {SECOND: question()})
        self.read: list[ThreadId] = []

    async def status(self, task: Task, requests: Sequence[Request] = ()) -> ThreadStatus:
        self.read.append(task.thread_id)
        self.threads.setdefault(task.thread_id, Thread(entered=True))
        return await super().status(task, requests)


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
async def world(engine: Engine) -> AsyncIterator[World]:
    async with a_world() as world:
        world.engine = engine
        world.be_born()
        world.directory.channels["#ops"] = CHANNEL
        yield world


@pytest.fixture
async def server() -> AsyncIterator[FakeLangGraphServer]:
    server = FakeLangGraphServer()
    async with server.served():
        yield server


@pytest.fixture
async def lookout(world: World, server: FakeLangGraphServer, engine: Engine) -> AsyncIterator[Lookout]:
    looking = a_lookout(world, server, engine, watch=WATCHED)
    yield looking
    await looking.client.close()


def a_lookout(world: World, server: FakeLangGraphServer, engine: Engine, **terms: Any) -> Lookout:
    return Lookout(
        client=connect("prod", server.url, None),
        terms=ServerTerms(name="prod", url=server.url, **terms),
        adoption=Adoption(storage=world.storage, engine=engine, directory=world.directory, work=world.work),
        storage=world.storage,
        work=world.work,
        clock=world.clock,
    )


def task(thread_id: ThreadId) -> TaskId:
    return task_of_thread("prod", thread_id)


async def looked(world: World, lookout: Lookout) -> None:
    """One look, and all work that follows."""
    await lookout.look()
    await world.settle()


async def known(world: World, *threads: ThreadId) -> list[ThreadId]:
    found = await world.storage.revisions([task(each) for each in threads])
    return [each for each in threads if task(each) in found]


# --- What is found --------------------------------------------------------------------------------


async def test_the_first_look_finds_all_that_may_ask(
    world: World, server: FakeLangGraphServer, lookout: Lookout
) -> None:
    """However long ago, as no bot may have been running, and by whatever clock."""
    old, failed = server.thread(at=server.now - timedelta(days=9)), server.thread(status="error")
    over, runs = server.thread(status="idle"), server.thread(status="busy")

    await looked(world, lookout)

    assert await known(world, old, failed, over, runs) == [old, failed]


async def test_threads_are_watched_by_the_pattern_of_their_graph(
    world: World, server: FakeLangGraphServer, lookout: Lookout
) -> None:
    one, other, another = (server.thread(graph=graph) for graph in ("refund-eu", "deploy-eu", "deploy"))

    await looked(world, lookout)

    assert await known(world, one, other, another) == [one, another]


async def test_threads_are_watched_by_their_metadata(world: World, server: FakeLangGraphServer, engine: Engine) -> None:
    lookout = a_lookout(world, server, engine, watch=replace(WATCHED, metadata={"team": "payments"}))
    ours, others = server.thread(team="payments"), server.thread(team="growth")

    await looked(world, lookout)
    await lookout.client.close()

    assert await known(world, ours, others) == [ours]


async def test_a_thread_that_another_bot_started_is_left_to_it(
    world: World, server: FakeLangGraphServer, lookout: Lookout
) -> None:
    """That bot has the task in its own records, and has its people asked."""
    theirs = server.thread(countersign_task="server-prod-1")

    await looked(world, lookout)

    assert await known(world, theirs) == []


async def test_a_thread_that_has_not_changed_is_read_once(
    world: World, server: FakeLangGraphServer, engine: Engine, lookout: Lookout
) -> None:
    """Looks overlap, so each finds the threads of the last minutes again."""
    server.thread(status="error")
    await looked(world, lookout)
    engine.read.clear()

    await looked(world, lookout)

    assert engine.read == []


async def test_a_later_look_goes_back_only_a_little(
    world: World, server: FakeLangGraphServer, lookout: Lookout
) -> None:
    for number in range(150):
        server.thread(status="error", graph="other", at=server.now - number * MINUTE)
    await looked(world, lookout)
    server.searches.clear()

    await looked(world, lookout)

    assert max(search["offset"] for search in server.searches) == 0


async def test_a_question_that_comes_later_is_found(
    world: World, server: FakeLangGraphServer, lookout: Lookout
) -> None:
    """Also on a server that had no thread before, and whose clock is years behind."""
    await looked(world, lookout)
    thread = server.thread(at=server.now + MINUTE)

    await looked(world, lookout)

    assert await known(world, thread) == [thread]


# --- What was answered elsewhere --------------------------------------------------------------------


async def test_a_task_is_driven_when_its_thread_goes_on(
    world: World, server: FakeLangGraphServer, lookout: Lookout
) -> None:
    """Somebody answered in the web app, so its card has to say that nobody need answer any more."""
    thread = server.thread()
    await looked(world, lookout)
    server.thread(thread, status="idle", at=server.now + MINUTE)

    await lookout.look()

    assert world.work.deliveries == [task(thread)]


async def test_a_start_has_all_driven_that_wait_for_people(
    world: World, server: FakeLangGraphServer, engine: Engine, lookout: Lookout
) -> None:
    """Their threads may have gone on days ago, while no bot was running."""
    thread = server.thread()
    await looked(world, lookout)
    server.thread(thread, status="idle", at=server.now - timedelta(days=3))
    server.thread(status="idle")
    again = a_lookout(world, server, engine, watch=WATCHED)

    await again.look()
    await again.client.close()

    assert world.work.deliveries == [task(thread)]


async def test_a_server_on_which_nothing_is_watched_is_looked_at_for_what_was_started_here(
    world: World, server: FakeLangGraphServer, engine: Engine, lookout: Lookout
) -> None:
    ours = server.thread()
    await looked(world, lookout)
    only_started = a_lookout(world, server, engine, start=("deploy",))
    await looked(world, only_started)
    server.thread(ours, status="idle", at=server.now + MINUTE)
    foreign = server.thread(at=server.now + MINUTE)

    await only_started.look()
    await only_started.client.close()

    assert world.work.deliveries == [task(ours)]
    assert await known(world, foreign) == []


# --- What keeps a look from its end -----------------------------------------------------------------


async def test_a_thread_that_could_not_be_asked_about_is_found_again(
    world: World, server: FakeLangGraphServer, lookout: Lookout
) -> None:
    thread = server.thread()
    world.directory.down = True
    with pytest.raises(Unreachable):
        await lookout.look()
    world.directory.down = False

    await looked(world, lookout)

    assert await known(world, thread) == [thread]


async def test_known_tasks_go_on_although_there_is_no_channel_for_new_ones(
    world: World, server: FakeLangGraphServer, lookout: Lookout
) -> None:
    thread = server.thread()
    await looked(world, lookout)
    world.directory.elsewhere.add(CHANNEL)
    server.thread(thread, status="idle", at=server.now + MINUTE)
    server.thread(at=server.now + MINUTE)

    with pytest.raises(NowhereToAsk):
        await lookout.look()

    assert world.work.deliveries == [task(thread)]


# --- What may be started ----------------------------------------------------------------------------


async def test_assistants_are_listed_with_their_forms(
    world: World, server: FakeLangGraphServer, engine: Engine
) -> None:
    schema = {"type": "object", "properties": {"target": {"type": "string"}}, "required": ["target"]}
    server.assistants["deploy"] = schema
    lookout = a_lookout(world, server, engine, start=("deploy", "refund"))

    before = [agent.graph.unavailable for agent in lookout.agents]
    await lookout.look()
    deploy, refund = (agent.graph for agent in lookout.agents)
    await lookout.client.close()

    assert all("was not asked yet" in why for why in before)
    assert (deploy.name, deploy.server, [each.name for each in deploy.inputs]) == ("deploy", "prod", ["target"])
    assert "has no assistant of this name" in refund.unavailable


async def test_forms_are_read_again_after_a_while(world: World, server: FakeLangGraphServer, engine: Engine) -> None:
    lookout = a_lookout(world, server, engine, start=("deploy",))
    await lookout.look()
    server.assistants["deploy"] = {"type": "object", "properties": {}}

    await lookout.look()
    (still,) = lookout.agents
    world.clock.advance(MINUTE)
    await lookout.look()
    (deploy,) = lookout.agents
    await lookout.client.close()

    assert (bool(still.graph.unavailable), deploy.graph.unavailable) == (True, "")


# --- One look at a time -----------------------------------------------------------------------------


class Looks(Lookout):
    """Counts its looks, each of which waits for the test, or fails."""

    def __init__(self, lookout: Lookout) -> None:
        super().__init__(
            client=lookout.client,
            terms=lookout.terms,
            adoption=lookout.adoption,
            storage=lookout.storage,
            work=lookout.work,
            clock=lookout.clock,
        )
        self.count = 0
        self.error: Exception | None = None
        self.pause: Pause | None = None

    async def look(self) -> None:
        self.count += 1
        if self.pause is not None:
            await self.pause.here()
        if self.error is not None:
            raise self.error


@pytest.fixture
def looks(lookout: Lookout) -> Looks:
    return Looks(lookout)


async def over(lane: Lane) -> None:
    assert lane._running is not None
    await lane._running


async def test_a_look_that_is_under_way_is_not_waited_for_and_not_begun_twice(looks: Looks) -> None:
    lane, looks.pause = Lane(lookout=looks, pause=0), Pause()
    lane.look()
    await looks.pause.reached.wait()
    lane.look()
    looks.pause.go.set()

    await over(lane)

    assert looks.count == 1


async def test_a_change_during_a_look_has_another_one_follow(looks: Looks) -> None:
    """What the server tells of may have happened after it was asked."""
    lane, looks.pause = Lane(lookout=looks, pause=0), Pause()
    lane.look()
    await looks.pause.reached.wait()
    for _ in range(3):
        lane.look_again()
    looks.pause.go.set()

    await over(lane)

    assert looks.count == 2


async def test_a_look_has_a_limit(looks: Looks, caplog: pytest.LogCaptureFixture) -> None:
    lane, looks.pause = Lane(lookout=looks, limit=0, pause=0), Pause()

    for _ in range(2):
        lane.look()
        await over(lane)

    assert caplog.messages == ["a look at the LangGraph Server prod took over 0 seconds; the next one goes on"]


async def test_what_keeps_looks_from_their_end_is_logged_once_and_that_it_is_over(
    looks: Looks, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot")
    lane = Lane(lookout=looks, pause=0)

    for error in (NowhereToAsk("There is no #ops."), NowhereToAsk("There is no #ops."), None, None):
        looks.error = error
        lane.look()
        await over(lane)

    assert caplog.messages == [
        "what waits on the LangGraph Server prod is not asked yet: There is no #ops.",
        "what waits on the LangGraph Server prod is asked again",
    ]


async def test_a_server_that_is_away_is_told_of_once_and_that_it_is_back(
    server: FakeLangGraphServer, lookout: Lookout
) -> None:
    """However often it is looked at."""
    heard = lookout.client.telemetry = Heard()
    lane = Lane(lookout=lookout, pause=0)

    for down in (True, True, False, False):
        server.down = down
        lane.look()
        await over(lane)
        assert lane.is_away() is down

    assert [type(fact) for fact in heard.facts] == [ServerAway, ServerReached]


async def test_a_lane_that_is_closed_looks_no_more(looks: Looks) -> None:
    lane, looks.pause = Lane(lookout=looks, pause=0), Pause()
    lane.look_again()
    await looks.pause.reached.wait()

    await lane.close()

    assert looks.count == 1
    assert not [each for each in asyncio.all_tasks() if each.get_name() == "looks at prod"]
