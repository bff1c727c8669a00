"""A bot of today on the files of `before_undo`, which agents and programs share."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig

from bot.app.hooks import as_the_api_shows_it
from bot.approvals.model.actor import Shown
from bot.approvals.model.caller import digits_of, is_of_caller, task_id_of
from bot.approvals.model.decision import Approve, ItemVerdict
from bot.approvals.model.ids import JSON, Person, TaskId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Expire, Policy, Step, one_stage
from bot.approvals.model.request import Pending, Request
from bot.approvals.model.task import Task
from bot.approvals.model.token import Scope, Token
from bot.approvals.model.trace import Trace
from bot.approvals.model.webhook import Webhook, WebhookId
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.webhooks import Reply, Taken
from bot.approvals.rules.matching import Policies, Rule
from bot.approvals.services.call_reading import CallReading, CallView
from bot.approvals.services.calls import Calls
from bot.approvals.services.delivery.drive import Delivery
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.sweep import AgentSweep
from bot.approvals.services.webhooks import Webhooks
from bot.engines.caller.engine import CallerEngine
from bot.engines.langgraph.checkpoints import FENCING_TOKEN
from bot.engines.langgraph.loading import inputs
from bot.engines.langgraph.loading.registry import LoadedGraph, Registry
from bot.engines.langgraph.runner import LangGraphEngine
from graphs import cleanup, payment
from tests.support.agent_stage import Stage, a_stage_on
from tests.support.fakes.clock import MORNING, ManualClock
from tests.support.fakes.directory import FakeDirectory
from tests.support.fakes.messenger import FakeDrawing, Message
from tests.support.fakes.secrets import masking
from tests.support.fakes.wiring import NoInputs, a_delivery
from tests.support.fakes.world import ALICE, BOB, CHANNEL, RITA
from tests.upgrade.before_undo_agents import BUILDERS, Act, Builder
from tests.upgrade.left import BEFORE_UNDO, TWO_HOURS, on_redis, on_sqlite

SHOP = "shop"
TOKEN = Token(
    name="shop-prod", digest="0" * 64, scopes=frozenset(Scope), sources=(SHOP,), channels=("#ops",), created_at=MORNING
)
REFUND: JSON = {"action": "Refund", "arguments": {"order": "o-1", "amount": 40}}
SHIPPED: Mapping[str, Builder] = {"cleanup": cleanup.graph, "moving": cleanup.graph, "payment": payment.graph}
CALLBACK = "https://shop.example.com/told"


@dataclass(slots=True)
class Receiver:
    """The shop's own server, behind the `WebhookSender` port. It takes everything, unless `away` says why not."""

    away: Reply | None = None
    got: list[tuple[WebhookId, dict[str, Any]]] = field(default_factory=list)

    def problem_with(self, url: str) -> str:
        return ""

    async def send(self, url: str, id: WebhookId, body: str, trace: Trace | None = None) -> Reply:
        assert url == CALLBACK
        if self.away is not None:
            return self.away
        self.got.append((id, json.loads(body)))
        return Taken()


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A bot on what was left. It has not looked at what waits yet."""

    stage: Stage
    saver: Any
    calls: Calls
    callers: Delivery
    receiver: Receiver
    webhooks: Webhooks
    acted: list[tuple[str, Any]]
    """What agents have done since, each with the answer that it was told."""

    @property
    def storage(self) -> Storage:
        return self.stage.storage

    # --- What is stored ---------------------------------------------------------------------------

    async def task(self, graph: str) -> Task:
        (task,) = [each for each in await self.storage.tasks_of(RITA, 50) if each.graph == graph]
        return task

    async def request(self, graph: str) -> Request:
        """The task's newest request."""
        return (await self.storage.requests_of((await self.task(graph)).id))[-1]

    async def order(self, key: str) -> Request:
        """What the shop has asked under this key."""
        (request,) = await self.storage.requests_of(task_of(key))
        return request

    async def webhook(self, key: str) -> Webhook:
        (webhook,) = await self.storage.webhooks_of(task_of(key))
        return webhook

    # --- What people, programs and time do --------------------------------------------------------

    async def vote(self, on: Request, *verdicts: ItemVerdict, by: Person = ALICE) -> Request:
        """Vote on what stands now, and do what follows."""
        now = await self.storage.request(on.id)
        voted = await self.stage.answers.vote(self.stage.actor(by), Shown.of(now), verdicts or (Approve(),))
        await self.settle()
        return voted

    async def answer(self, graph: str, verdict: ItemVerdict) -> None:
        """Give this verdict on what a shipped graph asks, and once more if its code asks in other words by now."""
        for _ in range(2):
            request = await self.request(graph)
            if isinstance(request.state, Pending) and not request.is_window:
                await self.vote(request, verdict)

    async def settle(self) -> None:
        """Do all that was woken. Programs' requests have a delivery of their own."""
        work = self.stage.work
        while work.deliveries or work.syncs:
            while work.deliveries:
                woken = work.deliveries.pop(0)
                await (self.callers if is_of_caller(woken) else self.stage.delivery).drive(woken)
            shown = set(work.syncs)
            work.syncs.clear()
            for task_id in shown:
                await self.stage.messages.sync_task(task_id)

    async def later(self, by: timedelta) -> None:
        """Time passes, then the sweeps of a gateway and of a worker, and what they wake."""
        self.stage.clock.advance(by)
        now = self.stage.clock.now
        await self.stage.sweeper.sweep(now)
        await AgentSweep(storage=self.storage, work=self.stage.work, elsewhere=True).sweep(now)
        await self.settle()
        for webhook in await self.storage.due_webhooks(now, 20):
            await self.webhooks.send(webhook.task_id)

    async def consume(self, key: str, execution: str = "run-1") -> CallView:
        id = (await self.order(key)).id
        return await self.calls.consume(id, (SHOP,), TOKEN, execution, self.stage.clock.now)

    async def shown(self, key: str) -> CallView:
        """The order as the shop may see it."""
        return await self.calls.reading.of((await self.order(key)).id, (SHOP,))

    async def below(self, root: Path, graph: str = "cleanup") -> tuple[Path, ...]:
        """Have the files that this task has listed below this folder, as its thread knows them."""
        task = await self.task(graph)
        lease = await self.storage.lease(task.thread_id, timedelta(minutes=1), self.stage.clock.now)
        assert lease is not None
        at: RunnableConfig = {"configurable": {"thread_id": task.thread_id, "checkpoint_ns": ""}}
        found = await self.saver.aget_tuple(at)
        values, paths = found.checkpoint["channel_values"], []
        values["root"] = str(root)
        for file in values["files"]:
            path = root / file["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x" * file["size"])
            modified = int(file["identity"].split("-")[1])
            os.utime(path, ns=(modified, modified))
            file["identity"] = f"{file['size']}-{modified}-{path.stat().st_ino}"
            paths.append(path)
        over = {**(found.parent_config or at)["configurable"], FENCING_TOKEN: lease.token}
        await self.saver.aput({"configurable": over}, found.checkpoint, found.metadata, {})
        await self.storage.release(lease)
        return tuple(paths)


