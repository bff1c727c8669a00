"""Whether an answer to a question can be a consent, judged by the question alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bot.approvals.model.ids import JSON
from bot.approvals.model.question import IN_JSON, IN_TEXT, Item, Question, Verdict

NAMES: Final = frozenset(
    ("accept", "accepted", "allow", "allowed", "approve", "approved", "confirm", "confirmed", "ok", "proceed")
)
"""Names of form fields that ask for a yes."""
_WORDED: Final = ("", IN_TEXT, IN_JSON)
"""Conventions in which free text is not read as yes or no. The empty one is the shape's own way, which has its own
word for each verdict."""
_YES: Final = NAMES | {"continue", "go", "true", "y", "yes"}
_PARTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")


def takes_words(question: Question) -> bool:
    """Whether the graph has declared that it wants text and nothing else. Only then may a message answer the
    question: a question that could want a yes or a no is never answered by a message.

    A graph declares that by a convention, by a schema, or by an action that takes a response but no approval.
    """
    if len(question.items) != 1 or question.choices or not _responds(question.items[0]):
        return False
    form = question.form
    if form is None:
        return question.convention in _WORDED
    return isinstance(form, dict) and form.get("type") == "string" and not {"enum", "const"} & set(form)


def approves_nothing(question: Question) -> bool:
    """Whether no answer to the question can approve anything: it takes only text, or forms without a yes-no field."""
    if question.choices or question.convention not in _WORDED:
        return False
    if not all(map(_responds, question.items)):
        return False
    forms = [question.form, *(item.form for item in question.items)]
    return not any(_consents(form) for form in forms if form is not None)


def _responds(item: Item) -> bool:
    """Whether the item takes a response, but no approval of any kind."""
    return Verdict.RESPOND in item.verdicts and {*item.verdicts} <= {Verdict.RESPOND, Verdict.REJECT}


def _consents(schema: JSON) -> bool:
    """Whether a value of this JSON Schema may be a yes. A schema that cannot be judged counts as one that may."""
    if not isinstance(schema, dict) or "$ref" in schema or "patternProperties" in schema:
        return True
    parts = [part for key in _PARTS for part in _listed(schema.get(key))]
    if "enum" in schema or "const" in schema:
        return any(_is_yes(value) for value in (*_listed(schema.get("enum")), schema.get("const")))
    kinds = set(_kinds(schema))
    if "boolean" in kinds or not (kinds or parts):
        return True
    if "object" in kinds:
        properties = schema.get("properties")
        rest = schema.get("additionalProperties", False)
        if not isinstance(properties, dict) or any(name.casefold() in NAMES for name in properties):
            return True
        parts += [*properties.values(), *([rest] if rest is not False else [])]
    if "array" in kinds:
        parts.append(schema.get("items"))
    return any(_consents(part) for part in parts)


def _is_yes(value: JSON) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value.strip(" .!").casefold() in _YES)


def _kinds(schema: dict[str, JSON]) -> Iterator[str]:
    named = schema.get("type")
    yield from (str(each) for each in (named if isinstance(named, list) else [named]) if each is not None)


def _listed(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []
