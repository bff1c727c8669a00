"""Which policy governs a request."""

from datetime import timedelta

import pytest

from bot.approvals.policy import Escalate, Expire, Policies, Remind, Rule, Step
from tests.fakes.world import policy

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
        ("Pay-out", None, "rest"),  # names of graphs have a case
    ],
)
def test_the_first_rule_that_matches_graph_and_risk_governs(graph: str, risk: str | None, name: str) -> None:
    policies = Policies(
        rules=(Rule(policy=PAYMENTS, graph="pay-*"), Rule(policy=RISKY, risk=("high", "critical"))), otherwise=REST
    )

    chosen = policies.select(graph=graph, risk=risk)

    assert chosen.name == name


def test_the_deadline_is_the_time_of_the_step_that_expires() -> None:
    steps = (
        Step(after=timedelta(hours=1), action=Remind()),
        Step(after=timedelta(hours=2), action=Escalate(to=("@leads",))),
        Step(after=timedelta(hours=8), action=Expire()),
    )

    assert policy(steps=steps).deadline == timedelta(hours=8)


def test_a_policy_that_never_expires_has_no_deadline() -> None:
    assert policy(steps=(Step(after=timedelta(hours=1), action=Remind()),)).deadline is None


def test_steps_that_are_not_in_the_order_of_their_time_are_refused() -> None:
    steps = (Step(after=timedelta(hours=2), action=Expire()), Step(after=timedelta(hours=1), action=Remind()))

    with pytest.raises(ValueError, match="in the order of their time"):
        policy(steps=steps)
