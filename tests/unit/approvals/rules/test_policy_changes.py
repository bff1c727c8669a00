"""What is different between two readings of the policy file, by the names of its rules and graphs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.approvals.model.policy import CardTerms, GraphTerms
from bot.approvals.rules.matching import Policies, Rule
from bot.approvals.rules.policy_changes import changes
from tests.support.builders import a_policy

ONE, TWO, THREE = (Rule(policy=a_policy(name=name), graphs=(name,)) for name in ("one", "two", "three"))
BEFORE = Policies(rules=(ONE, TWO), otherwise=a_policy(name="defaults"))


def test_the_same_file_read_twice_shows_no_change_though_its_conditions_are_compiled_anew() -> None:
    """Two compiled conditions are never equal; their expressions are."""
    first, second = (
        replace(BEFORE, rules=(replace(ONE, condition="true", when=lambda _facts, _items: [True]),)) for _ in range(2)
    )

    assert not changes(first, second).any


@pytest.mark.parametrize(
    ("after", "what", "names"),
    [
        ({"rules": (ONE, TWO, THREE)}, "added", ("three",)),
        ({"rules": (TWO,)}, "removed", ("one",)),
        ({"rules": (ONE, replace(TWO, graphs=("other",)))}, "changed", ("two",)),
        ({"rules": (ONE, replace(TWO, condition="false"))}, "changed", ("two",)),
        ({"rules": (TWO, ONE)}, "reordered", True),
        ({"otherwise": a_policy(name="defaults", private=True)}, "defaults", True),
        ({"graphs": {"payment": GraphTerms(answer="boolean")}}, "graphs", ("payment",)),
        ({"cards": {"payment": CardTerms(keys=("amount",))}}, "cards", ("payment",)),
    ],
)
def test_each_kind_of_change_is_told_and_no_other(after: dict[str, Any], what: str, names: object) -> None:
    found = changes(BEFORE, replace(BEFORE, **after))

    told = {name: value for name in type(found).__dataclass_fields__ if (value := getattr(found, name))}
    assert told == {what: names}
    assert found.any
