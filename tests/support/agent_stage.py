"""The bot without Slack: real graphs on the real saver, driven by the use cases and delivery over real storage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from bot.approvals.model.actor import COMMAND, Actor, Shown
from bot.approvals.model.decision import Approve, Choose, ItemVerdict, Reject, Respond
from bot.approvals.model.ids import JSON, MessageId, Person, ThreadId
from bot.approvals.model.policy import Expire, GraphTerms, Policy, Step, one_stage
from bot.approvals.model.request import Delivered, Pending, Request
from bot.approvals.model.task import Ended, Lease, Task
from bot.approvals.ports.storage import Storage
from bot.approvals.rules.matching import Policies
from bot.approvals.services.delivery.drive import Delivery
from bot.approvals.services.messages.sync import MessageSync
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.tasks import Tasks
from bot.approvals.services.votes import Votes
from bot.engines.langgraph.checkpoints import sqlite_saver
from bot.engines.langgraph.loading import inputs
from bot.engines.langgraph.loading.registry import LoadedGraph, Registry
from bot.engines.langgraph.runner import LangGraphEngine
from bot.storage.sqlite.store import SqliteStorage
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.directory import FakeDirectory
from tests.support.fakes.messenger import FakeMessenger
from tests.support.fakes.wiring import Sweeps, a_delivery, a_sweep, a_sync, a_unit
from tests.support.fakes.work import FakeWork
from tests.support.fakes.world import ALICE, CHANNEL, RITA

DEADLINE = timedelta(hours=2)
GRAPH = "agent"


_NOTHING = LoadedGraph(name=GRAPH, description="", compiled=None, form=inputs.EMPTY)


class State(TypedDict, total=False):
    told: Any
    outcome: str


@dataclass
class Stage:
    """One bot with one graph."""

    tasks: Tasks
    answers: Votes
    sweeper: Sweeps
    delivery: Delivery
    messages: MessageSync
    storage: Storage
    clock: ManualClock
    work: FakeWork
    messenger: FakeMessenger
    graph: Any
    """As it is on its saver."""
    graphs: dict[str, LoadedGraph]
    """What the engine has loaded."""

    def actor(self, person: Person, surface: MessageId | str | None = None) -> Actor:
        """Somebody who does something now."""
        return Actor(person=person, surface=surface, at=self.clock.now)

    # --- What people and time do ------------------------------------------------------------------

    async def started(self, **given: JSON) -> Task:
        """A task that has come as far as it can by itself."""
        words = {name: value if isinstance(value, str) else str(value) for name, value in given.items()}
        task = await self.tasks.start(self.actor(RITA, COMMAND), GRAPH, words, CHANNEL)
        await self.settle()
        return task

    async def settle(self) -> None:
        await self.work.run(self.delivery, self.messages)

    async def vote(self, on: Request, *verdicts: ItemVerdict) -> None:
        """Alice's verdicts on the version that stands now, and what follows from them."""
        now = await self.storage.request(on.id)
        await self.answers.vote(self.actor(ALICE), Shown.of(now), verdicts)
        await self.settle()

    async def approve(self, on: Request) -> None:
        await self.vote(on, *(Approve() for _ in on.question.items))

    async def reject(self, on: Request, reason: str = "not now") -> None:
        await self.vote(on, *(Reject(reason=reason) for _ in on.question.items))

    async def respond(self, on: Request, value: JSON) -> None:
        await self.vote(on, Respond(value=value))

    async def choose(self, on: Request, choice: str) -> None:
        await self.vote(on, Choose(choice=choice))

    async def edit(self, on: Request, item: int = 0, **arguments: JSON) -> None:
        """Change some arguments of one item; nothing is approved by it."""
        now = await self.storage.request(on.id)
        changed = {**now.question.items[item].arguments, **arguments}
        await self.answers.edit(self.actor(ALICE), Shown.of(now), item, changed)

    async def expire(self) -> None:
        """Nobody answers in time."""
        self.clock.advance(DEADLINE)
        await self.sweeper.sweep(self.clock.now)
        await self.settle()

    # --- What its owner does ----------------------------------------------------------------------

    async def redeploy(self, graph: StateGraph[Any, Any, Any, Any] | None, **compiled: Any) -> None:
        """The process ends and starts again with this graph, or with none."""
        self.graphs.clear()
        if graph is not None:
            self.graph = graph.compile(checkpointer=self.graph.checkpointer, **compiled)
            self.graphs[GRAPH] = replace(_NOTHING, compiled=self.graph, form=inputs.read(self.graph, None))
        for task_id in await self.storage.unsettled():
            await self.delivery.look(task_id)
        await self.settle()

    # --- What is stored ---------------------------------------------------------------------------

    async def asked(self, task: Task) -> list[Request]:
        """What is open, in the order of its asking."""
        requests = await self.storage.requests_of(task.id)
        return [request for request in requests if isinstance(request.state, Pending)]

    async def question(self, task: Task) -> Request:
        """The one request that is open."""
        (request,) = await self.asked(task)
        return request

    async def outcome(self, task: Task) -> str:
        """What the ended task says of itself."""
        state = (await self.storage.task(task.id)).state
        assert isinstance(state, Ended), state
        return state.outcome

    async def is_delivered(self, request: Request) -> bool:
        return isinstance((await self.storage.request(request.id)).state, Delivered)


