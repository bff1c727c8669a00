"""Which rule governs a question, and whom its keys name."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.approvals.model.ids import ChannelId, Program
from bot.approvals.model.policy import Auto, Consent, Escalate, Expire, Group, Pick, Policy, Step, one_stage
from bot.approvals.model.question import Item, Question, Risk, Verdict, Window
from bot.approvals.rules import matching
from bot.approvals.rules.matching import ConditionFailed, Facts, Policies, Rule, bound
from tests.support.fakes.world import BOB, CHANNEL, RITA, item, policy, question
from tests.unit.approvals.services.policies.test_machine import HOUR

READS = question(item(name="read_file"), item(name="list_folder"))
MIXED = question(item(name="read_file"), item(name="delete_file"))
GOVERNS = ""


def facts(asked: Question = READS, **changes: object) -> Facts:
    known = Facts(graph="cleanup", channel=CHANNEL, requester=RITA, inputs={}, question=asked)
    return replace(known, **changes)  # type: ignore[arg-type]


def alone() -> Policy:
    return replace(policy(), auto=Auto(approve=True, why="it changes nothing"))


@pytest.mark.parametrize(
    ("rule", "objection"),
    [
        (Rule(policy=policy()), GOVERNS),
        (Rule(policy=policy(), graphs=("clean*", "x")), GOVERNS),
        (Rule(policy=policy(), graphs=("a", "b")), "the graph is cleanup, not a or b"),
        (Rule(policy=policy(), sources=("*",)), "the source is Slack, not *"),
        (Rule(policy=policy(), servers=("prod",)), "the agent runs here, not on prod"),
        (Rule(policy=policy(), actions=("list_*",)), GOVERNS),
        (Rule(policy=policy(), actions=("write_*",)), "the action is read_file, not write_*"),
        (Rule(policy=policy(), risks=("high",)), "its risk is not said, not high"),
        (Rule(policy=policy(), requesters=("@interns",)), "the requester is not @interns"),
        (Rule(policy=policy(), channels=("#ops",)), "the channel is not #ops"),
        (Rule(policy=policy(), channels=(CHANNEL,)), GOVERNS),
        (
            Rule(policy=policy(), when=lambda facts, items: [False for _ in items], condition="no"),
            "its condition does not hold: no",
        ),
    ],
)
def test_a_rule_says_why_it_does_not_govern(rule: Rule, objection: str) -> None:
    assert rule.objection(facts()) == objection


@pytest.mark.parametrize(
    ("rule", "objection"),
    [
        (Rule(policy=policy()), GOVERNS),
        (Rule(policy=policy(), servers=("eu", "pr*")), GOVERNS),
        (Rule(policy=policy(), servers=("eu",)), "the agent runs on prod, not on eu"),
        (Rule(policy=alone(), servers=("prod",)), GOVERNS),
        (
            Rule(policy=alone(), graphs=("cleanup",)),
            "it may say yes without a person, and does not name the server prod, so people are asked",
        ),
    ],
)
def test_a_rule_says_why_it_does_not_govern_what_runs_on_a_server(rule: Rule, objection: str) -> None:
    assert rule.objection(facts(server="prod")) == objection


@pytest.mark.parametrize(
    ("policy", "sources", "objection"),
    [
        (policy(), ("billing-*",), GOVERNS),
        (policy(), ("Billing-Service",), GOVERNS),
        (policy(), ("ci", "shop"), "the source is billing-service, not ci or shop"),
        (alone(), ("billing-service",), GOVERNS),
        (alone(), ("Billing-Service",), "the source is billing-service, not Billing-Service"),
    ],
)
def test_a_rule_can_be_for_programs(policy: Policy, sources: tuple[str, ...], objection: str) -> None:
    """Their names are compared like graphs'."""
    rule = Rule(policy=policy, sources=sources)

    assert rule.objection(facts(source="billing-service")) == objection
    assert rule.objection(facts(source="")) == f"the source is Slack, not {' or '.join(sources)}"


def test_a_program_is_nobodys_requester() -> None:
    """Not even of a name that means nobody, so the rule can be passed over."""
    rule = Rule(policy=policy(), requesters=("@interns", "@nobody"))
    known = facts(
        people={"@interns": frozenset({RITA})},
        unknown={"@nobody": "means nobody"},
        requester=Program(name="@interns"),
    )

    assert rule.objection(known) == "the requester is not @interns or @nobody"


def test_a_rule_knows_requesters_and_channels_by_what_their_names_mean_now() -> None:
    rule = Rule(policy=policy(), requesters=("@interns",), channels=("#ops",))
    known = facts(people={"@interns": frozenset({RITA})}, channels={"#ops": CHANNEL})

    assert rule.objection(known) == GOVERNS
    assert rule.objection(replace(known, requester=BOB)) == "the requester is not @interns"
    assert rule.objection(replace(known, channel=ChannelId("C9"))) == "the channel is not #ops"


