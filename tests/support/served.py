"""The HTTP API over loopback: the real app, services and SQLite, with Slack's people and messages in memory."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias, TypeVar

import aiohttp
from starlette.types import ASGIApp

from bot.app.callers import callers
from bot.app.wire import GatewayWork
from bot.approvals.inbox.queries import Inboxes
from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.agent import Graph, Input
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.catalog import Agent, Catalog
from bot.approvals.model.decision import Approve, ItemVerdict
from bot.approvals.model.ids import ChannelId, InterruptId, Person, RequestId, TaskId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Policy, one_stage
from bot.approvals.model.request import Request
from bot.approvals.model.token import TOKENS, Scope, Token, digest_of
from bot.approvals.ports.storage import Storage
from bot.approvals.rules.matching import Policies
from bot.approvals.services.admission import Admission
from bot.approvals.services.delivery.leasing import Leases
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.tokens import Tokens
from bot.approvals.services.votes import Votes
from bot.engines import questions
from bot.engines.published import PublishedAgents
from bot.http.attempts import FREE, Attempts
from bot.http.auth import Guard
from bot.http.parts import Parts
from bot.http.routes.watched import Watched
from bot.http.server import Serving, serving
from bot.http.views import Views
from bot.http.waiting import Waiters
from bot.runtime.work_queue import JobQueue, WorkQueues
from bot.storage.sqlite.store import SqliteStorage
from bot.stores import system_clock
from tests.support.fakes.directory import FakeDirectory
from tests.support.fakes.engine import FakeEngine
from tests.support.fakes.messenger import FakeMessenger
from tests.support.fakes.secrets import masking
from tests.support.fakes.telemetry import Heard
from tests.support.fakes.wiring import a_delivery, a_sync, a_unit
from tests.support.starter import WAIT

TEAM: Final = "T1"
CHANNEL: Final = ChannelId("C0OPS")
HINT: Final = ("prod", "0123456789abcdef")
"""The server that may say that something has changed, and its key."""
CALLED = "example.com"
"""What is in the addresses that may be called."""
ADDRESS: Final = "https://acme.slack.com/"
ALL_SCOPES: Final = frozenset(Scope)
ALICE, BOB, RITA = (Person(team_id=TEAM, user_id=id) for id in ("U0ALICE", "U0BOB", "U0RITA"))  # type: ignore[arg-type]
POLICY: Final = Policy(name="two may", stages=one_stage((ALICE.user_id, BOB.user_id), 1, ()))
GRAPH: Final = Graph(
    name="cleanup",
    description="Deletes old files.",
    inputs=(Input(name="bucket", schema={"type": "string"}, required=True),),
    example="/task cleanup bucket=logs",
)
ASKED: Final = InterruptId("i-first")
_numbers = itertools.count()
Found = TypeVar("Found")
Mounting: TypeAlias = Callable[[Parts], AbstractAsyncContextManager[Mapping[str, ASGIApp]]]


@dataclass(slots=True)
class Answer:
    """What the API answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def problem(self) -> str:
        """The kind of problem."""
        assert self.headers["Content-Type"] == "application/problem+json", self
        assert self.json["status"] == self.status
        kind: str = self.json["type"].removeprefix("/docs#problem-")
        return kind


