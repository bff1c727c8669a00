"""A thread that somebody else started on a server becomes one task, if and when it asks something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.agent import Phase, ThreadStatus
from bot.approvals.model.errors import OwnRequest, Unreachable
from bot.approvals.model.ids import JSON, Program, ThreadId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Decided, Pending, Request, Superseded
from bot.approvals.model.server import OnServer, task_of_thread
from bot.approvals.model.task import Ended, Failed, Failure, Running, Task, TaskCancelled, Waiting
from bot.approvals.model.trace import Trace
from bot.approvals.services.adoption import Adoption, Found, NowhereToAsk, Place, nobody
from tests.support.fakes.engine import FakeEngine, Thread
from tests.support.fakes.world import ALICE, CHANNEL, FIRST, RITA, SECOND, World, question

THREAD = ThreadId("1f0c2b1e-7a53-4f0e-9a58-0c6b3f0f7d11")
ID = task_of_thread("prod", THREAD)
OPS = Place(channel="#ops", requester=("user", "email"))
NOBODY = Program(name="a thread on prod")


class Server(FakeEngine):
    """An engine whose thread was begun by somebody else."""

    busy = False
    trace: Trace | None = None

    async def status(self, task: Task, requests: Sequence[Request] = ()) -> ThreadStatus:
        if self.busy:
            return ThreadStatus(phase=Phase.BUSY)
        return replace(await super().status(task, requests), trace=self.trace)


@pytest.fixture
def server() -> Server:
    engine = Server({FIRST: question()}, {SECOND: question()})
    engine.threads[THREAD] = Thread(entered=True)
    return engine


@pytest.fixture
def adoption(world: World, server: Server) -> Adoption:
    world.engine = server
    world.be_born()
    world.directory.channels["#ops"] = CHANNEL
    world.directory.groups["rita@example.com"] = [RITA]
    return Adoption(storage=world.storage, engine=server, directory=world.directory, work=world.work)


def found(world: World, after: timedelta = timedelta(), /, **metadata: JSON) -> Found:
    """The thread, as it is found after so much time."""
    return Found(server="prod", thread_id=THREAD, graph="deploy", updated_at=world.now + after, metadata=metadata)


async def asked(world: World, adoption: Adoption, **metadata: JSON) -> Task:
    """The task of the thread, whose question people have been asked."""
    assert await adoption.adopt(found(world, timedelta(), **metadata), OPS, world.now)
    await world.settle()
    return await world.storage.task(ID)


# --- A new thread ---------------------------------------------------------------------------------


async def test_a_thread_that_asks_becomes_a_task_whose_question_is_put_to_people(
    world: World, adoption: Adoption
) -> None:
    task = await asked(world, adoption)

    assert task.server == OnServer(name="prod", watched=True)
    assert (task.graph, task.channel, task.requester) == ("deploy", CHANNEL, NOBODY)
    assert task.state == Waiting()
    assert isinstance((await world.request(task)).state, Pending)
    assert await world.messages_of(task, MessageKind.OPENING)
    assert await world.messages_of(task, MessageKind.CARD)


async def test_the_task_goes_on_in_the_trace_of_the_servers_run(
    world: World, server: Server, adoption: Adoption
) -> None:
    """What follows is found where the server traces its own run."""
    server.trace = Trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")

    assert (await asked(world, adoption)).trace == server.trace


async def test_finding_a_thread_again_asks_nobody_twice(world: World, adoption: Adoption) -> None:
    await asked(world, adoption)
    again = await asked(world, adoption)

    assert len(await world.requests(again)) == 1
    assert len(await world.messages_of(again, MessageKind.OPENING)) == 1
    assert len(await world.history(again, "adopted")) == 1


async def test_whoever_finds_it_at_the_same_time_makes_the_same_task(world: World, adoption: Adoption) -> None:
    """Two replicas of the bot, of which one has read that there is no task yet."""
    await asked(world, adoption)

    assert await adoption._begin(found(world), OPS, world.now)
    await world.settle()

    assert len(await world.requests(await world.storage.task(ID))) == 1


async def test_a_thread_has_one_task_even_if_its_server_has_two_names(world: World, adoption: Adoption) -> None:
    await asked(world, adoption)

    assert await adoption.adopt(replace(found(world), server="again"), OPS, world.now)

    assert await world.storage.revisions([task_of_thread("again", THREAD)]) == {}


async def test_a_thread_that_asks_nothing_becomes_no_task(world: World, server: Server, adoption: Adoption) -> None:
    """It failed, or somebody was faster."""
    server.threads[THREAD].stage = len(server.stages)

    assert await adoption.adopt(found(world), OPS, world.now)

    assert await world.storage.revisions([ID]) == {}


async def test_a_thread_that_runs_is_looked_at_again(world: World, server: Server, adoption: Adoption) -> None:
    server.busy = True

    assert not await adoption.adopt(found(world), OPS, world.now)

    assert await world.storage.revisions([ID]) == {}


async def test_nothing_is_stored_while_the_server_does_not_answer(
    world: World, server: Server, adoption: Adoption
) -> None:
    server.down = Unreachable("prod does not answer")

    with pytest.raises(Unreachable):
        await adoption.adopt(found(world), OPS, world.now)

    assert await world.storage.revisions([ID]) == {}


async def test_the_record_says_where_the_thread_is_and_what_began_it(world: World, adoption: Adoption) -> None:
    await adoption.adopt(replace(found(world), parent="thread-7"), OPS, world.now)

    task = await world.storage.task(ID)
    assert task.server == OnServer(name="prod", watched=True, parent="thread-7")
    (event,) = await world.history(task, "adopted")
    assert event.data == {
        "graph": "deploy",
        "server": "prod",
        "thread": THREAD,
        "parent": "thread-7",
        "requester": {"name": "a thread on prod"},
    }


# --- Whose it is ----------------------------------------------------------------------------------


async def test_the_requester_is_the_person_whom_the_metadata_names(world: World, adoption: Adoption) -> None:
    task = await asked(world, adoption, user={"email": "rita@example.com"})

    assert task.requester == RITA


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"user": "rita@example.com"},
        {"user": {"email": ["rita@example.com"]}},
        {"user": {"email": "nobody@example.com"}},
        {"user": {"email": "@ops-leads"}},
        {"user": {"email": ""}},
        {"user": None},
    ],
)
async def test_a_thread_that_names_no_person_is_its_own_requester(
    world: World, adoption: Adoption, metadata: dict[str, JSON]
) -> None:
    world.directory.groups["@ops-leads"] = [ALICE]

    task = await asked(world, adoption, **metadata)

    assert task.requester == nobody("prod") == NOBODY


async def test_a_thread_names_nobody_if_the_file_does_not_say_where(world: World, adoption: Adoption) -> None:
    await adoption.adopt(found(world, user={"email": "rita@example.com"}), Place(channel="#ops"), world.now)

    assert (await world.storage.task(ID)).requester == NOBODY


async def test_nobody_is_asked_while_slack_does_not_say_who_that_is(world: World, adoption: Adoption) -> None:
    """The requester might be one of those who may approve."""
    world.directory.untold.add("rita@example.com")

    with pytest.raises(Unreachable):
        await adoption.adopt(found(world, user={"email": "rita@example.com"}), OPS, world.now)

    assert await world.storage.revisions([ID]) == {}


async def test_a_thread_is_its_own_requester_if_slack_will_not_say_who_that_is(
    world: World, adoption: Adoption
) -> None:
    world.directory.refused["rita@example.com"] = "cannot be looked up: the scope users:read.email is missing"

    task = await asked(world, adoption, user={"email": "rita@example.com"})

    assert task.requester == NOBODY


async def test_whoever_wants_it_may_not_approve_it(world: World, adoption: Adoption) -> None:
    task = await asked(world, adoption, user={"email": "rita@example.com"})

    with pytest.raises(OwnRequest) as refused:
        await world.vote(RITA, on=await world.request(task))

    assert refused.value.program == task.graph, "they did not start it here"


async def test_a_thread_that_names_nobody_keeps_nobody_from_approving(world: World, adoption: Adoption) -> None:
    task = await asked(world, adoption)

    request = await world.vote(RITA, on=await world.request(task))

    assert isinstance(request.state, Decided)


# --- Where it is asked ----------------------------------------------------------------------------


async def test_without_its_channel_no_thread_becomes_a_task(world: World, adoption: Adoption) -> None:
    with pytest.raises(NowhereToAsk, match="The channel #nowhere is none that the bot is in"):
        await adoption.adopt(found(world), Place(channel="#nowhere"), world.now)

    assert await world.storage.revisions([ID]) == {}


async def test_the_bot_must_be_in_the_channel(world: World, adoption: Adoption) -> None:
    world.directory.elsewhere.add(CHANNEL)

    with pytest.raises(NowhereToAsk):
        await adoption.adopt(found(world), OPS, world.now)


async def test_a_channel_that_slack_will_not_look_up_is_told_as_such(world: World, adoption: Adoption) -> None:
    world.directory.refused["#ops"] = "cannot be looked up: the scope channels:read is missing"

    with pytest.raises(NowhereToAsk, match="The channel #ops cannot be looked up: the scope channels:read is missing"):
        await adoption.adopt(found(world), OPS, world.now)


async def test_a_thread_waits_until_slack_says_which_channel_it_is(world: World, adoption: Adoption) -> None:
    world.directory.untold.add("#ops")

    with pytest.raises(Unreachable):
        await adoption.adopt(found(world), OPS, world.now)


# --- A thread that is known -----------------------------------------------------------------------


async def test_a_question_that_was_answered_elsewhere_is_superseded(
    world: World, server: Server, adoption: Adoption
) -> None:
    task = await asked(world, adoption)
    server.answer_elsewhere(THREAD, FIRST)
    server.threads[THREAD].stage, server.threads[THREAD].entered = 1, True

    task = await asked(world, adoption)

    assert isinstance((await world.request(task, FIRST)).state, Superseded)
    assert isinstance((await world.request(task, SECOND)).state, Pending)


def ended(server: Server) -> None:
    server.threads[THREAD] = Thread(stage=len(server.stages))


def asks_more(server: Server) -> None:
    """Somebody gave the thread new input, and its second question is open."""
    server.threads[THREAD] = Thread(stage=1, entered=True)


async def test_a_task_that_had_ended_is_opened_again_if_its_thread_asks_anew(
    world: World, server: Server, adoption: Adoption
) -> None:
    await asked(world, adoption)
    ended(server)
    task = await asked(world, adoption)
    assert isinstance(task.state, Ended)
    asks_more(server)

    again = await asked(world, adoption)

    assert (again.state, again.id) == (Waiting(), task.id)
    assert isinstance((await world.request(again, SECOND)).state, Pending)
    assert len(await world.history(again, "task_reopened")) == 1
    assert len(await world.messages_of(again, MessageKind.OPENING)) == 1


async def test_a_task_that_had_ended_stays_so_if_its_thread_asks_nothing(
    world: World, server: Server, adoption: Adoption
) -> None:
    """A start of the bot looks at all threads, and some read `error` although they are over."""
    await asked(world, adoption)
    ended(server)
    task = await asked(world, adoption)

    assert await adoption.adopt(found(world), OPS, world.now)

    assert (await world.storage.task(ID)) == task
    assert world.work.deliveries == []


async def test_a_task_that_had_ended_is_looked_at_again_while_its_thread_runs(
    world: World, server: Server, adoption: Adoption
) -> None:
    await asked(world, adoption)
    ended(server)
    await asked(world, adoption)
    server.busy = True

    assert not await adoption.adopt(found(world), OPS, world.now)


async def test_a_task_that_was_cancelled_is_not_opened_for_the_question_that_it_waited_at(
    world: World, adoption: Adoption
) -> None:
    """The thread goes on asking it, whatever else of it changes: only the request here has ended."""
    task = await asked(world, adoption, user={"email": "rita@example.com"})
    await world.tasks.cancel(world.actor(RITA), task.id)
    await world.settle()

    assert await adoption.adopt(found(world, timedelta(minutes=1)), OPS, world.now)
    await world.settle()

    again = await world.storage.task(ID)
    assert isinstance(again.state, TaskCancelled)
    assert not isinstance((await world.request(again)).state, Pending | Decided)


@pytest.mark.parametrize("stopped", [True, False])
@pytest.mark.parametrize(("later", "opens"), [(timedelta(minutes=1), True), (-timedelta(minutes=1), False)])
async def test_a_task_that_was_ended_here_is_opened_only_for_what_its_thread_asks_since(
    world: World, server: Server, adoption: Adoption, *, stopped: bool, later: timedelta, opens: bool
) -> None:
    """It was ended while its thread asked something that nobody was asked, such as once more than its policy allows."""
    task = await asked(world, adoption)
    asks_more(server)
    over = Ended(outcome="", at=world.now, stopped=True) if stopped else TaskCancelled(by=RITA, at=world.now)
    (event,) = await world.history(task, "adopted")
    await world.storage.save_task(replace(task, state=over), replace(event, kind="stopped"))

    assert await adoption.adopt(found(world, later), OPS, world.now)

    assert isinstance((await world.storage.task(ID)).state, Running) is opens


async def test_a_task_that_failed_goes_on_when_its_thread_does(
    world: World, server: Server, adoption: Adoption
) -> None:
    """Somebody went on with the thread in the web app."""
    task = await asked(world, adoption)
    failure = Failure(error_id="e1", summary="ValueError", at=world.now)
    (event,) = await world.history(task, "adopted")
    failed = replace(task, state=Failed(failure=failure, retryable=True))
    await world.storage.save_task(failed, replace(event, kind="failed"))
    asks_more(server)

    again = await asked(world, adoption)

    assert again.state == Waiting()
    assert isinstance((await world.request(again, SECOND)).state, Pending)
