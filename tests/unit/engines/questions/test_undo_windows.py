"""What an agent says that it has done: what of it people see, for how long they may undo it, and what it gets back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from bot.approvals.model.decision import (
    Approve,
    Cancelled,
    Decision,
    Expired,
    ItemVerdict,
    Keep,
    Reject,
    Undo,
    WindowClosed,
)
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Question, Risk, Verdict, Window, payload_digest
from bot.durations import MAX_DURATION
from bot.engines import questions
from bot.engines.payload import to_json
from bot.engines.questions import undo_window
from tests.support.builders import NOON, a_person, an_answer

TEN_MINUTES = timedelta(minutes=10)
PROBLEM = "The agent gave no window that can be read, so it is 10 minutes"
BOTH = (Verdict.UNDO, Verdict.KEEP)
APPROVED = payload_digest({"question": "Pay 10?"})


def read(**payload: Any) -> Question:
    """The question of an undo window with these keys."""
    return questions.read(to_json({"type": "undo_window", "action": "Moved 3 files", **payload}))


def window(**payload: Any) -> Window:
    found = read(**payload).window
    assert found is not None
    return found


def told(question: Question, decision: Decision) -> Any:
    return questions.answer(question, question, decision)


def undone(question: Question, at: datetime = NOON) -> Any:
    return told(question, an_answer(verdicts=(Undo(),), at=at))


# --- What people see ------------------------------------------------------------------------------


def test_an_offer_says_what_was_done_how_it_is_undone_and_until_when() -> None:
    """Every key of the contract at once."""
    question = read(
        result={"size": "12.0 kB"},
        undo={"how": "Moves the files back", "trash": "t-1"},
        window="2h",
        at="2026-11-29T10:00:00+01:00",
        reason="They were old",
        risk_level="low",
        summary=["folder", "result"],
        details={"folder": "logs"},
    )

    (item,) = question.items
    assert (question.shape, question.title, question.text) == ("undo_window", "Moved 3 files", "They were old")
    assert (question.risk, question.summary) == (Risk.LOW, ("folder", "result"))
    assert (item.name, item.verdicts) == ("Moved 3 files", BOTH)
    assert item.arguments == {"result": {"size": "12.0 kB"}, "undo": {"trash": "t-1"}, "folder": "logs"}
    at = datetime(2026, 11, 29, 9, tzinfo=UTC)
    assert question.window == Window(length=timedelta(hours=2), at=at, how="Moves the files back", problem="")


@pytest.mark.parametrize(
    ("action", "name", "arguments"),
    [
        ("  Moved 3 files ", "Moved 3 files", {}),
        ({"name": "move", "arguments": {"to": "/t"}}, "move", {"to": "/t"}),
        ({"name": "move", "args": {"to": "/t"}}, "move", {"to": "/t"}),
        ({"name": "move", "arguments": None, "args": {"to": "/t"}}, "move", {"to": "/t"}),
        ({"name": "move", "args": ["/a", "/b"]}, "move", {"args": ["/a", "/b"]}),
        ({"name": "move", "arguments": {"a": 1}, "args": {"b": 2}}, "move", {"a": 1, "args": {"b": 2}}),
        ({"name": "move", "also": "emptied the bin"}, "move", {"also": "emptied the bin"}),
        ({"arguments": {"to": "/t"}}, "", {"action": {"arguments": {"to": "/t"}}}),
        ({"name": 7}, "", {"action": {"name": 7}}),
        (["moved", "burnt"], "", {"action": ["moved", "burnt"]}),
        (None, "", {}),
        ("", "", {}),
    ],
)
def test_nothing_of_what_was_done_is_hidden(action: JSON, name: str, arguments: dict[str, JSON]) -> None:
    """An action without a name is shown as it is."""
    question = read(action=action)

    assert (question.items[0].name, question.items[0].arguments) == (name, arguments)
    assert question.title == (name or "The agent has done something")


def test_no_part_hides_another_of_the_same_name() -> None:
    """Arguments, result, way back and details each keep their own."""
    question = read(
        action={"name": "move", "arguments": {"result": 1, "undo": 2, "path": 3}},
        result=4,
        undo={"id": 5},
        details={"path": 6},
        window=60,
    )

    assert question.items[0].arguments == {
        "result": 1, "undo": 2, "path": 3, "result'": 4, "undo'": {"id": 5}, "path'": 6,
    }  # fmt: skip


def test_a_title_of_its_own_comes_before_the_action() -> None:
    """The action is still named, because rules match it."""
    question = read(title="Logs are gone", action={"name": "move", "arguments": {}})

    assert (question.title, question.items[0].name) == ("Logs are gone", "move")


def test_the_summary_may_name_what_the_action_was_done_with() -> None:
    question = read(action={"name": "pay", "arguments": {"amount": 9, "to": "Foss"}}, summary=["amount", "result", "x"])

    assert question.summary == ("amount",)
    assert "summary" not in question.items[0].arguments


@pytest.mark.parametrize(
    ("undo", "verdicts", "how", "shown"),
    [
        ({"how": "Moves back"}, BOTH, "Moves back", {}),
        ({"description": "Moves back"}, BOTH, "Moves back", {}),
        ({"how": "Moves back", "description": "and more"}, BOTH, "Moves back", {"undo": {"description": "and more"}}),
        ({"how": " ", "description": "Moves back"}, BOTH, "Moves back", {"undo": {"how": " "}}),
        ({"how": ["a"], "id": 1}, BOTH, "", {"undo": {"how": ["a"], "id": 1}}),
        ({}, BOTH, "", {}),
        ("Moves back", BOTH, "Moves back", {}),
        ("", BOTH, "", {}),
        (True, BOTH, "", {}),
        (0, BOTH, "", {"undo": 0}),
        (4.5, BOTH, "", {"undo": 4.5}),
        (["t-1"], BOTH, "", {"undo": ["t-1"]}),
        ([], BOTH, "", {"undo": []}),
        (None, (Verdict.KEEP,), "", {}),
        (False, (Verdict.KEEP,), "", {}),
    ],
)
def test_the_way_back_may_be_anything_and_only_null_and_false_say_that_there_is_none(
    undo: JSON, verdicts: tuple[Verdict, ...], how: str, shown: dict[str, JSON]
) -> None:
    """Whatever it is, people see it and the agent gets it back as it was."""
    question = read(undo=undo)

    assert (question.items[0].verdicts, question.items[0].arguments) == (verdicts, shown)
    assert question.window is not None
    assert question.window.how == how
    if Verdict.UNDO in verdicts:
        assert json.dumps(undone(question)["undo"]) == json.dumps(undo)
    else:
        with pytest.raises(InvalidAnswer, match="keep"):
            undone(question)


def test_an_agent_that_names_no_way_back_has_its_own() -> None:
    question = read()

    assert question.items[0].verdicts == BOTH
    assert undone(question)["undo"] is None


# --- For how long ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "length"),
    [
        ("30s", timedelta(seconds=30)),
        (" 10 m ", TEN_MINUTES),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        (90, timedelta(seconds=90)),
        (0.5, timedelta(seconds=0.5)),
        (MAX_DURATION.total_seconds(), MAX_DURATION),
        (None, TEN_MINUTES),
    ],
)
def test_a_window_is_a_span_as_in_policies_or_seconds(given: JSON, length: timedelta) -> None:
    """Without one it is ten minutes, and nothing is wrong."""
    assert (window(window=given).length, window(window=given).problem) == (length, "")


@pytest.mark.parametrize(
    "given",
    [
        *("", "soon", "0s", "-5m", "1.5h", "10", "1h 30m", "9" * 5000 + "s", "99999w", "inf", "nan"),
        *(0, -1, -0.0, 1e-9, 1e308, 10**400, MAX_DURATION.total_seconds() + 1, True, False),
        *(float("nan"), float("inf"), float("-inf"), [], ["10m"], {}, {"minutes": 10}),
    ],
)
def test_a_window_that_cannot_be_read_is_ten_minutes_and_the_card_says_so(given: Any) -> None:
    assert (window(window=given).length, window(window=given).problem) == (TEN_MINUTES, PROBLEM)


@pytest.mark.parametrize("given", [10**400, float("nan"), 1e308])
def test_even_a_value_that_is_no_json_is_read(given: Any) -> None:
    """The shape does not rely on what was made of the value before."""
    value = {"type": "undo_window", "action": "x", "window": given}

    question = undo_window.read(value, None, "")

    assert question is not None
    assert question.window == Window(length=TEN_MINUTES, problem=PROBLEM)


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        ("2026-11-29T10:00:00+00:00", datetime(2026, 11, 29, 10, tzinfo=UTC)),
        (" 2026-11-29T10:00:00Z ", datetime(2026, 11, 29, 10, tzinfo=UTC)),
        ("2026-11-29 10:00:00.5-05:30", datetime(2026, 11, 29, 15, 30, 0, 500_000, tzinfo=UTC)),
        (datetime(2026, 11, 29, 10, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 11, 29, 8, tzinfo=UTC)),
        ("2126-11-29T10:00:00Z", datetime(2126, 11, 29, 10, tzinfo=UTC)),
        ("2026-11-29T10:00:00", None),
        ("2026-11-29", None),
        (datetime(2026, 11, 29, 10), None),  # noqa: DTZ001 - an agent may give one without a zone
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("2026-13-01T00:00:00Z", None),
        ("yesterday", None),
        ("", None),
        ("\x00", None),
        (1_764_410_400, None),
        (True, None),
        (None, None),
        ({"at": "2026-11-29T10:00:00Z"}, None),
    ],
)
def test_a_moment_counts_only_with_its_zone(at: Any, moment: datetime | None) -> None:
    """Without a zone nobody can tell when that was, so the agent is treated as if it had not said it."""
    assert window(at=at).at == moment


def test_the_moment_is_no_part_of_what_is_asked() -> None:
    """A question that is read again with another moment of the action is the same question, for votes as well."""
    question = read()
    assert question.window is not None

    later = replace(question, window=replace(question.window, at=NOON))

    assert later.digest == question.digest
    assert later.asks_as(question)


# --- Hostile and huge -----------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["action", "result", "undo", "window", "at", "summary", "details", "reason"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param("<!channel> ```\u202eevil\u200b", id="markup"),
        pytest.param("x" * 200_000, id="long"),
        pytest.param([[[[[[{"a": [None, True]}]]]]]], id="nested"),
        pytest.param({"": {"": ""}, "type": "undo_window"}, id="odd keys"),
        pytest.param({f"k{n}": n for n in range(2_000)}, id="wide"),
        pytest.param("\ud800", id="no text"),
        pytest.param(10**400, id="huge number"),
        pytest.param(float("nan"), id="not a number"),
        pytest.param(b"\x00\xff", id="bytes"),
    ],
)
def test_no_value_breaks_an_offer(key: str, value: Any) -> None:
    """It is read, both answers have a value, and the agent gets its own way back."""
    question = read(**{key: value})

    assert question.window is not None
    assert undone(question)["type"] == "undo"
    assert json.dumps(undone(question)["undo"]) == json.dumps(to_json(value) if key == "undo" else None)
    assert told(question, an_answer(verdicts=(Keep(),))) == {"type": "keep"}


@pytest.mark.parametrize("type", ["Undo_window", "undo_window ", "undo", None, True, ["undo_window"]])
def test_another_type_is_another_shape(type: JSON) -> None:
    assert questions.read({"type": type, "action": "Moved"}).window is None


def test_a_secret_in_the_way_back_goes_to_the_agent_as_it_was() -> None:
    """The answer is made of what the agent gave. What people are shown is masked elsewhere."""
    way_back = {"how": "Deletes the key", "api_key": "sk-live-0123456789abcdef"}

    assert undone(read(undo=way_back))["undo"] == way_back


# --- What the agent gets --------------------------------------------------------------------------


def test_undo_gives_the_way_back_with_a_key_of_64_hex_digits() -> None:
    answer = undone(read(undo={"trash": "t-1"}))

    assert list(answer) == ["type", "undo", "key"]
    assert (answer["type"], answer["undo"]) == ("undo", {"trash": "t-1"})
    assert len(answer["key"]) == 64
    assert int(answer["key"], 16)


def test_one_decision_has_one_key_and_every_other_has_another() -> None:
    """However often it is made, and in whatever zone its moment is written."""
    question = read()
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))

    key = undone(question)["key"]

    assert undone(question)["key"] == undone(read())["key"] == undone(question, tokyo)["key"] == key
    assert undone(question, NOON + timedelta(microseconds=1))["key"] != key
    assert undone(read(undo={"trash": "t-2"}))["key"] != key


@pytest.mark.parametrize("decision", [an_answer(verdicts=(Keep(),)), WindowClosed(at=NOON), Expired(at=NOON)])
@pytest.mark.parametrize("undo", [{"trash": "t-1"}, None])
def test_keep_and_every_silence_leave_it_as_it_is(decision: Decision, undo: JSON) -> None:
    assert told(read(undo=undo), decision) == {"type": "keep"}


@pytest.mark.parametrize(
    "verdicts",
    [(Approve(),), (Reject(reason="no"),), (), (Undo(), Undo()), (Undo(), Keep()), (Keep(), Keep())],
)
def test_no_other_answer_has_a_value(verdicts: tuple[ItemVerdict, ...]) -> None:
    with pytest.raises(InvalidAnswer, match="undo, keep"):
        told(read(), an_answer(verdicts=verdicts))


def test_a_cancelled_offer_is_not_delivered() -> None:
    with pytest.raises(InvalidAnswer):
        told(read(), Cancelled(by=a_person(), at=NOON))


# --- Looking again --------------------------------------------------------------------------------

ASKED: list[JSON] = [
    {"question": "Pay 12?", "details": {"amount": 12}, "risk_level": "high"},
    {"question": "Pay 12?"},
    {"question": "Which?", "options": ["a", "b"]},
    {"instruction": "Mend", "content": "Helo"},
    {"action": "send_email", "to": "ann@example.com", "message": "Send it?"},
    {"type": "quality_check", "samples": [1]},
    {"type": "clarification_needed", "questions": ["Why?"]},
    {"action_requests": [{"name": "pay", "args": {"amount": 12}}], "review_configs": []},
    {"type": "tool_approval", "name": "pay", "args": {"amount": 12}},
    {"action_request": {"action": "pay", "args": {"amount": 12}}, "config": {"allow_accept": True}},
    {"frage": "Zahlen?"},
    {},
]


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: "-".join(asked) or "empty")
def test_a_question_that_takes_the_place_of_an_approval_is_read_as_ever(asked: dict[str, JSON]) -> None:
    """The digest is kept apart: it is no argument, and changes nothing but what votes are bound to."""
    plain = questions.read(asked)

    again = questions.read({**asked, "look_again": APPROVED})

    assert again.look_again == APPROVED
    assert again.payload == {**asked, "look_again": APPROVED}
    assert again.digest != plain.digest
    assert replace(again, look_again="", payload=asked) == plain


@pytest.mark.parametrize(
    "key", ["", "abc", APPROVED.upper(), APPROVED + "0", APPROVED[:-1] + "\n", f" {APPROVED}", 7, None, [APPROVED]]
)
def test_a_look_again_that_is_no_digest_is_an_ordinary_key(key: JSON) -> None:
    question = questions.read({"question": "Pay?", "details": {"amount": 1}, "look_again": key})

    assert question.look_again == ""
    assert question.items[0].arguments == {"amount": 1, "look_again": key}


def test_a_schema_and_a_convention_apply_to_what_is_asked_again() -> None:
    again: JSON = {"question": "Pay 12?", "look_again": APPROVED}

    assert questions.read(again, {"type": "boolean"}).shape == "response_schema"
    assert questions.read(again, None, "yes/no").convention == "yes/no"


def test_an_offer_to_undo_takes_the_place_of_no_approval() -> None:
    """Otherwise an agent could turn an approval's record into an offer that its requester may answer."""
    question = read(look_again=APPROVED)

    assert (question.shape, question.look_again) == ("undo_window", "")
    assert question.items[0].arguments == {"look_again": APPROVED}


def test_the_digest_is_what_graphs_compute() -> None:
    """The formula of `graphs/effects.py`."""
    payload: dict[str, JSON] = {"question": "Zahlen für Ä?", "details": {"b": 1.5, "a": [True, None]}}
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    assert payload_digest(to_json(payload)) == hashlib.sha256(text.encode()).hexdigest()