def test_an_action_without_a_name_is_said_to_be_one() -> None:
    said = Rule(policy=policy(), actions=("pay",)).objection(facts(question(item(name="")), graph=""))

    assert said == "the action is not named, not pay"
    assert Rule(policy=policy(), graphs=("a",)).objection(facts(graph="")) == "the graph is not said, not a"


def test_one_action_that_matches_is_enough_unless_the_rule_may_say_yes_by_itself() -> None:
    reads = ("read_*", "list_*")
    silent = policy(steps=(Step(after=HOUR, action=Consent()),))
    choosing = policy(steps=(Step(after=HOUR, action=Pick(choice="a")),))

    assert Rule(policy=policy(), actions=reads).objection(facts(MIXED)) == GOVERNS
    for may_say_yes in (alone(), silent, choosing):
        assert Rule(policy=may_say_yes, actions=reads).objection(facts(READS)) == GOVERNS
        assert "delete_file" in Rule(policy=may_say_yes, actions=reads).objection(facts(MIXED))


def test_a_condition_that_cannot_be_worked_out_stops_the_choice_and_lets_no_later_rule_govern() -> None:
    def broken(facts: Facts, items: Sequence[Item]) -> list[bool]:
        raise ConditionFailed("there is no key 'amount'")

    policies = Policies(
        rules=(
            Rule(policy=policy(name="other"), graphs=("other",), when=broken),
            Rule(policy=policy(name="large"), when=broken),
            Rule(policy=policy(name="rest")),
        ),
        otherwise=policy(),
    )

    with pytest.raises(ConditionFailed, match="the rule `large` cannot be worked out: there is no key 'amount'"):
        policies.select(facts())


def test_a_condition_that_cannot_be_worked_out_keeps_nobody_from_undoing_what_was_done() -> None:
    """It has happened, so a rule about doing it is skipped, and a later one governs the offer to undo it."""

    def broken(facts: Facts, items: Sequence[Item]) -> list[bool]:
        raise ConditionFailed("there is no key 'amount'")

    policies = Policies(
        rules=(Rule(policy=policy(name="large"), when=broken), Rule(policy=policy(name="rest"))), otherwise=policy()
    )
    item = Item(name="moved", arguments={}, verdicts=(Verdict.UNDO, Verdict.KEEP))
    offer = Question(shape="undo_window", title="moved", items=(item,), window=Window(length=HOUR))

    governing = policies.select(facts(offer))

    assert governing.name == "rest"


OWNED = Question(
    shape="plain",
    title="Delete?",
    items=(Item(name="delete", arguments={"owner": "U0CAROL", "others": ["a@x.org", "@everybody", 7]}, verdicts=()),),
    payload={"details": {"owner": "ann@acme.example", "team": {"lead": "U0LEAD"}, "risk": "U-not an id"}},
)


@pytest.mark.parametrize(
    ("key", "held"),
    [
        ("details.owner", ("ann@acme.example",)),
        ("details.team.lead", ("U0LEAD",)),
        ("arguments.owner", ("U0CAROL",)),
        ("arguments.others", ("a@x.org",)),  # a graph may name people, and no group
        ("details.nobody", ("details.nobody",)),  # which means nobody
        ("details.owner.name", ("details.owner.name",)),
        ("details.risk", ("details.risk",)),
        ("@ops", ("@ops",)),
    ],
)
def test_a_key_of_the_question_names_whom_it_holds(key: str, held: tuple[str, ...]) -> None:
    steps = (Step(after=HOUR, action=Escalate(to=(key,))), Step(after=2 * HOUR, action=Expire()))
    named = bound(Policy(name="p", stages=one_stage((key,), steps=steps)), OWNED)

    told = () if held == (key,) else held
    assert named.stages[0].groups == (Group(approvers=held, held=told),)
    assert named.stages[0].steps == (Step(after=HOUR, action=Escalate(to=held, held=told)), steps[1])


def test_what_has_to_be_looked_up_is_what_the_rules_name() -> None:
    policies = Policies(
        rules=(Rule(policy=policy(), requesters=("@a", "@b")), Rule(policy=alone(), channels=("#x",))),
        otherwise=policy(name="rest"),
    )

    assert (policies.requesters, policies.channels) == (("@a", "@b"), ("#x",))
    assert [each.name for each in policies.policies] == ["default", "default", "rest"]


def test_risks_are_matched_by_name() -> None:
    assert Rule(policy=policy(), risks=("high",)).objection(facts(question(risk=Risk.HIGH))) == GOVERNS


def test_a_persons_id_and_an_address_name_one_person_and_only_the_id_is_one() -> None:
    assert [matching.names_one(ref) for ref in ("U0BOB", "bob@acme.example", "@ops", "#ops", "S0OPS")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert [matching.is_user(ref) for ref in ("U0BOB", "W0BOB", "bob@acme.example", "S0OPS")] == [
        True,
        True,
        False,
        False,
    ]
