"""Each mistake in a policy file is told with its line, its key, and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot import policy_file
from bot.approvals.model.errors import SettingsError
from tests.unit.policy_file.reading import DEFAULTS, ROOT, RULE, governing, loaded, only_stage, refusal

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
            f"{DEFAULTS}cards:\n  agent: {{lables: {{a: A}}}}",
            'line 4, key "cards.agent.lables": there is no such key. Did you mean "labels"?',
        ),
        (
            f"{DEFAULTS}cards:\n  agent: payee",
            'line 4, key "cards.agent": this should be a mapping with labels, keys.',
        ),
        (
            f"{DEFAULTS}cards:\n  agent:",
            'line 4, key "cards.agent": this should be a mapping with labels, keys.',
        ),
        (f"{DEFAULTS}cards:", f'line 3, key "cards": {EMPTY}'),
        (f"{DEFAULTS}cards:\n  agent:\n    keys:", f'line 5, key "cards.agent.keys": {EMPTY}'),
        (
            f"{DEFAULTS}cards:\n  agent:\n    keys: []",
            'line 5, key "cards.agent.keys": this is too short. It should be a list such as [payee, amount].',
        ),
        (
            f"{DEFAULTS}cards:\n  agent:\n    keys: 7",
            'line 5, key "cards.agent.keys": this should be a list, such as [payee, amount].',
        ),
        (
            f"{DEFAULTS}cards:\n  agent:\n    keys: [payee, 7]",
            'line 5, key "cards.agent.keys.1": 7 does not name an argument: write its name as the graph does, such as '
            "amount.",
        ),
        (
            f"{DEFAULTS}cards:\n  agent:\n    keys: [payee, ' ']",
            "line 5, key \"cards.agent.keys.1\": ' ' does not name an argument: write its name as the graph does, such "
            "as amount.",
        ),
        (
            f"{DEFAULTS}cards:\n  agent:\n    keys: [payee, payee]",
            "line 5, key \"cards.agent.keys\": 'payee' appears twice: name each argument once.",
        ),
        (
            f"{DEFAULTS}cards:\n  agent:\n    labels: [payee]",
            'line 5, key "cards.agent.labels": this should be a mapping of names to labels, such as {older_than: Older '
            "than}.",
        ),
        (
            f"{DEFAULTS}cards:\n  agent:\n    labels: {{}}",
            'line 5, key "cards.agent.labels": this should be a mapping of names to labels, such as {older_than: Older '
            "than}.",
        ),
        (
            f"{DEFAULTS}cards:\n  agent:\n    labels:\n      payee: ''",
            "line 6, key \"cards.agent.labels.payee\": '' is not a label: write what people should read, in one line.",
        ),
        (
            f"{DEFAULTS}cards:\n  agent:\n    labels:\n      payee:",
            'line 6, key "cards.agent.labels.payee": None is not a label: write what people should read, in one line.',
        ),
        (
            f'{DEFAULTS}cards:\n  agent:\n    labels:\n      payee: "a\\nb"',
            "line 6, key \"cards.agent.labels.payee\": 'a\\nb' is not a label: write what people should "
            "read, in one line.",
        ),
        (
            f"{DEFAULTS}cards:\n  agent:\n    labels:\n      amount: Sum\n      payee: {41 * 'x'}",
            'line 7, key "cards.agent.labels.payee": this label has 41 characters: at most 40 fit on a card.',
        ),
        (
            f"{DEFAULTS}cards:\n  agent:\n    labels:\n      on: When",
            'line 5, key "cards.agent.labels": True does not name an argument: write its name as the graph does, '
            "such as amount.",
        ),
        (
            f"{DEFAULTS}cards:\n  agent:\n    labels: {{amount: Sum, total: sum}}",
            'line 5, key "cards.agent.labels": amount and total have the same label, so nobody could tell them apart: '
            "change one.",
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
