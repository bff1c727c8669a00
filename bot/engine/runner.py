"""The Engine port on LangGraph: start, resume, go on, and read; one thread at a time, under its lease."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import CONFIG_KEY_STRICT_RESUME
from langgraph.channels.delta import DeltaChannel
from langgraph.errors import GraphDrained, UnknownInterruptError, is_invalid_resume
from langgraph.runtime import RunControl
from langgraph.types import Command
from pydantic import ValidationError

from bot.approvals.decision import Decision
from bot.approvals.errors import Unreachable
from bot.approvals.ids import JSON, InterruptId, TaskId
from bot.approvals.policy import GraphTerms
from bot.approvals.ports import Draining, Graph, Phase, ThreadStatus, Unsaved
from bot.approvals.question import Question
from bot.approvals.task import Failure, Lease, Task
from bot.engine import breakpoints, factories, questions, status, telling
from bot.engine.checkpoints import FENCING_TOKEN, LEDGER, LeaseLost, Ledger, from_saver, lost
from bot.engine.containment import apart, cause_of, contained
from bot.engine.registry import Registry

log = logging.getLogger(__name__)


PRUNED_FROM = 30
"""Steps after which a thread's earlier checkpoints are no longer kept while it waits."""
_PLAIN = GraphTerms()


class BreakpointFirst(Exception):
    """An interrupt cannot be answered while another part of the graph stands at a breakpoint."""


@dataclass(slots=True)
class Runs:
    """The runs that are under way, so that a shutdown can ask them to stop at a step's boundary."""

    controls: set[RunControl] = field(default_factory=set)
    draining: bool = False

    def drain(self) -> None:
        """Stop every run at its next boundary, and begin no other."""
        self.draining = True
        for control in self.controls:
            control.request_drain()


class Told(Protocol):
    """Who wants to know what runs are doing; `bot.approvals.progress` is one."""

    def tell(self, task_id: TaskId, words: str) -> None: ...

    def over(self, task_id: TaskId) -> None: ...


