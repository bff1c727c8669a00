"""A process of the bot over an engine and its records, for tests that drive the domain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.decision import ItemVerdict
from bot.approvals.model.ids import JSON
from bot.approvals.model.policy import Expire, Step
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
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
from bot.approvals.services.tasks import Tasks
from bot.approvals.services.unit_of_work import UnitOfWork
from bot.approvals.services.votes import Votes
from bot.engines.caller.engine import CallerEngine
from bot.engines.published import PublishedAgents
from bot.storage.sqlite.store import SqliteStorage
from tests.support.builders import NOON, an_event
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.directory import FakeDirectory
from tests.support.fakes.fuse import Fuse, mortal
from tests.support.fakes.wiring import NoInputs, a_delivery
from tests.support.fakes.work import FakeWork
from tests.support.fakes.world import ALICE, RITA, policy

HOUR = timedelta(hours=1)
POLICIES = Policies(rules=(), otherwise=policy(steps=(Step(after=HOUR, action=Expire()),), reason_required=False))


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
        self.directory.add(RITA)
        storage, engine = mortal(self.storage, self.fuse), mortal(self.engine, self.fuse)
        eligibility = Eligibility(directory=self.directory)
        self.expiry = DueSteps(
            storage=storage, agents=engine, directory=self.directory, eligibility=eligibility, work=self.work
        )
        agents = PublishedAgents(storage=storage, ask=nothing_to_object)
        unit = UnitOfWork(storage=storage, agents=agents, eligibility=eligibility, expiry=self.expiry, work=self.work)
        policy_choice = PolicyChoice(policies=POLICIES, directory=self.directory)
        self.votes = Votes(unit=unit, policy_choice=policy_choice)
        self.tasks = Tasks(unit=unit, directory=self.directory)
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

    async def vote(self, task: Task, verdict: ItemVerdict, on: Request | None = None) -> None:
        request = on or await self.request(task)
        shown = Shown(request_id=request.id, version=request.version, digest=request.digest)
        await self.votes.vote(Actor(person=ALICE, at=self.clock.now), shown, (verdict,))


async def nothing_to_object(graph: str, values: Mapping[str, JSON]) -> Mapping[str, str]:
    return {}


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
