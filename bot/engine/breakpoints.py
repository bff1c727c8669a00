"""Static breakpoints (`interrupt_before`, `interrupt_after`): a graph that stands there, as a question, and on its way.

LangGraph stores nothing of such a stop. That a thread stands at one follows from its newest checkpoint: nothing of the
next step has been run, and the same test by which LangGraph stops says that it would (measured; the private names are
held by `tests/unit/engine/test_canaries.py`). Going on is a run without input, which passes every breakpoint that the
thread stands at, in its subgraphs too: so all of them are one question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, TypeAlias, cast, get_type_hints

from langchain_core.messages import BaseMessage, convert_to_messages
from langchain_core.runnables import RunnableConfig
from langgraph.channels.binop import BinaryOperatorAggregate
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.constants import END
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel
from langgraph.pregel._algo import should_interrupt
from langgraph.types import Overwrite, StateSnapshot, StateUpdate
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from bot.approvals.ids import JSON, InterruptId
from bot.approvals.policy import Route
from bot.approvals.ports import Asked
from bot.approvals.question import Item, Question, Verdict
from bot.engine import schemas
from bot.engine.payload import read, to_json
from bot.engine.questions import breakpoint

AnyGraph: TypeAlias = Pregel[Any, Any, Any, Any]

ENDED: Final = "countersign_ended"
"""Key in the metadata of the checkpoint that ends a thread at a breakpoint: what is said of it."""
_PASSED: Final = "countersign_passed"
"""Key in the metadata of a checkpoint that somebody's edit made: the breakpoint has been answered."""
_PREFIX: Final = "breakpoint:"
_REASON: Final = "{reason}"
"""In the values of a route: why it was rejected."""
_LONGEST_SCHEMA: Final = 4000
"""Characters; a longer one, as of messages, helps nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One graph, the root or a subgraph, that stands at a breakpoint."""

    graph: AnyGraph
    snapshot: StateSnapshot
    ran: tuple[str, ...]
    """The nodes of the step before."""
    before: bool


def is_breakpoint(interrupt_id: InterruptId) -> bool:
    """Whether the id is one of ours for a breakpoint; LangGraph's own are hexadecimal."""
    return interrupt_id.startswith(_PREFIX)


def id_of(places: Sequence[Place]) -> InterruptId:
    """Stable for as long as the thread stands there: of the checkpoints."""
    ids = [str(place.snapshot.config["configurable"]["checkpoint_id"]) for place in places]
    return InterruptId(_PREFIX + ":".join(ids))


def possible(graph: AnyGraph) -> bool:
    """Whether the graph, or one below it, has breakpoints at all."""
    graphs = [graph, *(part for _, part in graph.get_subgraphs(recurse=True) if isinstance(part, Pregel))]
    return any(each.interrupt_before_nodes or each.interrupt_after_nodes for each in graphs)


async def found(graph: AnyGraph, config: RunnableConfig) -> list[Place]:
    """Where the thread stands at breakpoints now."""
    return await standing(graph, await graph.aget_state(config, subgraphs=True))


async def standing(root: AnyGraph, snapshot: StateSnapshot, graph: AnyGraph | None = None) -> list[Place]:
    """Where the thread stands at breakpoints; nothing where it is at work, waits for an interrupt, or is done.

    The snapshot is of `graph`, which is the root or lies below it.
    """
    graph = graph or root
    own = await _place(root, snapshot, graph)
    if own is not None:
        return [own]
    below = {name: part for name, part in graph.get_subgraphs() if isinstance(part, Pregel)}
    places: list[Place] = []
    for task in snapshot.tasks:
        if isinstance(task.state, StateSnapshot) and _begun(task.state) and task.name in below:
            places += await standing(root, task.state, below[task.name])
    return places


async def _place(root: AnyGraph, snapshot: StateSnapshot, graph: AnyGraph) -> Place | None:
    if not (snapshot.tasks and (graph.interrupt_before_nodes or graph.interrupt_after_nodes)):
        return None
    saver = cast("BaseCheckpointSaver[Any]", root.checkpointer)
    stored = await saver.aget_tuple(snapshot.config)
    if stored is None or stored.pending_writes or _PASSED in (stored.metadata or {}):
        return None
    if any(_begun(task.state) for task in snapshot.tasks):
        return None
    ran = await _ran(root, snapshot)
    for names, nodes, is_before in (
        ([task.name for task in snapshot.tasks], graph.interrupt_before_nodes, True),
        (ran, graph.interrupt_after_nodes, False),
    ):
        tasks = [
            SimpleNamespace(name=name, config={"tags": graph.nodes[name].tags or ()})
            for name in names
            if name in graph.nodes
        ]
        if nodes and should_interrupt(stored.checkpoint, nodes, cast("Any", tasks)):
            return Place(graph=graph, snapshot=snapshot, ran=tuple(ran), before=is_before)
    return None


async def _ran(root: AnyGraph, snapshot: StateSnapshot) -> list[str]:
    """The nodes of the last step: those that the checkpoint before it was about to run."""
    if snapshot.parent_config is None:
        return []
    before = await root.aget_state(snapshot.parent_config)
    return list(dict.fromkeys(task.name for task in before.tasks))


def _begun(state: object) -> bool:
    """Whether a subgraph has run at all."""
    return isinstance(state, StateSnapshot) and state.created_at is not None


# --- As a question ------------------------------------------------------------------------------


def asked(places: Sequence[Place]) -> Asked:
    """The breakpoints as an interrupt that is open."""
    return Asked(interrupt_id=id_of(places), question=question(places), place=_title(places[0]).lower())


def question(places: Sequence[Place]) -> Question:
    """What is asked of people: the state of each graph that stands there, to be approved, edited or rejected."""
    titles = [_title(place) for place in places]
    named = titles if len(titles) > 1 else [""]  # the question's own title says it
    return Question(
        shape=breakpoint.NAME,
        title=f"{' and '.join(titles)}: go on?",
        items=tuple(_item(place, title) for place, title in zip(places, named, strict=True)),
        payload={title: to_json(place.snapshot.values) for title, place in zip(titles, places, strict=True)},
        types=tuple(
            f"{title} {note}"
            for title, place in zip(titles, places, strict=True)
            for note in read(place.snapshot.values)[1]
        ),
    )


def _title(place: Place) -> str:
    named = sorted({task.name for task in place.snapshot.tasks} if place.before else set(place.ran))
    stops = place.graph.interrupt_before_nodes if place.before else place.graph.interrupt_after_nodes
    there = [name for name in named if isinstance(stops, str) or name in stops]
    return f"{'Before' if place.before else 'After'} {', '.join(there)}"


def _item(place: Place, title: str) -> Item:
    """The state: every key of its schema, None for one that has no value yet."""
    values = place.snapshot.values
    if not isinstance(values, dict):
        return Item(name=title, arguments={"state": to_json(values)}, verdicts=(Verdict.APPROVE, Verdict.REJECT))
    hints = _hints(place.graph)
    arguments = {str(name): to_json(values.get(name)) for name in dict.fromkeys([*hints, *values])}
    properties: dict[str, JSON] = {
        name: schema if values.get(name) is not None else {"anyOf": [schema, {"type": "null"}]}
        for name, hint in hints.items()
        if (schema := _schema(hint))
    }
    return Item(
        name=title,
        arguments=arguments,
        verdicts=(Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT),
        schema={"type": "object", "properties": properties},
    )


def _hints(graph: AnyGraph) -> dict[str, Any]:
    """The keys of the state's schema, with their types."""
    if not isinstance(graph, CompiledStateGraph):
        return {}
    builder = graph.builder
    hints = get_type_hints(builder.state_schema)
    return {name: hint for name, hint in hints.items() if name in builder.channels and name not in builder.managed}


