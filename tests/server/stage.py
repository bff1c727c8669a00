"""A bot over a LangGraph Server, without Slack: tasks, what they ask, votes, and what the agents did then."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Self

from bot.approvals.model.actor import COMMAND, Actor, Shown
from bot.approvals.model.decision import Approve, ItemVerdict, Respond
from bot.approvals.model.ids import JSON, ChannelId, TaskId, ThreadId
from bot.approvals.model.request import Pending, Request
from bot.approvals.model.server import OnServer, task_of_thread
from bot.approvals.model.task import Lease, Task
from bot.approvals.ports.storage import Storage
from bot.approvals.rules import lifecycle
from bot.engines.server.client import STRICT, ServerClient, connect
from bot.engines.server.engine import ServerEngine, ServersEngine
from tests.engines.processes import Process, kinds, records
from tests.support.builders import NOON, an_event
from tests.support.fakes.world import ALICE, RITA
from tests.support.langgraph_server import NAME, LangGraphServer

LEASE = Lease(thread_id=ThreadId("any"), token=1, until=NOON)


@dataclass
class Heard:
    """What runs said of themselves."""

    words: list[str] = field(default_factory=list)
    ended: int = 0

    def tell(self, task_id: TaskId, words: str) -> None:
        self.words.append(words)

    def over(self, task_id: TaskId) -> None:
        self.ended += 1


@dataclass(kw_only=True)
class Stage:
    """One bot and the server."""

    server: LangGraphServer
    client: ServerClient
    """The bot's own."""
    foreign: ServerClient
    """Somebody else's, such as a web app's."""
    storage: Storage
    heard: Heard = field(default_factory=Heard)

    def __post_init__(self) -> None:
        self.engine = ServerEngine(client=self.client, progress=self.heard)
        self.bot = self.another_bot()

    @classmethod
    @asynccontextmanager
    async def of(cls, server: LangGraphServer) -> AsyncIterator[Self]:
        client, foreign = (connect(NAME, server.url, None) for _ in range(2))
        try:
            async with records() as storage:
                yield cls(server=server, client=client, foreign=foreign, storage=storage)
        finally:
            await client.close()
            await foreign.close()

    def another_bot(self, *, followed: timedelta | None = None) -> Process:
        """Another process of the bot, over the same records."""
        engine = replace(self.engine, followed=followed) if followed is not None else self.engine
        return Process(storage=self.storage, engine=ServersEngine(engines={NAME: engine}))

    async def task(
        self,
        graph: str,
        *,
        key: str = "",
        watched: bool = False,
        thread_id: str = "",
        inputs: Mapping[str, JSON] | None = None,
    ) -> Task:
        """A task that is recorded and not begun, with a key of its own."""
        thread = ThreadId(thread_id or str(uuid.uuid4()))
        task = Task(
            id=task_of_thread(NAME, thread),
            thread_id=thread,
            graph=graph,
            inputs={"key": key or uuid.uuid4().hex} if inputs is None else inputs,
            requester=RITA,
            channel=ChannelId("C1"),
            created_at=NOON,
            server=OnServer(name=NAME, watched=watched),
        )
        return await self.bot.record(task)

    async def started(self, graph: str) -> Task:
        """A task that has come as far as it can by itself."""
        task = await self.task(graph)
        await self.drive(task)
        return await self.now(task)

    async def drive(self, task: Task, *, bot: Process | None = None) -> bool:
        return await (bot or self.bot).delivery.drive(task.id)

    async def now(self, task: Task) -> Task:
        return await self.storage.task(task.id)

    async def open(self, task: Task) -> list[Request]:
        """What the task asks now."""
        return [each for each in await self.storage.requests_of(task.id) if isinstance(each.state, Pending)]

    async def requests(self, task: Task) -> tuple[Request, ...]:
        return await self.storage.requests_of(task.id)

    async def decide(self, request: Request, verdict: ItemVerdict | None = None) -> None:
        """Vote, and do nothing else."""
        task = await self.storage.task(request.task_id)
        await self.bot.vote(task, verdict or Approve(), request)

    async def answer(self, request: Request, verdict: ItemVerdict | None = None) -> None:
        """Vote, and deliver it."""
        await self.decide(request, verdict)
        await self.bot.delivery.drive(request.task_id)

    async def edit(self, request: Request, **changes: JSON) -> Request:
        """The request, of which Alice has edited some arguments."""
        shown = Shown(request_id=request.id, version=request.version, digest=request.digest)
        arguments = {**request.question.items[0].arguments, **changes}
        return await self.bot.votes.edit(Actor(person=ALICE, at=self.bot.clock.now), shown, 0, arguments)

    def value(self, value: JSON) -> Respond:
        """A form that was filled in."""
        return Respond(value=value)

    # --- What others do -------------------------------------------------------------------------

    async def begun_elsewhere(
        self,
        graph: str,
        *,
        key: str = "",
        context: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """A thread that somebody else started, once its run has come to rest."""
        thread = await self.foreign.sdk.threads.create(graph_id=graph, metadata=dict(metadata or {}))
        id = thread["thread_id"]
        begun: dict[str, Any] = {"input": {"key": key or uuid.uuid4().hex}, "context": context}
        await self._theirs(id, graph, begun)
        return id

    async def answer_elsewhere(self, task: Task, interrupt_id: str, answer: JSON, *, strict: bool = False) -> None:
        """Somebody else answers, as a web app does."""
        given: dict[str, Any] = {"command": {"resume": {interrupt_id: answer}}}
        if strict:
            given["config"] = {"configurable": {STRICT: True}}
        await self._theirs(task.thread_id, task.graph, given)

    async def _theirs(self, thread_id: str, graph: str, given: Mapping[str, Any]) -> None:
        run = await self.foreign.sdk.runs.create(thread_id, graph, **given)
        await until(lambda: self._over(thread_id, run["run_id"]))

    async def _over(self, thread_id: str, run_id: str) -> bool:
        return await self.foreign.run_status(thread_id, run_id) not in ("pending", "running")

    async def race(self, task: Task, request: Request) -> None:
        """Two processes that do not know of each other answer the same question at once."""
        moved = [self.engine.resume(task, LEASE, request.interrupt_id, {"approved": each}, NOON) for each in range(2)]
        await asyncio.gather(*moved)

    async def edited_and_died(self, task: Task, request: Request, **changes: JSON) -> None:
        """What a process leaves that is killed after it has written an edit, and before it has run on."""
        (decided,) = await self.requests(task)
        begun = lifecycle.attempted(decided)
        await self.storage.save_request(begun, an_event("resume_begun", begun), [])
        checkpoint = (await self.client.state(task.thread_id))["checkpoint"]
        await self.client.update_state(task.thread_id, changes, "prepare", checkpoint)

    # --- What people do -------------------------------------------------------------------------

    async def cancel(self, task: Task) -> None:
        await self.bot.tasks.cancel(Actor(person=RITA, surface=COMMAND, at=self.bot.clock.now), task.id)

    async def retry(self, task: Task) -> None:
        """Rita retries, and it is driven."""
        await self.bot.tasks.retry(Actor(person=RITA, surface=COMMAND, at=self.bot.clock.now), task.id)
        await self.drive(task)

    async def history(self, task: Task) -> list[str]:
        return await kinds(self.storage, task)

    def effects(self, agent: str, task: Task) -> list[JSON]:
        return self.server.effects(agent, str(task.inputs["key"]))

    async def runs(self, task: Task) -> list[Mapping[str, Any]]:
        return list(await self.foreign.runs(task.thread_id))

    async def settled(self, task: Task) -> None:
        """Until no run of the thread is under way."""
        await until(lambda: self._idle(task))

    async def _idle(self, task: Task) -> bool:
        return not any(run["status"] in ("pending", "running") for run in await self.foreign.runs(task.thread_id))


async def until(holds: Callable[[], Any], seconds: float = 20) -> None:
    """Until it holds."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.02)
