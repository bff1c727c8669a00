"""What a graph wants to be started with, read from its input schema, and what a person typed, made into it."""

from __future__ import annotations

import contextlib
import json
import math
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NotRequired, Required, TypeAlias, cast, get_args, get_origin, get_type_hints

import jsonschema
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel
from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError
from typing_extensions import TypedDict

from bot.approvals.errors import InvalidInputs
from bot.approvals.ids import JSON
from bot.approvals.ports import Input

InputCheck: TypeAlias = Callable[[dict[str, JSON]], None]
"""A graph module's own `check_inputs`: raises ValueError, with a sentence, where a task cannot be started so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputForm:
    """The inputs of one graph, with what is needed to check them."""

    inputs: tuple[Input, ...]
    schema: Mapping[str, JSON]
    check: InputCheck | None = None
    messages: str = ""
    """The input that holds a conversation, asked for as one sentence; empty where there is none."""
    whole: bool = False
    """The one input is all that the graph takes: an entrypoint's, which need not be an object."""

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

    def given(self, values: Mapping[str, JSON]) -> JSON:
        """What the graph is started with, of what `parse` returned: a sentence as the conversation that it begins."""
        if self.whole:
            return values.get(WHOLE)
        begun: dict[str, JSON] = {
            name: [{"role": "user", "content": value}] for name, value in values.items() if name == self.messages
        }
        return {**values, **begun}

    def example(self, graph: str) -> str:
        """A line that would start the graph."""
        words = [f"{given.name}={_sample(given)}" for given in self.inputs if given.required]
        optional = [f"{given.name}={_sample(given)}" for given in self.inputs if not given.required and given.default]
        return " ".join(["/task", graph, *words, *optional])

    def _mismatches(self, values: dict[str, JSON]) -> dict[str, str]:
        validator = jsonschema.Draft202012Validator(cast("dict[str, Any]", self.schema))
        return {str(error.path[0]): _mismatch(error) for error in validator.iter_errors(values) if error.path}

    def _objections(self, values: dict[str, JSON]) -> dict[str, str]:
        if self.check is None:
            return {}
        try:
            self.check(dict(values))
        except ValueError as error:
            return {"": str(error)}
        return {}


def _mismatch(error: jsonschema.ValidationError) -> str:
    """What is wrong with an input; for a pattern, what its description says of it, which reads better."""
    described = error.schema.get("description") if isinstance(error.schema, dict) else None
    if error.validator == "pattern" and isinstance(described, str) and described.strip():
        return f"does not fit, `{error.instance}`. {described}"
    return f"does not fit: {error.message}"


WHOLE: Final = "input"
"""The name of an input that has none of its own."""
_MESSAGES: Final = "messages"

EMPTY = InputForm(inputs=(), schema={})


def read(graph: Pregel[Any, Any, Any, Any], check: InputCheck | None) -> InputForm:
    """The form of a graph's inputs.

    Where a graph has one state for everything and no input schema of its own, no key is required: which of them
    are inputs only its author knows.
    """
    schema, whole = _object(_schema(graph))
    properties = cast("dict[str, dict[str, JSON]]", schema.get("properties", {}))
    required = set(cast("list[str]", schema.get("required", [])))
    if isinstance(graph, CompiledStateGraph) and graph.builder.input_schema is graph.builder.state_schema:
        required = set()
    messages = _MESSAGES if _is_conversation(properties.get(_MESSAGES)) else ""
    if messages:
        properties = {**properties, messages: _SENTENCE}
        schema = {**schema, "properties": cast("JSON", properties)}
        required.add(messages)
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
    schema = {**schema, "required": needed}
    return InputForm(inputs=inputs, schema=schema, check=check, messages=messages, whole=whole)


_SENTENCE: dict[str, JSON] = {
    "type": "string",
    "title": "Message",
    "description": "What should be done, in plain words.",
    "format": "long-text",
    "examples": ["please tidy up"],
}


def _is_conversation(schema: Mapping[str, JSON] | None) -> bool:
    """Whether these are LangChain's messages."""
    items = schema.get("items") if schema is not None and schema.get("type") == "array" else None
    return "/HumanMessage" in json.dumps(items)


