"""The file that is shipped: what it asks of whom, and that it decides nothing by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import policy_file
from bot.approvals.model.policy import (
    Escalate,
    Expire,
    Group,
    Policy,
    Step,
    Via,
)
from bot.approvals.model.question import Question, Risk, Verdict
from bot.approvals.rules.matching import Facts
from bot.approvals.services.people.staffing import untied
from tests.support.fakes.world import CHANNEL, RITA, item, question
from tests.unit.policy_file.reading import HOUR, ROOT, only_stage

pytestmark = pytest.mark.heavy


def shipped(graph: str, asked: Question) -> Policy:
    policies = policy_file.load(ROOT / "policies.yaml")
    return policies.select(Facts(graph=graph, channel=CHANNEL, requester=RITA, inputs={}, question=asked))


def of(*actions: str, risk: Risk | None = None, **arguments: str) -> Question:
    """A question of these actions, each with these arguments."""
    return question(*(item(name=action, arguments=arguments) for action in actions), risk=risk)


def test_the_shipped_defaults_remind_ask_others_and_expire() -> None:
    policy = shipped("anything", of("write_file", risk=Risk.LOW))
    stage = only_stage(policy)

    assert (policy.name, policy.self_approval, policy.reasons) == ("defaults", False, (Verdict.REJECT,))
    assert stage.groups == (Group(approvers=("@ops-leads",), needed=1),)
    assert stage.remind_every == HOUR
    assert stage.steps == (
        Step(after=4 * HOUR, action=Escalate(to=("@on-call",))),
        Step(after=24 * HOUR, action=Expire()),
    )


@pytest.mark.parametrize(("amount", "name", "needed"), [("1000.00", "defaults", 1), ("1000.01", "large payments", 2)])
def test_a_payment_above_an_amount_takes_two_people(amount: str, name: str, needed: int) -> None:
    policy = shipped("payment", of("", amount=amount))

    assert (policy.name, only_stage(policy).needed) == (name, needed)


def test_a_deployment_asks_more_people_in_three_steps() -> None:
    stage = only_stage(shipped("agent", of("deploy_web")))

    minutes = [int(step.after / timedelta(minutes=1)) for step in stage.steps]
    assert minutes == [10, 20, 40, 120]
    asked = [step.action for step in stage.steps if isinstance(step.action, Escalate)]
    assert [(each.via, each.adds) for each in asked] == [(Via.DM, False), (Via.CHANNEL, False), (Via.DM, True)]


def test_the_shipped_file_approves_nothing_without_a_person_that_is_not_tied_to_a_graph() -> None:
    policies = policy_file.load(ROOT / "policies.yaml")

    assert untied(policies) == []
    assert shipped("agent", of("read_file", "list_folder")).auto is None


def test_what_is_grave_takes_two_and_a_cleanup_half_a_day() -> None:
    assert only_stage(shipped("cleanup", of("move", risk=Risk.HIGH))).needed == 2
    assert only_stage(shipped("cleanup", of("move"))).deadline == 12 * HOUR
