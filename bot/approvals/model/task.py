"""A task: one run of a graph, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from bot.approvals.model.ids import JSON, ChannelId, Person, TaskId, ThreadId, Ts


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
    """A part of the agent's code that a thread waits at and that is not there any more."""

    part: Part
    name: str
    """Of the step, the stop or the graph; where a question was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A graph raised, or cannot go on. The trace is in the log under `error_id`; `summary` names the kind of error
    alone."""

    error_id: str
    summary: str
    at: datetime
    gone: Gone | None = None
    """The part of its code that is missing; None if an error stopped it."""
    unsaved: bool = False
    """A step may have acted, and what came of it could not be saved: to run it again may act again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """Recorded; the graph may not have been given its inputs yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The graph is at work, or was when its process died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Every open interrupt of the graph has its request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    outcome: str
    at: datetime
    stopped: bool = False
    """Whether it was stopped where it stood, and its graph did not come to its own end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    failure: Failure
    retryable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCancelled:
    by: Person
    at: datetime


TaskState: TypeAlias = Starting | Running | Waiting | Ended | Failed | TaskCancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run of a graph that a person started; owns a LangGraph thread and a Slack thread."""

    id: TaskId
    thread_id: ThreadId
    graph: str
    inputs: Mapping[str, JSON]
    requester: Person
    channel: ChannelId
    created_at: datetime
    thread_ts: Ts | None = None
    """The Slack thread that it was started in; None where its first message opens one."""
    state: TaskState = field(default_factory=Starting)
    tries: int = 0
    """Runs that were begun since one last came back in order. Written before each, so that a run that ends its process
    counts too; a person's retry begins anew."""
    revision: int = 0
    """Counts saves; storage compares it before it writes."""

    @property
    def finished(self) -> bool:
        """Nothing more will happen by itself or can be asked for."""
        return self.ended_at is not None

    @property
    def ended_at(self) -> datetime | None:
        """When it came to its end; None while it may still go on, if only by a person's retry."""
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