def _object(schema: dict[str, JSON]) -> tuple[dict[str, JSON], bool]:
    """The schema, or that of an object with the one value that is wanted instead of one."""
    if "properties" in schema or schema.get("type", "object") == "object":
        return schema, False
    entry = {key: value for key, value in schema.items() if key not in ("$defs", "title")}
    needed: list[JSON] = [] if "default" in schema else [WHOLE]
    made: dict[str, JSON] = {"type": "object", "properties": {WHOLE: entry}, "required": needed}
    return {**made, "$defs": schema.get("$defs", {})}, True


def _schema(graph: Pregel[Any, Any, Any, Any]) -> dict[str, JSON]:
    """JSON Schema of the input. Below Python 3.12 Pydantic refuses `typing.TypedDict`: then its hints are read."""
    try:
        return cast("dict[str, JSON]", graph.get_input_jsonschema())
    except PydanticUserError:
        if not isinstance(graph, CompiledStateGraph):
            raise
        return cast("dict[str, JSON]", TypeAdapter(_rewritten(graph.builder.input_schema)).json_schema())


def _rewritten(given: type[Any]) -> Any:
    """The same keys in a TypedDict that Pydantic takes; a key whose type it does not take either may be anything."""
    required = cast("frozenset[str]", getattr(given, "__required_keys__", frozenset()))
    keys: dict[str, Any] = {}
    for name, hint in get_type_hints(given, include_extras=True).items():
        qualified = get_origin(hint) in (Required, NotRequired)
        kind = get_args(hint)[0] if qualified else hint
        try:
            TypeAdapter(kind)
        except PydanticUserError:
            kind = Any
        needed = get_origin(hint) is Required if qualified else name in required
        keys[name] = Required[kind] if needed else NotRequired[kind]
    return TypedDict(given.__name__, keys)  # type: ignore[operator]  # made of keys that are only known now


def _resolved(entry: dict[str, JSON], schema: Mapping[str, JSON]) -> dict[str, JSON]:
    """The entry with a reference to the schema's own definitions followed, its own and those of its options."""
    options = entry.get("anyOf")
    if isinstance(options, list):
        entry = {**entry, "anyOf": [_resolved(each, schema) if isinstance(each, dict) else each for each in options]}
    reference = entry.get("$ref")
    if not isinstance(reference, str):
        return entry
    definitions = cast("dict[str, dict[str, JSON]]", schema.get("$defs", {}))
    return {**definitions.get(reference.rpartition("/")[2], {}), **entry}


def _value(word: str, schema: Mapping[str, JSON]) -> JSON:
    """What a person typed, as the first of the schema's types that takes it; ValueError with what was expected."""
    match schema.get("anyOf"):
        case [{"type": "null"}, *others] | [*others, {"type": "null"}] if others:
            return _value(word, {"anyOf": others})
        case [dict(only)]:
            return _value(word, only)
        case [dict(first), *others] if others:
            with contextlib.suppress(ValueError):
                return _value(word, first)
            return _value(word, {"anyOf": others})
    match _type(schema):
        case "string":
            return word
        case "integer":
            return _number(word, _integer, "a whole number")
        case "number":
            return _number(word, _finite, "a number")
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
                return cast("JSON", json.loads(word, parse_float=_finite, parse_constant=_finite))
            except (ValueError, RecursionError):
                raise ValueError(f"should be JSON ({kind}), not `{word}`") from None


def _number(word: str, number: Callable[[str], JSON], expected: str) -> JSON:
    try:
        return number(word)
    except ValueError:
        raise ValueError(f"should be {expected}, not `{word}`") from None


def _integer(word: str) -> int:
    """What LangGraph can save; what is longer makes its run die."""
    value = int(word)
    if not -(2**63) <= value < 2**63:
        raise ValueError
    return value


def _finite(word: str) -> float:
    """A number that JSON has: neither NaN nor an infinity."""
    value = float(word)
    if not math.isfinite(value):
        raise ValueError
    return value


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
        return (_type(given.schema) or "value").upper()
    word = value if isinstance(value, str) else json.dumps(value)
    if not word or not any(sign.isspace() or sign in "\"'" for sign in word):
        return word
    return f'"{word}"' if '"' not in word else shlex.quote(word)
