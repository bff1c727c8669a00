"""The modal in which arguments are changed: a field each, and nothing else changes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from bot.approvals.model.ids import JSON
from bot.approvals.model.request import Request
from bot.slack.forms import field_choice, notation
from bot.slack.modals import answer_modal, edit_modal
from bot.slack.modals.answer_modal import Edited, Modal, Problems
from tests.support.examples import examples
from tests.unit.slack import limits
from tests.unit.slack.cards.reading import VALUES
from tests.unit.slack.modals.typed import block_ids, option, submitted
from tests.unit.slack.samples import DELETE, REFUND, question, request
from tests.unit.slack.test_text import HOSTILE


def editing(arguments: Mapping[str, JSON]) -> Request:
    return request(question(replace(DELETE, arguments=arguments)))


@examples(25, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(HOSTILE, VALUES, max_size=40))
def test_an_edit_that_touches_nothing_changes_nothing(arguments: dict[str, JSON]) -> None:
    asked = editing(arguments)
    modal = answer_modal.edit(asked)

    limits.check_modal(modal)
    if block_ids(modal):
        edited = answer_modal.edited(asked, submitted(modal))
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
    modal = answer_modal.edit(asked)
    typed = {
        "argument:0:0": {"value": None},
        "argument:0:1": {"value": "4"},
        "argument:0:3": option(modal, "argument:0:3", "No"),
        "argument:0:4": {"value": "a\n\nb"},
    }

    edited = answer_modal.edited(asked, submitted(modal, **typed))

    changed: dict[str, JSON] = {**arguments, "path": "", "count": 4, "dry": False, "tags": ["a", "b"]}
    assert edited == Edited(item=0, arguments=changed)
    assert "Leave this empty to keep it" in str(modal["blocks"])


def test_an_emptied_number_is_a_problem_and_not_nothing() -> None:
    asked = editing({"count": 3})

    problems = answer_modal.edited(asked, submitted(answer_modal.edit(asked), **{"argument:0:0": {"value": None}}))

    assert problems == Problems(by_block={"argument:0:0": "Please fill this in."})


def test_line_ends_that_slack_changed_are_no_edit() -> None:
    asked = editing({"note": "one\r\ntwo"})

    edited = answer_modal.edited(asked, submitted(answer_modal.edit(asked), **{"argument:0:0": {"value": "one\ntwo"}}))

    assert edited == Edited(item=0, arguments={"note": "one\r\ntwo"})


def test_an_edit_belongs_to_the_item_that_it_was_opened_for() -> None:
    asked = request(question(DELETE, REFUND))

    edited = answer_modal.edited(asked, submitted(answer_modal.edit(asked, 1), **{"argument:1:1": {"value": "99.5"}}))

    assert isinstance(edited, Edited)
    assert (edited.item, edited.arguments["amount"]) == (1, 99.5)
    assert edit_modal.problem(asked, edited, "amount", "too much").by_block == {"argument:1:1": "too much"}


def test_characters_that_cannot_be_seen_are_named_beside_their_field() -> None:
    modal = answer_modal.edit(editing({"file": "invoice\u202efdp.exe"}))

    assert modal["blocks"][2]["hint"]["text"] == "Contains invisible characters: U+202E"


def test_a_value_that_slack_cannot_give_back_whole_is_not_asked_for() -> None:
    assert field_choice.of_value("b", ("name",), "x" * 3001) is None
    assert field_choice.of_value("b", ("name",), "\ud800") is None


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
    modal = answer_modal.edit(with_schema({"mode": "soft", "at": "2026-03-04T13:30:00Z", "limit": 3, "other": "x"}))

    elements = [block["element"]["type"] for block in modal["blocks"] if block["type"] == "input"]
    assert elements == ["static_select", "datetimepicker", "number_input", "plain_text_input", "radio_buttons"]


def test_an_argument_without_a_value_can_be_given_one_and_is_left_out_otherwise() -> None:
    asked = with_schema({"mode": "soft"})
    modal = answer_modal.edit(asked)
    assert answer_modal.edited(asked, submitted(modal)) == Edited(item=0, arguments={"mode": "soft"})

    edited = answer_modal.edited(asked, submitted(modal, **{"argument:0:3": option(modal, "argument:0:3", "Yes")}))

    assert edited == Edited(item=0, arguments={"mode": "soft", "approved": True})


def test_a_value_that_its_schema_would_not_take_is_still_shown_as_it_is() -> None:
    asked = with_schema({"mode": "weird", "at": "tomorrow", "limit": None})

    edited = answer_modal.edited(asked, submitted(answer_modal.edit(asked)))

    assert isinstance(edited, Edited)
    assert edit_modal.changes_nothing(asked, edited)


def test_true_is_not_one() -> None:
    assert not edit_modal.changes_nothing(editing({"a": 1}), Edited(item=0, arguments={"a": True}))


# --- What cannot be kept exactly ----------------------------------------------------------------

FIRST = "argument:0:0"


def typing(value: JSON, words: str, schema: JSON = None) -> Edited | Problems:
    """What comes of these words in the field of this value."""
    asked = request(question(replace(DELETE, arguments={"it": value}, schema=schema)))
    return answer_modal.edited(asked, submitted(answer_modal.edit(asked), **{FIRST: {"value": words}}))


@pytest.mark.parametrize(
    ("value", "words", "said"),
    [
        ([1, 2], "[1e400]", "1e400 is too large"),
        ([1, 2], "[-1e400]", "-1e400 is too large"),
        ([1, 2], "1,2", "This has to be a list, for example [1, 2]."),
        ([1, 2], "1", "This has to be a list, for example [1, 2]."),
        ([1, 2], '"1,2"', "This has to be a list, for example [1, 2]."),
        ([1, 2], '{"0": 1}', "This has to be a list, for example [1, 2]."),
        ([1, 2], "[1, 2", "This is not JSON"),
        ([1, 2], "[1 2]", "This is not JSON"),
        ([1, 2], "[1, 2,]", "This is not JSON"),
        ({"k": 1}, '{"k": 1, "k": 2}', 'The key "k" is there twice'),
        ({"k": 1}, '{"a": {"k": 1, "\\u006b": 2}}', 'The key "k" is there twice'),
        ({"k": 1}, "[1]", 'This has to be an object, for example {"key": 1}.'),
        ({"k": 1}, "k: 1", 'This has to be an object, for example {"key": 1}.'),
        ([1.5, 2], "[9007199254740993.0]", "9007199254740993.0 cannot be kept exactly"),
        ([1.5, 2], "[0.1e-400]", "0.1e-400 cannot be kept exactly"),
        ([1.5, 2], "[0.10000000000000000001]", "cannot be kept exactly"),
        ([1.5, 2], "[1e23, 1.00000000000000001]", "cannot be kept exactly"),
        ([1.5, 2], "[NaN]", "NaN is no number in JSON"),
        ([1.5, 2], "[-Infinity]", "-Infinity is no number in JSON"),
        ([1, 2], "[18446744073709551616]", "18446744073709551616 is too large"),
        ([1, 2], "[-9223372036854775809]", "-9223372036854775809 is too large"),
        ([1, 2], f"[{'9' * 5000}]"[:2900] + "]", "is too large"),
        ([1, 2], "[" * 300 + "]" * 300, "nested more than 100 levels"),
        ([1, 2], '["\\ud800"]', "\\ud800 is half a character"),
        ([1, 2], '[{"\\udfff": 1}]', "\\udfff is half a character"),
        (5, "5.5", "whole number, for example 12"),
        (5, "1_000", "whole number, for example 12"),
        (5, "\u0661", "whole number, for example 12"),
        (5, "18446744073709551616", "is too large"),
        (5.5, "9007199254740993.0", "cannot be kept exactly"),
        (5.5, "1e400", "is too large"),
        (5.5, "nan", "for example 12.5"),
        (5.5, "inf", "for example 12.5"),
        (5.5, "1_0.5", "for example 12.5"),
        (5.5, "0x10", "for example 12.5"),
        (None, "NaN", "NaN is no number in JSON"),
        (None, "1e400", "is too large"),
        (None, '{"k": 1, "k": 1}', "is there twice"),
    ],
)
def test_what_cannot_be_kept_exactly_is_refused_at_its_field(value: JSON, words: str, said: str) -> None:
    problems = typing(value, words)

    assert isinstance(problems, Problems)
    assert list(problems.by_block) == [FIRST]
    assert said in problems.by_block[FIRST]
    assert re.search(r"for example|has to be|quotes|fewer digits|For example", problems.by_block[FIRST])


@pytest.mark.parametrize(
    ("value", "words", "kept"),
    [
        ([1, 2], "[1, 2.50, -0.0, 1e3]", [1, 2.5, -0.0, 1000.0]),
        ([1, 2], "[18446744073709551615, -9223372036854775808]", [2**64 - 1, -(2**63)]),
        ([1, 2], '["\\ud83d\\ude00", "9007199254740993.0"]', ["\U0001f600", "9007199254740993.0"]),
        ([1, 2**70], f"[3, {2**70}]", [3, 2**70]),
        (
            [1.5],
            "[0.1, 0.30000000000000004, 5e-324, 1.7976931348623157e308]",
            [0.1, 0.1 + 0.2, 5e-324, 1.7976931348623157e308],
        ),
        ({"k": 1}, "null", None),
        ({"k": 1}, '{"k": {"k": 1}}', {"k": {"k": 1}}),
        (None, "hello", "hello"),
        (None, "1,2", "1,2"),
        (None, "[1]", [1]),
        (5, "+7", 7),
        (5.5, "7", 7.0),
        (5.5, "1e3", 1000.0),
    ],
)
def test_what_can_be_kept_is_kept_to_the_letter(value: JSON, words: str, kept: JSON) -> None:
    edited = typing(value, words)

    assert isinstance(edited, Edited)
    assert json.dumps(edited.arguments["it"]) == json.dumps(kept)


def test_a_list_of_numbers_by_schema_wants_a_list() -> None:
    schema: JSON = {"type": "object", "properties": {"it": {"type": "array", "items": {"type": "number"}}}}

    problems = typing([1, 2], "1,2", schema)

    assert isinstance(problems, Problems)
    assert problems.by_block[FIRST].endswith("This has to be a list, for example [1, 2].")


@examples(60)
@given(st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_a_number_is_kept_exactly_or_refused(words: str) -> None:
    try:
        value = notation.parsed(words)
    except notation.Wrong:
        return
    assert Decimal(repr(value)) == Decimal(words)


# --- More than one modal takes ------------------------------------------------------------------


def turned(asked: Request) -> list[Modal]:
    """The modal of every part."""
    (menu, *_) = [each["accessory"] for each in answer_modal.edit(asked)["blocks"] if "accessory" in each]
    return [answer_modal.edit(asked, *edit_modal.chosen(each["value"])) for each in menu["options"]]


def test_every_argument_can_be_edited_however_many_they_are() -> None:
    arguments: dict[str, JSON] = {f"key {number}": f"value {number}" for number in range(130)}
    asked = editing(arguments)

    parts = turned(asked)

    for modal in parts:
        limits.check_modal(modal)
    assert [block for modal in parts for block in block_ids(modal)] == [f"argument:0:{n}" for n in range(130)]
    for modal in parts:
        last = block_ids(modal)[-1]
        number = int(last.rpartition(":")[2])
        edited = answer_modal.edited(asked, submitted(modal, **{last: {"value": "changed"}}))
        assert isinstance(edited, Edited)
        assert edited.arguments == {**arguments, f"key {number}": "changed"}


def test_a_part_of_an_edit_is_saved_and_approves_nothing() -> None:
    asked = editing({f"key {number}": number for number in range(60)})

    assert answer_modal.edit(asked)["submit"]["text"] == "Save changes"
    assert not edit_modal.approves(asked)
    assert answer_modal.edit(editing({"key": 1}))["submit"]["text"] == "Save and approve"


def test_a_value_that_is_too_large_to_be_shown_can_be_replaced_and_is_kept_otherwise() -> None:
    arguments: dict[str, JSON] = {"body": "x" * 200_000, "rows": [["y" * 4000]]}
    asked = editing(arguments)
    modal = answer_modal.edit(asked)

    kept = answer_modal.edited(asked, submitted(modal))
    replaced = answer_modal.edited(
        asked, submitted(modal, **{FIRST: {"value": "short"}, "argument:0:1": {"value": "[]"}})
    )
    wrong = answer_modal.edited(asked, submitted(modal, **{"argument:0:1": {"value": "1,2"}}))

    limits.check_modal(modal)
    assert modal["submit"]["text"] == "Save changes"
    assert isinstance(kept, Edited)
    assert kept.arguments == arguments
    assert isinstance(replaced, Edited)
    assert replaced.arguments == {"body": "short", "rows": []}
    assert isinstance(wrong, Problems)


def test_a_problem_of_an_argument_in_another_part_is_said_with_its_name() -> None:
    asked = editing({f"key {number}": number for number in range(60)})
    edited = answer_modal.edited(asked, submitted(turned(asked)[1]))
    assert isinstance(edited, Edited)

    problem = edit_modal.problem(asked, edited, "key 3", "has to be even")

    assert problem.by_block == {"argument:0:40": "Key 3: has to be even"}