@dataclass(slots=True, kw_only=True)
class Api:
    """A served API, and what it stands in."""

    storage: Storage
    serving: Serving
    session: aiohttp.ClientSession
    directory: FakeDirectory
    votes: Votes
    waiters: Waiters
    work: GatewayWork
    parts: Parts
    hinted: list[str] = field(default_factory=list)
    """The servers that have said that something has changed."""
    heard: Heard = field(default_factory=Heard)
    """What the API has told of its calls."""
    tokens: dict[str, str] = field(default_factory=dict)
    """The token of each source that the tests have used."""

    @property
    def url(self) -> str:
        return self.serving.url

    async def token(self, *sources: str, scopes: frozenset[Scope] = ALL_SCOPES, **changes: Any) -> str:
        """A new token that speaks for these sources."""
        number = next(_numbers)
        text = f"csk_{number:043d}"
        values: dict[str, Any] = {
            "name": f"token-{number}",
            "digest": digest_of(text),
            "scopes": scopes,
            "sources": sources or ("billing-service",),
            "channels": (CHANNEL,),
            "created_at": system_clock(),
        }
        token = Token(**values | changes)
        await self.storage.add_token(token, AuditEvent(kind="token_added", at=token.created_at, task_id=TOKENS))
        return text

    async def revoke(self, text: str) -> None:
        """Revokes a token, as an operator does beside the running bot."""
        token = await self.storage.token_of(digest_of(text))
        assert token is not None
        await Tokens(storage=self.storage, by="operator").revoke(token.name, system_clock())

    async def own(self, source: str = "billing-service") -> str:
        """A token of this source, the same each time."""
        if source not in self.tokens:
            self.tokens[source] = await self.token(source)
        return self.tokens[source]

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: object = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
    ) -> Answer:
        """Makes a call, with the usual token if none is given; an empty one means none."""
        token = await self.own() if token is None else token
        sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        if key is not None:
            sent["Idempotency-Key"] = key
        content: dict[str, Any] = {} if body is None else {"json": body}
        if data is not None:
            content = {"data": data}
        async with self.session.request(method, self.url + path, headers=sent, **content) as response:
            return Answer(response.status, dict(response.headers), await response.text())

    async def get(self, path: str, **how: Any) -> Answer:
        return await self.call("GET", path, **how)

    async def post(self, path: str, body: object = None, **how: Any) -> Answer:
        return await self.call("POST", path, body=body, **how)

    async def ask(self, question: object = "May I?", *, token: str | None = None, **more: Any) -> dict[str, Any]:
        """A new request, once people have been asked."""
        made = await self.post("/v1/requests", {"question": question, **more}, key=f"key-{next(_numbers)}", token=token)
        assert made.status == 201, made
        return await self.opened(made.json["id"], token=token)

    async def opened(self, id: str, *, token: str | None = None) -> dict[str, Any]:
        """The request, once people have been asked."""
        while True:
            shown = (await self.get(f"/v1/requests/{id}", token=token)).json
            if shown["digest"] is not None:
                return dict(shown)
            await asyncio.sleep(0.005)

    async def decided(self, *, token: str | None = None) -> dict[str, Any]:
        """A request that was approved and handed over."""
        asked = await self.ask(token=token)
        await self.vote(asked["id"])
        return dict((await self.get(f"/v1/requests/{asked['id']}?wait=30", token=token)).json)

    async def shown(self, id: str) -> None:
        """Returns once the request's card is posted."""
        while True:
            request = await self.storage.request(RequestId(id))
            messages = await self.storage.messages_of(request.task_id)
            if any(each.kind is MessageKind.CARD and each.ref is not None for each in messages):
                return
            await asyncio.sleep(0.005)

    async def edit(self, id: str, arguments: Mapping[str, Any], by: Person = BOB) -> Request:
        """What an edit in Slack does."""
        request = await self.storage.request(RequestId(id))
        return await self.votes.edit(Actor(person=by, at=system_clock()), Shown.of(request), 0, arguments)

    async def vote(self, id: str, *verdicts: ItemVerdict, by: Person = ALICE) -> Request:
        """What a click in Slack does."""
        request = await self.storage.request(RequestId(id))
        return await self.votes.vote(Actor(person=by, at=system_clock()), Shown.of(request), verdicts or (Approve(),))


