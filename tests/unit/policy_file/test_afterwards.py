"""What a policy file says about the time after a decision: hold, valid_for, on_stale and undo."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.approvals.model.policy import OnStale, Policy, UndoTerms
from bot.approvals.model.question import Window
from bot.approvals.rules.matching import Facts
from tests.support.fakes.world import CHANNEL, RITA, item, question
from tests.unit.policy_file.reading import DEFAULTS, HOUR, governing, loaded, only_stage, refusal

ALL_FOUR = "hold: 30s, valid_for: 1h, on_stale: stop, undo: {approvers: ['@leads'], requester: no}"
SPAN = "is not a duration: write a number and s, m, h, d or w, such as 30m, 4h or 2d"
STALE = "is not known here: write ask, if people are asked again, or stop, if the task is stopped."
UNDO = 'this should say who may undo, such as {approvers: ["@ops-leads"], requester: yes}.'


def afterwards(policy: Policy) -> tuple[timedelta, timedelta | None, OnStale, UndoTerms]:
    return policy.hold, policy.valid_for, policy.on_stale, policy.undo


SILENT = (timedelta(), None, OnStale.ASK, UndoTerms(approvers=(), requester=True))
SAID = (timedelta(seconds=30), HOUR, OnStale.STOP, UndoTerms(approvers=("@leads",), requester=False))


def test_without_a_word_decisions_go_at_once_do_not_run_out_and_the_requester_may_undo(file: Path) -> None:
    """These are the defaults of the four keys."""
    assert afterwards(loaded(file, DEFAULTS).otherwise) == SILENT


def test_a_rule_says_them_for_itself_and_the_defaults_for_all_rules(file: Path) -> None:
    """A rule that leaves the keys out inherits those of the defaults, and a rule's own change nothing else."""
    own = loaded(file, f"{DEFAULTS}rules: [{{name: all, {ALL_FOUR}}}]")
    inherited = loaded(file, f"defaults: {{approvers: ['@ops'], {ALL_FOUR}}}\nrules: [{{name: all}}]")

    assert [afterwards(policy) for policy in own.policies] == [SAID, SILENT]
    assert [afterwards(policy) for policy in inherited.policies] == [SAID, SAID]


def test_a_rule_can_do_without_what_the_defaults_say(file: Path) -> None:
    """`no` ends an inherited hold or validity, and a rule's `undo` takes the place of the whole inherited one."""
    rule = "{name: all, hold: no, valid_for: no, undo: {requester: yes}}"
    policy = loaded(file, f"defaults: {{approvers: ['@ops'], {ALL_FOUR}}}\nrules: [{rule}]").rules[0].policy

    assert (policy.hold, policy.valid_for, policy.undo) == (timedelta(), None, UndoTerms())


def test_a_rule_may_only_say_what_follows_if_the_defaults_say_when(file: Path) -> None:
    """`on_stale` goes with an inherited `valid_for`."""
    text = f"{DEFAULTS}  valid_for: 1h\nrules: [{{name: all, on_stale: stop}}]"

    assert loaded(file, text).rules[0].policy.on_stale is OnStale.STOP


def test_an_answer_without_a_person_can_be_held_too(file: Path) -> None:
    """A rule with `auto` acts after its hold, unless somebody stops it."""
    rule = f"{{name: reads, match: {{graph: a}}, auto: {{approve: It reads}}, {ALL_FOUR}}}"
    policy = loaded(file, f"{DEFAULTS}rules: [{rule}]").rules[0].policy

    assert policy.auto is not None
    assert afterwards(policy) == SAID


def test_who_may_undo_can_be_a_key_of_the_question_that_offers_it(file: Path) -> None:
    """The names under `undo` are read like all approvers; what the question gives is held as the question's own."""
    policies = loaded(file, f"{DEFAULTS}  undo: {{approvers: [arguments.owner, '@leads', '@leads'], requester: no}}")
    asked = replace(question(item(arguments={"owner": "U0BOB"})), window=Window(length=HOUR))
    policy = policies.select(Facts(graph="a", channel=CHANNEL, requester=RITA, inputs={}, question=asked))

    assert policies.otherwise.undo.approvers == ("arguments.owner", "@leads")
    assert only_stage(policy).approvers == ("U0BOB", "@leads")
    assert only_stage(policy).groups[0].held == ("U0BOB",)


@pytest.mark.parametrize("hold", ["1s", "24h", "1d"])
def test_a_hold_may_last_a_day(file: Path, hold: str) -> None:
    """A longer one is a mistake, and refused."""
    assert governing(loaded(file, f"{DEFAULTS}  hold: {hold}")).hold <= timedelta(days=1)


