"""The domain over its real storage and the fakes, with some people in a workspace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.approvals.inbox.home import Homes
from bot.approvals.inbox.queries import Inboxes
from bot.approvals.inbox.summaries import Summaries
from bot.approvals.model.actor import COMMAND, Actor, Shown
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Approve, ItemVerdict
from bot.approvals.model.ids import (
    ChannelId,
    InterruptId,
    MessageId,
    Person,
    RequestId,
    TaskId,
    TeamId,
    ThreadId,
    UserId,
)
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.policy import Policy, Step, one_stage
from bot.approvals.model.question import Item, Question, Risk, Verdict
from bot.approvals.model.request import OpenStage, Pending, Request, RequestState
from bot.approvals.model.task import Task
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.rules import schedule
from bot.approvals.rules.matching import Policies
from bot.approvals.services.messages.posting import Posting
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.side_actions import SideActions
from bot.approvals.services.tasks import Tasks
from bot.approvals.services.votes import Votes
from bot.storage.sqlite.store import SqliteStorage
from tests.support.fakes.clock import MORNING, ManualClock
from tests.support.fakes.directory import FakeDirectory
from tests.support.fakes.engine import FakeEngine, Stage
from tests.support.fakes.front import FakeFront
from tests.support.fakes.fuse import Fuse, mortal
from tests.support.fakes.messenger import FakeMessenger
from tests.support.fakes.wiring import a_delivery, a_sweep, a_sync, a_unit
from tests.support.fakes.work import FakeWork

TEAM = TeamId("T1")
CHANNEL = ChannelId("C1")


def person(user_id: str) -> Person:
    return Person(team_id=TEAM, user_id=UserId(user_id))


RITA = person("U-RITA")
"""The requester."""
ALICE, BOB, CAROL = person("U-ALICE"), person("U-BOB"), person("U-CAROL")
"""Approvers."""
DORA = person("U-DORA")
"""A lead, who is asked when nobody answers."""
GUS = person("U-GUS")
"""A guest whom the policy names by mistake."""
STRANGER = person("U-STRANGER")

FIRST, SECOND = InterruptId("i-first"), InterruptId("i-second")

APPROVERS = ("U-ALICE", "U-BOB", "U-CAROL", "U-RITA", "U-GUS")


def policy(
    *,
    name: str = "default",
    approvers: tuple[str, ...] = APPROVERS,
    quorum: int = 1,
    self_approval: bool = False,
    reason_required: bool = True,
    steps: tuple[Step, ...] = (),
    extend: timedelta | None = None,
) -> Policy:
    return Policy(
        name=name,
        extend=extend,
        stages=one_stage(approvers, quorum, steps),
        self_approval=self_approval,
        reasons=(Verdict.REJECT,) if reason_required else (),
    )


def a_request(*, of: Policy | None = None, asks: Question | None = None, state: RequestState | None = None) -> Request:
    """A request that stands nowhere but in a test of pure rules; Rita's, and just opened."""
    asks = asks or question()
    request = Request(
        id=RequestId("r1"),
        task_id=TaskId("t1"),
        thread_id=ThreadId("thread-1"),
        interrupt_id=FIRST,
        graph="cleanup",
        requester=RITA,
        proposed=asks,
        question=asks,
        policy=of or policy(),
        opened_at=MORNING,
        state=Pending(due_at=None),
        open=OpenStage(asked=(), opened_at=MORNING),
    )
    return replace(request, state=state or schedule.first_due(request))


def item(*verdicts: Verdict, name: str = "delete", arguments: Mapping[str, str] | None = None) -> Item:
    return Item(
        name=name,
        arguments=arguments if arguments is not None else {"path": "/old"},
        verdicts=verdicts or (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT),
    )


def question(*items: Item, title: str = "Delete?", choices: tuple[str, ...] = (), risk: Risk | None = None) -> Question:
    return Question(shape="hitl", title=title, items=items or (item(),), choices=choices, risk=risk)


