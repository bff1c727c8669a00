"""An input schema, as a graph's code or a LangGraph Server gives it -> what people are asked for. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Final, cast

from bot.approvals.model.agent import Input
from bot.approvals.model.ids import JSON
from bot.engines.input_forms import typed
from bot.engines.input_forms.form import WHOLE

MESSAGES: Final = "messages"

_DECISION: Final = re.compile(
    r"approv|reject|decision|decided|verdict|confirm|consent|authori[sz]|permi(t|ssion)|allowed|granted|denied|declin"
    r"|human|signed_?off|sign_?off|feedback|answer|response|review(ed|er)?$",
    re.IGNORECASE,
)


def is_decision(name: str, schema: Mapping[str, JSON]) -> bool:
    """Whether a key of the state looks like something that people decide while the graph runs, and so must not be given
    at the start."""
    return typed.type_of(schema) == "boolean" or _DECISION.search(name) is not None


def empty(schema: Mapping[str, JSON]) -> JSON:
    """The value of the key's type that means "no decision yet"."""
    options = schema.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        return None
    empties: dict[str, JSON] = {"boolean": False, "integer": 0, "number": 0, "array": [], "object": {}, "": None}
    return empties.get(typed.type_of(schema), "")


SENTENCE: dict[str, JSON] = {
    "type": "string",
    "title": "Message",
    "description": "What should be done, in plain words.",
    "format": "long-text",
    "examples": ["please tidy up"],
}


def is_conversation(schema: Mapping[str, JSON] | None) -> bool:
    """Whether these are LangChain's messages."""
    items = schema.get("items") if schema is not None and schema.get("type") == "array" else None
    return "/HumanMessage" in json.dumps(items)


def inputs_of(
    entries: Mapping[str, dict[str, JSON]], required: Collection[str], schema: Mapping[str, JSON]
) -> tuple[Input, ...]:
    """What people are asked for: an input for each entry of the `schema`."""
    return tuple(
        Input(
            name=name,
            schema=resolved(entry, schema),
            required=name in required,
            description=str(entry.get("description", "")),
            default=entry.get("default"),
        )
        for name, entry in entries.items()
    )


def object_of(schema: dict[str, JSON], *, alone: bool) -> tuple[dict[str, JSON], bool]:
    """The schema of an object, and whether it was made for a single value that is no object. `alone`: the schema is an
    entrypoint's, which takes one argument of any kind."""
    found = _only(resolved(schema, schema), schema)
    if "properties" in found or (not alone and found.get("type", "object") == "object"):
        return {**found, "$defs": schema.get("$defs", {})}, False
    entry = {key: value for key, value in schema.items() if key not in ("$defs", "title")}
    needed: list[JSON] = [] if "default" in schema else [WHOLE]
    made: dict[str, JSON] = {"type": "object", "properties": {WHOLE: entry}, "required": needed}
    return {**made, "$defs": schema.get("$defs", {})}, True


def _only(schema: dict[str, JSON], whole: Mapping[str, JSON]) -> dict[str, JSON]:
    """The only alternative to null, if there is one, because whoever starts a graph gives a value."""
    options = schema.get("anyOf")
    others = [each for each in options if isinstance(each, dict) and each.get("type") != "null"] if options else []  # type: ignore[union-attr]
    return resolved(others[0], whole) if len(others) == 1 else schema


def resolved(entry: dict[str, JSON], schema: Mapping[str, JSON]) -> dict[str, JSON]:
    """The entry, with references to the schema's own definitions resolved, also those in its alternatives."""
    options = entry.get("anyOf")
    if isinstance(options, list):
        entry = {**entry, "anyOf": [resolved(each, schema) if isinstance(each, dict) else each for each in options]}
    reference = entry.get("$ref")
    if not isinstance(reference, str):
        return entry
    definitions = cast("dict[str, dict[str, JSON]]", schema.get("$defs", {}))
    return {**definitions.get(reference.rpartition("/")[2], {}), **entry}
