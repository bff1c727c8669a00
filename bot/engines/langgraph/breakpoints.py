"""Static breakpoints (`interrupt_before`, `interrupt_after`): finds where a thread stands at one, and makes a question.

LangGraph does not store that it stopped at a breakpoint. It follows from the newest checkpoint: nothing of the next
step has run, and LangGraph's own test says that it would stop there (measured;
`tests/unit/engines/langgraph/test_canaries.py` watches the private names). To go on is to run without input, which
passes every breakpoint at which the thread stands, also in its subgraphs. So all of them are one question.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final, TypeAlias, cast, get_type_hints

from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import TASKS
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel
from langgraph.pregel._algo import should_interrupt
from langgraph.types import Send, StateSnapshot
from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError

from bot.approvals.model.agent import Asked
from bot.approvals.model.fingerprint import fingerprint
from bot.approvals.model.ids import JSON, InterruptId
from bot.approvals.model.question import Item, Question, Verdict
from bot.approvals.model.task import Gone, Part
from bot.engines import schemas
from bot.engines.payload import read, to_json
from bot.engines.questions import breakpoint

AnyGraph: TypeAlias = Pregel[Any, Any, Any, Any]

ENDED: Final = "countersign_ended"
"""Metadata key of the checkpoint that ends a thread at a breakpoint. Its value is the sentence that says so."""
PASSED: Final = "countersign_passed"
"""Metadata key of a checkpoint that an edit made: the breakpoint was answered."""
APPROVED: Final = "countersign_approved"
"""Metadata key of the same checkpoint: the SHA-256 of each approved value, as JSON."""
_PREFIX: Final = "breakpoint:"
_MAX_SCHEMA_CHARACTERS: Final = 4000
"""A longer schema, such as that of messages, helps nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One graph, the root or a subgraph, that stands at a breakpoint."""

    graph: AnyGraph
    snapshot: StateSnapshot
    ran: tuple[str, ...]
    """The nodes of the step before."""
    before: bool
    sends: tuple[tuple[str, JSON], ...] = ()
    """The waiting tasks with arguments of their own (`Send`): the node of each, and its arguments."""
    lost: bool = False
    """Whether the graph's code no longer stops here, so that only a request holds the thread."""


def is_breakpoint(interrupt_id: InterruptId) -> bool:
    """Whether the id is one of ours for a breakpoint. LangGraph's own ids are hexadecimal."""
    return interrupt_id.startswith(_PREFIX)


def id_of(places: Sequence[Place]) -> InterruptId:
    """The id of the question, made of the checkpoints, so that it is the same as long as the thread stands there."""
    ids = [str(place.snapshot.config["configurable"]["checkpoint_id"]) for place in places]
    return InterruptId(_PREFIX + ":".join(ids))


def not_taken(places: Sequence[Place]) -> frozenset[InterruptId]:
    """The breakpoints at which an edit was written but the state holds something else."""
    passed = ((place.snapshot.metadata or {}).get(PASSED) for place in places)
    return frozenset(InterruptId(str(id)) for id in passed if id)


def possible(graph: AnyGraph) -> bool:
    """Whether the graph or one of its subgraphs has breakpoints."""
    graphs = [graph, *(part for _, part in graph.get_subgraphs(recurse=True) if isinstance(part, Pregel))]
    return any(each.interrupt_before_nodes or each.interrupt_after_nodes for each in graphs)


def held_by(ids: Iterable[InterruptId]) -> frozenset[str]:
    """The checkpoints of these breakpoints. A thread stays there until they are answered, even if the graph's code
    changes."""
    return frozenset(id for each in ids if is_breakpoint(each) for id in each.removeprefix(_PREFIX).split(":"))


async def found(graph: AnyGraph, config: RunnableConfig, held: Collection[str] = ()) -> list[Place]:
    """Where the thread stands at breakpoints now."""
    return await standing(graph, await graph.aget_state(config, subgraphs=True), held)


