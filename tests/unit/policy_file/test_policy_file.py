"""policies.yaml, read strictly: what it means, and each way in which it can be wrong, with its line and its key."""

from __future__ import annotations

from datetime import date, time, timedelta
from pathlib import Path

import pytest

from bot.approvals.model.errors import SettingsError
from bot.approvals.model.hours import Hours
from bot.approvals.model.ids import JSON
from bot.approvals.model.policy import (
    CardTerms,
    Consent,
    Escalate,
    Expire,
    GraphTerms,
    Group,
    Overdue,
    Pick,
    Policy,
    Route,
    Stage,
    Step,
    Via,
    Warn,
    one_stage,
)
from bot.approvals.model.question import Item, Risk, Verdict
from bot.approvals.rules.matching import ConditionFailed, Facts
from bot.policy_file.conditions import Evaluator
from tests.support.fakes.world import CHANNEL, RITA, question
from tests.unit.policy_file.reading import DEFAULTS, HOUR, RULE, governing, loaded, only_stage


def test_the_least_that_a_file_can_say(file: Path) -> None:
    policy = governing(loaded(file, DEFAULTS))

    assert policy == Policy(name="defaults", stages=one_stage(("@ops",)))
    assert (policy.self_approval, policy.reasons) == (False, (Verdict.REJECT,))


def test_the_simple_keys_of_a_policy(file: Path) -> None:
    text = """
defaults:
  approvers: [U012AB3CD, W0AB, S0GROUP, "@ops-leads", bob@example.com, "#ops", C012AB3CD, details.owner]
  quorum: 3
  self_approval: true
  reason_required: no
  remind_every: 90s
  escalate: {after: 30m, to: ["@on-call"]}
  deadline: 1w
"""

    policy = loaded(file, text).otherwise
    stage = only_stage(policy)

    assert stage.approvers == (
        "U012AB3CD",
        "W0AB",
        "S0GROUP",
        "@ops-leads",
        "bob@example.com",
        "#ops",
        "C012AB3CD",
        "details.owner",
    )
    assert (stage.needed, policy.self_approval, policy.reasons) == (3, True, ())
    assert stage.remind_every == timedelta(seconds=90)
    assert stage.steps == (
        Step(after=timedelta(minutes=30), action=Escalate(to=("@on-call",))),
        Step(after=timedelta(weeks=1), action=Expire()),
    )


@pytest.mark.parametrize(
    ("said", "means"), [("", True), ("  self_answer: yes\n", True), ("  self_answer: no\n", False)]
)
def test_whoever_started_the_task_answers_what_approves_nothing_unless_the_policy_says_otherwise(
    file: Path, said: str, means: bool
) -> None:
    assert loaded(file, f"{DEFAULTS}{said}").otherwise.self_answer is means


def test_a_rule_says_for_itself_whether_whoever_started_the_task_may_answer(file: Path) -> None:
    rules = "rules:\n  - {name: a, match: {graph: a}, self_answer: yes}\n  - {name: b, match: {graph: b}}\n"

    policies = loaded(file, f"{DEFAULTS}  self_answer: no\n{rules}")

    assert [policy.self_answer for policy in policies.policies] == [True, False, False]


@pytest.mark.parametrize("convention", ["boolean", "object", "text", "json", "approve/reject", "go/stop"])
def test_every_convention_can_be_named(file: Path, convention: str) -> None:
    assert (
        loaded(file, f"{DEFAULTS}approvals: {{agent: {{answer: {convention}}}}}").graphs["agent"].answer == convention
    )


@pytest.mark.parametrize("convention", ["undeclared", "unrejectable", "true/false", "JSON"])
def test_what_is_no_convention_is_refused_with_those_that_are(file: Path, convention: str) -> None:
    with pytest.raises(SettingsError, match="boolean, object, approve/reject, approved/rejected, text, json"):
        loaded(file, f"{DEFAULTS}approvals: {{agent: {{answer: {convention}}}}}")


