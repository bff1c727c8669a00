"""How a LangGraph thread stands, read from its checkpoint alone.

`aget_state` says less than is stored: after a node raised, its answered interrupt is still listed as pending, and
"nothing next" is also what an edge that raised leaves behind. So the pending writes are read beside it. The private
names used here are held by `tests/unit/engine/test_canaries.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import NS_END, NS_SEP, RESUME
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.pregel import Pregel
from langgraph.pregel._task_status import CONTROL_WRITES
from langgraph.types import Interrupt, PregelTask, StateSnapshot, _interrupt_id

from bot.approvals.model import JSON, InterruptId
from bot.approvals.ports import Asked, Phase, ThreadStatus
from bot.engine import questions
from bot.engine.payload import to_json


async def read(graph: Pregel[Any, Any, Any, Any], config: RunnableConfig) -> ThreadStatus:
    """The thread's status. Reads; runs nothing."""
    snapshot = await graph.aget_state(config, subgraphs=True)
    if snapshot.created_at is None:
        return ThreadStatus(phase=Phase.LOST)
    saver = cast("BaseCheckpointSaver[Any]", graph.checkpointer)
    tasks = [task async for task in _tasks(snapshot, saver)]
    answered = frozenset(id for task in tasks for id in task.answered)
    asked = tuple(_asked(interrupt) for interrupt in snapshot.interrupts if interrupt.id not in answered)
    stuck = frozenset(InterruptId(i.id) for i in snapshot.interrupts if i.id in answered)
    return ThreadStatus(
        phase=_phase(snapshot, tasks, has_open=bool(asked), has_stuck=bool(stuck)),
        asked=asked,
        answered=stuck,
        outcome=_outcome(snapshot.values),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """One task of a step, at any depth."""

    failed: bool
    settled: bool
    """It has finished, waits at an interrupt, or has failed; otherwise it is still to be run."""
    answered: frozenset[str]
    """The ids of its interrupts whose answer is stored."""


def _phase(snapshot: StateSnapshot, tasks: list[_Task], *, has_open: bool, has_stuck: bool) -> Phase:
    failed = any(task.failed for task in tasks)
    if not snapshot.next and not snapshot.interrupts:
        return Phase.BROKEN if failed else Phase.DONE
    if failed or has_stuck:
        return Phase.FAILED
    if has_open and all(task.settled for task in tasks):
        return Phase.WAITING
    return Phase.STOPPED


async def _tasks(snapshot: StateSnapshot, saver: BaseCheckpointSaver[Any]) -> AsyncIterator[_Task]:
    """The tasks of the snapshot's step and of the subgraphs that it waits for."""
    checkpoint = await saver.aget_tuple(snapshot.config)
    writes = list(checkpoint.pending_writes or []) if checkpoint is not None else []
    for task in snapshot.tasks:
        answers: object = next((value for id, channel, value in writes if id == task.id and channel == RESUME), [])
        count = len(answers) if isinstance(answers, list) else 1
        namespace = _namespace(snapshot, task)
        finished = any(id == task.id and channel not in CONTROL_WRITES for id, channel, _ in writes)
        yield _Task(
            failed=task.error is not None and not finished,
            settled=finished or bool(task.interrupts) or task.error is not None,
            answered=frozenset(_interrupt_id(namespace, answer) for answer in range(count)),
        )
        if isinstance(task.state, StateSnapshot):
            async for nested in _tasks(task.state, saver):
                yield nested


def _namespace(snapshot: StateSnapshot, task: PregelTask) -> str:
    parent = str(snapshot.config["configurable"].get("checkpoint_ns", ""))
    own = f"{task.name}{NS_END}{task.id}"
    return f"{parent}{NS_SEP}{own}" if parent else own


def _asked(interrupt: Interrupt) -> Asked:
    return Asked(interrupt_id=InterruptId(interrupt.id), question=questions.read(to_json(interrupt.value)))


def _outcome(values: object) -> str:
    """What the graph says of its result: its `outcome`, else its last message; empty where it says nothing."""
    for text in _results(values):
        if isinstance(text, str) and text.strip():
            return text
    return ""


def _results(values: object) -> Iterator[JSON]:
    if isinstance(values, str):
        yield values
    if isinstance(values, dict):
        yield to_json(values.get("outcome"))
        messages = values.get("messages")
        if isinstance(messages, list) and messages:
            yield to_json(getattr(messages[-1], "content", None))
