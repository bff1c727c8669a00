"""The assistants of a LangGraph Server that can be started here: agents of the catalog, with forms for their inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.approvals.model.agent import Graph
from bot.approvals.model.catalog import Agent
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import JSON
from bot.engines.input_forms import given_schema, typed
from bot.engines.input_forms.form import WHOLE, InputForm
from bot.engines.server import stops
from bot.engines.server.client import Refused, Row, ServerClient

_STANDARD: Final = "system"
"""Who made the assistant that a server keeps for each of its graphs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantForm(InputForm):
    """The form of an assistant's inputs, read from the schema that its server publishes."""

    messages: str = ""
    """The input that holds a conversation, which is asked for as one sentence. Empty if there is none."""
    whole: bool = False
    """Whether the one input is the graph's whole argument."""

    def given(self, values: Mapping[str, JSON]) -> Any:
        """What the graph is started with. A sentence becomes a conversation's first."""
        if self.whole:
            return values.get(WHOLE)
        begun: dict[str, JSON] = {
            name: [{"role": "user", "content": value}] for name, value in values.items() if name == self.messages
        }
        return {**values, **begun}


async def agents(client: ServerClient, names: Sequence[str]) -> tuple[Agent, ...]:
    """The agents with these names, in this order. One that cannot be started says why. If the server does not answer,
    none can."""
    try:
        return tuple([await _agent(client, name) for name in names])
    except Unreachable as away:
        return tuple(_unavailable(client.name, name, f"{away.what or 'the server does not answer'}.") for name in names)


async def find(client: ServerClient, name: str) -> Row | None:
    """The assistant with this name: of a graph with this id the one that its server keeps, else the one that somebody
    has named so. None if there is none. Raises `Unreachable`."""
    by_graph = await client.assistants(graph_id=name)
    standard = [each for each in by_graph if (each.get("metadata") or {}).get("created_by") == _STANDARD]
    if by_graph:
        return next(iter(standard or by_graph))
    return next((each for each in await client.assistants(name=name) if each.get("name") == name), None)


def form_of(schemas: Row) -> AssistantForm:
    """The form for these schemas.

    A graph without an input schema has one state for everything. People are asked for its keys except those that look
    like decisions, and none is required, because only the graph's author knows which are inputs.
    """
    given: dict[str, JSON] = dict(schemas.get("input_schema") or {})
    schema, whole = given_schema.object_of(given, alone=True)
    listed = schema.get("properties")
    properties = listed if isinstance(listed, dict) else {}
    entries = {name: entry if isinstance(entry, dict) else {} for name, entry in properties.items()}
    needed = schema.get("required")
    required = {str(name) for name in needed} if isinstance(needed, list) else set()
    suggested: set[str] = set()
    if not whole and _keys(given) == _keys(schemas.get("state_schema")):
        entries = {
            name: entry
            for name, entry in entries.items()
            if not given_schema.is_decision(name, given_schema.resolved(entry, schema))
        }
        suggested, required = required & set(entries), set()
    messages = given_schema.MESSAGES if given_schema.is_conversation(entries.get(given_schema.MESSAGES)) else ""
    if messages:
        entries = {**entries, messages: given_schema.SENTENCE}
        required.add(messages)
    inputs = given_schema.inputs_of(entries, required, schema)
    asked: dict[str, JSON] = {
        **schema,
        "properties": dict(entries),
        "required": [name for name in entries if name in required],
    }
    return AssistantForm(
        inputs=inputs,
        schema=asked,
        open=whole and typed.type_of(given_schema.resolved(entries[WHOLE], schema)) in ("object", ""),
        suggested=frozenset(suggested),
        messages=messages,
        whole=whole,
    )


async def _agent(client: ServerClient, name: str) -> Agent:
    found = await find(client, name)
    if found is None:
        return _unavailable(client.name, name, f"the server {client.name} has no assistant of this name.")
    assistant_id = str(found["assistant_id"])
    try:
        form = form_of(await client.schemas(assistant_id))
    except Refused as refused:
        return _unavailable(client.name, name, f"the server {client.name} does not show its inputs: {refused}")
    try:
        nodes = stops.nodes(await client.drawing(assistant_id))
    except Refused:
        nodes = ()
    graph = Graph(
        name=name,
        description=str(found.get("description") or ""),
        inputs=form.inputs,
        example=form.example(name),
        server=client.name,
    )
    return Agent(graph=graph, schema=form.schema, open=form.open, nodes=nodes)


def _unavailable(server: str, name: str, why: str) -> Agent:
    return Agent(graph=Graph(name=name, description="", inputs=(), unavailable=why, server=server))


def _keys(schema: Any) -> set[str]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return set(properties) if isinstance(properties, Mapping) else set()
