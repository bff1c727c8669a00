"""What becomes of a request if its graph asks something else, and nobody can say which policy governs that."""

from __future__ import annotations

import pytest

from bot.approvals.model.agent import Asked
from bot.approvals.model.policy import one_stage
from bot.approvals.model.request import Pending, Request
from bot.approvals.rules.matching import ConditionFailed, Policies, Rule
from bot.approvals.services.delivery.batch import Batch
from tests.support.fakes.world import ALICE, FIRST, World, policy, question

CHANGED = Asked(interrupt_id=FIRST, question=question(title="Delete everything?"))


def nobody_can_say(world: World) -> None:
    """From now on, a rule is for the members of a group that does not exist."""
    rule = Rule(policy=policy(name="interns"), requesters=("@interns",))
    world.policies = Policies(rules=(rule,), otherwise=world.policies.otherwise)
    world.be_born()


def kept(batch: Batch) -> Request:
    (change,) = batch.changes
    assert isinstance(change.record, Request)
    return change.record


async def test_an_open_request_is_renewed_for_nobody_and_the_failure_is_raised(world: World) -> None:
    """The new question is on record, so that no vote on the old one counts, and the task stops."""
    task = await world.started()
    requests = await world.requests(task)
    nobody_can_say(world)
    batch = Batch(clock=world.clock)

    with pytest.raises(ConditionFailed, match="the rule `interns` cannot be worked out"):
        await world.delivery.opening.ask(batch, task, requests, CHANGED)

    assert (kept(batch).question, kept(batch).version) == (CHANGED.question, 2)
    assert kept(batch).policy.stages == one_stage(())


async def test_a_decided_request_is_asked_again_of_nobody_and_the_failure_is_raised(world: World) -> None:
    """The decision was on another question, so it is not used, and the task stops."""
    task = await world.started()
    decided = await world.vote(ALICE, on=await world.request(task))
    nobody_can_say(world)
    batch = Batch(clock=world.clock)

    with pytest.raises(ConditionFailed, match="the rule `interns` cannot be worked out"):
        await world.delivery.opening.ask_instead(batch, task, decided, CHANGED)

    assert isinstance(kept(batch).state, Pending)
    assert (kept(batch).question, kept(batch).version) == (CHANGED.question, 2)
    assert kept(batch).policy.stages == one_stage(())
