"""What an engine reports about its agents: the graphs that can be started, and the state of a thread."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from bot.approvals.model.fingerprint import Fingerprint
from bot.approvals.model.ids import (
    JSON,
    InterruptId,
)
from bot.approvals.model.question import Question
from bot.approvals.model.task import Failure, Gone
from bot.approvals.model.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input of a graph, as a form can ask for it."""

    name: str
    schema: Mapping[str, JSON]
    """JSON Schema of the value."""
    required: bool
    description: str = ""
    default: JSON = None

    @property
    def choices(self) -> tuple[str, ...]:
        """The only values that it takes, as people type them. Empty if its schema does not list them."""
        return tuple(map(as_typed, allowed(self.schema)))


def allowed(schema: Mapping[str, JSON]) -> tuple[JSON, ...]:
    """The only values that the schema takes, apart from null. Empty if it does not list them."""
    listed = schema.get("enum")
    if isinstance(listed, list):
        return tuple(each for each in listed if each is not None)
    if schema.get("const") is not None:
        return (schema["const"],)
    options = schema.get("oneOf") or schema.get("anyOf")
    found = [
        allowed(each) if isinstance(each, dict) else ()
        for each in (options if isinstance(options, list) else [])
        if each != {"type": "null"}
    ]
    return tuple(value for each in found for value in each) if all(found) else ()


def as_typed(value: JSON) -> str:
    """The value as people type it behind an input's name: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A graph that a task can run. `unavailable` says why the graph cannot run, and is empty if it can."""

    name: str
    description: str
    inputs: tuple[Input, ...]
    example: str = ""
    """A command that would start it."""
    unavailable: str = ""
    server: str = ""
    """The name of the LangGraph Server that runs it. Empty if it runs here."""

    @property
    def spoken(self) -> str:
        """The name of the input that a plain sentence fills: `messages`, if the graph requires a conversation, or else
        the only required input, if that is text. Empty if there is no such input, or more than one."""
        required = [each for each in self.inputs if each.required]
        texts = [each.name for each in required if each.schema.get("type") == "string"]
        if "messages" in texts:
            return "messages"
        return texts[0] if len(required) == len(texts) == 1 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An open interrupt, read as a question."""

    interrupt_id: InterruptId
    question: Question
    place: str = ""
    """The name of the node that asks, after the names of the nodes that contain it."""
    fingerprint: Fingerprint | None = None
    """The fingerprint of what is asked. None if the engine does not provide one."""


class Phase(Enum):
    """The state of a LangGraph thread, as read from its checkpoint."""

    LOST = auto()
    """The thread does not exist."""
    WAITING = auto()
    """At least one interrupt is open and nothing else is left to run."""
    STOPPED = auto()
    """The run stopped between two steps, because its process died or drained. `proceed` continues it."""
    FAILED = auto()
    """A node raised an error. `proceed` runs the node again, with the answer that it already has."""
    BROKEN = auto()
    """An edge raised an error after its node had run. LangGraph cannot continue from there."""
    LACKING = auto()
    """The code that the thread waits at is missing. The thread is not run until that code is back."""
    BUSY = auto()
    """A run is under way, ours or somebody else's. Nothing can be said before it is over."""
    DONE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadStatus:
    """What a thread's checkpoint says."""

    phase: Phase
    asked: tuple[Asked, ...] = ()
    """The open interrupts, even if another branch failed."""
    answered: frozenset[InterruptId] = frozenset()
    """Interrupts whose answer is stored, although their node has not yet got past it."""
    failure: Failure | None = None
    """The error that the run just raised. None if the state was only read."""
    refused: str = ""
    """Why the graph did not take the answer that the run just gave it. The graph still asks."""
    outcome: str = ""
    """How the graph describes its result, once it is done."""
    stopped: bool = False
    """Whether a rejection, or silence, ended the thread at a breakpoint. The agent ran no further."""
    not_taken: frozenset[InterruptId] = frozenset()
    """Answered interrupts whose answer was not handed out, because the agent asked something else in their place."""
    stands: InterruptId | None = None
    """The breakpoint at which the thread waits. Any run would pass it, so only the run that answers it may begin."""
    doubtful: bool = False
    """Whether another answer, besides those in `not_taken`, was not handed out. It is not known which one, because the
    ids of the interrupts concerned are not known."""
    gone: Mapping[InterruptId, Gone] = field(default_factory=dict)
    """The breakpoints and questions that are no longer in the code, by the interrupt that waits at each."""
    lacks: Gone | None = None
    """What is missing, if the phase is `LACKING`."""
    trace: Trace | None = None
    """Where the agent's last run is found among traces, if whoever runs it says so. None otherwise."""

    def is_open(self, interrupt_id: InterruptId) -> bool:
        return self.asked_at(interrupt_id) is not None

    def asked_at(self, interrupt_id: InterruptId) -> Asked | None:
        """What this interrupt asks now. Returns None if it asks nothing."""
        return next((asked for asked in self.asked if asked.interrupt_id == interrupt_id), None)
