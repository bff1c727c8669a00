"""A loaded graph's form: read from its input schema, and checked with its own code."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, is_dataclass
from typing import Any, NotRequired, Required, TypeAlias, cast, get_args, get_origin, get_type_hints

from langgraph.channels.last_value import LastValue
from langgraph.graph import START
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from typing_extensions import TypedDict, is_typeddict

from bot.approvals.model.errors import InvalidInputs
from bot.approvals.model.ids import JSON
from bot.engines.input_forms import given_schema, typed
from bot.engines.input_forms.form import WHOLE, InputForm
from bot.engines.langgraph.containment import Broken, worded

InputCheck: TypeAlias = Callable[[dict[str, JSON]], None]
"""A graph module's own `check_inputs`. Raises ValueError, with a sentence, if a task cannot start with these inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedForm(InputForm):
    """The form of a graph that is loaded here, with what only its code can check."""

    check: InputCheck | None = None
    messages: str = ""
    """The input that holds a conversation, which is asked for as one sentence. Empty if there is none."""
    whole: bool = False
    """Whether the one input is the graph's whole argument. That of an entrypoint need not be an object."""
    hidden: Mapping[str, JSON] = field(default_factory=dict)
    """Further values that the graph starts with: keys of its state that it needs, but that nobody is asked for."""
    made: Callable[[Any], Any] | None = None
    """Makes the class that an entrypoint takes. Raises Pydantic's ValidationError."""

    @property
    def checked(self) -> bool:
        """Whether the graph's code may object to values that fit the schema."""
        return self.check is not None or self.made is not None

    def parse(self, graph: str, words: Mapping[str, str]) -> dict[str, JSON]:
        """The words as values of the right types. Raises InvalidInputs with everything that is wrong, by name."""
        values, problems = self.read(words)
        problems = problems or self.objections(values)
        if problems:
            raise InvalidInputs(graph, problems, self.example(graph), self.choices(), certain=self.certain())
        return values

    def problems(self, values: Mapping[str, JSON]) -> dict[str, str]:
        """Everything that is wrong with values that were read before, by the input's name."""
        return self.misfits(values) or self.objections(values)

    def objections(self, values: Mapping[str, JSON]) -> dict[str, str]:
        """What the graph's own code objects to, by the input's name; '' stands for all of them together. Raises what
        the graph's check raises, unless that is a ValueError."""
        return self._refusals(values) or self._objections(values)

    def certain(self) -> bool:
        """Whether the graph takes the example as it is."""
        try:
            values, problems = self.read(self.sample())
            return not (problems or self.objections(values))
        except Exception:  # the check's own fault is told when somebody starts the graph
            return False

    def given(self, values: Mapping[str, JSON]) -> Any:
        """What the graph is started with, from the values of `parse`. A sentence becomes a conversation's first."""
        if self.whole or self.made is not None:
            taken = values.get(WHOLE) if self.whole else dict(values)
            return taken if self.made is None else self.made(taken)
        begun: dict[str, JSON] = {
            name: [{"role": "user", "content": value}] for name, value in values.items() if name == self.messages
        }
        return {**self.hidden, **values, **begun}

    def _refusals(self, values: Mapping[str, JSON]) -> dict[str, str]:
        """What is wrong with the values for the class of an entrypoint."""
        try:
            self.given(values)
        except ValidationError as error:
            return {
                str(each["loc"][0]) if each["loc"] and not self.whole else (WHOLE if self.whole else ""): each["msg"]
                for each in error.errors(include_url=False, include_context=False)
            }
        return {}

    def _objections(self, values: Mapping[str, JSON]) -> dict[str, str]:
        if self.check is None:
            return {}
        try:
            self.check(dict(values))
        except ValueError as error:
            return {"": worded(error)}
        except Exception:
            raise
        except BaseException as error:  # the graph's code must not end the bot
            raise Broken("the graph's check_inputs tried to end the process") from error
        return {}


