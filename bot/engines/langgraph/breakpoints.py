"""Static breakpoints (`interrupt_before`, `interrupt_after`): a graph that stands there, as a question, and on its way.

LangGraph stores nothing of such a stop. That a thread stands at one follows from its newest checkpoint: nothing of the
next step has been run, and the same test by which LangGraph stops says that it would (measured; the private names are
held by `tests/unit/engines/langgraph/test_canaries.py`). Going on is a run without input, which passes every
breakpoint that the thread stands at, in its subgraphs too: so all of them are one question.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any, Final, TypeAlias, cast, get_type_hints

from langchain_core.messages import BaseMessage, convert_to_messages
from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import TASKS
from langgraph.channels.binop import BinaryOperatorAggregate
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.constants import END
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel
from langgraph.pregel._algo import should_interrupt
from langgraph.types import Overwrite, Send, StateSnapshot, StateUpdate
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from bot.approvals.model.agent import Asked
from bot.approvals.model.fingerprint import fingerprint
from bot.approvals.model.ids import JSON, InterruptId
from bot.approvals.model.policy import Route
from bot.approvals.model.question import Item, Question, Verdict
from bot.approvals.model.task import Gone, Part
from bot.engines import schemas
from bot.engines.payload import read, to_json
from bot.engines.questions import breakpoint

AnyGraph: TypeAlias = Pregel[Any, Any, Any, Any]

ENDED: Final = "countersign_ended"
"""Key in the metadata of the checkpoint that ends a thread at a breakpoint: what is said of it."""
_PASSED: Final = "countersign_passed"
"""Key in the metadata of a checkpoint that somebody's edit made: the breakpoint has been answered."""
_APPROVED: Final = "countersign_approved"
"""Key beside it: the SHA-256 of each value that was approved, as JSON."""
_PREFIX: Final = "breakpoint:"
_REASON: Final = "{reason}"
"""In the values of a route: why it was rejected."""
_REDUCED: Final = (BinaryOperatorAggregate, DeltaChannel)
"""Channels that add what is written to what they hold, unless they are told to replace it."""
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
    sends: tuple[tuple[str, JSON], ...] = ()
    """The waiting tasks that have arguments of their own (`Send`): the node of each, and what it will be given."""
    lost: bool = False
    """Whether the graph does not stop here any more: a request holds the thread."""


def is_breakpoint(interrupt_id: InterruptId) -> bool:
    """Whether the id is one of ours for a breakpoint; LangGraph's own are hexadecimal."""
    return interrupt_id.startswith(_PREFIX)


def id_of(places: Sequence[Place]) -> InterruptId:
    """Stable for as long as the thread stands there: of the checkpoints."""
    ids = [str(place.snapshot.config["configurable"]["checkpoint_id"]) for place in places]
    return InterruptId(_PREFIX + ":".join(ids))


def not_taken(places: Sequence[Place]) -> frozenset[InterruptId]:
    """The breakpoints whose edit was written there and is not what the state holds."""
    passed = ((place.snapshot.metadata or {}).get(_PASSED) for place in places)
    return frozenset(InterruptId(str(id)) for id in passed if id)


def possible(graph: AnyGraph) -> bool:
    """Whether the graph, or one below it, has breakpoints at all."""
    graphs = [graph, *(part for _, part in graph.get_subgraphs(recurse=True) if isinstance(part, Pregel))]
    return any(each.interrupt_before_nodes or each.interrupt_after_nodes for each in graphs)


def held_by(ids: Iterable[InterruptId]) -> frozenset[str]:
    """The checkpoints that these breakpoints stand at: a thread stays there until they are answered, whatever the
    graph's code says by then."""
    return frozenset(id for each in ids if is_breakpoint(each) for id in each.removeprefix(_PREFIX).split(":"))


async def found(graph: AnyGraph, config: RunnableConfig, held: Collection[str] = ()) -> list[Place]:
    """Where the thread stands at breakpoints now."""
    return await standing(graph, await graph.aget_state(config, subgraphs=True), held)


async def standing(
    root: AnyGraph, snapshot: StateSnapshot, held: Collection[str] = (), graph: AnyGraph | None = None
) -> list[Place]:
    """Where the thread stands at breakpoints; nothing if it is at work, waits for an interrupt, or is done.

    The snapshot is of `graph`, which is the root or lies below it. `held` are checkpoints at which a request stands.
    """
    graph = graph or root
    own = await _place(root, snapshot, graph, held)
    if own is not None:
        return [own]
    below = {name: part for name, part in graph.get_subgraphs() if isinstance(part, Pregel)}
    places: list[Place] = []
    for task in snapshot.tasks:
        if isinstance(task.state, StateSnapshot) and _begun(task.state) and task.name in below:
            places += await standing(root, task.state, held, below[task.name])
    return places