def test_a_graphs_entry_says_how_it_wants_its_answers(file: Path) -> None:
    text = f"""{DEFAULTS}  max_rounds: 3
approvals:
  agent: {{answer: object}}
  tutor:
    answer: go/stop
    reject: {{as_node: human, values: {{approved: false, feedback: "{{reason}}"}}}}
"""

    policies = loaded(file, text)

    assert policies.otherwise.max_rounds == 3
    assert policies.graphs == {
        "agent": GraphTerms(answer="object"),
        "tutor": GraphTerms(
            answer="go/stop",
            reject=Route(as_node="human", values={"approved": False, "feedback": "{reason}"}),
        ),
    }


def test_a_rule_says_what_differs_and_the_first_that_matches_governs(file: Path) -> None:
    text = """
defaults: {approvers: ["@ops"], quorum: 2, deadline: 4h}
rules:
  - {name: grave, match: {graph: "deploy-*", risk: [high]}, approvers: [UBOSS, UCHIEF], quorum: 2}
  - {name: deploys, match: {graph: "deploy-*"}, quorum: 1}
  - {name: all}
"""

    policies = loaded(file, text)

    grave = governing(policies, "deploy-web", "high")
    stage = only_stage(grave)
    assert (grave.name, stage.approvers, stage.needed, stage.deadline) == ("grave", ("UBOSS", "UCHIEF"), 2, 4 * HOUR)
    assert governing(policies, "deploy-web", "low").name == "deploys"
    assert only_stage(governing(policies, "deploy-web")).needed == 1
    assert governing(policies, "cleanup", "high").name == "all"


EVERYTHING = """
defaults:
  approvers: ["@ops"]
  on_timeout: approve
  i_accept_silence: yes
  deadline: 2h
rules:
  - name: all
    match: {graph: [a, b], action: pay, risk: [high], requester: "@interns", channel: "#ops", when: action == "pay"}
    groups:
      - {approvers: ["@security"]}
      - {approvers: ["@finance"], quorum: 2}
    reject_quorum: 3
    self_approval: yes
    reason_required: both
    remind_every: 30m
    escalate:
      - {after: 90m, to: ["#on-call"], as: channel, add_approvers: no}
      - {after: 1h, to: [details.owner]}
    deadline: 1d
    warn_before: 2h
    on_timeout: wait
    hours: {from: 9:00, to: 24:00, zone: Europe/Berlin, days: mon-thu, holidays: [2030-01-01]}
    channel: "#finance"
    private: yes
    confirm: yes
    extend: 4h
    max_rounds: 4
  - name: staged
    match: {action: staged}
    deadline: 4h
    sequence:
      - {name: lead, approvers: [UANN], on_timeout: {choose: later}}
      - {name: finance, groups: [{approvers: ["@finance"]}], deadline: 2d, reject_quorum: 2}
  - name: own zones
    match: {action: own}
    hours: {from: "08:30", to: 17:15, zone: approvers, days: [mon, wed]}
    reason_required: yes
  - name: inherits
"""


def test_all_that_a_rule_can_say(file: Path) -> None:
    rule, staged, own, inherits = loaded(file, EVERYTHING).rules

    assert (rule.graphs, rule.actions, rule.risks) == (("a", "b"), ("pay",), ("high",))
    assert (rule.requesters, rule.channels, rule.condition) == (("@interns",), ("#ops",), 'action == "pay"')
    assert rule.policy == Policy(
        name="all",
        stages=(
            Stage(
                groups=(Group(approvers=("@security",)), Group(approvers=("@finance",), needed=2)),
                reject_quorum=3,
                remind_every=HOUR / 2,
                steps=(
                    Step(after=HOUR, action=Escalate(to=("details.owner",))),
                    Step(after=1.5 * HOUR, action=Escalate(to=("#on-call",), via=Via.CHANNEL, adds=False)),
                    Step(after=22 * HOUR, action=Warn()),
                    Step(after=24 * HOUR, action=Overdue()),
                ),
            ),
        ),
        self_approval=True,
        reasons=(Verdict.APPROVE, Verdict.REJECT),
        hours=Hours(start=time(9), end=time(), days=(0, 1, 2, 3), zone="Europe/Berlin", holidays=(date(2030, 1, 1),)),
        channel="#finance",
        private=True,
        confirm=True,
        extend=4 * HOUR,
        max_rounds=4,
    )
    lead, finance = staged.policy.stages
    assert (lead.name, lead.approvers, lead.steps) == (
        "lead",
        ("UANN",),
        (Step(after=4 * HOUR, action=Pick(choice="later")),),
    )
    assert (finance.name, finance.approvers, finance.reject_quorum) == ("finance", ("@finance",), 2)
    assert finance.steps == (Step(after=48 * HOUR, action=Consent()),)
    assert own.policy.reasons == (Verdict.REJECT,)
    assert own.policy.hours == Hours(start=time(8, 30), end=time(17, 15), days=(0, 2))
    assert only_stage(inherits.policy).steps == (Step(after=2 * HOUR, action=Consent()),)