def task_of(key: str) -> TaskId:
    """The task of the order with this key."""
    return task_id_of(digits_of("request", SHOP, key)[:20])


@asynccontextmanager
async def opened(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Left]:
    """Copies of the files, on the store that the fixture's parameter names. Its clock stands where theirs stood."""
    store = (
        on_redis(request.getfixturevalue("redis_server"), BEFORE_UNDO)
        if request.param == "redis"
        else on_sqlite(folder, BEFORE_UNDO)
    )
    async with store as (storage, saver, clock):
        left = a_bot(storage, saver, clock)
        await _stand_in_slack(left.stage)
        yield left


def a_bot(
    storage: Storage, saver: Any, clock: ManualClock, builders: Mapping[str, Callable[[Act], Builder]] = BUILDERS
) -> Left:
    """A gateway and a worker on these stores, with these agents and the shipped graphs. Alice and Bob approve all, and
    have to agree on `two_votes`."""
    acted: list[tuple[str, Any]] = []
    directory = FakeDirectory()
    for person in (RITA, ALICE, BOB):
        directory.add(person)
    directory.channels["#ops"] = CHANNEL
    graphs = {name: _loaded(name, build(_noting(name, acted)), saver) for name, build in builders.items()}
    graphs |= {name: _loaded(name, builder, saver) for name, builder in SHIPPED.items()}
    policies = Policies(
        rules=(Rule(policy=_policy("both", 2), graphs=("two_votes",)),), otherwise=_policy("all", 1), graphs={}
    )
    engine = LangGraphEngine(registry=Registry(graphs=graphs, saver=saver))
    stage = a_stage_on(storage, engine, policies, clock, directory, graph=None, graphs=graphs)
    reading, asks, receiver = CallReading(storage=storage), CallerEngine(), Receiver()
    shown = as_the_api_shows_it(storage, asks, masking(), "https://acme.slack.com/")
    return Left(
        stage=stage,
        saver=saver,
        calls=Calls(
            storage=storage,
            reading=reading,
            engine=asks,
            inputs=NoInputs(),
            policy_choice=PolicyChoice(policies=policies, directory=directory),
            directory=directory,
            work=stage.work,
        ),
        callers=a_delivery(
            storage=storage, engine=asks, directory=directory, policies=policies, work=stage.work, clock=clock
        ),
        receiver=receiver,
        webhooks=Webhooks(
            storage=storage, sender=receiver, shown=shown, work=stage.work, clock=clock, chance=lambda: 0.0
        ),
        acted=acted,
    )


def _policy(name: str, quorum: int) -> Policy:
    steps = (Step(after=TWO_HOURS, action=Expire()),)
    return Policy(name=name, stages=one_stage((ALICE.user_id, BOB.user_id), quorum, steps), reasons=())


def _loaded(name: str, builder: Builder, saver: Any) -> LoadedGraph:
    compiled = builder.compile(checkpointer=saver)
    return LoadedGraph(name=name, description="", compiled=compiled, form=inputs.read(compiled, None))


def _noting(name: str, acted: list[tuple[str, Any]]) -> Act:
    return lambda told: acted.append((name, told))


async def _stand_in_slack(stage: Stage) -> None:
    """What was posted then is in Slack."""
    for task in await every_task(stage.storage):
        found = await stage.storage.messages_of(task.id)
        opening = next((each for each in found if each.kind is MessageKind.OPENING), None)
        for each in found:
            if each.ref is not None:
                under = None if opening is None or each is opening or opening.ref is None else opening.ref.ts
                drawing = FakeDrawing(kind=each.kind, words="")
                stage.messenger.messages[each.ref] = Message(
                    channel=each.ref.channel, thread_ts=under, message_id=each.id, drawing=drawing
                )


async def every_task(storage: Storage) -> tuple[Task, ...]:
    """Rita's tasks and the shop's."""
    return *await storage.tasks_of(RITA, 50), *await storage.tasks_from((SHOP,), 50)