def a_stage_on(
    storage: Storage,
    engine: LangGraphEngine,
    policies: Policies,
    clock: ManualClock,
    directory: FakeDirectory,
    *,
    graph: Any,
    graphs: dict[str, LoadedGraph],
) -> Stage:
    """A bot on this store and engine."""
    work, messenger = FakeWork(), FakeMessenger()
    unit = a_unit(storage=storage, engine=engine, directory=directory, work=work)
    return Stage(
        tasks=Tasks(unit=unit, directory=directory),
        answers=Votes(unit=unit, policy_choice=PolicyChoice(policies=policies, directory=directory)),
        sweeper=a_sweep(storage=storage, engine=engine, directory=directory, work=work),
        delivery=a_delivery(
            storage=storage,
            engine=engine,
            directory=directory,
            policies=policies,
            work=work,
            clock=clock,
            lease_ttl=timedelta(seconds=30),
        ),
        messages=a_sync(storage=storage, messenger=messenger, clock=clock),
        storage=storage,
        clock=clock,
        work=work,
        messenger=messenger,
        graph=graph,
        graphs=graphs,
    )


@asynccontextmanager
async def a_stage(folder: Path, graph: Any, *, terms: GraphTerms | None = None, **policy: Any) -> AsyncIterator[Stage]:
    """A stage for a graph that is not compiled onto a saver yet, whose questions expire after `DEADLINE`."""
    clock, directory = ManualClock(), FakeDirectory()
    for person in (RITA, ALICE):
        directory.add(person)
    storage = await SqliteStorage.open(":memory:")

    async def fence(thread_id: ThreadId, token: int) -> bool:
        return await storage.holds(Lease(thread_id=thread_id, token=token, until=clock.now), clock.now)

    try:
        async with sqlite_saver(folder / "checkpoints.sqlite", fence) as saver:
            compiled = (
                graph.compile(checkpointer=saver)
                if isinstance(graph, StateGraph)
                else graph.copy(update={"checkpointer": saver})
            )
            loaded = LoadedGraph(name=GRAPH, description="", compiled=compiled, form=inputs.read(compiled, None))
            by_name: Mapping[str, GraphTerms] = {} if terms is None else {GRAPH: terms}
            graphs = {GRAPH: loaded}
            engine = LangGraphEngine(registry=Registry(graphs=graphs, saver=saver), terms=by_name)
            steps = (Step(after=DEADLINE, action=Expire()),)
            otherwise = Policy(name="all", stages=one_stage((ALICE.user_id,), steps=steps), reasons=(), **policy)
            policies = Policies(rules=(), otherwise=otherwise, graphs=by_name)
            yield a_stage_on(storage, engine, policies, clock, directory, graph=compiled, graphs=graphs)
    finally:
        await storage.close()


def asks(value: Any, schema: Any = None, told: list[Any] | None = None) -> StateGraph[Any, Any, Any, Any]:
    """A graph that asks once, and keeps what it was told."""

    def ask(state: State) -> State:
        answer = interrupt(value, response_schema=schema)
        if told is not None:
            told.append(answer)
        return {"outcome": "it went on"}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    return builder