def test_a_sequence_of_the_defaults_is_inherited_with_its_stages(file: Path) -> None:
    text = """
defaults:
  reason_required: never
  sequence: [{name: lead, approvers: [UANN]}, {name: finance, approvers: [UBOB]}]
rules:
  - {name: short, match: {graph: a}, deadline: 1h}
  - {name: one, approvers: ["@ops"]}
"""

    short, one = loaded(file, text).rules

    assert [stage.deadline for stage in short.policy.stages] == [HOUR, HOUR]
    assert short.policy.reasons == ()
    assert only_stage(one.policy).approvers == ("@ops",)


# --- Conditions ---------------------------------------------------------------------------------------


EVALUATOR = Evaluator()


def holds(expression: str, **arguments: object) -> bool:
    asked = question(Item(name="pay", arguments=arguments, verdicts=()), risk=Risk.HIGH)  # type: ignore[arg-type]
    inputs: dict[str, JSON] = {"days": 30}
    facts = Facts(graph="payment", channel=CHANNEL, requester=RITA, inputs=inputs, question=asked)
    (said,) = EVALUATOR.compiled(expression)(facts, asked.items)
    return said


@pytest.mark.parametrize(
    "expression",
    [
        "arguments.amount > 1000",
        "arguments.amount > 1000.5",
        "double(arguments.text) >= 310.1",
        'action == "pay" && question.risk in ["high", "critical"]',
        'question.actions.exists(name, name.startsWith("pa"))',
        'task.graph == "payment" && task.inputs.days == 30 && task.channel == "C1"',
        'requester.id == "U-RITA" && requester.team == "T1"',
        "!has(arguments.nothing)",
        "arguments.nested.list[1].deep == null",
        "size(question.choices) == 0 && question.title != question.text",
    ],
)
def test_a_condition_asks_about_the_question_its_arguments_the_task_and_the_requester(expression: str) -> None:
    assert holds(expression, amount=1001.25, text="310.10", nested={"list": [0, {"deep": None}]})
    assert not holds(f"!({expression})", amount=1001.25, text="310.10", nested={"list": [0, {"deep": None}]})


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("arguments.amount > 1000", "there is no key 'amount'"),
        ("arguments.text > 1000", "No such overload"),
        ("double(arguments.text) > 1.0", "in `double"),
        ("arguments.text", "is 'much', which is neither true nor false"),
        ("arguments.huge > 1 && arguments.text[7] == 1", "in `arguments.huge"),
        ("arguments.nan > 1.0", "in `arguments.nan"),
    ],
)
def test_a_condition_that_cannot_be_worked_out_is_neither_true_nor_false(expression: str, said: str) -> None:
    with pytest.raises(ConditionFailed) as failed:
        holds(expression, text="much", huge=10**40, nan=[])

    assert said in str(failed.value)


# --- Cards --------------------------------------------------------------------------------------------


def test_the_cards_of_a_graph_have_its_labels_and_keys_whichever_rule_governs(file: Path) -> None:
    policies = loaded(
        file,
        f"{RULE}    match: {{risk: [high]}}\ncards:\n  payment:\n    labels: {{older_than: ' Older than '}}\n"
        "    keys: [payee, amount]\n  email: {keys: subject}\n  batch: {}\n",
    )

    look = CardTerms(labels={"older_than": "Older than"}, keys=("payee", "amount"))
    assert policies.cards == {"payment": look, "email": CardTerms(keys=("subject",)), "batch": CardTerms()}
    assert governing(policies, graph="payment").card == look
    assert governing(policies, graph="payment", risk="high").card == look
    assert governing(policies, graph="cleanup").card == CardTerms()
