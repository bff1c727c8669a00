"""Which policy governs a request."""

from datetime import timedelta

import pytest

from bot.approvals.model.policy import Escalate, Expire, Remind, Step
from bot.approvals.model.question import Risk
from bot.approvals.rules.matching import Facts, Policies, Rule
from tests.support.fakes.world import CHANNEL, RITA, policy, question

PAYMENTS, RISKY, REST = policy(name="payments"), policy(name="risky"), policy(name="rest")


@pytest.mark.parametrize(
    ("graph", "risk", "name"),
    [
        ("pay-out", "low", "payments"),
        ("pay-out", "critical", "payments"),  # the first match wins
        ("cleanup", "critical", "risky"),
        ("cleanup", "high", "risky"),
        ("cleanup", "low", "rest"),
        ("cleanup", None, "rest"),  # no risk is not any risk
        ("Pay-out", None, "payments"),
    ],
)
def test_the_first_rule_that_matches_graph_and_risk_governs(graph: str, risk: str | None, name: str) -> None:
    policies = Policies(
        rules=(Rule(policy=PAYMENTS, graphs=("pay-*",)), Rule(policy=RISKY, risks=("high", "critical"))), otherwise=REST
    )

    asked = question(risk=Risk(risk) if risk else None)
    chosen = policies.select(Facts(graph=graph, channel=CHANNEL, requester=RITA, inputs={}, question=asked))

    assert chosen.name == name


def test_the_deadline_is_the_time_of_the_step_that_expires() -> None:
    steps = (
        Step(after=timedelta(hours=1), action=Remind()),
        Step(after=timedelta(hours=2), action=Escalate(to=("@leads",))),
        Step(after=timedelta(hours=8), action=Expire()),
    )

    assert policy(steps=steps).stages[0].deadline == timedelta(hours=8)


def test_a_policy_that_never_expires_has_no_deadline() -> None:
    assert policy(steps=(Step(after=timedelta(hours=1), action=Remind()),)).stages[0].deadline is None


def test_steps_that_are_not_in_the_order_of_their_time_are_refused() -> None:
    steps = (Step(after=timedelta(hours=2), action=Expire()), Step(after=timedelta(hours=1), action=Remind()))

    with pytest.raises(ValueError, match="in the order of their time"):
        policy(steps=steps)
