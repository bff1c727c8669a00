"""The menu of a card and the modals behind it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.approvals.model.caller import task_id_of
from bot.approvals.model.ids import Program
from bot.approvals.model.policy import one_stage
from bot.approvals.model.request import Extension, Request
from bot.slack import actions, text
from bot.slack.cards import render
from bot.slack.modals import side_action_modals
from tests.support.builders import staged
from tests.unit.slack import limits
from tests.unit.slack.samples import CAROL, NOW, POLICY, answered, decided, request, task, view

EXTENDABLE = replace(POLICY, extend=timedelta(hours=4))


def options(of: Request) -> dict[str, str]:
    """What the card's menu offers, by its words."""
    menus = [
        each
        for block in render.draw(view(asked=of)).blocks
        for each in block.get("elements", [])
        if each["type"] == "overflow"
    ]
    return {option["text"]["text"]: option["value"] for menu in menus for option in menu["options"]}


def state(block_id: str, **value: Any) -> dict[str, Any]:
    return {"values": {block_id: {"value": value}}}


def test_the_menu_offers_what_is_possible() -> None:
    """Slack takes five. If all six are possible, the history gives way: *Details* leads to it as well."""
    always = ["Ask the requester…", "Delegate my vote…", "Send a reminder", "Cancel the task…"]
    extended = staged(request(policy=EXTENDABLE), extension=Extension(by=CAROL, measure=timedelta(hours=4), at=NOW))
    endless = request(policy=replace(EXTENDABLE, stages=one_stage(("U0BOB",))))

    assert list(options(request(policy=EXTENDABLE))) == [*always[:2], "Extend by 4 hours", *always[2:]]
    for others in (request(), extended, endless):
        assert list(options(others)) == ["History", *always]


def test_after_a_decision_there_is_no_menu() -> None:
    assert options(request(state=decided(answered()))) == {}


def test_an_option_carries_what_it_stands_for_an_id_and_a_version_and_nothing_else() -> None:
    for value in (*options(request(policy=EXTENDABLE)).values(), *options(request()).values()):
        deed, target = actions.chosen(value)
        assert deed in {
            actions.HISTORY,
            actions.COMMENT,
            actions.DELEGATE,
            actions.EXTEND,
            actions.NUDGE,
            actions.CANCEL,
        }
        assert json.loads(target.encoded()) == {"request": "4be1d07c", "version": 1}


def test_every_modal_is_one_that_slack_takes() -> None:
    for modal in (
        side_action_modals.comment(request()),
        side_action_modals.delegate(request()),
        side_action_modals.cancel(request(), task()),
    ):
        limits.check_modal(modal)


def test_a_program_is_told_that_its_request_was_cancelled() -> None:
    called = request(task_id=task_id_of("7" * 20), graph="billing", requester=Program(name="billing"))
    modal = side_action_modals.cancel(called, task())

    limits.check_modal(modal)
    assert "*billing* is told so" in str(modal)


def test_a_question_is_read_as_it_was_written_but_for_space_around_it() -> None:
    assert side_action_modals.question(state(side_action_modals.QUESTION, value="  Why?\nNow? ")) == "Why?\nNow?"
    assert side_action_modals.question(state(side_action_modals.QUESTION, value=None)) == ""
    assert side_action_modals.question({}) == ""


def test_a_colleague_is_read_by_their_id() -> None:
    assert side_action_modals.colleague(state(side_action_modals.COLLEAGUE, selected_user="U0DAVE")) == "U0DAVE"
    assert side_action_modals.colleague(state(side_action_modals.COLLEAGUE, selected_user=None)) is None


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(hours=4), "4 hours"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(days=1, hours=12), "1 day and 12 hours"),
        (timedelta(seconds=90), "1 minute and 30 seconds"),
        (timedelta(days=2, hours=3, seconds=4), "2 days and 3 hours"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(span: timedelta, words: str) -> None:
    assert text.span(span) == words
