"""Each shape of question, from the card through clicks and modals to the value that the graph was given."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenario.shapes.conftest import Asks


@pytest.mark.parametrize(("action", "value"), [("approve", True), ("reject", False)])
async def test_a_boolean_is_two_buttons(asks: Asks, action: str, value: bool) -> None:
    asked = await asks("boolean", "Deploy?", "1.2")

    await asked.press(action)
    if action == "reject":
        await asked.room.modal("bob", "Why?")
        assert await asked.submit(**{"Why?": "Not on Friday"}) == {}

    assert await asked.told() is value


async def test_a_schema_is_a_form_and_what_is_wrong_stands_at_its_field(asks: Asks) -> None:
    asked = await asks("trip", "[Answer…]")
    await asked.press("respond")
    form = await asked.room.modal("bob", "As in the passport")
    assert "Hotel: Street" in form
    filled: dict[str, Any] = {
        "Traveller": "Ann",
        "Nights": "3",
        "Refundable": "Yes",
        "On": "2030-05-01",
        "Meals": ["dinner", "breakfast"],
        "Hotel: Street": "ab",
        "Leaves": 1_900_000_000,
        "Class of tickets": "Second",
        "Note": "Two lines,\nas it is long",
    }

    assert await asked.submit(Nights="40") != {}
    errors = await asked.submit(**filled)
    assert list(errors) == ["Hotel: Street"]
    assert await asked.submit(**{"Hotel: Street": "High Street"}) == {}

    await asked.shows("Answered by @bob", "High Street")
    assert await asked.told() == {
        "traveller": "Ann",
        "nights": 3,
        "budget": 500,
        "refundable": True,
        "class": "economy",
        "on": "2030-05-01",
        "meals": ["breakfast", "dinner"],
        "hotel": {"street": "High Street", "floor": 0},
        "leaves": "2030-03-17T17:46:40Z",
        "class of tickets": 2,
        "note": "Two lines,\nas it is long",
    }


async def test_what_a_form_cannot_hold_is_json_with_the_schemas_errors(asks: Asks) -> None:
    asked = await asks("either", "[Answer…]")
    await asked.press("respond")
    await asked.room.modal("bob", "JSON")

    (broken,) = (await asked.room.seat("bob").submit({"value": '{"by": '})).values()
    (wrong,) = (await asked.room.seat("bob").submit({"value": '{"by": "mail"}'})).values()

    assert "not JSON" in broken
    assert 'also needs "to"' in wrong
    assert await asked.room.seat("bob").submit({"value": '{"by": "post", "zip": 8001}'}) == {}
    assert await asked.told() == {"by": "post", "zip": 8001}


async def test_a_few_choices_are_buttons(asks: Asks) -> None:
    asked = await asks("few", "[Eu]", "[Us]", "[Asia]")

    await asked.press("choose:1")

    assert await asked.told() == "us"


async def test_more_choices_are_a_menu(asks: Asks) -> None:
    asked = await asks("many", "[Review…]", "1. month 1", "more choices")

    await asked.press("choose")
    await asked.room.modal("bob", "Your choice")
    assert await asked.submit(Your_choice="5") == {}

    assert await asked.told() == "month 6"


async def test_a_text_is_edited(asks: Asks) -> None:
    asked = await asks("content", "Review the post", "[Edit…]")

    await asked.press("edit")
    await asked.room.modal("bob", "Content")
    assert await asked.submit(Content="Hello\nworld") == {}

    await asked.shows("Helo", "Hello", "Approved with changes")
    assert await asked.told() == "Hello\nworld"


async def test_open_questions_are_one_form(asks: Asks) -> None:
    asked = await asks("vague", "[Answer…]")

    await asked.press("respond")
    await asked.room.modal("bob", "Which bucket?")
    assert await asked.submit(**{"Which bucket?": "logs", "How old?": "30d"}) == {}

    assert await asked.told() == {"Which bucket?": "logs", "age": "30d"}


async def test_a_sample_is_approved(asks: Asks) -> None:
    asked = await asks("sample", "cat")

    await asked.press("approve")

    assert await asked.told() is True


async def test_a_bare_question_is_answered_in_words(asks: Asks) -> None:
    asked = await asks("words", "What is the cost centre?")

    await asked.press("respond")
    await asked.room.modal("bob", "What is the cost centre?")
    assert await asked.room.seat("bob").submit({"value": "CC-4711"}) == {}

    assert await asked.told() == "CC-4711"


@pytest.mark.parametrize("case", ["words", "review", "number", "list", "nothing", "other"])
async def test_a_question_of_no_known_shape_takes_a_yes_and_a_no_too(asks: Asks, case: str) -> None:
    offers = ["[Review…]"] if case == "list" else ["[Approve]", "[Reject…]", "[Answer…]"]
    first, second = await asks(case, *offers), await asks(case, *offers)

    await first.press("approve")
    assert await first.told() is True
    await second.says("reject", "Not today")
    assert await second.told() is False


async def test_a_no_in_the_thread_is_no_answer_to_what_may_be_a_yes_or_no_question(asks: Asks) -> None:
    asked = await asks("words", "[Approve]")
    before = len(await asked.room.seat("bob").notices())

    for words in ("no, please don't", "@countersign no, please don't"):
        await asked.room.seat("bob").send(asked.room.channel, words, thread_ts=asked.thread.ts)

    assert "use the buttons of its card" in await asked.room.told("bob", after=before)
    assert "[Approve]" in await asked.text()


async def test_whoever_answers_in_words_reads_how_to_say_no_and_an_empty_answer_is_refused(asks: Asks) -> None:
    asked = await asks("words", "[Answer…]")

    await asked.press("respond")
    shown = await asked.room.modal("bob", "What is the cost centre?")
    assert "The agent receives these words as you write them" in shown
    assert "To say no, close this and press Reject" in shown.replace("*", "")
    assert await asked.room.seat("bob").submit({"value": "  "}) != {}
    assert await asked.room.seat("bob").submit({"value": "no"}) == {}

    assert await asked.told() == "no"


@pytest.mark.parametrize(
    ("case", "graph", "approved", "rejected"),
    [
        ("details", "asking", True, False),
        ("object", "asking", {"approved": True, "feedback": ""}, {"approved": False, "feedback": "Not today"}),
        ("object", "wording", {"approved": True, "feedback": ""}, {"approved": False, "feedback": "Not today"}),
        ("details", "wording", "go", "stop"),
        ("other", "wording", "go", "stop"),
        ("words", "wording", "go", "stop"),
        ("tool", "asking", {"action": "approve"}, {"action": "reject"}),
    ],
)
async def test_yes_and_no_are_said_as_the_question_or_the_graphs_entry_has_them(
    asks: Asks, case: str, graph: str, approved: object, rejected: object
) -> None:
    first, second = await asks(case, "[Approve]", graph=graph), await asks(case, "[Reject…]", graph=graph)

    await first.press("approve")
    assert await first.told() == approved
    await second.says("reject", "Not today")
    assert await second.told() == rejected


async def test_what_is_proposed_is_shown_with_its_risk_and_why(asks: Asks) -> None:
    asked = await asks("details", "Deploy 1.2 to production?")

    text = await asked.text()

    for words in ("High risk", "All checks are green.", "Changes  14", "Owner  ann", "Plan  drain, switch"):
        assert words in text


async def test_a_tools_own_arguments_are_edited_and_only_what_changed_goes_back(asks: Asks) -> None:
    asked = await asks("tool", "Send it?", "Send email", "To  ann@x.example")
    await asked.press("edit")
    await asked.room.modal("bob", "Copies")

    assert await asked.submit(To="bob@x.example") == {}

    assert await asked.told() == {"action": "approve", "to": "bob@x.example"}


@pytest.mark.parametrize(
    ("case", "shown"),
    [
        ("review", ["[Answer…]", "Please review the summary", "One line will do", "Fine."]),
        ("number", ["[Answer…]", "Value: 42"]),
        ("nothing", ["[Answer…]", "Value  -"]),
        ("other", ["[Answer…]", "Wind strong", "Boats  one, two"]),
    ],
)
async def test_anything_else_is_shown_readably_and_answered_in_words(asks: Asks, case: str, shown: list[str]) -> None:
    asked = await asks(case, *shown)

    await asked.says("respond", "Fine with me")

    assert await asked.told() == "Fine with me"


async def test_a_structure_without_a_question_is_read_in_its_review(asks: Asks) -> None:
    asked = await asks("list", "[Review…]")

    (page,) = await asked.room.review("bob", asked.card)
    await asked.room.seat("bob").close_modal()
    await asked.says("respond", "Fine with me")

    assert "1.  first" in page
    assert "Second  2 entries" in page
    assert await asked.told() == "Fine with me"


@pytest.mark.parametrize(("case", "label", "value"), [("labelled", "[2. Red]", 2), ("enumeration", "[Plus]", "plus")])
async def test_a_choice_is_told_by_its_value(asks: Asks, case: str, label: str, value: object) -> None:
    asked = await asks(case, label)

    await asked.press("choose:1")

    assert await asked.told() == value