EMPTY = LoadedForm(inputs=(), schema={})


def read(graph: Pregel[Any, Any, Any, Any], check: InputCheck | None) -> LoadedForm:
    """The form of a graph's inputs.

    A graph without an input schema has one state for everything. People are asked for its keys except those that look
    like decisions (yes-or-no keys, and names like an approval or an answer), which the graph sets itself. A Pydantic or
    data class says which keys are required. In a TypedDict none is, because only its author knows which are inputs.
    """
    if inspect.iscoroutinefunction(check):
        raise TypeError("its check_inputs is a coroutine, which nobody would await: make it a plain function")
    schema, whole = given_schema.object_of(_schema(graph), alone=not isinstance(graph, CompiledStateGraph))
    properties = cast("dict[str, dict[str, JSON]]", schema.get("properties", {}))
    required = set(cast("list[str]", schema.get("required", [])))
    hidden: dict[str, JSON] = {}
    suggested: set[str] = set()
    if isinstance(graph, CompiledStateGraph) and graph.builder.input_schema is graph.builder.state_schema:
        resolved = {name: given_schema.resolved(entry, schema) for name, entry in properties.items()}
        decisions = {name for name, entry in resolved.items() if given_schema.is_decision(name, entry)}
        properties = {name: entry for name, entry in properties.items() if name not in decisions}
        if is_typeddict(graph.builder.state_schema):
            suggested = {name for name in required & set(properties) if isinstance(graph.channels[name], LastValue)}
            required = set()
        else:
            hidden = {name: given_schema.empty(resolved[name]) for name in decisions & required}
    messages = given_schema.MESSAGES if given_schema.is_conversation(properties.get(given_schema.MESSAGES)) else ""
    if messages:
        properties = {**properties, messages: given_schema.SENTENCE}
        required.add(messages)
    inputs = given_schema.inputs_of(properties, required, schema)
    needed: list[JSON] = [name for name in properties if name in required]
    return LoadedForm(
        inputs=inputs,
        schema={**schema, "properties": cast("JSON", properties), "required": needed},
        check=check,
        messages=messages,
        whole=whole,
        open=whole and typed.type_of(given_schema.resolved(properties[WHOLE], schema)) in ("object", ""),
        hidden=hidden,
        suggested=frozenset(suggested),
        made=None if isinstance(graph, CompiledStateGraph) else _maker(_hint(graph)),
    )


def _hint(graph: Pregel[Any, Any, Any, Any]) -> Any:
    """The annotation of an entrypoint's argument, or `Any` if it has none."""
    return getattr(graph.channels.get(START), "typ", Any)


def _maker(hint: Any) -> Callable[[Any], Any] | None:
    """A function that makes the argument's class from JSON. None if the argument is a plain value, or if Pydantic does
    not know its type."""
    classes = [each for each in (hint, *get_args(hint)) if isinstance(each, type)]
    if not any(is_dataclass(each) or issubclass(each, BaseModel) for each in classes):
        return None
    try:
        return TypeAdapter(hint).validate_python
    except PydanticUserError:
        return None


def _schema(graph: Pregel[Any, Any, Any, Any]) -> dict[str, JSON]:
    """The JSON Schema of the input. Below Python 3.12 Pydantic refuses `typing.TypedDict`, so its hints are read."""
    try:
        return cast("dict[str, JSON]", graph.get_input_jsonschema())
    except PydanticUserError:
        given = graph.builder.input_schema if isinstance(graph, CompiledStateGraph) else _hint(graph)
        given = next((each for each in (given, *get_args(given)) if is_typeddict(each)), None)
        if given is None:
            return {}
        return cast("dict[str, JSON]", TypeAdapter(_rewritten(given)).json_schema())


def _rewritten(given: type[Any]) -> Any:
    """A TypedDict with the same keys that Pydantic takes. A key whose type Pydantic does not take may be anything."""
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