async def _place(root: AnyGraph, snapshot: StateSnapshot, graph: AnyGraph, held: Collection[str]) -> Place | None:
    is_held = snapshot.config["configurable"].get("checkpoint_id") in held
    if not snapshot.tasks or not (is_held or graph.interrupt_before_nodes or graph.interrupt_after_nodes):
        return None
    saver = cast("BaseCheckpointSaver[Any]", root.checkpointer)
    stored = await saver.aget_tuple(snapshot.config)
    if stored is None or stored.pending_writes:
        return None
    if _PASSED in stored.metadata and _as_approved(stored.metadata, snapshot.values):
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
            return Place(graph=graph, snapshot=snapshot, ran=tuple(ran), before=is_before, sends=_sends(stored))
    if is_held:
        return Place(graph=graph, snapshot=snapshot, ran=tuple(ran), before=True, sends=_sends(stored), lost=True)
    return None


def _sends(stored: CheckpointTuple) -> tuple[tuple[str, JSON], ...]:
    """What each task that `Send` made will be given, in the order in which they run."""
    sends = stored.checkpoint["channel_values"].get(TASKS) or []
    return tuple((str(send.node), to_json(send.arg)) for send in sends if isinstance(send, Send))


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


def asked(places: Sequence[Place], now: datetime) -> Asked:
    """The breakpoints as an interrupt that is open."""
    return Asked(
        interrupt_id=id_of(places),
        question=question(places),
        place=_title(places[0]).lower(),
        fingerprint=fingerprint(_runs(places), None, now),
    )


def gone(places: Sequence[Place]) -> Gone | None:
    """The stop that the graph's code does not have any more; None if it has them all."""
    lost = next((place for place in places if place.lost), None)
    return Gone(part=Part.STOP, name=", ".join(_named(lost))) if lost is not None else None


def _runs(places: Sequence[Place]) -> JSON:
    """What runs once it goes on: the nodes, and what they are given."""
    return [
        {
            "next": [*sorted(task.name for task in place.snapshot.tasks)],
            "state": to_json(place.snapshot.values),
            "sends": [[node, argument] for node, argument in place.sends],
        }
        for place in places
    ]


def question(places: Sequence[Place]) -> Question:
    """What is asked of people: the state of each graph that stands there, to be approved, edited or rejected."""
    titles = [_title(place) for place in places]
    alone = len(titles) == 1 and not places[0].sends
    named = [""] if alone else titles  # the question's own title says it
    sent = [_sent(node, argument) for place in places for node, argument in place.sends]
    payload: dict[str, JSON] = {
        title: to_json(place.snapshot.values) for title, place in zip(titles, places, strict=True)
    }
    if sent:
        payload["sent to"] = [[item.name, dict(item.arguments)] for item in sent]
    return Question(
        shape=breakpoint.NAME,
        title=f"{' and '.join(titles)}: go on?",
        items=(*(_item(place, title) for place, title in zip(places, named, strict=True)), *sent),
        payload=payload,
        types=tuple(
            f"{title} {note}"
            for title, place in zip(titles, places, strict=True)
            for note in read(place.snapshot.values)[1]
        ),
    )


def _sent(node: str, argument: JSON) -> Item:
    """A task that runs with arguments of its own. They cannot be edited: they are no part of the state."""
    arguments = argument if isinstance(argument, dict) else {"argument": argument}
    return Item(name=node, arguments=arguments, verdicts=(Verdict.APPROVE, Verdict.REJECT))


def _title(place: Place) -> str:
    return f"{'Before' if place.before else 'After'} {', '.join(_named(place))}"


def _named(place: Place) -> list[str]:
    named = sorted({task.name for task in place.snapshot.tasks} if place.before else set(place.ran))
    stops = place.graph.interrupt_before_nodes if place.before else place.graph.interrupt_after_nodes
    return [name for name in named if isinstance(stops, str) or name in stops] or named


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
    """Bring the state to what was answered; whether the graph is to be run on from there. It is not if it was rejected,
    or if the state does not hold what was approved once that was written into it: then it is asked about again.

    Whatever is changed is one checkpoint, which says of itself that the breakpoint has been answered.
    """
    given = answer if isinstance(answer, dict) else {}
    reason = given.get(breakpoint.REJECTED)
    if isinstance(reason, str):
        return await _rejected(graph, config, places, reason, route)
    changes = given.get(breakpoint.APPROVED)
    goes_on = True
    for place, changed in zip(places, changes if isinstance(changes, list) else [], strict=False):
        if isinstance(changed, dict) and changed:
            typed = _typed(place, changed)
            approved = {name: _digest(_normal(place, name, value, typed)) for name, value in changed.items()}
            await _refuse_other_course(graph, config, place, typed)
            await _update(graph, config, place, typed, place.ran, id_of(places), approved)
            held = await _held(graph, config, place)
            goes_on = goes_on and _as_approved(held.metadata, held.values)
    return goes_on


