"""What an edit changed, as the card and Details tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, with_arguments
from bot.approvals.model.request import Delivered, Edit, Request
from bot.slack import lines
from bot.slack.cards import edit_diff, render
from bot.slack.cards.values import Detail
from bot.slack.modals import question_pages
from tests.support.examples import examples
from tests.unit.slack import limits, samples
from tests.unit.slack.cards.reading import VALUES, seen
from tests.unit.slack.samples import BOB, CAROL, DELETE, NOW, answered, request, view
from tests.unit.slack.test_text import HOSTILE

DETAIL = Detail(text=1500, value=800, rows=12, entries=8, items=8)


def edited(before: Mapping[str, JSON], after: Mapping[str, JSON], *others: Item) -> Request:
    """A request of which bob has changed the first item's arguments, and carol after him."""
    proposed = samples.question(replace(DELETE, arguments=before), *others)
    edits = (Edit(person=BOB, at=NOW), Edit(person=CAROL, at=NOW))
    return request(proposed, question=with_arguments(proposed, 0, after), edits=edits, version=3)


def shown(before: Mapping[str, JSON], after: Mapping[str, JSON]) -> list[str]:
    """The words of the difference on the card, run by run."""
    drawn, _ = edit_diff.section(edited(before, after), DETAIL)
    return list(limits.texts(drawn, "text"))


def test_only_what_changed_is_shown_old_and_new() -> None:
    words = shown({"to": "ann@x.example", "count": 3, "same": [1]}, {"to": "bob@x.example", "count": 4, "same": [1]})

    assert "".join(words) == "To  ann@x.example → bob@x.example\nCount  3 → 4"


def test_a_text_that_reads_like_a_number_is_told_apart_from_it() -> None:
    assert "".join(shown({"count": "5"}, {"count": 5})) == 'Count  "5" → 5'


def test_an_argument_that_was_added_or_taken_away_says_so() -> None:
    assert "".join(shown({"a": 1}, {"b": 2})) == "A  1  (removed)\nB  2  (added)"


def test_a_long_text_is_compared_line_by_line() -> None:
    before = "\n".join(f"line {number}" for number in range(40))

    *_, name, sizes, difference = shown({"body": before}, {"body": before.replace("line 20", "LINE 20")})

    assert (name, sizes) == ("Body", "  309 → 309 characters")
    assert difference.split("\n") == ["  …", "  line 19", "- line 20", "+ LINE 20", "  line 21", "  …"]


def test_a_paragraph_is_compared_sentence_by_sentence() -> None:
    before = "The first one stays as it is. The second one is about to be changed a little. And a third, which ends it."

    *_, difference = shown({"body": before}, {"body": before.replace("a little", "a lot")})

    assert difference.split("\n") == [
        "  The first one stays as it is.",
        "- The second one is about to be changed a little.",
        "+ The second one is about to be changed a lot.",
        "  And a third, which ends it.",
    ]


def test_a_structure_is_compared_as_json() -> None:
    *_, difference = shown(
        {"rows": [{"id": n, "name": "x" * 9} for n in range(5)]}, {"rows": [{"id": 0, "name": "y" * 9}]}
    )

    assert '-     "name": "xxxxxxxxx"' in difference
    assert '+     "name": "yyyyyyyyy"' in difference


def test_the_card_says_who_changed_what_also_after_the_decision() -> None:
    asked = edited({"amount": 100}, {"amount": 50})
    done = replace(asked, state=Delivered(decision=answered(edited=True), at=NOW))

    for card in (render.draw(view(asked=asked)), render.draw(view(asked=done))):
        assert "*Changed by* <@U0BOB> and <@U0CAROL>" in seen(card)
        assert "100" in seen(card)
        assert "50" in seen(card)
    assert "Changed by <@U0BOB> and <@U0CAROL>: amount." in render.draw(view(asked=asked)).text
    assert "Approved with changes by" in seen(render.draw(view(asked=done)))


def test_an_edit_that_was_taken_back_changes_nothing() -> None:
    asked = edited({"amount": 100}, {"amount": 100})

    assert "Changed by <@U0BOB> and <@U0CAROL>: nothing any more." in render.draw(view(asked=asked)).text


def test_of_several_actions_each_difference_stands_under_its_own() -> None:
    one = render.draw(view(asked=edited({"a": 1}, {"a": 2}, samples.REFUND)))
    two = render.draw(view(asked=edited({"a": 1, "b": 1}, {"a": 2, "b": 2}, samples.REFUND)))

    assert "1. A  1 → 2" in lines.lines(one.blocks)
    assert [each for each in lines.lines(two.blocks) if each == "1. Delete files" or "→" in each] == [
        "1. Delete files",
        "A  1 → 2",
        "B  1 → 2",
    ]


def test_a_single_change_stands_beside_who_made_it() -> None:
    asked = edited({"amount": 129.5, "currency": "EUR"}, {"amount": 64.75, "currency": "EUR"})

    card = render.draw(view(asked=replace(asked, edits=asked.edits[:1], version=2)))

    assert "Changed by @U0BOB:  Amount  129.50 EUR → 64.75 EUR" in lines.lines(card.blocks)


def test_view_all_has_the_whole_difference() -> None:
    before, after = "\n".join("ab" * 500), "\n".join("cd" * 500)
    asked = edited({"body": before}, {"body": after})

    parts = "".join(piece for heading, piece in question_pages.pieces(asked) if heading == "What was changed")

    assert parts == edit_diff.whole(asked)
    assert edit_diff.section(asked, DETAIL)[1]


@pytest.mark.heavy
@examples(20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.dictionaries(HOSTILE, VALUES, max_size=20), st.dictionaries(HOSTILE, VALUES, max_size=20))
def test_no_edit_breaks_a_card(before: dict[str, JSON], after: dict[str, JSON]) -> None:
    asked = edited(before, after)
    card = render.draw(view(asked=asked))

    limits.check_message(card.text, list(card.blocks))
    limits.check_message(card.text, list(card.small))
    assert set(edit_diff.names(asked)) <= {*before, *after}
    assert edit_diff.whole(asked) or not edit_diff.names(asked)


def test_a_huge_edit_is_cut_where_one_sees_it() -> None:
    many = {f"argument {number}": "x" * 5000 for number in range(60)}
    card = render.draw(view(asked=edited(many, dict.fromkeys(many, "y" * 5000))))

    limits.check_message(card.text, list(card.blocks))
    assert "more changes: Argument" in seen(card)
