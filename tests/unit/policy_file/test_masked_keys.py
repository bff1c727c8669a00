"""`mask` in a policy: the keys whose values are hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.policy_file.reading import DEFAULTS, RULE, loaded, refusal


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
