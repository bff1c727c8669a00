"""`{"type": "clarification_needed", "questions": [...]}`: several questions at once, answered in one form.

A question is a text, or an object with the question and optionally an id, options, a default, and whether it is
required. The answer is an object with each answer under its question's id, or under its text if it has no id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.approvals.model.decision import (
    Answered,
    Cancelled,
    Decision,
    Expired,
    Respond,
    WindowClosed,
)
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question, Verdict
from bot.engines import schemas
from bot.engines.questions import conventions, plain

NAME = "clarification"

_IDS: Final = ("id", "key", "name", "field")
_TEXTS: Final = ("question", "text", "label", "prompt", "message")
_OPTIONS: Final = ("options", "choices", "enum")


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """A form with a field for each question."""
    if not isinstance(value, dict) or value.get("type") != "clarification_needed":
        return None
    fields = _fields(_questions(value))
    if not fields:
        return None
    asking = plain.taken_apart(value, named=("type", "questions"))
    needed: list[JSON] = [name for name, (_, required) in fields.items() if required]
    return Question(
        shape=NAME,
        title=asking.title or _title(fields),
        text=asking.text,
        items=(Item(name="", arguments=asking.arguments, verdicts=(Verdict.RESPOND,)),),
        form={"type": "object", "properties": {name: field for name, (field, _) in fields.items()}, "required": needed},
        risk=asking.risk,
        summary=asking.summary,
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """The answers by question. There is no value for silence, because any text would be taken for an answer."""
    match decision:
        case Answered(verdicts=(Respond(value=dict(value)),)):
            schemas.check(question.form, value)
            return value
        case Expired():
            raise conventions.unsaid()
        case Answered() | Cancelled() | WindowClosed():
            raise InvalidAnswer("Answer this question with its form.")


def _title(fields: Mapping[str, tuple[dict[str, JSON], bool]]) -> str:
    """The question if there is only one, else how many there are."""
    first, _ = next(iter(fields.values()))
    return plain.text_of(first["title"]) if len(fields) == 1 else f"{len(fields)} questions first"


def _questions(payload: JSON) -> JSON:
    return payload.get("questions") if isinstance(payload, dict) else None


def _fields(questions: JSON) -> dict[str, tuple[dict[str, JSON], bool]]:
    """Name -> its field and whether it is required. Empty if a question cannot be understood."""
    listed = list(questions.items()) if isinstance(questions, dict) else []
    if isinstance(questions, list):
        listed = [("", each) for each in questions]
    fields: dict[str, tuple[dict[str, JSON], bool]] = {}
    for name, asked in listed:
        words = asked if isinstance(asked, str) else _first(asked, _TEXTS)
        key = name or _first(asked, _IDS) or words
        if not words or key in fields:
            return {}
        fields[key] = _field(words, asked), not isinstance(asked, dict) or asked.get("required") is not False
    return fields


def _field(words: str, asked: JSON) -> dict[str, JSON]:
    field: dict[str, JSON] = {"type": "string", "title": words}
    if not isinstance(asked, dict):
        return field
    listed = next((asked[key] for key in _OPTIONS if isinstance(asked.get(key), list)), [])
    choices = listed if isinstance(listed, list) and all(isinstance(choice, str) for choice in listed) else []
    default = asked.get("default")
    if choices:
        field["enum"] = choices
    if isinstance(default, str) and (not choices or default in choices):
        field["default"] = default
    if isinstance(hint := asked.get("hint") or asked.get("description"), str):
        field["description"] = hint
    return field


def _first(asked: JSON, keys: tuple[str, ...]) -> str:
    found: Mapping[str, JSON] = asked if isinstance(asked, dict) else {}
    return next((plain.text_of(found[key]) for key in keys if plain.text_of(found.get(key)).strip()), "")
