"""The guard: gives an answer only to the very question that people were shown.

When a node is executed again, LangGraph gives an answer to whichever `interrupt()` comes at its place, and compares
nothing. A node may ask something else by then. So `install` gives `interrupt` another body. Answers travel with the
run, in a `Run`, and are looked up by what is asked. `Command(resume={id: HELD})` still names the interrupt, so
LangGraph's own strict check stays as a second lock, and the node gets nothing if the guard or the `Run` is missing. A
question without an answer pauses the node, as always.

An answer that was not given is stored in the checkpoint as `HELD`. LangGraph derives the ids of a node's questions from
its answers, so the new question has a new id, and the checkpoint alone shows that the answer was not taken.

The savers ask the run before they write. If a task finishes without asking what people were shown, it is not stored,
and no later node starts. This needs `durability="sync"`.

`tests/unit/engines/langgraph/test_guard_canaries.py` watches the private names of LangGraph that are used here.
"""

from __future__ import annotations

import threading
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import langgraph.types as langgraph_types
from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import (
    CONFIG_KEY_CHECKPOINT_NS,
    CONFIG_KEY_SCRATCHPAD,
    CONFIG_KEY_SEND,
    INTERRUPT,
    NS_END,
    RESUME,
)
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.config import get_config
from langgraph.errors import GraphInterrupt
from langgraph.pregel._task_status import CONTROL_WRITES
from langgraph.types import Interrupt, _interrupt_id, _validate_resume
from pydantic import TypeAdapter

from bot.approvals.model.fingerprint import Fingerprint, fingerprint, same
from bot.approvals.model.ids import JSON
from bot.engines.payload import noted, read, to_json

KEY: Final = "__countersign_guard"
"""Key of the `Run` in a run's `configurable`. Two underscores keep it out of the metadata."""
HELD: Final = b""
"""Stands in place of an answer that was not given. It is false and not JSON, so it is never an answer itself."""


