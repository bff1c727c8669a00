"""A program that asks people through the API, over a world whose gateway serves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.approvals.model.agent import Graph
from bot.approvals.model.errors import InvalidInputs
from bot.approvals.model.ids import JSON, ChannelId, RequestId
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.model.token import Scope, Token
from bot.approvals.rules.matching import Policies
from bot.approvals.services.call_reading import CallReading, CallView
from bot.approvals.services.calls import Call, Calls, Made
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.sweep import AgentSweep
from bot.engines.caller.engine import CallerEngine
from tests.support.fakes.clock import MORNING
from tests.support.fakes.fuse import mortal
from tests.support.fakes.wiring import a_delivery, under
from tests.support.fakes.world import CHANNEL, World, person

SOURCE = "shop"
SOURCES = (SOURCE,)
KIM = person("UKIM")
"""Somebody whom the program names, by an id as Slack has them."""
TOKEN = Token(
    name="shop-prod",
    digest="0" * 64,
    scopes=frozenset(Scope),
    sources=SOURCES,
    channels=("#ops",),
    created_at=MORNING,
)
REFUND: JSON = {"action": "Refund", "arguments": {"order": "o-1", "amount": 40}}
CALLBACK = "https://shop.example.com/told"


def a_call(key: str = "order-1", **changes: Any) -> Call:
    """A call that wants to be told."""
    values: dict[str, Any] = {"source": SOURCE, "key": key, "body": f"body of {key}", "callback_url": CALLBACK}
    return Call(**values | changes)


class Inputs:
    """What is wrong with any inputs, as a test says."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}

    def graphs(self) -> tuple[Graph, ...]:
        here = Graph(name="cleanup", description="Cleans up", inputs=())
        return (here, replace(here, name="prod/cleanup", server="prod"))

    async def check_inputs(self, graph: str, values: Mapping[str, JSON]) -> Mapping[str, JSON]:
        if self.problems:
            raise InvalidInputs(graph, self.problems, f"/task {graph}")
        return values


class Shop:
    """The program, with the services that a gateway has for it. `#ops` is the channel of the world, `#dev` another."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.inputs = Inputs()
        world.directory.add(KIM)
        world.directory.channels |= {"#ops": CHANNEL, "#dev": ChannelId("C2")}
        self.be_born()

    def be_born(self) -> None:
        """The services of a new process, which dies with the world's fuse."""
        world, engine = self.world, CallerEngine()
        storage = mortal(world.storage, world.fuse)
        self.delivery = a_delivery(
            storage=storage,
            engine=mortal(engine, world.fuse),
            directory=world.directory,
            policies=world.policies,
            work=world.work,
            clock=world.clock,
        )
        self.reading = CallReading(storage=storage)
        self.calls = Calls(
            storage=storage,
            reading=self.reading,
            engine=engine,
            inputs=self.inputs,
            policy_choice=PolicyChoice(policies=world.policies, directory=world.directory),
            directory=world.directory,
            work=world.work,
        )

    def go_under(self, policies: Policies) -> None:
        """The same services, under other policies."""
        self.delivery = under(self.delivery, policies)
        choice = replace(self.calls.policy_choice, policies=policies)
        self.calls = replace(self.calls, policy_choice=choice)

    # --- Short for what tests do all the time -----------------------------------------------------

    async def ask(
        self, call: Call | None = None, question: JSON = REFUND, *, schema: JSON = None, token: Token = TOKEN
    ) -> Made:
        return await self.calls.ask(token, call or a_call(), question, schema, self.world.now)

    async def asked(self, call: Call | None = None, question: JSON = REFUND) -> Request:
        """The open request of a new call."""
        made = await self.ask(call, question)
        await self.settle()
        (request,) = await self.world.requests(made.task)
        return request

    async def settle(self) -> None:
        """Do all work that was woken."""
        await self.world.work.run(self.delivery, self.world.messages)

    async def later(self, by: timedelta) -> None:
        """Time passes, then a sweep and what it wakes."""
        self.world.clock.advance(by)
        await self.world.sweeper.people.sweep(self.world.now)
        await AgentSweep(storage=self.world.storage, work=self.world.work, elsewhere=True).sweep(self.world.now)
        await self.settle()

    async def of(self, request_id: RequestId) -> CallView:
        return await self.reading.of(request_id, SOURCES)

    async def cancel(self, request_id: RequestId, reason: str = "") -> CallView:
        return await self.calls.cancel(request_id, SOURCES, TOKEN, self.world.now, reason)

    async def consume(self, request_id: RequestId, execution: str = "run-1") -> CallView:
        return await self.calls.consume(request_id, SOURCES, TOKEN, execution, self.world.now)

    async def task(self, made: Made) -> Task:
        return await self.world.task(made.task.id)
