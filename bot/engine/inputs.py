"""What a graph wants to be started with, read from its input schema, and what a person typed, made into it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast, get_type_hints

import jsonschema
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel
from pydantic import create_model
from pydantic.errors import PydanticUserError

from bot.approvals.errors import InvalidInputs
from bot.approvals.model import JSON
from bot.approvals.ports import Input

InputCheck: TypeAlias = Callable[[dict[str, JSON]], None]
"""A graph module's own `check_inputs`: raises ValueError, with a sentence, where a task cannot be started so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputForm:
    """The inputs of one graph, with what is needed to check them."""

    inputs: tuple[Input, ...]
    schema: Mapping[str, JSON]
    check: InputCheck | None = None

    def parse(self, graph: str, words: Mapping[str, str]) -> dict[str, JSON]:
        """Values of the right types; `InvalidInputs` with everything that is wrong, by name."""
        known = {given.name: given for given in self.inputs}
        problems: dict[str, str] = {}
        values: dict[str, JSON] = {}
        for name, word in words.items():
            if name not in known:
                problems[name] = f"is not an input of it; it takes {', '.join(f'`{n}`' for n in known) or 'none'}"
                continue
            try:
                values[name] = _value(word, known[name].schema)
            except ValueError as error:
                problems[name] = str(error)
        for given in self.inputs:
            if given.required and given.name not in words:
                problems[given.name] = "is missing"
        problems = problems or self._mismatches(values) or self._objections(values)
        if problems:
            raise InvalidInputs(graph, problems, self.example(graph))
        return values

    def example(self, graph: str) -> str:
        """A line that would start the graph."""
        words = [f"{given.name}={_sample(given)}" for given in self.inputs if given.required]
        optional = [f"{given.name}={_sample(given)}" for given in self.inputs if not given.required and given.default]
        return " ".join(["/task", graph, *words, *optional])

    def _mismatches(self, values: dict[str, JSON]) -> dict[str, str]:
        validator = jsonschema.Draft202012Validator(cast("dict[str, Any]", self.schema))
        return {
            str(error.path[0]) if error.path else "": f"does not fit: {error.message}"
            for error in validator.iter_errors(values)
            if error.path
        }

    def _objections(self, values: dict[str, JSON]) -> dict[str, str]:
        if self.check is None:
            return {}
        try:
            self.check(dict(values))
        except ValueError as error:
            return {"": str(error)}
        return {}


EMPTY = InputForm(inputs=(), schema={})


def read(graph: Pregel[Any, Any, Any, Any], check: InputCheck | None) -> InputForm:
    """The form of a graph's inputs.

    Where a graph has one state for everything and no input schema of its own, no key is required: which of them
    are inputs only its author knows.
    """
    schema = _schema(graph)
    properties = cast("dict[str, dict[str, JSON]]", schema.get("properties", {}))
    required = set(cast("list[str]", schema.get("required", [])))
    if isinstance(graph, CompiledStateGraph) and graph.builder.input_schema is graph.builder.state_schema:
        required = set()
    inputs = tuple(
        Input(
            name=name,
            schema=_resolved(entry, schema),
            required=name in required,
            description=str(entry.get("description", "")),
            default=entry.get("default"),
        )
        for name, entry in properties.items()
    )
    needed: list[JSON] = [name for name in properties if name in required]
    return InputForm(inputs=inputs, schema={**schema, "required": needed}, check=check)


def _schema(graph: Pregel[Any, Any, Any, Any]) -> dict[str, JSON]:
    """JSON Schema of the input. Below Python 3.12 Pydantic refuses `typing.TypedDict`: then its hints are read."""
    try:
        return cast("dict[str, JSON]", graph.get_input_jsonschema())
    except PydanticUserError:
        if not isinstance(graph, CompiledStateGraph):
            raise
        hints = get_type_hints(graph.builder.input_schema, include_extras=True)
        fields: dict[str, Any] = {name: (hint, ...) for name, hint in hints.items()}
        return cast("dict[str, JSON]", create_model("Input", **fields).model_json_schema())


def _resolved(entry: dict[str, JSON], schema: Mapping[str, JSON]) -> dict[str, JSON]:
    """The entry with a reference to the schema's own definitions followed, one level deep."""
    reference = entry.get("$ref")
    if not isinstance(reference, str):
        return entry
    definitions = cast("dict[str, dict[str, JSON]]", schema.get("$defs", {}))
    return {**definitions.get(reference.rpartition("/")[2], {}), **entry}


def _value(word: str, schema: Mapping[str, JSON]) -> JSON:
    """What a person typed, as the schema's type; ValueError with what was expected."""
    match _type(schema):
        case "string":
            return word
        case "integer":
            return _number(word, int, "a whole number")
        case "number":
            return _number(word, float, "a number")
        case "boolean":
            if word.lower() in ("true", "yes", "on", "1"):
                return True
            if word.lower() in ("false", "no", "off", "0"):
                return False
            raise ValueError(f"should be yes or no, not `{word}`")
        case "":
            return word
        case kind:
            try:
                return cast("JSON", json.loads(word))
            except json.JSONDecodeError:
                raise ValueError(f"should be JSON ({kind}), not `{word}`") from None


def _number(word: str, number: Callable[[str], JSON], expected: str) -> JSON:
    try:
        return number(word)
    except ValueError:
        raise ValueError(f"should be {expected}, not `{word}`") from None


def _type(schema: Mapping[str, JSON]) -> str:
    """The JSON type, the first that is not null where there are several; '' where the schema names none."""
    options = schema.get("anyOf")
    if isinstance(options, list):
        kinds = [_type(option) for option in options if isinstance(option, dict)]
        return next((kind for kind in kinds if kind != "null"), "")
    kind = schema.get("type", "")
    if isinstance(kind, list):
        return next((str(each) for each in kind if each != "null"), "")
    return str(kind)


def _sample(given: Input) -> str:
    examples = given.schema.get("examples")
    value = examples[0] if isinstance(examples, list) and examples else given.default
    if value is None:
        return f"<{_type(given.schema) or 'value'}>"
    word = value if isinstance(value, str) else json.dumps(value)
    return f'"{word}"' if " " in word else word