async def standing(
    root: AnyGraph, snapshot: StateSnapshot, held: Collection[str] = (), graph: AnyGraph | None = None
) -> list[Place]:
    """Where the thread stands at breakpoints. Empty if it runs, waits for an interrupt, or is done.

    The snapshot is of `graph`, which is the root or a subgraph. `held` are the checkpoints of open requests.
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
    if PASSED in stored.metadata and as_approved(stored.metadata, snapshot.values):
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
            return Place(graph=graph, snapshot=snapshot, ran=tuple(ran), before=is_before, sends=sends(stored))
    if is_held:
        return Place(graph=graph, snapshot=snapshot, ran=tuple(ran), before=True, sends=sends(stored), lost=True)
    return None


def sends(stored: CheckpointTuple) -> tuple[tuple[str, JSON], ...]:
    """The node and the arguments of each task that `Send` made, in the order in which they run."""
    sends = stored.checkpoint["channel_values"].get(TASKS) or []
    return tuple((str(send.node), to_json(send.arg)) for send in sends if isinstance(send, Send))


async def _ran(root: AnyGraph, snapshot: StateSnapshot) -> list[str]:
    """The nodes of the last step, which are those that the checkpoint before it was about to run."""
    if snapshot.parent_config is None:
        return []
    before = await root.aget_state(snapshot.parent_config)
    return list(dict.fromkeys(task.name for task in before.tasks))


def _begun(state: object) -> bool:
    """Whether a subgraph has run at all."""
    return isinstance(state, StateSnapshot) and state.created_at is not None


def as_approved(metadata: object, values: object) -> bool:
    """Whether a checkpoint that an edit made holds what was approved. A channel may change what is written to it."""
    approved = json.loads(metadata.get(APPROVED, "{}")) if isinstance(metadata, Mapping) else {}
    return all(isinstance(values, dict) and digest(values.get(name)) == one for name, one in approved.items())


def digest(value: object) -> str:
    return hashlib.sha256(json.dumps(to_json(value), sort_keys=True).encode()).hexdigest()


# --- As a question ------------------------------------------------------------------------------


def asked(places: Sequence[Place], now: datetime) -> Asked:
    """The breakpoints as an open interrupt."""
    return Asked(
        interrupt_id=id_of(places),
        question=question(places),
        place=title_of(places[0]).lower(),
        fingerprint=fingerprint(_runs(places), None, now),
    )


def gone(places: Sequence[Place]) -> Gone | None:
    """The breakpoint that the graph's code no longer has. None if it has all of them."""
    lost = next((place for place in places if place.lost), None)
    return Gone(part=Part.STOP, name=", ".join(_named(lost))) if lost is not None else None


def _runs(places: Sequence[Place]) -> JSON:
    """What runs if the thread goes on: the nodes and their arguments."""
    return [
        {
            "next": [*sorted(task.name for task in place.snapshot.tasks)],
            "state": to_json(place.snapshot.values),
            "sends": [[node, argument] for node, argument in place.sends],
        }
        for place in places
    ]


def question(places: Sequence[Place]) -> Question:
    """The question to people: the state of each graph at a breakpoint, to approve, edit or reject."""
    titles = [title_of(place) for place in places]
    alone = len(titles) == 1 and not places[0].sends
    named = [""] if alone else titles  # the question's title says it already
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
    """A task with arguments of its own. They cannot be edited, because they are not part of the state."""
    arguments = argument if isinstance(argument, dict) else {"argument": argument}
    return Item(name=node, arguments=arguments, verdicts=(Verdict.APPROVE, Verdict.REJECT))


def title_of(place: Place) -> str:
    return f"{'Before' if place.before else 'After'} {', '.join(_named(place))}"


def _named(place: Place) -> list[str]:
    named = sorted({task.name for task in place.snapshot.tasks} if place.before else set(place.ran))
    stops = place.graph.interrupt_before_nodes if place.before else place.graph.interrupt_after_nodes
    return [name for name in named if isinstance(stops, str) or name in stops] or named


def _item(place: Place, title: str) -> Item:
    """The state: every key of its schema, with None for a key without a value."""
    values = place.snapshot.values
    if not isinstance(values, dict):
        return Item(name=title, arguments={"state": to_json(values)}, verdicts=(Verdict.APPROVE, Verdict.REJECT))
    hints = state_hints(place.graph)
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


def state_hints(graph: AnyGraph) -> dict[str, Any]:
    """The keys of the state's schema and their types."""
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
    return schemas.inlined(schema) if len(json.dumps(schema)) <= _MAX_SCHEMA_CHARACTERS else None
