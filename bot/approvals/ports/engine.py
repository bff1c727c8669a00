"""What runs agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.approvals.model.agent import Graph, ThreadStatus
from bot.approvals.model.decision import Decision
from bot.approvals.model.ids import (
    JSON,
    InterruptId,
)
from bot.approvals.model.question import Question
from bot.approvals.model.request import Request
from bot.approvals.model.task import Failure, Lease, Task


class Unsaved(Exception):
    """A step of a run may have acted, and what came of it could not be saved. Nothing but a person's retry may run it
    again."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.summary)
        self.failure = failure


class Draining(Exception):
    """The process is shutting down: the graph stopped at a step's boundary, or was not started at all."""


class Engine(Protocol):
    """LangGraph. What a graph raises comes back in the status, never as an exception; `Unreachable` where
    the checkpoints do not answer and nothing was run, `Unsaved` where a step may have acted by then, `Draining` where
    a run would begin or was stopped during a shutdown.

    `requests` are all of the task's: by them an answer goes only to the question that it was given to.
    """

    def graphs(self) -> tuple[Graph, ...]:
        """All graphs of the configuration, in its order."""
        ...

    def parse_inputs(self, graph: str, words: Mapping[str, str]) -> Mapping[str, JSON]:
        """The graph's inputs from what a person typed; `UnknownGraph`, `GraphUnavailable` or `InvalidInputs`."""
        ...

    async def status(self, task: Task, requests: Sequence[Request] = ()) -> ThreadStatus:
        """Read the thread's checkpoint; runs nothing."""
        ...

    async def start(self, task: Task, lease: Lease, now: datetime) -> ThreadStatus:
        """Give the graph its inputs and run it to its next pause or end."""
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
        """Answer one open interrupt, strictly by its id, and run to the next pause or end. If something else is asked
        in its place by then, the answer is not handed out, and the status says so."""
        ...

    async def proceed(self, task: Task, lease: Lease, now: datetime, requests: Sequence[Request] = ()) -> ThreadStatus:
        """Run on from where the thread stands, with the answers that were given before."""
        ...

    async def forget(self, task: Task) -> None:
        """Delete the checkpoints of the task's thread; nothing happens where there are none."""
        ...

    def check_edit(self, question: Question, item: int) -> None:
        """Return if the item's arguments, as they were edited, are such as the graph takes; else `InvalidAnswer`."""
        ...

    def answer(self, question: Question, proposed: Question, decision: Decision) -> JSON:
        """The value that resumes the graph; `InvalidAnswer` where the graph would refuse it."""
        ...
