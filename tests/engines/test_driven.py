"""The same delivery over every engine: whatever happens to a task, its records say the same in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.decision import Approve, Cancelled, Expired, ItemVerdict, Reject
from bot.approvals.model.ids import JSON
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Expire, Step
from bot.approvals.model.request import Delivered, Pending, Request
from bot.approvals.model.task import Ended, Task, TaskCancelled
from bot.approvals.model.token import Scope, Token
from bot.approvals.model.webhook import WebhookKind
from bot.approvals.ports.engine import Engine
from bot.approvals.ports.storage import Storage
from bot.approvals.rules.matching import Policies
from bot.approvals.services.call_reading import CallReading
from bot.approvals.services.calls import Calls
from bot.approvals.services.delivery.drive import Delivery
from bot.approvals.services.due_steps import DueSteps
from bot.approvals.services.messages import wanted
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.sweep import AgentSweep
from bot.approvals.services.unit_of_work import UnitOfWork
from bot.approvals.services.votes import Votes
from bot.engines.caller.engine import CallerEngine
from bot.engines.published import PublishedAgents
from bot.storage.sqlite.store import SqliteStorage
from tests.engines.subjects import Subject
from tests.support.builders import NOON, an_event
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.directory import FakeDirectory
from tests.support.fakes.fuse import Fuse, Killed, mortal
from tests.support.fakes.wiring import NoInputs, a_delivery
from tests.support.fakes.work import FakeWork
from tests.support.fakes.world import ALICE, policy

HOUR = timedelta(hours=1)
POLICIES = Policies(rules=(), otherwise=policy(steps=(Step(after=HOUR, action=Expire()),), reason_required=False))
CHANGES = {f"after {call}" for call in ("save_all", "save_task", "save_request", "lease", "start", "resume")}
TOKEN = Token(name="shop", digest="0" * 64, scopes=frozenset(Scope), sources=("shop",), created_at=NOON)


@dataclass(kw_only=True)
class Process:
    """A process of the bot over an engine and the records."""

    storage: Storage
    engine: Engine
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    fuse: Fuse = field(default_factory=Fuse)
    work: FakeWork = field(default_factory=FakeWork)
    directory: FakeDirectory = field(default_factory=FakeDirectory)

    def __post_init__(self) -> None:
        self.directory.add(ALICE)
        storage, engine = mortal(self.storage, self.fuse), mortal(self.engine, self.fuse)
        eligibility = Eligibility(directory=self.directory)
        self.expiry = DueSteps(
            storage=storage, agents=engine, directory=self.directory, eligibility=eligibility, work=self.work
        )
        agents = PublishedAgents(storage=storage, ask=nothing_to_object)
        unit = UnitOfWork(storage=storage, agents=agents, eligibility=eligibility, expiry=self.expiry, work=self.work)
        policy_choice = PolicyChoice(policies=POLICIES, directory=self.directory)
        self.votes = Votes(unit=unit, policy_choice=policy_choice)
        self.delivery: Delivery = a_delivery(
            storage=storage,
            engine=engine,
            directory=self.directory,
            policies=POLICIES,
            work=self.work,
            clock=self.clock,
        )
        self.calls = Calls(
            storage=storage,
            reading=CallReading(storage=storage),
            engine=CallerEngine(),
            inputs=NoInputs(),
            policy_choice=policy_choice,
            directory=self.directory,
            work=self.work,
        )

    async def record(self, task: Task) -> Task:
        await self.storage.create_task(task, an_event("started", task), [wanted.opening_of(task)])
        return task

    async def drive(self, task: Task) -> None:
        """Do what was woken, and what a sweep finds."""
        for elsewhere in (False, True):
            await AgentSweep(storage=self.storage, work=self.work, elsewhere=elsewhere).sweep(self.clock.now)
        while self.work.deliveries:
            await self.delivery.drive(self.work.deliveries.pop(0))

    async def request(self, task: Task) -> Request:
        (request,) = await self.storage.requests_of(task.id)
        return request

    async def vote(self, task: Task, verdict: ItemVerdict) -> None:
        request = await self.request(task)
        shown = Shown(request_id=request.id, version=request.version, digest=request.digest)
        await self.votes.vote(Actor(person=ALICE, at=self.clock.now), shown, (verdict,))


async def nothing_to_object(graph: str, values: Mapping[str, JSON]) -> Mapping[str, str]:
    return {}


@pytest.fixture
async def storage() -> AsyncIterator[Storage]:
    async with records() as storage:
        yield storage


@asynccontextmanager
async def records() -> AsyncIterator[Storage]:
    storage = await SqliteStorage.open(":memory:")
    try:
        yield storage
    finally:
        await storage.close()


async def kinds(storage: Storage, task: Task) -> list[str]:
    return [event.kind for event in await storage.history(task.id)]


async def told(storage: Storage, task: Task) -> list[WebhookKind]:
    return [webhook.kind for webhook in await storage.webhooks_of(task.id)]


@pytest.mark.parametrize("verdict", [Approve(), Reject()], ids=["yes", "no"])
async def test_a_decision_is_delivered_once(
    subject: Subject, engine: Engine, storage: Storage, verdict: ItemVerdict
) -> None:
    process, task = Process(storage=storage, engine=engine), subject.make("1")
    await process.record(task)
    await process.drive(task)
    asked = await process.request(task)

    await process.vote(task, verdict)
    await process.drive(task)
    once = await kinds(storage, task)
    await process.delivery.drive(task.id)

    assert isinstance(asked.state, Pending)
    request = await process.request(task)
    assert isinstance(request.state, Delivered)
    assert isinstance((await storage.task(task.id)).state, Ended)
    assert await kinds(storage, task) == once
    assert once.count("resume_begun") == once.count("delivered") == once.count("voted") == 1
    assert await told(storage, task) == ([] if subject.has_agent else [WebhookKind.DECIDED])
    assert len(subject.took) == int(subject.has_agent)


async def test_silence_is_delivered_too(subject: Subject, engine: Engine, storage: Storage) -> None:
    process, task = Process(storage=storage, engine=engine), subject.make("1")
    await process.record(task)
    await process.drive(task)

    process.clock.advance(2 * HOUR)
    await process.expiry.step((await process.request(task)).id, process.clock.now)
    await process.drive(task)

    request = await process.request(task)
    assert isinstance(request.state, Delivered)
    assert isinstance(request.decision, Expired)
    assert await told(storage, task) == ([] if subject.has_agent else [WebhookKind.EXPIRED])
    assert len(subject.took) == int(subject.has_agent)


async def test_a_cancelled_task_takes_no_answer(subject: Subject, engine: Engine, storage: Storage) -> None:
    process, task = Process(storage=storage, engine=engine), subject.make("1")
    await process.record(task)
    await process.drive(task)

    await process.calls.cancel_task(task.id, ("shop",), TOKEN, process.clock.now)
    await process.drive(task)

    request = await process.request(task)
    assert isinstance(request.state, Delivered)
    assert isinstance(request.decision, Cancelled)
    assert isinstance((await storage.task(task.id)).state, TaskCancelled)
    assert await told(storage, task) == ([] if subject.has_agent else [WebhookKind.CANCELLED])
    assert subject.took == []


@pytest.mark.heavy
async def test_whenever_its_process_dies_the_next_one_comes_to_the_same_end(subject: Subject) -> None:
    """It is killed after each call that changed something, in storage or in the engine."""
    moments = await live(subject, "0", Fuse())

    for kill_at, moment in enumerate(moments):
        if moment not in CHANGES:
            continue
        key, answers = f"{kill_at + 1}", len(subject.took)
        await live(subject, key, Fuse(kill_at=kill_at))

        assert len(subject.took) - answers == int(subject.has_agent), moment


async def live(subject: Subject, key: str, fuse: Fuse) -> list[str]:
    """One task from its start to its end, in processes of which the first one dies. Returns its moments."""
    task = subject.make(key)
    async with records() as storage, subject.open() as engine:
        clock = ManualClock(NOON)
        await Process(storage=storage, engine=engine).record(task)
        for each in (fuse, Fuse(), Fuse()):
            process = Process(storage=storage, engine=engine, clock=clock, fuse=each)
            try:
                await process.drive(task)
                request = next(iter(await storage.requests_of(task.id)), None)
                if request is not None and isinstance(request.state, Pending):
                    await process.vote(task, Approve())
                await process.drive(task)
            except Killed:
                pass
            clock.advance(timedelta(minutes=2))  # past the lease and the first wait
        request = await process.request(task)
        events = await kinds(storage, task)
        assert isinstance(request.state, Delivered), (fuse.moments[-1:], request.state)
        assert isinstance((await storage.task(task.id)).state, Ended), fuse.moments[-1:]
        assert events.count("opened") == events.count("voted") == events.count("delivered") == 1, events
        assert len(await told(storage, task)) == int(not subject.has_agent), events
        outcomes = [each for each in await storage.messages_of(task.id) if each.kind is MessageKind.OUTCOME]
        assert len(outcomes) == int(subject.has_agent)
    return list(fuse.moments)
