"""A task: one run of a graph, and its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from bot.approvals.model.caller import Caller
from bot.approvals.model.ids import JSON, ChannelId, Operator, Person, Program, TaskId, ThreadId, Ts
from bot.approvals.model.server import OnServer
from bot.approvals.model.trace import Trace


class Part(StrEnum):
    """A part of an agent's code that a waiting thread depends on."""

    QUESTION = "question"
    """The `interrupt()` that people were shown."""
    STOP = "stop"
    """A breakpoint (`interrupt_before`, `interrupt_after`)."""
    STEP = "step"
    """A node."""
    GRAPH = "graph"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A part of the agent's code that a thread waits at, although the part no longer exists."""

    part: Part
    name: str
    """The name of the step, the stop or the graph. For a question, the place where it was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A graph raised an error, or cannot continue. The traceback is in the log under `error_id`. `summary` only names
    the kind of error."""

    error_id: str
    summary: str
    at: datetime
    gone: Gone | None = None
    """The part of its code that is missing. None if an error stopped it."""
    unsaved: bool = False
    """Whether a step may have acted although its result could not be saved. If it runs again, it may act again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """The task is recorded. The graph may not have been given its inputs yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The graph is running, or was running when its process died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Every open interrupt of the graph has its request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    outcome: str
    at: datetime
    stopped: bool = False
    """Whether the task was stopped before its graph reached its own end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    failure: Failure
    retryable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCancelled:
    by: Person | Program | Operator
    at: datetime
    reason: str = ""
    """Why an operator cancelled it. Empty if they did not say, or if it was not an operator."""


MAX_SHORT_CHARACTERS: Final = 200


def in_short(outcome: str) -> str:
    """The first line of what a task reported, cut if it is long."""
    line = next((line.strip() for line in outcome.splitlines() if line.strip()), "")
    return line if len(line) <= MAX_SHORT_CHARACTERS else f"{line[: MAX_SHORT_CHARACTERS - 1].rstrip()}…"


TaskState: TypeAlias = Starting | Running | Waiting | Ended | Failed | TaskCancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run of a graph that a person started. It owns a LangGraph thread and a Slack thread."""

    id: TaskId
    thread_id: ThreadId
    graph: str
    inputs: Mapping[str, JSON]
    requester: Person | Program
    channel: ChannelId
    created_at: datetime
    thread_ts: Ts | None = None
    """The Slack thread that it was started in. None if its first message opens a new thread."""
    caller: Caller | None = None
    """The program that made it through the API. None if a person started it in Slack."""
    server: OnServer | None = None
    """The LangGraph Server that runs the agent. None if it runs here."""
    trace: Trace | None = None
    """Where its start is found among traces. None if nobody traced it."""
    state: TaskState = field(default_factory=Starting)
    tries: int = 0
    """The number of runs begun since a run last came back without trouble. It is written before each run, so that a run
    that kills its process counts too. A person's retry sets it back."""
    revision: int = 0
    """The number of saves. Storage compares it before it writes."""

    @property
    def finished(self) -> bool:
        """Whether nothing more can happen, neither by itself nor because somebody asks for it."""
        return self.ended_at is not None

    @property
    def ended_at(self) -> datetime | None:
        """When the task ended. None if it may still continue, even if only by a person's retry."""
        match self.state:
            case Ended(at=at) | TaskCancelled(at=at):
                return at
            case Failed(failure=failure, retryable=False):
                return failure.at
            case _:
                return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to drive one LangGraph thread until `until`. `token` grows with each lease of the thread."""

    thread_id: ThreadId
    token: int
    until: datetime
    owner: str = ""
    """The process that holds it. Empty if nobody renews it (`LeaseStore.beat`)."""
