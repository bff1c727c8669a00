"""What people can do besides answering, each as a deed of one person on one request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.approvals.model.ids import Person
from bot.approvals.model.policy import Expire, Group, Policy, Stage, Step, Warn
from bot.approvals.model.request import Request
from tests.support.fakes.world import DORA, World, policy

HOUR = timedelta(hours=1)
PATIENT = policy(
    quorum=2, steps=(Step(after=3 * HOUR, action=Warn()), Step(after=4 * HOUR, action=Expire())), extend=2 * HOUR
)
STAGED = Policy(
    name="staged",
    stages=(
        Stage(groups=(Group(approvers=("U-ALICE", "U-BOB")),)),
        Stage(groups=(Group(approvers=("U-BOB", "U-CAROL"), needed=2),)),
    ),
)
Deed = Callable[[World, Request, Person], Awaitable[Request]]


def extend(world: World, request: Request, by: Person) -> Awaitable[Request]:
    return world.side_actions.extend(world.actor(by), request.id)


def delegate(world: World, request: Request, by: Person, to: Person = DORA) -> Awaitable[Request]:
    return world.side_actions.delegate(world.actor(by), request.id, to.user_id)


def comment(world: World, request: Request, by: Person) -> Awaitable[Request]:
    return world.side_actions.comment(world.actor(by), request.id, "Why today?")


def withdraw(world: World, request: Request, by: Person) -> Awaitable[Request]:
    return world.side_actions.withdraw(world.actor(by), request.id)


def nudge(world: World, request: Request, by: Person) -> Awaitable[Request]:
    return world.side_actions.nudge(world.actor(by), request.id)


def check(world: World, request: Request, by: Person) -> Awaitable[Request]:
    return world.side_actions.check(world.actor(by), request.id)


def check_own(world: World, request: Request, by: Person) -> Awaitable[Request]:
    return world.side_actions.check_own(world.actor(by), request.id)


async def asked(world: World) -> Request:
    return await world.request(await world.started())


async def again(world: World, request: Request) -> Request:
    return await world.storage.request(request.id)
