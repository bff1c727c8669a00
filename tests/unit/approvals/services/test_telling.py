"""What the domain's services tell of their work, besides what they record."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.approvals.model.facts import LeaseLost, ProcessGone, RuleChosen, RunEnded
from bot.approvals.rules.matching import Policies, Rule
from bot.approvals.services import claims
from bot.approvals.services.delivery.drive import Delivery
from tests.support.fakes.telemetry import Heard
from tests.support.fakes.world import FIRST, World, a_world, policy
from tests.unit.approvals.services.delivery.driven import TTL, decided

HOUR = timedelta(hours=1)


def telling(delivery: Delivery, heard: Heard) -> Delivery:
    """The same delivery, which tells what it does."""
    opening = replace(delivery.opening, telemetry=heard)
    recording = replace(delivery.recording, opening=opening)
    leases = replace(delivery.leases, telemetry=heard)
    return replace(delivery, telemetry=heard, opening=opening, recording=recording, leases=leases)


async def test_each_run_is_told_with_its_engine(world: World) -> None:
    """A resume is one, however it ends."""
    task, heard = await decided(world), Heard()

    await telling(world.delivery, heard).drive(task.id)

    (ran,) = heard.of(RunEnded)
    assert (ran.task_id, ran.engine) == (task.id, "langgraph")
    assert ran.seconds > 0


async def test_the_rule_that_governs_is_told_with_those_before_it() -> None:
    """Rules after it were not looked at."""
    async with a_world() as world:
        names = ("interns", "nights", "anything", "never reached")
        graphs = {"interns": ("other",), "nights": ("another",)}
        rules = tuple(Rule(policy=policy(name=name), graphs=graphs.get(name, ())) for name in names)
        world.policies = Policies(rules=rules, otherwise=world.policies.otherwise)
        world.be_born()
        heard = Heard()
        opening = replace(world.delivery.opening, telemetry=heard)
        world.delivery = replace(world.delivery, recording=replace(world.delivery.recording, opening=opening))

        task = await world.started()

        assert heard.facts == [RuleChosen(task_id=task.id, rule="anything", passed_over=("interns", "nights"))]


async def test_a_lost_lease_is_told() -> None:
    """Somebody else has taken the thread, and the run was stopped."""
    async with a_world(lease_ttl=TTL) as world:
        task, heard = await decided(world), Heard()
        pause = world.engine.pause_in(FIRST)
        driving = asyncio.create_task(telling(world.delivery, heard).drive(task.id))
        await pause.reached.wait()

        world.clock.advance(HOUR)
        await world.storage.lease(task.thread_id, HOUR, world.now)
        await driving

        assert heard.of(LeaseLost) == [LeaseLost(task_id=task.id, thread_id=task.thread_id)]


async def test_processes_that_are_gone_are_told(world: World) -> None:
    """Once what they had taken is free."""
    heard = Heard()
    world.storage.beat(["worker-1"], HOUR, world.now)
    world.clock.advance(2 * HOUR)

    await claims.void_lapsed(world.storage, world.now, heard)

    assert heard.facts == [ProcessGone(owner="worker-1")]