class NotAsked(Exception):
    """A node finished without asking what people were shown. Nothing of it is stored, and nothing after it runs."""

    def __init__(self, interrupt_id: str) -> None:
        super().__init__(f"the node finished without asking question {interrupt_id}")
        self.interrupt_id = interrupt_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """What a node asks now."""

    said: JSON
    notes: Sequence[str] = ()
    """What JSON does not say about the value."""
    schema: JSON = None

    def fingerprint(self, at: datetime, unbound: Collection[str]) -> Fingerprint:
        return fingerprint(noted(self.said, self.notes), self.schema, at, unbound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A question of the thread that people were shown."""

    asked: Fingerprint
    """The question as the agent asked it, before any edit."""
    bare: bool = False
    """Whether the fingerprint is of the value's JSON alone, as in records from before there were fingerprints."""
    answer: Callable[[], JSON] | None = None
    """Returns the answer. None if there is no answer, or if it must not be given any more."""
    kept: bool = False
    """Whether the answer that the checkpoint holds may be given, because the node has taken it before."""
    open: bool = False
    """Whether it still waits for an answer."""

    def gives(self, stored: Any) -> bool:
        """Whether there is an answer that may be given. `stored` is what the checkpoint holds in its place."""
        return self.answer is not None or (self.kept and not is_held(stored))

    def is_asked_by(self, value: Asks, at: datetime) -> bool:
        """Whether `value` is this very question."""
        if self.bare:
            return same(self.asked, fingerprint(value.said, None, at, self.asked.unbound))
        return same(self.asked, value.fingerprint(at, self.asked.unbound))


@dataclass(slots=True)
class _Execution:
    """One execution of a node: which of its task's answers it has taken."""

    namespace: str
    pad: Any
    """LangGraph's scratchpad of the execution. Holding it also keeps its counter alive, whose id is our key."""
    used: set[int] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Run:
    """One run of a graph: the questions that it may meet, and afterwards what it did with them."""

    known: Mapping[str, Known] = field(default_factory=dict)
    """All questions of the thread that have a record, by interrupt id."""
    taken: set[str] = field(default_factory=set)
    """After the run: the questions whose answers were given."""
    unbound: tuple[str, ...] = ()
    """The keys of its questions that no approval is bound to."""
    asked: dict[str, Fingerprint] = field(default_factory=dict)
    """After the run: what was asked without an answer."""
    not_asked: str = ""
    """After the run: the question that a node finished without asking. Empty if there is none."""
    _owners: dict[str, set[str]] = field(default_factory=dict)
    """The tasks, at every depth, whose pending writes hold a question, by interrupt id."""
    _executions: dict[int, _Execution] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """A lock, because tools of one node may ask from several threads."""

    def claim(self, pad: Any, namespace: str, value: Asks) -> tuple[int | None, list[Any]]:
        """The place of this question's answer among those of its task, or None if it has none; and the task's answers
        to store."""
        now = datetime.now(UTC)
        with self._lock:
            execution = self._executions.setdefault(id(pad.interrupt_counter), _Execution(namespace, pad))
            used, resume = execution.used, pad.resume
            place = pad.interrupt_counter()
            self._align(namespace, resume, used)
            for number in range(len(resume)):
                known = self._at(namespace, number)
                if number in used or (known is None and (number != place or is_held(resume[number]))):
                    continue  # answered elsewhere, so only its place is known, as in LangGraph
                if known is not None and not (known.gives(resume[number]) and known.is_asked_by(value, now)):
                    continue
                used.add(number)
                resume[number] = resume[number] if known is None or known.answer is None else known.answer()
                return number, self._stored(namespace, resume, used)
            stored = self._stored(namespace, resume, used, paused=True)
            self.asked[_interrupt_id(namespace, len(resume))] = value.fingerprint(now, self.unbound)
            return None, stored

    def took(self, namespace: str, place: int) -> None:
        """Notes that the answer at this place was given."""
        self.taken.add(_interrupt_id(namespace, place))

    def has_asked(self, namespace: str) -> bool:
        """Whether the node that runs in this namespace asked something before this run, which people may be deciding.
        `graphs/effects.py` calls it: such a node must ask again, whatever it finds by now."""
        return any(namespace.rpartition(NS_END)[2] in owners for owners in self._owners.values())

    def loaded(self, found: CheckpointTuple | None) -> None:
        """Notes which tasks hold which questions, from a checkpoint at which the run begins."""
        for task_id, channel, value in (found.pending_writes or []) if found is not None else []:
            if channel == INTERRUPT:
                for interrupt in value if isinstance(value, Sequence) else [value]:
                    self._owners.setdefault(interrupt.id, set()).add(task_id)

    def admit(self, task_id: str = "", writes: Iterable[tuple[str, Any]] = ()) -> None:
        """Raises NotAsked if the task finishes with these writes without having asked what it holds. Without a task,
        this is about the checkpoint after a step."""
        if any(channel not in CONTROL_WRITES for channel, _ in writes):
            self.not_asked = self.not_asked or self._left_by(task_id)
        if self.not_asked:
            raise NotAsked(self.not_asked)

    # --- Within ---------------------------------------------------------------------------------

    def _at(self, namespace: str, place: int) -> Known | None:
        return self.known.get(_interrupt_id(namespace, place))

    def _align(self, namespace: str, resume: list[Any], used: Collection[int]) -> None:
        """Gives the list a place for each settled question, and none for a question that is open again."""
        while resume and len(resume) - 1 not in used and self._is_open(namespace, len(resume) - 1):
            resume.pop()
        while (known := self._at(namespace, len(resume))) is not None and not known.open:
            resume.append(HELD)

    def _is_open(self, namespace: str, place: int) -> bool:
        known = self._at(namespace, place)
        return known is not None and known.open

    def _stored(self, namespace: str, resume: list[Any], used: Collection[int], *, paused: bool = False) -> list[Any]:
        """The task's answers: those that this execution took, and `HELD` for the others."""
        stored = [
            each if number in used or self._at(namespace, number) is None else HELD
            for number, each in enumerate(resume)
        ]
        while stored and not paused and is_held(stored[-1]):
            stored.pop()
        return stored

    def _left_by(self, task_id: str) -> str:
        """The question that a finishing task has not asked. Empty if there is none."""
        for interrupt_id, owners in self._owners.items():
            known = self.known.get(interrupt_id)
            waits = known is not None and (known.open or known.answer is not None)
            if task_id in owners and waits and interrupt_id not in self.taken:
                return interrupt_id
        own = [each for each in self._executions.values() if each.namespace.rpartition(NS_END)[2] == task_id]
        for execution in own[-1:]:  # a node that is retried in this run starts over
            for number, stored in enumerate(execution.pad.resume):
                known = self._at(execution.namespace, number)
                if known is not None and known.gives(stored) and number not in execution.used:
                    return _interrupt_id(execution.namespace, number)
        return ""


def is_held(answer: object) -> bool:
    """Whether this stands in place of an answer that was not given."""
    return isinstance(answer, bytes) and not answer


def run_of(config: RunnableConfig) -> Run | None:
    """The guarded run of this configuration. None if there is none, for example when a thread is only read."""
    run = config.get("configurable", {}).get(KEY)
    return run if isinstance(run, Run) else None


def install() -> None:
    """Guards `interrupt` everywhere, whoever imports it and under whatever name. Does nothing the second time."""
    if not hasattr(langgraph_types, _INSTALLED):
        own = types.FunctionType(langgraph_types.interrupt.__code__, langgraph_types.__dict__, "interrupt")
        own.__kwdefaults__ = langgraph_types.interrupt.__kwdefaults__
        setattr(langgraph_types, _INSTALLED, _guarded(own))
        langgraph_types.interrupt.__code__ = _delegating.__code__


_INSTALLED: Final = "_countersign_interrupt"


def _delegating(value: Any, *, response_schema: Any = None) -> Any:
    """The body for `interrupt`. It runs with the globals of `langgraph.types`."""
    return _countersign_interrupt(value, response_schema)  # type: ignore[name-defined]  # noqa: F821


def _guarded(own: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    def interrupt(value: Any, response_schema: Any) -> Any:
        configurable = get_config()["configurable"]
        run = configurable.get(KEY)
        if run is None:
            return own(value, response_schema=response_schema)
        adapter: TypeAdapter[Any] | None = None
        if response_schema is not None and not isinstance(response_schema, dict):
            adapter = TypeAdapter(response_schema)
        schema = adapter.json_schema() if adapter is not None else response_schema
        pad, namespace = configurable[CONFIG_KEY_SCRATCHPAD], configurable[CONFIG_KEY_CHECKPOINT_NS]
        said, notes = read(value)
        place, stored = run.claim(pad, namespace, Asks(said=said, notes=notes, schema=to_json(schema)))
        if place is None:
            if stored:
                configurable[CONFIG_KEY_SEND]([(RESUME, stored)])
            id = _interrupt_id(namespace, len(pad.resume))
            raise GraphInterrupt((Interrupt(value=value, id=id, response_schema=schema),))
        answer = pad.resume[place]
        if adapter is not None:
            answer = _validate_resume(adapter, answer)
        configurable[CONFIG_KEY_SEND]([(RESUME, stored)])
        run.took(namespace, place)
        return answer

    return interrupt
