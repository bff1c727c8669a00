"""What an engine says of its agents: the graphs that can be started, and how a thread stands."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input of a graph, as a form can ask for it."""

    name: str
    schema: Mapping[str, JSON]
    """JSON Schema of the value."""
    required: bool
    description: str = ""
    default: JSON = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A graph that tasks can be started on. `unavailable` says why it cannot run; empty where it can."""

    name: str
    description: str
    inputs: tuple[Input, ...]
    example: str = ""
    """A line that would start it."""
    unavailable: str = ""

    @property
    def spoken(self) -> str:
        """The input that a plain sentence is taken for: a conversation, or the only text that is required; empty
        where there is none, or several."""
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
    """Where in the graph: the name of the node, below those that it lies in."""
    fingerprint: Fingerprint | None = None
    """Of what is asked; None from an engine that does not say."""


class Phase(Enum):
    """How a LangGraph thread stands, as read from its checkpoint."""

    LOST = auto()
    """No such thread."""
    WAITING = auto()
    """At least one interrupt is open and nothing else is left to run."""
    STOPPED = auto()
    """Between two steps: a process died or drained. `proceed` goes on."""
    FAILED = auto()
    """A node raised. `proceed` runs it again, with the answer that it already has."""
    BROKEN = auto()
    """An edge raised after its node; LangGraph cannot go on from there."""
    LACKING = auto()
    """Code that it waits at is missing. It goes on once that is back, and is not run before."""
    DONE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadStatus:
    """What a thread's checkpoint says."""

    phase: Phase
    asked: tuple[Asked, ...] = ()
    """The open interrupts, also where another branch failed."""
    answered: frozenset[InterruptId] = frozenset()
    """Interrupts whose answer is stored while their node has not got past it."""
    failure: Failure | None = None
    """What the run that has just returned raised; None where the state was only read."""
    refused: str = ""
    """What the graph has against the answer of the run that has just returned: it did not take it, and still asks."""
    outcome: str = ""
    """What the graph says of its result, once done."""
    stopped: bool = False
    """Whether it was ended at a breakpoint, by a rejection or by silence: the agent ran no further."""
    not_taken: frozenset[InterruptId] = frozenset()
    """Answered interrupts in whose place something else was asked: the answer was not handed out."""
    stands: InterruptId | None = None
    """The breakpoint that it stands at: any run but the one that answers this would pass it."""
    doubtful: bool = False
    """Whether, below what can be told apart, an answer was not handed out that is not among `not_taken`."""
    gone: Mapping[InterruptId, Gone] = field(default_factory=dict)
    """The stops and questions that the code does not have any more, by the interrupt that stands at them."""
    lacks: Gone | None = None
    """What is missing, if the phase is `LACKING`."""

    def is_open(self, interrupt_id: InterruptId) -> bool:
        return self.asked_at(interrupt_id) is not None

    def asked_at(self, interrupt_id: InterruptId) -> Asked | None:
        """What is asked under this interrupt now; None if nothing is."""
        return next((asked for asked in self.asked if asked.interrupt_id == interrupt_id), None)
