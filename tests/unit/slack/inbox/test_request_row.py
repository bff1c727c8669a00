"""A request as a row of a list: short, in people's words, and answered there only if nothing is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.model.ids import JSON
from bot.approvals.model.policy import one_stage
from bot.approvals.model.question import Item, Question
from bot.approvals.model.request import Edit, Pending, Request
from bot.slack import actions, lines
from bot.slack.inbox import request_row
from tests.unit.slack import limits, samples
from tests.unit.slack.samples import BOB, NOW, request


def small() -> Question:
    """A question that a row shows in full."""
    item = Item(name="refund", arguments={"order": "A-10442", "amount": 129.5}, verdicts=samples.YES_OR_NO)
    return samples.question(item, title="Refund order A-10442?", text="It came late.", risk=None)


PRESSED_TO_ANSWER = {actions.APPROVE, actions.REJECT, actions.EDIT, actions.RESPOND, "choose:0", actions.EACH}


@pytest.mark.parametrize("name", [name for name, view in samples.every_view().items() if view.request is not None])
def test_every_row_is_four_lines_at_most(name: str) -> None:
    """A quorum and long names may wrap the second line, which says how it stands."""
    asked = samples.every_view()[name].request
    assert asked is not None

    if isinstance(asked.state, Pending):
        drawn = request_row.row(asked, "<https://x|Open card>")
        wrapped = lines.height([drawn[1]]) - 1
        assert wrapped <= 1
        assert lines.height(drawn) - wrapped <= request_row.MAX_LINES


@pytest.mark.parametrize(
    ("asked", "answerable"),
    [
        (request(small()), True),
        (request(replace(small(), text="word " * 60)), False),
        (request(replace(small(), title="Refund\norder A-10442?")), False),
        (request(replace(small(), title="")), False),
        (request(samples.question()), False),
        (request(small(), edits=(Edit(person=BOB, at=NOW),)), False),
        (request(small(), renewed_at=NOW, version=2), False),
        (request(small(), policy=replace(samples.POLICY, private=True)), False),
        (request(replace(small(), items=small().items * 2)), False),
        (request(replace(small(), items=(replace(small().items[0], arguments={"a": ["b"]}),))), False),
        (request(replace(small(), items=(replace(small().items[0], arguments={"a": "Yes"}),))), False),
        (request(replace(small(), items=(replace(small().items[0], arguments={"a b": 1, "a_b": 2}),))), True),
        (request(small(), unknown={"@gone": "means nobody here"}), False),
    ],
)
def test_a_row_offers_an_answer_only_if_it_shows_all_that_is_asked(asked: Request, answerable: bool) -> None:
    pressed = {each["action_id"] for each in limits.buttons(request_row.row(asked, "here"))}

    assert bool(pressed & PRESSED_TO_ANSWER) is answerable
    assert (actions.REVIEW in pressed) is not answerable


def test_a_quorum_that_wraps_the_second_line_takes_no_buttons_away() -> None:
    quorum = replace(samples.POLICY, stages=one_stage(("U0BOB", "U0CAROL", "U0DAVE"), 2, samples.STEPS))

    made = request_row.row(request(small(), policy=quorum), "<https://x|Open card>")

    assert lines.height(made) > request_row.MAX_LINES
    assert actions.APPROVE in {each["action_id"] for each in limits.buttons(made)}


def test_a_row_names_values_as_people_do() -> None:
    said = "\n".join(lines.lines(request_row.row(request(small()), "<https://x|Open card>")))

    assert said.splitlines()[:3] == [
        "Refund order A-10442?",
        "@U0ALICE · by tomorrow at 12:21 PM · Open card",
        "It came late. · refund · Order A-10442 · Amount 129.5",
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"plan": ["Freeze the schema", "Move the orders"]}, "Plan Freeze the schema, Move the orders"),
        ({"files": ["a", "b", "c", "d"], "to": {"host": "db1"}}, "Files 4 entries · To 1 value"),
        ({"rows": [{"a": 1}], "amount": 9000, "currency": "EUR"}, "Rows 1 entry · Amount 9,000 EUR"),
        ({"why": "x" * 39, "tags": ["y" * 39], "more": 1}, f"Why {'x' * 39} · 2 more"),
    ],
)
def test_a_row_that_is_cut_says_in_words_what_is_proposed(arguments: dict[str, JSON], told: str) -> None:
    """Of few plain entries, each; otherwise how many. Money has its currency. What does not fit a line is counted."""
    asked = request(replace(small(), items=(replace(small().items[0], arguments=arguments),)))

    said = lines.lines(request_row.row(asked, "<https://x|Open card>"))

    assert said[2:] == [told, "[Review…]"]