class Untold:
    """Nobody does."""

    def tell(self, task_id: TaskId, words: str) -> None: ...

    def over(self, task_id: TaskId) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LangGraphEngine:
    """Runs the registry's graphs. Always by interrupt id, strictly, and with every step saved before the next."""

    registry: Registry
    terms: Mapping[str, GraphTerms] = field(default_factory=dict)
    """How graphs that are named want their answers."""
    runs: Runs = field(default_factory=Runs)
    progress: Told = field(default_factory=Untold)

    def graphs(self) -> tuple[Graph, ...]:
        return tuple(graph.listed() for graph in self.registry.graphs.values())

    def parse_inputs(self, graph: str, words: Mapping[str, str]) -> Mapping[str, JSON]:
        return self.registry.get(graph).form.parse(graph, words)

    async def status(self, task: Task) -> ThreadStatus:
        with contained(), lost():
            return await status.read(self.registry.compiled(task.graph), _config(task), self._terms(task).answer)

    async def start(self, task: Task, lease: Lease, now: datetime) -> ThreadStatus:
        return await self._run(task, lease, self.registry.get(task.graph).form.given(task.inputs), now)

    async def resume(
        self, task: Task, lease: Lease, interrupt_id: InterruptId, answer: JSON, now: datetime
    ) -> ThreadStatus:
        if breakpoints.is_breakpoint(interrupt_id):
            return await self._pass(task, lease, interrupt_id, answer, now)
        if breakpoints.possible(self.registry.compiled(task.graph)) and _at_breakpoint(await self.status(task)):
            failure = self._failure(task, BreakpointFirst("a run would pass the breakpoint that is asked about"), now)
            return replace(await self.status(task), failure=failure)
        return await self._run(task, lease, Command(resume={interrupt_id: answer}), now)

    async def _pass(
        self, task: Task, lease: Lease, interrupt_id: InterruptId, answer: JSON, now: datetime
    ) -> ThreadStatus:
        """Act on what was said of a breakpoint, if the thread still stands there, and run on unless it was ended."""
        if self.runs.draining:
            raise Draining
        graph, config = self.registry.compiled(task.graph), _config(task, lease)
        try:
            with contained(), lost():
                places = await breakpoints.found(graph, config)
                if not places or breakpoints.id_of(places) != interrupt_id:
                    return await self.status(task)
                goes_on = await breakpoints.answered(graph, config, places, answer, self._terms(task).reject)
        except LeaseLost as overtaken:
            raise Unreachable("the task is in other hands") from overtaken
        except Unreachable:
            raise
        except Exception as error:  # the graph's reducers and edges run while its state is changed
            return replace(await self.status(task), failure=self._failure(task, error, now))
        return await self._run(task, lease, None, now) if goes_on else await self.status(task)

    async def proceed(self, task: Task, lease: Lease, now: datetime) -> ThreadStatus:
        return await self._run(task, lease, None, now)

    async def forget(self, task: Task) -> None:
        with lost():
            await self.registry.saver.adelete_thread(task.thread_id)

    def check_edit(self, question: Question, item: int) -> None:
        questions.check_edit(question, item)

    def answer(self, question: Question, proposed: Question, decision: Decision) -> JSON:
        return questions.answer(question, proposed, decision)

    def _terms(self, task: Task) -> GraphTerms:
        return self.terms.get(task.graph, _PLAIN)

    async def _run(self, task: Task, lease: Lease, given: Any, now: datetime) -> ThreadStatus:
        """One run to the next pause, end, or error; then the status, with the error if there was one."""
        if self.runs.draining:
            raise Draining
        control = RunControl()
        self.runs.controls.add(control)
        failure: Failure | None = None
        refused = ""
        ledger = Ledger()
        try:
            with telling.listening(lambda words: self.progress.tell(task.id, words), ledger.begin) as heard:
                config = _config(task, lease, **heard, **{LEDGER: ledger})
                graph = self.registry.compiled(task.graph)
                context = factories.context(graph)
                with contained():
                    await apart(graph.ainvoke(given, config, context=context, durability="sync", control=control))
        except GraphDrained as drained:
            raise Draining from drained
        except UnknownInterruptError as unknown:
            # The interrupt was answered elsewhere: the status that is read now says how the thread stands.
            log.warning("task %s: LangGraph refused a resume: %s", task.id, unknown.reason)
        except LeaseLost as overtaken:
            raise Unreachable("the task is in other hands") from overtaken
        except Exception as error:  # a graph may raise anything, and that is its failure, not ours
            if ledger.unsaved(failed=from_saver(error)):
                raise Unsaved(self._failure(task, error, now, unsaved=True)) from error
            if from_saver(error):
                raise Unreachable("the graph's state could not be read or written") from error
            refused = _objection(error)
            failure = None if refused else self._failure(task, error, now)
        finally:
            self.runs.controls.discard(control)
            self.progress.over(task.id)
        standing = replace(await self.status(task), failure=failure, refused=refused)
        if standing.phase is Phase.WAITING and not _at_breakpoint(standing):
            await self._prune(task)
        return standing

    async def _prune(self, task: Task) -> None:
        """Of a long thread that waits, keep what it stands on: nobody goes back further. A graph whose channels are
        kept as differences needs its earlier checkpoints, and keeps them."""
        graph, saver = self.registry.compiled(task.graph), self.registry.saver
        if any(isinstance(channel, DeltaChannel) for channel in graph.channels.values()):
            return
        with lost():
            newest = await saver.aget_tuple(_config(task))
            if newest is not None and newest.metadata.get("step", 0) >= PRUNED_FROM:
                await saver.aprune([task.thread_id], strategy="keep_latest")

    def _failure(self, task: Task, error: Exception, now: datetime, *, unsaved: bool = False) -> Failure:
        kind = type(cause_of(error)).__name__
        failure = Failure(error_id=uuid.uuid4().hex[:8], summary=kind, at=now, unsaved=unsaved)
        what = "ran, and its progress could not be saved" if unsaved else "raised"
        log.error("error %s: the graph %s of task %s %s", failure.error_id, task.graph, task.id, what, exc_info=error)
        return failure


def _at_breakpoint(status: ThreadStatus) -> bool:
    """Whether it stands at one; what it has run before is needed to know that, and to go on from there."""
    return any(breakpoints.is_breakpoint(asked.interrupt_id) for asked in status.asked)


def _objection(error: Exception) -> str:
    """What the check that came with an interrupt has against the answer, in its own words; empty where it is another
    error."""
    if not isinstance(error, ValidationError) or not is_invalid_resume(error):
        return ""
    said = [(".".join(str(part) for part in each["loc"]), each["msg"]) for each in error.errors(include_url=False)]
    listed = "; ".join(f"{where}: {words}" if where else words for where, words in said[:10])
    return f"The graph did not take the last answer. {listed}"


def _config(task: Task, lease: Lease | None = None, **more: Any) -> RunnableConfig:
    """The thread, answered strictly; with a lease, its token, which the saver checks before it writes."""
    configurable: dict[str, Any] = {"thread_id": task.thread_id, CONFIG_KEY_STRICT_RESUME: True, **more}
    if lease is not None:
        configurable[FENCING_TOKEN] = lease.token
    return RunnableConfig(configurable=configurable)
