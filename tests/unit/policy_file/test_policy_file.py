"""policies.yaml, read strictly: what it means, and each way in which it can be wrong, with its line and its key."""

from __future__ import annotations

from datetime import date, time, timedelta
from pathlib import Path

import pytest
import yaml

from bot import policy_file
from bot.approvals.model.errors import SettingsError
from bot.approvals.model.hours import Hours
from bot.approvals.model.ids import JSON
from bot.approvals.model.policy import (
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
from bot.approvals.model.question import Item, Question, Risk, Verdict
from bot.approvals.rules.matching import ConditionFailed, Facts, Policies
from bot.approvals.services.people.vacancies import untied
from bot.durations import duration, spoken
from bot.policy_file.conditions import Evaluator
from tests.fakes.world import CHANNEL, RITA, item, question

ROOT = Path(__file__).parents[3]
HOUR = timedelta(hours=1)

DEFAULTS = "defaults:\n  approvers: ['@ops']\n"
RULE = f"{DEFAULTS}rules:\n  - name: grave\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policies.yaml"


def loaded(file: Path, text: str) -> Policies:
    file.write_text(text)
    return policy_file.load(file)


def refusal(file: Path, text: str) -> str:
    """What is said of the file, without the folder that it lies in."""
    with pytest.raises(SettingsError) as refused:
        loaded(file, text)
    return str(refused.value).replace(str(file), "policies.yaml")


def governing(policies: Policies, graph: str = "any", risk: str | None = None) -> Policy:
    asked = question(risk=Risk(risk) if risk else None)
    return policies.select(Facts(graph=graph, channel=CHANNEL, requester=RITA, inputs={}, question=asked))


def only_stage(policy: Policy) -> Stage:
    (stage,) = policy.stages
    return stage


# --- What it means ------------------------------------------------------------------------------------


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


# --- Spans --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        (" 4 h ", timedelta(hours=4)),
        ("2d", timedelta(days=2)),
        ("1w", timedelta(weeks=1)),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_a_span_is_a_number_and_a_unit(word: str, span: timedelta) -> None:
    assert duration(word) == span


@pytest.mark.parametrize(
    ("span", "word"), [(HOUR, "1h"), (36 * HOUR, "1d 12h"), (HOUR / 8, "7m 30s"), (0 * HOUR, "0s")]
)
def test_a_span_is_said_as_it_is_written(span: timedelta, word: str) -> None:
    assert spoken(span) == word


@pytest.mark.parametrize("word", ["0m", "-1h", "1.5h", "5", "h", "1y", "1h30m", "", 5, None, True, 4.0, ["1h"]])
def test_anything_else_is_no_span(word: object) -> None:
    with pytest.raises(
        ValueError, match="is not a duration: write a number and s, m, h, d or w, such as 30m, 4h or 2d"
    ):
        duration(word)


@pytest.mark.parametrize("word", ["3651d", "522w", "9999999999999999999w"])
def test_a_span_beyond_all_calendars_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match=f"'{word}' is longer than 3650d"):
        duration(word)


# --- What is wrong --------------------------------------------------------------------------------------

