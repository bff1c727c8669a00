"""What an answer does at a breakpoint: it changes the graph's state as approved, or ends the thread.

Going on from a breakpoint is a run without input (`breakpoints`), so an approval without changes writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Final, cast

from langchain_core.messages import BaseMessage, convert_to_messages
from langchain_core.runnables import RunnableConfig
from langgraph.channels.binop import BinaryOperatorAggregate
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.constants import END
from langgraph.types import Overwrite, StateSnapshot, StateUpdate
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from bot.approvals.model.ids import JSON, InterruptId
from bot.approvals.model.policy import Route
from bot.engines.langgraph.breakpoints import (
    APPROVED,
    ENDED,
    PASSED,
    AnyGraph,
    Place,
    as_approved,
    digest,
    id_of,
    sends,
    state_hints,
    title_of,
)
from bot.engines.questions import breakpoint

_REASON: Final = "{reason}"
"""Stands for the reason of the rejection in the values of a policy's `reject`."""
_REDUCED: Final = (BinaryOperatorAggregate, DeltaChannel)
"""Channels that add what is written to what they hold, unless they are told to replace it."""


class AnotherCourse(Exception):
    """With the edit, other steps would run next than the approved ones. Nothing was changed."""


async def answered(
    graph: AnyGraph, config: RunnableConfig, places: Sequence[Place], answer: JSON, route: Route | None
) -> bool:
    """Changes the state to what was answered, and returns whether the graph should run on. It should not if the answer
    is a rejection, or if the state does not hold the approved values after they were written: people are asked again.

    All changes are one checkpoint, whose metadata says that the breakpoint was answered.
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
            approved = {name: digest(_normal(place, name, value, typed)) for name, value in changed.items()}
            await _refuse_other_course(graph, config, place, typed)
            await _update(graph, config, place, typed, place.ran, id_of(places), approved)
            held = await _held(graph, config, place)
            goes_on = goes_on and as_approved(held.metadata, held.values)
    return goes_on


def _normal(place: Place, name: str, value: JSON, typed: Mapping[str, Any]) -> object:
    """The approved value in the form that the state keeps: messages have their own form, everything else stays."""
    if not _are_messages(place.snapshot.values.get(name)):
        return value
    return typed[name].value if isinstance(typed[name], Overwrite) else typed[name]


async def _refuse_other_course(graph: AnyGraph, config: RunnableConfig, place: Place, values: dict[str, Any]) -> None:
    """Raises AnotherCourse if other steps, or steps with other arguments, would come next after these values are
    written. Writing values runs the edges after the last node again, and these may lead elsewhere.

    The write is tried on a copy in memory, unless the state is kept as differences, which cannot be copied in this way.
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
    if names != before or written is None or sends(written) != place.sends:
        raise AnotherCourse(f"{', '.join(names) or 'nothing'} would run instead of {', '.join(before)}")


async def _held(graph: AnyGraph, config: RunnableConfig, place: Place) -> StateSnapshot:
    """The present state at this place."""
    namespace = place.snapshot.config["configurable"].get("checkpoint_ns", "")
    there: RunnableConfig = {**config, "configurable": {**config["configurable"], "checkpoint_ns": namespace}}
    return await graph.aget_state(there)


async def _rejected(
    graph: AnyGraph, config: RunnableConfig, places: Sequence[Place], reason: str, route: Route | None
) -> bool:
    """Ends the thread, or takes the policy's route, as if a node had run and returned the route's values. Returns
    whether the graph should run on."""
    if route is not None:
        place = next((each for each in places if route.as_node in each.graph.nodes), places[0])
        values = {name: _with_reason(value, reason) for name, value in route.values.items()}
        await _update(graph, config, place, values, (route.as_node,), id_of(places))
        return True
    said = f"Stopped: {title_of(places[0])[:1].lower()}{title_of(places[0])[1:]} it was rejected."
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
    """Writes the values in the name of all nodes that ran last, so that what follows each of them still runs."""
    there = place.snapshot.config["configurable"]
    at: RunnableConfig = _marked(
        {**config, "configurable": {**config["configurable"], **there}},
        {PASSED: passed, APPROVED: json.dumps(dict(approved or {}))},
    )
    first, *others = as_nodes or (None,)
    updates = [StateUpdate(values, first), *(StateUpdate({}, name) for name in others)]
    await graph.abulk_update_state(at, [updates])


def _marked(config: RunnableConfig, metadata: Mapping[str, str]) -> RunnableConfig:
    return {**config, "metadata": {**config.get("metadata", {}), **metadata}}


def _are_messages(held: object) -> bool:
    return isinstance(held, list) and bool(held) and all(isinstance(each, BaseMessage) for each in held)


def _typed(place: Place, changed: Mapping[str, JSON]) -> dict[str, Any]:
    """The values in the types of the state. They replace what a reducer would otherwise add them to."""
    hints = state_hints(place.graph)
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
