"""A form's fields and answers in the words of its schema."""

from __future__ import annotations

from bot.approvals.model.ids import JSON
from bot.slack.cards import form_answer

FORM: JSON = {
    "type": "object",
    "properties": {
        "plan": {"title": "Plan", "enum": ["team", "pro"], "enumNames": ["Team", "Professional"]},
        "cost_centre": {"type": "string"},
        "colours": {"type": "array", "items": {"oneOf": [{"const": "r", "title": "Red"}, {"const": "g"}]}},
    },
}


def test_fields_have_their_titles_or_their_names_in_words() -> None:
    assert form_answer.titles(FORM) == ["Plan", "Cost centre", "Colours"]
    assert form_answer.labels(FORM) == {"plan": "Plan"}
    assert form_answer.titles(None) == []


def test_a_choice_has_the_name_that_the_schema_gives_it() -> None:
    answer: dict[str, JSON] = {"plan": "pro", "cost_centre": "CC-1", "colours": ["r", "g"], "more": 1}

    assert form_answer.worded(FORM, answer) == {
        "plan": "Professional",
        "cost_centre": "CC-1",
        "colours": ["Red", "g"],
        "more": 1,
    }