@asynccontextmanager
async def served(
    storage: Storage | None = None,
    *,
    policy: Policy = POLICY,
    free: int = FREE,
    mounting: Mounting | None = None,
    watched: Watched | None = None,
) -> AsyncIterator[Api]:
    """A gateway's API on a free port, with all that it needs to ask people and to hand decisions over. With a graph
    `cleanup` that asks once, with the apps of `mounting` beside it, and with the metrics and health of `watched`."""
    async with AsyncExitStack() as stack:
        if storage is None:
            storage = await SqliteStorage.open(":memory:")
            stack.push_async_callback(storage.close)
        directory, messenger, policies = FakeDirectory(), FakeMessenger(), Policies(rules=(), otherwise=policy)
        for person in (ALICE, BOB, RITA):
            directory.add(person)
        directory.channels["#ops"] = CHANNEL
        await storage.publish(Catalog(agents=(Agent(graph=GRAPH),), digest="1", published_at=system_clock()))
        agents = PublishedAgents(storage=storage, ask=_nobody)
        await agents.refresh()
        engine = FakeEngine(
            {ASKED: questions.read({"action": "delete", "arguments": {"path": "/old", "password": "hunter22"}}, None)}
        )

        def changed(name: str, key: str) -> bool:
            if (name, key) != HINT:
                return False
            hinted.append(name)
            return True

        async def deliver(task_id: TaskId) -> datetime | None:
            return await programs.deliver(task_id)

        async def drive(task_id: TaskId) -> None:
            await delivery.drive(task_id)

        async def show(task_id: TaskId) -> datetime | None:
            return await messages.sync_task(task_id)

        queues = WorkQueues(
            deliveries=JobQueue("delivery", deliver, system_clock), syncs=JobQueue("sync", show, system_clock)
        )
        workers = JobQueue("worker", drive, system_clock)
        waiters = Waiters(storage.revisions)
        work = GatewayWork(wire=_Wire(workers), owner="gateway-1", queues=queues, changed=waiters.changed)
        delivery = a_delivery(
            storage=storage, engine=engine, directory=directory, policies=policies, work=work, clock=system_clock
        )
        messages = a_sync(storage=storage, messenger=messenger, clock=system_clock)
        policy_choice = PolicyChoice(policies=policies, directory=directory)
        unit = a_unit(storage=storage, engine=agents, directory=directory, work=work)
        masks, hinted, heard = masking(), list[str](), Heard()
        programs = callers(
            storage=storage,
            inputs=agents,
            policy_choice=policy_choice,
            eligibility=Eligibility(directory=directory),
            masking=masks,
            leases=Leases(storage=storage, clock=system_clock, ttl=timedelta(seconds=30)),
            work=work,
            clock=system_clock,
        )
        votes = Votes(unit=unit, policy_choice=policy_choice)
        guard = Guard(
            admission=Admission(storage=storage),
            attempts=Attempts(monotonic=time.monotonic, free=free),
            clock=system_clock,
        )
        parts = Parts(
            guard=guard,
            waiters=waiters,
            calls=programs.calls,
            votes=votes,
            inboxes=Inboxes(storage=storage, directory=directory),
            views=Views(answers=agents, masking=masks, address=ADDRESS),
            directory=directory,
            clock=system_clock,
            busy=queues.busy,
            callback_problem=lambda url: "" if CALLED in url else "is not allowed",
            server_changed=changed,
            telemetry=heard,
        )
        for queue in (queues.deliveries, queues.syncs, workers):
            assert queue is not None
            stack.push_async_callback(queue.close, 5)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        mounted = await stack.enter_async_context(mounting(parts)) if mounting is not None else None
        running = await stack.enter_async_context(serving(parts, "127.0.0.1:0", mounted=mounted, watched=watched))
        yield Api(
            storage=storage,
            serving=running,
            session=session,
            directory=directory,
            votes=votes,
            waiters=waiters,
            work=work,
            parts=parts,
            hinted=hinted,
            heard=heard,
        )


async def half_sent(api: Api, path: str) -> str:
    """What a caller reads who has sent half a body when the shutdown begins, until the connection is closed."""
    reader, writer = await asyncio.open_connection(api.serving.host, api.serving.port)
    head = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {await api.own()}", "Idempotency-Key: half"]
    head += ["Content-Type: application/json", "Accept: application/json, text/event-stream", "Content-Length: 99"]
    writer.write("\r\n".join([*head, "", '{"question": ']).encode())
    while not api.waiters.awaits_callers:  # noqa: ASYNC110 - nobody says so
        await asyncio.sleep(0.001)
    api.serving.drain()
    try:
        async with asyncio.timeout(WAIT):
            return (await reader.read()).decode()
    finally:
        writer.close()


@dataclass(frozen=True, slots=True)
class _Wire:
    """Wakes a worker in this process."""

    workers: JobQueue[TaskId]

    def send(self, to: str, **hint: Any) -> None:
        if "deliver" in hint:
            self.workers.wake(hint["deliver"])

    def listening(self, taken: Any) -> Any:
        raise AssertionError("nobody listens here")


async def _nobody(graph: str, values: Mapping[str, Any]) -> Mapping[str, str] | None:
    return None


@dataclass(slots=True)
class InThread:
    """A served API in a thread of its own, for callers that block."""

    api: Api
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, Found]) -> Found:
        """What the coroutine returns, run beside the server."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT)


@contextmanager
def in_thread(*, free: int = FREE, mounting: Mounting | None = None) -> Iterator[InThread]:
    """Serves the API in another thread while the block runs."""
    begun: Future[InThread] = Future()
    over = threading.Event()

    async def serve() -> None:
        async with served(free=free, mounting=mounting) as api:
            begun.set_result(InThread(api, asyncio.get_running_loop()))
            await asyncio.to_thread(over.wait)

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if not begun.done():
                begun.set_exception(error)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield begun.result(WAIT)
    finally:
        over.set()
        thread.join(WAIT)