@dataclass(kw_only=True)
class World:
    """A process of the bot, and what it stands in."""

    storage: Storage
    policies: Policies
    engine: FakeEngine
    lease_ttl: timedelta = timedelta(seconds=30)
    clock: ManualClock = field(default_factory=ManualClock)
    directory: FakeDirectory = field(default_factory=FakeDirectory)
    messenger: FakeMessenger = field(default_factory=FakeMessenger)
    front: FakeFront = field(default_factory=FakeFront)
    work: FakeWork = field(default_factory=FakeWork)
    fuse: Fuse = field(default_factory=Fuse)
    telemetry: Telemetry = SILENT

    def __post_init__(self) -> None:
        for someone in (RITA, ALICE, BOB, CAROL, DORA, STRANGER):
            self.directory.add(someone)
        self.directory.add(GUS, ineligible="it is a guest's")
        self.be_born()

    def be_born(self, fuse: Fuse | None = None) -> None:
        """A new process over the same world; the old one, if any, is gone with its work."""
        self.fuse = fuse or Fuse()
        self.work.forget()
        self.engine.fuse = self.fuse
        storage = mortal(self.storage, self.fuse)
        engine = mortal(self.engine, self.fuse)
        unit = a_unit(
            storage=storage, engine=engine, directory=self.directory, work=self.work, telemetry=self.telemetry
        )
        self.tasks = Tasks(unit=unit, directory=self.directory)
        self.answers = Votes(unit=unit, policy_choice=PolicyChoice(policies=self.policies, directory=self.directory))
        self.side_actions = SideActions(unit=unit, directory=self.directory)
        self.sweeper = a_sweep(
            storage=storage, engine=engine, directory=self.directory, work=self.work, telemetry=self.telemetry
        )
        self.delivery = a_delivery(
            storage=storage,
            engine=engine,
            directory=self.directory,
            policies=self.policies,
            work=self.work,
            clock=self.clock,
            lease_ttl=self.lease_ttl,
            telemetry=self.telemetry,
        )
        self.inboxes = Inboxes(storage=storage, directory=self.directory)
        front = mortal(self.front, self.fuse)
        self.homes = Homes(storage=storage, inboxes=self.inboxes, front=front, work=self.work, clock=self.clock)
        self.summaries = Summaries(
            storage=storage,
            inboxes=self.inboxes,
            directory=self.directory,
            messenger=mortal(self.messenger, self.fuse),
            posting=Posting(messenger=mortal(self.messenger, self.fuse), clock=self.clock),
            front=front,
            work=self.work,
            clock=self.clock,
        )
        posts = mortal(self.messenger, self.fuse)
        self.messages = a_sync(storage=storage, messenger=posts, clock=self.clock, telemetry=self.telemetry)

    @property
    def now(self) -> datetime:
        return self.clock.now

    def actor(self, person: Person, surface: MessageId | str | None = None) -> Actor:
        """Somebody who does something now."""
        return Actor(person=person, surface=surface, at=self.now)

    # --- Short for what tests do all the time -----------------------------------------------------

    async def started(self) -> Task:
        """A task that has come as far as it can by itself."""
        task = await self.tasks.start(self.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
        await self.settle()
        return await self.task(task.id)

    async def settle(self) -> None:
        """Do all work that was woken."""
        await self.work.run(self.delivery, self.messages)

    async def later(self, by: timedelta) -> None:
        """Time passes, then a sweep and what it wakes."""
        self.clock.advance(by)
        await self.sweeper.sweep(self.now)
        await self.settle()

    async def vote(self, by: Person, *verdicts: ItemVerdict, on: Request) -> Request:
        shown = Shown(request_id=on.id, version=on.version, digest=on.digest)
        return await self.answers.vote(self.actor(by), shown, verdicts or (Approve(),))

    # --- What is stored ---------------------------------------------------------------------------

    async def task(self, task_id: TaskId) -> Task:
        return await self.storage.task(task_id)

    async def requests(self, task: Task) -> tuple[Request, ...]:
        return await self.storage.requests_of(task.id)

    async def request(self, task: Task, interrupt_id: InterruptId = FIRST) -> Request:
        (found,) = [request for request in await self.requests(task) if request.interrupt_id == interrupt_id]
        return found

    async def message(self, task: Task, kind: MessageKind) -> Message:
        (found,) = await self.messages_of(task, kind)
        return found

    async def messages_of(self, task: Task, kind: MessageKind) -> list[Message]:
        return [message for message in await self.storage.messages_of(task.id) if message.kind is kind]

    async def history(self, task: Task, kind: str) -> list[AuditEvent]:
        return [event for event in await self.storage.history(task.id) if event.kind == kind]


@asynccontextmanager
async def a_world(
    *stages: Stage, otherwise: Policy | None = None, lease_ttl: timedelta = timedelta(seconds=30)
) -> AsyncIterator[World]:
    """A world whose graph has these stages; where none is given, it asks one question."""
    storage = await SqliteStorage.open(":memory:")
    try:
        yield World(
            storage=storage,
            policies=Policies(rules=(), otherwise=otherwise or policy()),
            engine=FakeEngine(*(stages or ({FIRST: question()},))),
            lease_ttl=lease_ttl,
        )
    finally:
        await storage.close()