WRONG = {
    "a hold without its unit": ("  hold: 30", f'hold": 30 {SPAN} (or no, if decisions are not held).'),
    "a hold of no time": ("  hold: 0s", f"hold\": '0s' {SPAN} (or no, if decisions are not held)."),
    "a hold without its length": ("  hold: yes", f'hold": True {SPAN} (or no, if decisions are not held).'),
    "a hold of nothing": ("  hold:", 'hold": this key has no value: give it one, or leave it out.'),
    "a hold longer than a day": (
        "  hold: 25h",
        "hold\": '25h' is longer than 1d: a hold is for second thoughts. If somebody has to look at the decision "
        "first, ask them in a stage of their own.",
    ),
    "a validity that is no time": (
        "  valid_for: soon",
        f"valid_for\": 'soon' {SPAN} (or no, if decisions do not run out).",
    ),
    "a validity beyond all calendars": (
        "  valid_for: 999w",
        "valid_for\": '999w' is longer than 3650d (or no, if decisions do not run out).",
    ),
    "what follows an end that never comes": (
        "  on_stale: ask",
        'on_stale": this needs valid_for. Set one, or leave this out.',
    ),
    "what follows an end that is taken away": (
        "  valid_for: no\n  on_stale: ask",
        'on_stale": this needs valid_for. Set one, or leave this out.',
    ),
    "another word for what follows": ("  valid_for: 1h\n  on_stale: retry", f"on_stale\": 'retry' {STALE}"),
    "a list of what follows": ("  valid_for: 1h\n  on_stale: [ask]", f"on_stale\": ['ask'] {STALE}"),
    "a word that YAML reads as false": (
        "  valid_for: 1h\n  on_stale: off",
        f'on_stale": False (YAML reads yes, no, on and off as true and false) {STALE}',
    ),
    "undo as yes or no": ("  undo: no", f'undo": {UNDO}'),
    "undo as a list": ("  undo: ['@leads']", f'undo": {UNDO}'),
    "undo as a name": ("  undo: '@leads'", f'undo": {UNDO}'),
    "undo that says nothing": ("  undo: {}", f'undo": {UNDO}'),
    "undo by nobody": (
        "  undo: {requester: no}",
        'undo.requester": nobody may undo anything. Name who may beside it: approvers: ["@ops-leads", U012AB3CD]',
    ),
    "undo by an empty list": (
        "  undo: {approvers: []}",
        'undo.approvers": nobody may undo anything. Name who may: ["@ops-leads", U012AB3CD, bob@example.com]',
    ),
    "undo by somebody who is no one": ("  undo: {approvers: [ops]}", "undo.approvers.0\": 'ops' names nobody: write "),
    "undo by a name outside a list": (
        "  undo: {approvers: '@ops'}",
        'undo.approvers": this should be a list, such as ["@ops-leads", U012AB3CD].',
    ),
    "undo by a misspelt key": (
        "  undo: {requestor: no}",
        'undo.requestor": there is no such key. Did you mean "requester"?',
    ),
    "a key that undo does not have": (
        "  undo: {window: 10m}",
        'undo.window": there is no such key. Known here: approvers, requester.',
    ),
    "a requester who may or may not": (
        "  undo: {requester: maybe}",
        'undo.requester": Input should be a valid boolean',
    ),
}


@pytest.mark.parametrize(("more", "sentence"), WRONG.values(), ids=WRONG)
def test_each_mistake_is_refused_with_its_line_its_key_and_what_would_be_right(
    file: Path, more: str, sentence: str
) -> None:
    """One mistake is one sentence."""
    line = 3 + more.count("\n")

    said = refusal(file, f"{DEFAULTS}{more}\n")

    assert said.startswith(f'policies.yaml, line {line}, key "defaults.{sentence}'), said
    assert "\n" not in said


def test_a_rule_that_replaces_undo_names_somebody_itself(file: Path) -> None:
    """A rule's `undo` does not inherit the approvers of the defaults, and the refusal names the rule."""
    text = f"{DEFAULTS}  undo: {{approvers: ['@leads']}}\nrules:\n  - {{name: all, undo: {{requester: no}}}}\n"

    assert refusal(file, text).startswith('policies.yaml, line 5, key "rules.0.undo.requester": nobody may undo')


def test_a_stage_has_no_hold_of_its_own(file: Path) -> None:
    """The four keys are about the decision, which is made once, after the last stage."""
    text = f"{DEFAULTS}  sequence: [{{name: a, hold: 30s}}, {{name: b}}]\n"

    assert 'key "defaults.sequence.0.hold": there is no such key.' in refusal(file, text)