def _schema(hint: Any) -> dict[str, JSON] | None:
    try:
        schema = cast("dict[str, JSON]", TypeAdapter(hint).json_schema())
    except (PydanticUserError, NameError):
        return None
    return schemas.inlined(schema) if len(json.dumps(schema)) <= _LONGEST_SCHEMA else None


# --- On its way ---------------------------------------------------------------------------------


async def answered(
    graph: AnyGraph, config: RunnableConfig, places: Sequence[Place], answer: JSON, route: Route | None
) -> bool:
    """Bring the state to what was answered; whether the graph is to be run on from there.

    Whatever is changed is one checkpoint, which says of itself that the breakpoint has been answered.
    """
    given = answer if isinstance(answer, dict) else {}
    reason = given.get(breakpoint.REJECTED)
    if isinstance(reason, str):
        return await _rejected(graph, config, places, reason, route)
    changes = given.get(breakpoint.APPROVED)
    for place, changed in zip(places, changes if isinstance(changes, list) else [], strict=True):
        if isinstance(changed, dict) and changed:
            await _update(graph, config, place, _typed(place, changed), place.ran)
    return True


async def _rejected(
    graph: AnyGraph, config: RunnableConfig, places: Sequence[Place], reason: str, route: Route | None
) -> bool:
    """End the thread, or take the graph's own way: as if a node had run, and returned the route's values."""
    if route is not None:
        place = next((each for each in places if route.as_node in each.graph.nodes), places[0])
        values = {name: _with_reason(value, reason) for name, value in route.values.items()}
        await _update(graph, config, place, values, (route.as_node,))
        return True
    said = f"Stopped: {_title(places[0])[:1].lower()}{_title(places[0])[1:]} it was rejected."
    ended = _marked(config, {ENDED: f"{said} {reason}".strip()})
    await graph.abulk_update_state(ended, [[StateUpdate(None, END)]])
    return False


async def _update(
    graph: AnyGraph, config: RunnableConfig, place: Place, values: dict[str, Any], as_nodes: Sequence[str]
) -> None:
    """Write the values as the nodes that ran last, all of them, so that what each leads to is still to come."""
    there = place.snapshot.config["configurable"]
    at: RunnableConfig = _marked(
        {**config, "configurable": {**config["configurable"], **there}}, {_PASSED: id_of([place])}
    )
    first, *others = as_nodes or (None,)
    updates = [StateUpdate(values, first), *(StateUpdate({}, name) for name in others)]
    await graph.abulk_update_state(at, [updates])


def _marked(config: RunnableConfig, metadata: Mapping[str, str]) -> RunnableConfig:
    return {**config, "metadata": {**config.get("metadata", {}), **metadata}}


def _typed(place: Place, changed: Mapping[str, JSON]) -> dict[str, Any]:
    """The values as the state holds them, in place of what it held: a reducer would add them to it."""
    hints = _hints(place.graph)
    typed: dict[str, Any] = {}
    for name, value in changed.items():
        made = _of_type(value, hints.get(name), place.snapshot.values.get(name))
        reduced = isinstance(place.graph.channels.get(name), BinaryOperatorAggregate)
        typed[name] = Overwrite(made) if reduced else made
    return typed


def _of_type(value: JSON, hint: Any, held: Any) -> Any:
    if isinstance(held, list) and held and all(isinstance(each, BaseMessage) for each in held):
        return convert_to_messages(cast("Any", value))
    if hint is None:
        return value
    try:
        return TypeAdapter(hint).validate_json(json.dumps(value))
    except (PydanticUserError, ValidationError, NameError):
        return value


def _with_reason(value: JSON, reason: str) -> JSON:
    match value:
        case str():
            return value.replace(_REASON, reason)
        case list():
            return [_with_reason(each, reason) for each in value]
        case dict():
            return {key: _with_reason(each, reason) for key, each in value.items()}
        case _:
            return value
