"""The page of policies names every key, with the default that the code has."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.approvals.model.policy import Group, Policy, Stage
from bot.policy_file import conditions, sizes, terms
from tests.unit.docs.pages import PAGES, codes, rows, section

PAGE = "docs/reference/policies.md"
ANYBODY = Group(approvers=("U1",))
STAGE = Stage(groups=(ANYBODY,))
POLICY = Policy(name="defaults", stages=(STAGE,))
KEYED = (terms.Terms, terms.Match, terms.EscalateTerms, terms.HoursTerms, terms.Approvals, terms.Card)
"""The models whose keys have a row each."""


def stated() -> dict[str, str]:
    """Key -> default, of every table of keys."""
    tables = PAGES[PAGE].partition("## What a name means")[0]
    return {key: row[1] for row in rows(tables) for key in codes(row[0])}


@pytest.mark.parametrize("model", KEYED)
def test_the_page_names_every_key(model: type[terms.Strict]) -> None:
    assert set(terms.keys(model)) - set(stated()) == set()


def test_the_page_names_no_other_key() -> None:
    assert set(stated()) == {key for model in KEYED for key in terms.keys(model)}


@pytest.mark.parametrize("model", [terms.GroupTerms, terms.BindTerms, terms.RejectTerms, terms.UndoEntry])
def test_the_page_shows_the_keys_that_stand_within_another(model: type[terms.Strict]) -> None:
    meanings = " ".join(row[2] for row in rows(PAGES[PAGE].partition("## What a name means")[0]))

    assert [key for key in terms.keys(model) if key not in meanings] == []


def said(value: object) -> str:
    """A default, as the page writes it."""
    if isinstance(value, bool):
        return f"`{'yes' if value else 'no'}`"
    return f"`{value}`"


@pytest.mark.parametrize(
    ("key", "default"),
    [
        ("quorum", ANYBODY.needed),
        ("reject_quorum", STAGE.reject_quorum),
        ("self_approval", POLICY.self_approval),
        ("self_answer", POLICY.self_answer),
        ("guests", POLICY.guests),
        ("confirm", POLICY.confirm),
        ("private", POLICY.private),
        ("reason_required", POLICY.reasons[0].value),
        ("hold", bool(POLICY.hold)),
        ("valid_for", POLICY.valid_for is not None),
        ("on_stale", POLICY.on_stale.value),
        ("as", terms.EscalateTerms.model_fields["via"].default),
        ("add_approvers", terms.EscalateTerms.model_fields["add_approvers"].default),
    ],
)
def test_the_page_states_the_default(key: str, default: object) -> None:
    assert stated()[key] == said(default)


def test_the_page_states_how_long_a_label_may_be() -> None:
    assert f"{terms.MAX_LABEL_CHARACTERS} characters" in section(PAGE, "## How a graph's cards look")


def test_the_page_states_how_long_a_hold_may_be() -> None:
    assert timedelta(days=1) == terms.MAX_HOLD
    assert "at most a day" in section(PAGE, "## After the decision")


def test_the_page_names_what_a_condition_may_ask_about() -> None:
    named = {name for row in rows(section(PAGE, "## Conditions")) for name in codes(row[0])}

    assert named == set(conditions.NAMES)


def test_the_page_states_the_limits() -> None:
    text = section(PAGE, "## Conditions")

    limits = (
        conditions.MAX_EXPRESSION_CHARACTERS,
        conditions.MAX_FACTS_CHARACTERS,
        sizes.MAX_FILE_CHARACTERS,
        sizes.MAX_NODES,
    )
    assert [f"{limit:,}" for limit in limits if f"{limit:,}" not in text] == []
    assert f"{sizes.MAX_DEPTH} lists" in text