WINDOWS = "All times are counted from the moment the question is asked; warn_before is counted back from the deadline."
NOBODY = "nobody may answer. Name who may:"
SPAN = "is not a duration: write a number and s, m, h, d or w, such as 30m, 4h or 2d."
WHO = (
    "names nobody: write a user id (U012AB3CD), an e-mail address, a user group (@ops-leads), "
    "a channel (#ops), or a key of the question (details.owner)."
)
EMPTY = "this key has no value: give it one, or leave it out."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        # Nobody, or somebody who is no one
        ("defaults: {}", f'line 1, key "defaults.approvers": {NOBODY} approvers: ["@ops-leads", U012AB3CD]'),
        (
            "defaults:\n  approvers: []",
            f'line 2, key "defaults.approvers": {NOBODY} ["@ops-leads", U012AB3CD, bob@example.com]',
        ),
        (
            f"{RULE}    approvers: []",
            f'line 5, key "rules.0.approvers": {NOBODY} ["@ops-leads", U012AB3CD, bob@example.com]',
        ),
        (
            f"{DEFAULTS}  escalate:\n    after: 1h\n    to: []",
            f'line 5, key "defaults.escalate.to": {NOBODY} ["@ops-leads", U012AB3CD, bob@example.com]',
        ),
        ("defaults:\n  approvers:", f'line 2, key "defaults.approvers": {EMPTY}'),
        (f"{RULE}    approvers:", f'line 5, key "rules.0.approvers": {EMPTY}'),
        (f"{RULE}    deadline: null", f'line 5, key "rules.0.deadline": {EMPTY}'),
        ("defaults:", f'line 1, key "defaults": {EMPTY}'),
        ("defaults:\n  approvers: [ops]", f"line 2, key \"defaults.approvers.0\": 'ops' {WHO}"),
        ("defaults:\n  approvers:\n  - '@ops'\n  - ' '", f"line 4, key \"defaults.approvers.1\": ' ' {WHO}"),
        ("defaults:\n  approvers: ['<@U012AB3CD>']", f"line 2, key \"defaults.approvers.0\": '<@U012AB3CD>' {WHO}"),
        ("defaults:\n  approvers: [7]", f'line 2, key "defaults.approvers.0": 7 {WHO}'),
        (
            "defaults:\n  approvers: '@ops'",
            'line 2, key "defaults.approvers": this should be a list, such as ["@ops-leads", U012AB3CD].',
        ),
        # Keys
        (f"{DEFAULTS}  qorum: 2", 'line 3, key "defaults.qorum": there is no such key. Did you mean "quorum"?'),
        (
            f"{DEFAULTS}  zzz: 2",
            'line 3, key "defaults.zzz": there is no such key. Known here: approvers, quorum, groups, ',
        ),
        (f"{DEFAULTS}rule: []", 'line 3, key "rule": there is no such key. Did you mean "rules"?'),
        (f"{RULE}    mach: {{}}", 'line 5, key "rules.0.mach": there is no such key. Did you mean "match"?'),
        (
            f"{RULE}    match:\n      grahp: x",
            'line 6, key "rules.0.match.grahp": there is no such key. Did you mean "graph"?',
        ),
        (
            f"{DEFAULTS}  escalate:\n    after: 1h\n    too: []\n    to: ['@b']",
            'line 5, key "defaults.escalate.too": there is no such key. Did you mean "to"?',
        ),
        (f"{DEFAULTS}rules:\n  - quorum: 1", 'line 4, key "rules.0.name": this key is missing.'),
        ("rules: []", 'line 1, key "defaults": this key is missing.'),
        (f"{DEFAULTS}  escalate:\n    after: 1h", 'line 3, key "defaults.escalate.to": this key is missing.'),
        (f"{DEFAULTS}  quorum: 1\n  quorum: 2", 'line 4, key "quorum": it appears twice, first in line 3. Keep one.'),
        (f"{DEFAULTS}{DEFAULTS}", 'line 3, key "defaults": it appears twice, first in line 1. Keep one.'),
        # Values
        (f"{DEFAULTS}  deadline: soon", f"line 3, key \"defaults.deadline\": 'soon' {SPAN}"),
        (f"{DEFAULTS}  deadline: 0m", f"line 3, key \"defaults.deadline\": '0m' {SPAN}"),
        (f"{DEFAULTS}  remind_every: 30", f'line 3, key "defaults.remind_every": 30 {SPAN}'),
        (f"{DEFAULTS}  deadline: 99999w", "line 3, key \"defaults.deadline\": '99999w' is longer than 3650d."),
        (f"{DEFAULTS}  quorum: 0", 'line 3, key "defaults.quorum": Input should be greater than or equal to 1.'),
        (f"{DEFAULTS}  quorum: two", 'line 3, key "defaults.quorum": Input should be a valid integer'),
        (f"{DEFAULTS}  self_approval: maybe", 'line 3, key "defaults.self_approval": Input should be a valid boolean'),
        (
            f"{DEFAULTS}  escalate: 4h",
            'line 3, key "defaults.escalate": this should be a mapping with after, to, as, add_approvers.',
        ),
        (f"{RULE}    match: {{risk: high}}", 'line 5, key "rules.0.match.risk": this should be a list, such as [high,'),
        (
            f"{RULE}    match: {{risk: [huge]}}",
            "line 5, key \"rules.0.match.risk.0\": Input should be 'low', 'medium', 'high' or 'critical'.",
        ),
        (
            f"{RULE}    match: {{risk: []}}",
            'line 5, key "rules.0.match.risk": an empty list matches nothing. Leave it out if the risk does not',
        ),
        (f"{DEFAULTS}rules: {{}}", 'line 3, key "rules": this should be a list, such as [{name: grave, '),
        (f"{DEFAULTS}rules:\n- grave", 'line 4, key "rules.0": this should be a mapping with approvers, quorum,'),
        # Windows
        (
            f"{DEFAULTS}  remind_every: 5h\n  deadline: 4h",
            f'line 3, key "defaults.remind_every": it would not come before deadline. {WINDOWS}',
        ),
        (
            f"{DEFAULTS}  deadline: 4h\n  remind_every: 4h",
            f'line 4, key "defaults.remind_every": it would not come before deadline. {WINDOWS}',
        ),
        (
            f"{DEFAULTS}  deadline: 2h\nrules:\n  - name: grave\n    escalate:\n      after: 3h\n      to: ['@b']",
            f'line 7, key "rules.0.escalate.after": it would not come before deadline. {WINDOWS}',
        ),
        (
            f"{DEFAULTS}  remind_every: 2h\nrules:\n  - name: grave\n    deadline: 1h",
            f'line 5, key "rules.0.remind_every": it would not come before deadline. {WINDOWS}',
        ),
        # How a graph wants its answers
        (
            f"{DEFAULTS}approvals:\n  agent: {{anser: object}}",
            'line 4, key "approvals.agent.anser": there is no such key. Did you mean "answer"?',
        ),
        (
            f"{DEFAULTS}approvals:\n  agent:\n    answer: perhaps",
            "line 5, key \"approvals.agent.answer\": 'perhaps' is not a way to say yes and no: write boolean, object, ",
        ),
        (
            f"{DEFAULTS}approvals:\n  agent:\n    answer: yes/YES",
            "line 5, key \"approvals.agent.answer\": 'yes/YES' is not a way to say yes and no: write boolean, ",
        ),
        (
            f"{DEFAULTS}approvals:\n  agent:\n    reject: {{values: {{a: 1}}}}",
            'line 5, key "approvals.agent.reject.as_node": this key is missing.',
        ),
        (
            f"{DEFAULTS}approvals:\n  agent: object",
            'line 4, key "approvals.agent": this should be a mapping with answer, bind, reject.',
        ),
        (f"{DEFAULTS}  max_rounds: 0", 'line 3, key "defaults.max_rounds": '),
        # No policies at all
        ("", "line 1: this should be a mapping with defaults, rules"),
        ("- a", "line 1: this should be a mapping with defaults, rules"),
        ("defaults: &a [*a]", 'line 1, key "defaults": this should be a mapping with approvers, '),
    ],
)
def test_each_mistake_is_said_with_its_line_its_key_and_what_would_be_right(
    file: Path, text: str, sentence: str
) -> None:
    said = refusal(file, text)

    assert said.startswith(f"policies.yaml, {sentence}")
    assert "\n" not in said, "one mistake is one sentence"


