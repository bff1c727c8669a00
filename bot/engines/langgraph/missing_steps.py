"""Finds a step that a thread waits for and that its graph no longer has, because it was renamed or removed.

LangGraph takes such a thread for done, because nothing is left to run. The checkpoint still names the step (measured):
in a channel `branch:to:NODE`, a complete `join:A+B:NODE`, a `Send` to the node, or a question of a task that is not
listed. `tests/unit/engines/langgraph/test_guard_canaries.py` watches the private names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from langgraph._internal._constants import INTERRUPT, TASKS
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.pregel import Pregel
from langgraph.pregel._task_status import CONTROL_WRITES
from langgraph.types import Send, StateSnapshot

from bot.approvals.model.task import Gone, Part

AnyGraph = Pregel[Any, Any, Any, Any]

_BRANCH: Final = "branch:to:"
_JOIN: Final = "join:"


async def step(graph: AnyGraph, snapshot: StateSnapshot, saver: BaseCheckpointSaver[Any]) -> Gone | None:
    """The step that the thread waits for and its graph does not have. None if the graph has all steps."""
    stored = await saver.aget_tuple(snapshot.config)
    if stored is None:
        return None
    for name in _waited_for(stored):
        if name not in graph.nodes:
            return Gone(part=Part.STEP, name=name)
    if not any(task.interrupts for task in snapshot.tasks) and _orphaned(snapshot, stored):
        return Gone(part=Part.STEP, name="that asked")
    for task in snapshot.tasks:
        below = graph.nodes[task.name].bound  # if a node calls graphs itself, LangGraph guesses which one
        if isinstance(below, Pregel) and isinstance(task.state, StateSnapshot) and task.state.created_at is not None:
            missing = await step(below, task.state, saver)
            if missing is not None:
                return missing
    return None


def _waited_for(stored: CheckpointTuple) -> Iterator[str]:
    """The nodes that run next, from the stored channels. A channel that has had its effect is empty or not stored."""
    for channel, value in stored.checkpoint["channel_values"].items():
        if channel.startswith(_BRANCH):
            yield channel.removeprefix(_BRANCH)
        elif channel.startswith(_JOIN):
            waits, _, node = channel.removeprefix(_JOIN).rpartition(":")
            if isinstance(value, Collection) and set(value) == set(waits.split("+")):
                yield node
        elif channel == TASKS and isinstance(value, Sequence):
            yield from (send.node for send in value if isinstance(send, Send))


def _orphaned(snapshot: StateSnapshot, stored: CheckpointTuple) -> bool:
    """Whether an unfinished task has asked something, but is no longer listed."""
    writes = stored.pending_writes or []
    listed = {task.id for task in snapshot.tasks}
    over = {id for id, channel, _ in writes if channel not in CONTROL_WRITES}
    return any(channel == INTERRUPT and id not in listed | over for id, channel, _ in writes)
