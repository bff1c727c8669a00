"""The agents that people can start, and the engine that runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.approvals.model.agent import Asked, Graph, ThreadStatus
from bot.approvals.model.decision import Decision
from bot.approvals.model.ids import JSON, InterruptId
from bot.approvals.model.question import Question
from bot.approvals.model.request import Request
from bot.approvals.model.task import Failure, Lease, Task


class Unsaved(Exception):
    """A step of a run may have acted, and its result could not be saved. Only a person's retry may run it again."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.summary)
        self.failure = failure


class Draining(Exception):
    """The process is shutting down. The graph stopped between two steps, or was not started at all."""


class Answers(Protocol):
    """Turns what people decided into the values that agents take. Needs no agent's code."""

    def check_edit(self, question: Question, item: int) -> None:
        """Raises `InvalidAnswer` if the graph does not take the item's arguments as they were edited."""
        ...

    def answer(self, question: Question, proposed: Question, decision: Decision) -> JSON:
        """The value that resumes the graph. Raises `InvalidAnswer` if the graph would refuse it."""
        ...


class Agents(Answers, Protocol):
    """The agents that people can start. Runs none of them."""

    def graphs(self) -> tuple[Graph, ...]:
        """All configured graphs, in the order of the configuration. Raises `AgentsNotLoaded` if they are not known
        yet."""
        ...

    async def parse_inputs(self, graph: str, words: Mapping[str, str]) -> Mapping[str, JSON]:
        """The graph's inputs, from what a person typed. Raises `UnknownGraph`, `GraphUnavailable`, `InvalidInputs` or
        `AgentsNotLoaded`. An engine checks them again before it runs the graph."""
        ...


class Inputs(Protocol):
    """The agents that programs can start, and what they start them with."""

    def graphs(self) -> tuple[Graph, ...]:
        """See `Agents`."""
        ...

    async def check_inputs(self, graph: str, values: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """The graph's inputs, from the values that a program sent. Raises the same as `Agents.parse_inputs`."""
        ...


class Engine(Answers, Protocol):
    """Starts, reads and resumes agents. An error of an agent is part of its status, not an exception.

    Raises `Unreachable` if the checkpoint store does not answer and nothing was run, `Unsaved` if a step may have
    acted by then, and `Draining` if a shutdown stopped a run or kept it from starting.

    `requests` are all requests of the task, so that each answer goes only to the question that it was given for.
    """

    async def status(self, task: Task, requests: Sequence[Request] = ()) -> ThreadStatus:
        """The thread's state, as read from its checkpoint. Runs nothing."""
        ...

    async def start(self, task: Task, lease: Lease, now: datetime) -> ThreadStatus:
        """Give the graph its inputs, and run it to its next pause or its end. If it does not take these inputs, it does
        not begin: the status is `DONE` and `stopped`, and its outcome says why."""
        ...

    async def resume(
        self,
        task: Task,
        lease: Lease,
        interrupt_id: InterruptId,
        answer: JSON,
        now: datetime,
        requests: Sequence[Request] = (),
    ) -> ThreadStatus:
        """Answer one open interrupt by its id, and run to the next pause or the end. If the agent asks something else
        in its place by then, the agent does not get the answer, and the status says so."""
        ...

    async def proceed(self, task: Task, lease: Lease, now: datetime, requests: Sequence[Request] = ()) -> ThreadStatus:
        """Continue from the thread's checkpoint, with the answers that were given before."""
        ...

    async def forget(self, task: Task) -> None:
        """Delete the checkpoints of the task's thread. Does nothing if there are none."""
        ...


class Callers(Engine, Protocol):
    """The engine of programs that ask through the HTTP API. All that it knows stands in the records."""

    def asked(self, task: Task) -> Asked:
        """What the caller asks."""
        ...
