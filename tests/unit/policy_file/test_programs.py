"""`match: {source}` and `via`: rules for programs, and the pages on which people may answer besides Slack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.approvals.model.ids import Program
from bot.approvals.rules.matching import Facts
from tests.support.fakes.world import CHANNEL, RITA, question
from tests.unit.policy_file.reading import DEFAULTS, RULE, loaded, refusal


def test_a_rule_for_programs_names_their_sources(file: Path) -> None:
    policies = loaded(file, f"{RULE}    match: {{source: [billing-service, ci-*]}}\n")

    assert policies.rules[0].sources == policies.sources == ("billing-service", "ci-*")


def test_a_condition_knows_the_source(file: Path) -> None:
    policies = loaded(file, f"{RULE}    match: {{when: task.source == 'billing' && requester.id == 'U-RITA'}}\n")
    asked = Facts(graph="g", source="billing", channel=CHANNEL, requester=RITA, inputs={}, question=question())

    assert policies.select(asked).name == "grave"
    assert policies.select(replace(asked, requester=Program(name="U-RITA"))).name == "defaults"


@pytest.mark.parametrize(
    ("rule", "through"),
    [("", ("portal",)), ("    via: []\n", ()), ("    via: [intranet, portal]\n", ("intranet", "portal"))],
)
def test_a_rule_takes_the_pages_of_the_defaults_or_names_its_own(
    file: Path, rule: str, through: tuple[str, ...]
) -> None:
    policies = loaded(file, f"{RULE}{rule}".replace("rules:", "  via: portal\nrules:"))

    assert policies.otherwise.via == ("portal",)
    assert policies.rules[0].policy.via == through


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{DEFAULTS}  via: [7]", 'line 3, key "defaults.via.0": 7 is not the name of a token'),
        (f"{DEFAULTS}  via: Portal", "line 3, key \"defaults.via\": 'Portal' is not the name of a token"),
        (f"{DEFAULTS}  via:", 'line 3, key "defaults.via": this key has no value'),
        (f"{DEFAULTS}  vias: portal", 'key "defaults.vias": there is no such key. Did you mean "via"?'),
        (
            f"{RULE}    match: {{sources: x}}",
            'key "rules.0.match.sources": there is no such key. Did you mean "source"?',
        ),
        (
            f"{RULE}    match: {{source: []}}",
            "an empty list matches nothing. Leave it out if the source does not matter.",
        ),
        (f"{RULE}    match: {{source: {{a: b}}}}", 'key "rules.0.match.source'),
    ],
)
def test_a_mistake_is_told_with_its_line_and_key(file: Path, text: str, sentence: str) -> None:
    assert sentence in refusal(file, text)