WRONG = {
    "a misspelt key": ("  qorum: 2", 'line 3, key "defaults.qorum": there is no such key. Did you mean "quorum"?'),
    "a window without its unit": ("  deadline: 30", f'line 3, key "defaults.deadline": 30 {SPAN}'),
    "a group that is written wrongly": (
        "  escalate: {after: 1h, to: [on-call]}",
        f"line 3, key \"defaults.escalate.to.0\": 'on-call' {WHO}",
    ),
    "silence as a yes without the words": (
        "  deadline: 1h\n  on_timeout: approve",
        'line 4, key "defaults.on_timeout": this would take silence for a yes. If you mean that, write '
        "i_accept_silence: yes beside it.",
    ),
    "the words without the silence": (
        "  deadline: 1h\n  i_accept_silence: yes",
        'line 4, key "defaults.i_accept_silence": this has no effect, because on_timeout is not approve.',
    ),
    "silence without a deadline": (
        "  on_timeout: wait",
        'line 3, key "defaults.on_timeout": this needs a deadline. Set one, or leave this out.',
    ),
    "something else than silence knows": (
        "  deadline: 1h\n  on_timeout: explode",
        "line 4, key \"defaults.on_timeout\": 'explode' is not known here: write reject, approve, wait, or ",
    ),
    "approvers beside groups": (
        "rules:\n- name: a\n  approvers: ['@a']\n  groups: [{approvers: ['@b']}]",
        'line 6, key "rules.0.groups": approvers already says who is asked. Keep one of the two.',
    ),
    "a number beside groups": (
        "rules:\n- name: a\n  groups: [{approvers: ['@b']}]\n  quorum: 2",
        'line 6, key "rules.0.quorum": each group has its own quorum. Set it there.',
    ),
    "a number beside stages": (
        "rules:\n- name: a\n  quorum: 2\n  sequence: [{name: x, approvers: ['@b']}, {name: y, approvers: ['@c']}]",
        'line 5, key "rules.0.quorum": each stage has its own quorum. Set it there.',
    ),
    "a sequence of one": (
        "  sequence: [{name: lead, approvers: ['@b']}]",
        'line 3, key "defaults.sequence": this is too short. It should be a list such as [{name: lead, ',
    ),
    "a quorum larger than those who are named": (
        "rules:\n- name: a\n  approvers: [UANN, UBOB]\n  quorum: 3",
        'line 6, key "rules.0.quorum": 3 people have to agree, but only 2 are named, so nothing could ever ',
    ),
    "a warning before the question": (
        "  deadline: 1h\n  warn_before: 2h",
        f'line 4, key "defaults.warn_before": it would come before the question. {WINDOWS}',
    ),
    "an escalation after the deadline": (
        "  deadline: 1h\n  escalate:\n  - {after: 30m, to: ['@a']}\n  - {after: 2h, to: ['@b']}",
        f'line 6, key "defaults.escalate.1.after": it would not come before deadline. {WINDOWS}',
    ),
    "people where a channel should be": (
        "  escalate:\n  - {after: 30m, to: ['@a'], as: channel}",
        'line 4, key "defaults.escalate.0.to": with as: channel, only channels can be named, such as ["#on-call"].',
    ),
    "another way to reach people": (
        "  escalate:\n  - {after: 30m, to: ['@a'], as: mail}",
        "line 4, key \"defaults.escalate.0.as\": Input should be 'dm' or 'channel'.",
    ),
    "an answer without its reason": (
        "rules:\n- name: a\n  auto: approve",
        "line 5, key \"rules.0.auto\": 'approve' does not say why: write the answer with its reason, such as ",
    ),
    "an empty reason": (
        "rules:\n- name: a\n  auto: {approve: ' '}",
        'line 5, key "rules.0.auto": the reason is empty: write one, because it is recorded in place of a person\'s.',
    ),
    "an answer to everything": (
        "  auto: {approve: Why not}",
        'line 3, key "defaults.auto": here it would answer every question that no rule matches. Write it in ',
    ),
    "an answer and people": (
        "rules:\n- name: a\n  auto: {approve: It reads}\n  approvers: ['@a']",
        'line 6, key "rules.0.approvers": auto asks nobody, so this has no effect. Keep one of the two.',
    ),
    "more time where there is no end": (
        "  extend: 4h",
        'line 3, key "defaults.extend": there is no deadline to extend. Set one, or leave this out.',
    ),
    "a condition that is none": (
        "rules:\n- name: a\n  match: {when: 'arguments.amount >'}",
        'line 5, key "rules.0.match.when": this is not a CEL expression (',
    ),
    "a condition over what there is not": (
        "rules:\n- name: a\n  match:\n    when: amount > 1000",
        "line 6, key \"rules.0.match.when\": Undefined variable or function: 'amount'. ",
    ),
    "a rule that hides the next": (
        "rules:\n- name: a\n- name: b",
        'line 4, key "rules.0": it matches everything, so no rule after it is ever reached. Give it a match, or ',
    ),
    "two rules of one name": (
        "rules:\n- {name: a, match: {graph: x}}\n- {name: a}",
        'line 5, key "rules.1.name": another rule has this name. Give it its own.',
    ),
    "hours that end before they start": (
        "  hours: {from: 17:00, to: 09:00, zone: UTC}",
        'line 3, key "defaults.hours.to": hours end after they start: write the later time under to, and 24:00 for ',
    ),
    "a time that is none": (
        "  hours: {from: 9, to: 17:00, zone: UTC}",
        'line 3, key "defaults.hours.from": 9 is not a time of day: write hours and minutes, such as 09:00 or 17:30.',
    ),
    "a zone that is none": (
        "  hours: {from: 9:00, to: 17:00, zone: Berlin}",
        "line 3, key \"defaults.hours.zone\": 'Berlin' is not a time zone: write one such as Europe/Berlin, or ",
    ),
    "days that are none": (
        "  hours: {from: 9:00, to: 17:00, zone: UTC, days: fri-mon}",
        "line 3, key \"defaults.hours.days\": 'fri-mon' does not name days of the week: write mon-fri, or ",
    ),
    "a reason for what needs none": (
        "  reason_required: sometimes",
        "line 3, key \"defaults.reason_required\": 'sometimes' does not say which answers need a reason: write ",
    ),
    "a channel without its sign": (
        "  channel: ops",
        'line 3, key "defaults.channel": \'ops\' is not a channel: write its name in quotes ("#ops") or its id ',
    ),
    "a requester who is nobody": (
        "rules:\n- name: a\n  match: {requester: details.owner}",
        "line 5, key \"rules.0.match.requester\": 'details.owner' names nobody: write a user id (U012AB3CD), ",
    ),
}


