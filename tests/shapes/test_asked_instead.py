"""A branch that asks something else when its sibling is answered, after people have decided what it asked before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from bot.approvals.model.actor import COMMAND, Actor, Shown
from bot.approvals.model.decision import Answered, Approve
from bot.approvals.model.fingerprint import fingerprint
from bot.approvals.model.policy import Policy, one_stage
from bot.approvals.model.question import Item
from bot.approvals.model.request import Pending
from bot.approvals.rules.matching import ConditionFailed, Facts, Policies, Rule
from bot.approvals.services.tasks import started_by
from tests.support.agent_stage import Stage, State, a_stage
from tests.support.builders import NOON, a_request
from tests.support.fakes.wiring import under
from tests.support.fakes.world import ALICE, CHANNEL


def branches(amount: list[int], did: list[Any]) -> StateGraph[Any, Any, Any, Any]:
    """One branch asks for a host, the other for a payment of whatever the amount is then."""

    def host(state: State) -> State:
        interrupt({"question": "Host?", "details": {}})
        return {}

    def pay(state: State) -> State:
        asked = amount[0]
        if interrupt({"question": "Pay?", "details": {"amount": asked}}):
            did.append(asked)
        return {}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    for name, node in (("host", host), ("pay", pay)):
        builder.add_node(name, node)
        builder.add_edge(START, name)
    return builder


async def decided_both(stage: Stage) -> Any:
    """Both are approved before the agent has either answer."""
    task = await stage.started()
    open = {each.question.title: each for each in await stage.asked(task)}
    for title in ("Host?", "Pay?"):
        asked = open[title]
        await stage.answers.vote(stage.actor(ALICE), Shown.of(asked), (Approve(),))
    return task, open["Pay?"]


async def test_what_was_decided_is_asked_again_if_its_branch_asks_something_else_by_then(tmp_path: Path) -> None:
    amount, did = [10], list[Any]()
    async with a_stage(tmp_path, branches(amount, did)) as stage:
        _, pay = await decided_both(stage)
        amount[0] = 9_999_999
        await stage.settle()
        again = await stage.storage.request(pay.id)

        assert did == []
        assert isinstance(again.state, Pending)
        assert again.version == 2
        assert again.before is not None
        assert isinstance(again.before.decision, Answered)
        assert again.before.question.items[0].arguments == {"amount": 10}
        await stage.reject(again)
        assert did == []


async def test_nobody_may_answer_it_if_no_policy_can_be_told_to_govern_it(tmp_path: Path) -> None:
    amount, did = [10], list[Any]()

    def large(facts: Facts, items: Sequence[Item]) -> list[bool]:
        if amount[0] > 10:
            raise ConditionFailed("there is no key 'amount'")
        return [True for _ in items]

    async with a_stage(tmp_path, branches(amount, did)) as stage:
        own = stage.delivery.opening.policy_choice.now.otherwise
        rule = Rule(policy=Policy(name="large", stages=own.stages, reasons=()), when=large, condition="large")
        stage.delivery = under(stage.delivery, Policies(rules=(rule,), otherwise=own, graphs={}))
        _, pay = await decided_both(stage)
        amount[0] = 9_999_999
        await stage.settle()

        again = await stage.storage.request(pay.id)
        assert again.policy.stages == one_stage(())
        assert did == []


async def test_a_branch_that_prints_the_time_is_asked_once(tmp_path: Path) -> None:
    """Its sibling's answer runs it again, at another moment."""
    did: list[str] = []

    def host(state: State) -> State:
        interrupt({"question": "Host?", "details": {}})
        return {}

    def pay(state: State) -> State:
        if interrupt({"question": f"It is {datetime.now(UTC).isoformat()}. Pay?", "details": {}}):
            did.append("paid")
        return {}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    for name, node in (("host", host), ("pay", pay)):
        builder.add_node(name, node)
        builder.add_edge(START, name)
    async with a_stage(tmp_path, builder) as stage:
        task = await stage.started()
        open = await stage.asked(task)
        (host_asked,) = [each for each in open if each.question.title == "Host?"]
        (pay_asked,) = [each for each in open if each is not host_asked]

        await stage.approve(host_asked)
        stage.work.deliver(task.id)
        await stage.settle()
        now = await stage.storage.request(pay_asked.id)
        await stage.approve(now)

        assert (now.version, did) == (1, ["paid"])
        assert "asked_later" in [event.kind for event in await stage.storage.history(task.id)]


@pytest.mark.parametrize("amount", [10, 11])
def test_a_record_from_before_fingerprints_is_compared_by_what_it_holds(amount: int) -> None:
    """With the moment of its opening as that of its asking."""

    later = NOON + timedelta(hours=1)
    made = a_request()
    old = replace(made.proposed, payload=f"At {NOON:%H:%M}: pay 10?")
    new = replace(made.proposed, payload=f"At {later:%H:%M}: pay {amount}?")
    record = replace(made, proposed=old, opened_at=NOON, fingerprint=None)

    assert record.is_asked_by(new, fingerprint(new.payload, None, later)) is (amount == 10)


async def test_one_origin_starts_one_task_that_is_known_by_it(tmp_path: Path) -> None:
    async with a_stage(tmp_path, branches([10], [])) as stage:
        now = stage.clock.now
        started = [
            await stage.tasks.start(
                Actor(person=ALICE, surface=COMMAND, at=now), "agent", {}, CHANNEL, origin="event 1"
            )
            for _ in range(2)
        ]

        assert {task.id for task in started} == {started_by("event 1")}
