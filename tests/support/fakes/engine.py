"""A tiny graph in memory, behind the `Engine` and `Agents` ports.

The script is a list of stages. A stage asks its questions in parallel, each under its interrupt id, and is over
once each was answered and its node has run; an empty stage is a node that asks nothing. As in LangGraph, an
answer is kept once its node has begun, and nodes of a stage that are done are not run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.approvals.model.agent import Asked, Graph, Phase, ThreadStatus
from bot.approvals.model.decision import Answered, Decision
from bot.approvals.model.errors import InvalidAnswer, UnknownGraph
from bot.approvals.model.ids import JSON, InterruptId, ThreadId
from bot.approvals.model.question import Question
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.task import Failure, Lease, Task
from tests.support.fakes.fuse import Fuse
from tests.support.fakes.pause import Pause

Stage = dict[InterruptId, Question]


class GraphError(Exception):
    """What a node raises."""


@dataclass
class Thread:
    """One thread's checkpoint."""

    stage: int = 0
    entered: bool = False
    taken: dict[str, JSON] = field(default_factory=dict)
    past: set[str] = field(default_factory=set)
    failed: bool = False
    broken: bool = False


class FakeEngine:
    def __init__(self, *stages: Stage) -> None:
        self.stages = list(stages)
        self.threads: dict[ThreadId, Thread] = {}
        self.effects: list[tuple[str, JSON]] = []
        """What the nodes did in the world: interrupt id, or `step N`, and the answer."""
        self.runs: list[str] = []
        """The runs that were begun, as `start`, `resume ID` and `proceed`."""
        self.fuse = Fuse()
        self.outcome = "all clean"
        """What a thread says at its end."""
        self.failures: dict[str, int] = {}
        """How many more times the node of this id, or of `step N`, raises."""
        self.broken_after: set[int] = set()
        """Stages whose edge raises."""
        self.deaf: set[str] = set()
        """Ids whose answer gets lost."""
        self.stuck: set[str] = set()
        """Ids whose node takes the answer and never gets past it, without a word."""
        self.refused = ""
        """Why an answer does not fit; empty: it does."""
        self.refused_edit = ""
        """Why an edit does not fit."""
        self.no_checkpoint = 0
        """How many more starts fail before their first checkpoint."""
        self.unsaid = False
        """Whether a failed run comes back without saying what it raised."""
        self.pauses: dict[str, Pause] = {}
        self.down: Exception | None = None
        """What every call to the checkpoints raises."""
        self.busy = False
        """Whether a run is under way elsewhere."""

    # --- What tests do to a thread ----------------------------------------------------------------

    def pause_in(self, name: str) -> Pause:
        """The node stops here, after it took its answer and before its effect."""
        return self.pauses.setdefault(name, Pause())

    def lose(self, thread_id: ThreadId) -> None:
        """The thread's checkpoints are deleted."""
        del self.threads[thread_id]

    def answer_elsewhere(self, thread_id: ThreadId, interrupt_id: InterruptId) -> None:
        """Somebody else, not this bot, has answered the interrupt and its node has run."""
        self.threads[thread_id].taken[interrupt_id] = "elsewhere"
        self.threads[thread_id].past.add(interrupt_id)

    # --- The port ---------------------------------------------------------------------------------

    def graphs(self) -> tuple[Graph, ...]:
        here = Graph(name="cleanup", description="Cleans up", inputs=())
        return (here, replace(here, name="prod/cleanup", server="prod"), replace(here, name="deploy", server="prod"))

    async def parse_inputs(self, graph: str, words: Mapping[str, str]) -> Mapping[str, JSON]:
        if graph not in (known := [each.name for each in self.graphs()]):
            raise UnknownGraph(graph, known)
        return dict(words)

    async def status(self, task: Task, requests: Sequence[Request] = ()) -> ThreadStatus:
        self._reach()
        return ThreadStatus(phase=Phase.BUSY) if self.busy else self._read(task)

    async def start(self, task: Task, lease: Lease, now: datetime) -> ThreadStatus:
        self._reach()
        self.runs.append("start")
        if self.no_checkpoint:
            self.no_checkpoint -= 1
            return ThreadStatus(phase=Phase.LOST, failure=_failure("no checkpoint", now))
        self.threads[task.thread_id] = Thread()
        return await self._run(task, now)

    async def resume(
        self,
        task: Task,
        lease: Lease,
        interrupt_id: InterruptId,
        answer: JSON,
        now: datetime,
        requests: Sequence[Request] = (),
    ) -> ThreadStatus:
        self._reach()
        self.runs.append(f"resume {interrupt_id}")
        assert self._read(task).is_open(interrupt_id), "strict: the id is not open"
        if interrupt_id in self.deaf:
            return self._read(task)
        self.threads[task.thread_id].taken[interrupt_id] = answer
        self._hear(task, [each for each in requests if each.interrupt_id != interrupt_id])
        self.fuse.tick("answer stored")
        return await self._run(task, now)

    async def proceed(self, task: Task, lease: Lease, now: datetime, requests: Sequence[Request] = ()) -> ThreadStatus:
        self._reach()
        self.runs.append("proceed")
        self._hear(task, requests)
        return await self._run(task, now)

    async def forget(self, task: Task) -> None:
        self._reach()
        self.threads.pop(task.thread_id, None)

    def check_edit(self, question: Question, item: int) -> None:
        if self.refused_edit:
            raise InvalidAnswer(self.refused_edit)

    def answer(self, question: Question, proposed: Question, decision: Decision) -> JSON:
        if self.refused:
            raise InvalidAnswer(self.refused)
        said: list[JSON] = (
            [type(verdict).__name__ for verdict in decision.verdicts] if isinstance(decision, Answered) else []
        )
        arguments: list[JSON] = [dict(item.arguments) for item in question.items]
        return {"outcome": str(decision.outcome), "said": said, "arguments": arguments}

    # --- Within -----------------------------------------------------------------------------------

    def _reach(self) -> None:
        if self.down is not None:
            raise self.down

    def _hear(self, task: Task, requests: Sequence[Request]) -> None:
        """A node that runs again gets the answer that counts now, or asks again if its question is open again."""
        thread = self.threads[task.thread_id]
        for request in requests:
            if request.interrupt_id not in thread.taken or request.interrupt_id in thread.past:
                continue
            match request.state:
                case Pending() | Decided(attempts=0):
                    del thread.taken[request.interrupt_id]
                case Decided(decision=decision):
                    thread.taken[request.interrupt_id] = self.answer(request.question, request.proposed, decision)

    async def _run(self, task: Task, now: datetime) -> ThreadStatus:
        thread = self.threads[task.thread_id]
        while thread.stage < len(self.stages):
            stage = self.stages[thread.stage]
            thread.failed = False
            thread.entered = True
            names: list[str] = list(stage) or [f"step {thread.stage}"]
            errors = [await self._node(thread, name) for name in names if name in thread.taken or not stage]
            if any(errors):
                thread.failed = True
                status = self._read(task)
                return status if self.unsaid else replace(status, failure=_failure("ValueError", now))
            if not thread.past.issuperset(names):
                return self._read(task)
            self.fuse.tick("stage done")
            if thread.stage in self.broken_after:
                thread.broken = True
                return replace(self._read(task), failure=_failure("KeyError", now))
            thread.stage += 1
            thread.entered = False
            self.fuse.tick("between stages")
        return self._read(task)

    async def _node(self, thread: Thread, name: str) -> bool:
        """Whether it raised."""
        if name in thread.past or name in self.stuck:
            return False
        if name in self.pauses:
            await self.pauses[name].here()
        if self.failures.get(name, 0):
            self.failures[name] -= 1
            return True
        self.effects.append((name, thread.taken.get(name)))
        self.fuse.tick("effect")
        thread.past.add(name)
        return False

    def _read(self, task: Task) -> ThreadStatus:
        thread = self.threads.get(task.thread_id)
        if thread is None:
            return ThreadStatus(phase=Phase.LOST)
        if thread.broken:
            return ThreadStatus(phase=Phase.BROKEN)
        if thread.stage == len(self.stages):
            return ThreadStatus(phase=Phase.DONE, outcome=self.outcome)
        stage = self.stages[thread.stage] if thread.entered else {}
        asked = tuple(
            Asked(interrupt_id=id, question=question) for id, question in stage.items() if id not in thread.taken
        )
        answered = frozenset(id for id in stage if id in thread.taken and id not in thread.past)
        phase = Phase.FAILED if thread.failed else Phase.WAITING if asked or answered else Phase.STOPPED
        return ThreadStatus(phase=phase, asked=asked, answered=answered)


def _failure(summary: str, now: datetime) -> Failure:
    return Failure(error_id="e1e2e3e4", summary=summary, at=now)