@pytest.mark.parametrize(("more", "sentence"), WRONG.values(), ids=WRONG)
def test_each_wrong_policy_is_refused_with_its_line_its_key_and_what_would_be_right(
    file: Path, more: str, sentence: str
) -> None:
    said = refusal(file, f"{DEFAULTS}{more}\n")

    assert said.startswith(f"policies.yaml, {sentence}"), said
    assert "\n" not in said, "one mistake is one sentence"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("defaults: [\n", "policies.yaml, line 2: this is not YAML (expected the node content, but found"),
        ("a: b: c", "policies.yaml, line 1: this is not YAML (mapping values are not allowed here)."),
        ("\n\tx: 1", "policies.yaml, line 2: this is not YAML (found character '\\t' that cannot start any token)."),
        ("a: 1\n---\nb: 2", "policies.yaml, line 2: this is not YAML (but found another document)."),
        ("a: !!python/name:os.system ", "policies.yaml, line 1: this is not YAML (could not determine a constructor"),
        (f"{DEFAULTS}rules: [2024-02-30]", "policies.yaml: this is not YAML (day is out of range for month)."),
        ("a: \x00", "policies.yaml: this is not YAML (unacceptable character #x0000"),
    ],
)
def test_what_is_no_yaml_is_said_with_its_line(file: Path, text: str, sentence: str) -> None:
    assert refusal(file, text).startswith(sentence)