def _normal(place: Place, name: str, value: JSON, typed: Mapping[str, Any]) -> object:
    """What was approved, as the state says it: messages have a form of their own, everything else is to the letter."""
    if not _are_messages(place.snapshot.values.get(name)):
        return value
    return typed[name].value if isinstance(typed[name], Overwrite) else typed[name]


def _are_messages(held: object) -> bool:
    return isinstance(held, list) and bool(held) and all(isinstance(each, BaseMessage) for each in held)


class AnotherCourse(Exception):
    """With the edit, other steps would run next than those that were approved. Nothing was changed."""


async def _refuse_other_course(graph: AnyGraph, config: RunnableConfig, place: Place, values: dict[str, Any]) -> None:
    """Return if the same steps come next once these values are written, with the same arguments; else raise
    `AnotherCourse`. To write values is to run the edges after the last node again, and these may lead elsewhere.

    It is tried on a copy in memory. A state that is kept as differences cannot be copied so, and is not tried.
    """
    if any(isinstance(channel, DeltaChannel) for channel in place.graph.channels.values()):
        return
    saver = cast("BaseCheckpointSaver[Any]", graph.checkpointer)
    stored = await saver.aget_tuple(place.snapshot.config)
    assert stored is not None  # noqa: S101 - the place was read from it
    copied = InMemorySaver(serde=saver.serde)
    there = {key: value for key, value in stored.config["configurable"].items() if key != "checkpoint_id"}
    copied.put({"configurable": there}, stored.checkpoint, stored.metadata, stored.checkpoint["channel_versions"])
    rehearsal = graph.copy(update={"checkpointer": copied})
    await _update(rehearsal, config, place, values, place.ran, InterruptId(""))
    held = await _held(rehearsal, config, place)
    written = copied.get_tuple({"configurable": there})
    names, before = (sorted(task.name for task in each.tasks) for each in (held, place.snapshot))
    if names != before or written is None or _sends(written) != place.sends:
        raise AnotherCourse(f"{', '.join(names) or 'nothing'} would run instead of {', '.join(before)}")


async def _held(graph: AnyGraph, config: RunnableConfig, place: Place) -> StateSnapshot:
    """What the place holds by now."""
    namespace = place.snapshot.config["configurable"].get("checkpoint_ns", "")
    there: RunnableConfig = {**config, "configurable": {**config["configurable"], "checkpoint_ns": namespace}}
    return await graph.aget_state(there)


def _as_approved(metadata: object, values: object) -> bool:
    """Whether a checkpoint that an edit made holds what was approved. A channel may do with a write what it likes."""
    approved = json.loads(metadata.get(_APPROVED, "{}")) if isinstance(metadata, Mapping) else {}
    return all(isinstance(values, dict) and _digest(values.get(name)) == one for name, one in approved.items())


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(to_json(value), sort_keys=True).encode()).hexdigest()


async def _rejected(
    graph: AnyGraph, config: RunnableConfig, places: Sequence[Place], reason: str, route: Route | None
) -> bool:
    """End the thread, or take the graph's own way: as if a node had run, and returned the route's values."""
    if route is not None:
        place = next((each for each in places if route.as_node in each.graph.nodes), places[0])
        values = {name: _with_reason(value, reason) for name, value in route.values.items()}
        await _update(graph, config, place, values, (route.as_node,), id_of(places))
        return True
    said = f"Stopped: {_title(places[0])[:1].lower()}{_title(places[0])[1:]} it was rejected."
    ended = _marked(config, {ENDED: f"{said} {reason}".strip()})
    await graph.abulk_update_state(ended, [[StateUpdate(None, END)]])
    return False


async def _update(
    graph: AnyGraph,
    config: RunnableConfig,
    place: Place,
    values: dict[str, Any],
    as_nodes: Sequence[str],
    passed: InterruptId,
    approved: Mapping[str, str] | None = None,
) -> None:
    """Write the values as the nodes that ran last, all of them, so that what each leads to is still to come."""
    there = place.snapshot.config["configurable"]
    at: RunnableConfig = _marked(
        {**config, "configurable": {**config["configurable"], **there}},
        {_PASSED: passed, _APPROVED: json.dumps(dict(approved or {}))},
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
        replaced = isinstance(place.graph.channels.get(name), _REDUCED)
        typed[name] = Overwrite(made) if replaced else made
    return typed


def _of_type(value: JSON, hint: Any, held: Any) -> Any:
    if _are_messages(held):
        return convert_to_messages(cast("Any", value))
    if hint is None:
        return value
    try:
        made = TypeAdapter(hint).validate_json(json.dumps(value))
        if isinstance(made, datetime) and (offset := made.utcoffset()) is not None:
            return made.replace(tzinfo=timezone(offset))  # pydantic's own zones cannot be stored
        return made
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
