"""The modal in which arguments are changed: a field each, and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.approvals.ids import JSON
from bot.approvals.request import Request
from bot.slack import asking, edits, modals
from bot.slack.modals import Edited, Problems
from tests.unit.slack import limits
from tests.unit.slack.samples import DELETE, REFUND, question, request
from tests.unit.slack.test_cards import VALUES
from tests.unit.slack.test_modals import block_ids, option, submitted
from tests.unit.slack.test_text import HOSTILE


def editing(arguments: Mapping[str, JSON]) -> Request:
    return request(question(replace(DELETE, arguments=arguments)))


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(HOSTILE, VALUES, max_size=40))
def test_an_edit_that_touches_nothing_changes_nothing(arguments: dict[str, JSON]) -> None:
    asked = editing(arguments)
    modal = modals.edit(asked)

    limits.check_modal(modal)
    if block_ids(modal):
        edited = modals.edited(asked, submitted(modal))
        assert isinstance(edited, Edited)
        assert json.dumps(edited.arguments) == json.dumps(arguments)


def test_an_edit_changes_what_was_typed_and_keeps_the_types() -> None:
    arguments: dict[str, JSON] = {
        "path": "/srv/x",
        "count": 3,
        "share": 1.0,
        "dry": True,
        "tags": ["a"],
        "note": None,
        "all": ["x" * 4000],
    }
    asked = editing(arguments)
    modal = modals.edit(asked)
    typed = {
        "argument:0:0": {"value": None},
        "argument:0:1": {"value": "4"},
        "argument:0:3": option(modal, "argument:0:3", "No"),
        "argument:0:4": {"value": "a\n\nb"},
    }

    edited = modals.edited(asked, submitted(modal, **typed))

    changed: dict[str, JSON] = {**arguments, "path": "", "count": 4, "dry": False, "tags": ["a", "b"]}
    assert edited == Edited(item=0, arguments=changed)
    assert "Left empty, it stays as it is" in str(modal["blocks"])


def test_an_emptied_number_is_a_problem_and_not_nothing() -> None:
    asked = editing({"count": 3})

    problems = modals.edited(asked, submitted(modals.edit(asked), **{"argument:0:0": {"value": None}}))

    assert problems == Problems(by_block={"argument:0:0": "Please fill this in."})


def test_line_ends_that_slack_changed_are_no_edit() -> None:
    asked = editing({"note": "one\r\ntwo"})

    edited = modals.edited(asked, submitted(modals.edit(asked), **{"argument:0:0": {"value": "one\ntwo"}}))

    assert edited == Edited(item=0, arguments={"note": "one\r\ntwo"})


def test_an_edit_belongs_to_the_item_that_it_was_opened_for() -> None:
    asked = request(question(DELETE, REFUND))

    edited = modals.edited(asked, submitted(modals.edit(asked, 1), **{"argument:1:1": {"value": "99.5"}}))

    assert isinstance(edited, Edited)
    assert (edited.item, edited.arguments["amount"]) == (1, 99.5)
    assert edits.problem(asked, edited, "amount", "too much").by_block == {"argument:1:1": "too much"}


def test_characters_that_cannot_be_seen_are_named_beside_their_field() -> None:
    modal = modals.edit(editing({"file": "invoice\u202efdp.exe"}))

    assert modal["blocks"][2]["hint"]["text"] == "Holds characters that cannot be seen: U+202E"


def test_a_value_that_slack_cannot_give_back_whole_is_not_asked_for() -> None:
    assert asking.of_value("b", ("name",), "x" * 3001) is None
    assert asking.of_value("b", ("name",), "\ud800") is None


# --- With a schema of the arguments -------------------------------------------------------------

SCHEMA: JSON = {
    "type": "object",
    "properties": {
        "mode": {"enum": ["soft", "hard"]},
        "at": {"type": "string", "format": "date-time", "description": "Not before"},
        "limit": {"type": "number", "default": 10},
        "approved": {"type": "boolean", "default": False},
        "kind": {"const": "delete"},
    },
}


def with_schema(arguments: Mapping[str, JSON]) -> Request:
    return request(question(replace(DELETE, arguments=arguments, schema=SCHEMA)))


def test_the_schema_says_how_an_argument_is_asked_for() -> None:
    modal = modals.edit(with_schema({"mode": "soft", "at": "2026-03-04T13:30:00Z", "limit": 3, "other": "x"}))

    elements = [block["element"]["type"] for block in modal["blocks"] if block["type"] == "input"]
    assert elements == ["static_select", "datetimepicker", "number_input", "plain_text_input", "radio_buttons"]


def test_an_argument_without_a_value_can_be_given_one_and_is_left_out_otherwise() -> None:
    asked = with_schema({"mode": "soft"})
    modal = modals.edit(asked)
    assert modals.edited(asked, submitted(modal)) == Edited(item=0, arguments={"mode": "soft"})

    edited = modals.edited(asked, submitted(modal, **{"argument:0:3": option(modal, "argument:0:3", "Yes")}))

    assert edited == Edited(item=0, arguments={"mode": "soft", "approved": True})


def test_a_value_that_its_schema_would_not_take_is_still_shown_as_it_is() -> None:
    asked = with_schema({"mode": "weird", "at": "tomorrow", "limit": None})

    edited = modals.edited(asked, submitted(modals.edit(asked)))

    assert isinstance(edited, Edited)
    assert edits.changes_nothing(asked, edited)


def test_true_is_not_one() -> None:
    assert not edits.changes_nothing(editing({"a": 1}), Edited(item=0, arguments={"a": True}))