def test_all_mistakes_are_said_at_once(file: Path) -> None:
    said = refusal(file, f"{DEFAULTS}  qorum: 2\n  deadline: soon\nrulez: []")

    assert [line.partition('"')[2].partition('"')[0] for line in said.splitlines()] == [
        "defaults.deadline",
        "defaults.qorum",
        "rulez",
    ]


def test_a_file_that_is_not_there_or_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xfc")

    with pytest.raises(SettingsError, match=r"there is no such file. POLICY_FILE names it; it says who may answer\."):
        policy_file.load(tmp_path / "policies.yaml")
    for unreadable in (tmp_path, tmp_path / "latin.yaml"):
        with pytest.raises(SettingsError, match="cannot be read"):
            policy_file.load(unreadable)


def test_an_alias_may_be_used_twice(file: Path) -> None:
    text = "defaults: {approvers: &ops ['@ops']}\nrules: [{name: rest, approvers: *ops}]"

    assert only_stage(governing(loaded(file, text), "a")).approvers == ("@ops",)


@pytest.mark.parametrize("key", ["approvers", "quorum", "deadline", "escalate"])
def test_no_key_of_the_shipped_file_can_be_misspelt_unnoticed(file: Path, key: str) -> None:
    text = (ROOT / "policies.yaml").read_text().replace(f"{key}:", f"{key[:-1]}:", 1)
    assert yaml.safe_load(text)

    assert "there is no such key" in refusal(file, text)


# --- mask -----------------------------------------------------------------------------------------


def test_a_rule_masks_its_keys_besides_those_of_the_defaults(file: Path) -> None:
    """A rule that masks more may not uncover what is masked everywhere else."""
    policies = loaded(file, f"{RULE}    mask: [bic, 'card.*']\n".replace("rules:", "  mask: iban\nrules:"))

    assert policies.otherwise.mask == ("iban",)
    assert policies.rules[0].policy.mask == ("iban", "bic", "card.*")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("[]", "this is too short. It should be a list such as [iban"),
        ("['a b']", "'a b' does not name a key"),
        ("['a..b']", "'a..b' does not name a key"),
        ("['']", "'' does not name a key"),
        ("[1]", "1 does not name a key"),
        ("{a: b}", "does not name a key"),
        ("", "this key has no value"),
    ],
)
def test_what_names_no_key_is_refused_with_its_line(file: Path, said: str, sentence: str) -> None:
    refused = refusal(file, f"{DEFAULTS}  mask: {said}\n")

    assert refused.startswith('policies.yaml, line 3, key "defaults.mask')
    assert sentence in refused
