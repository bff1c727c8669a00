"""The Engine port for LangGraph: starts, resumes, continues and reads threads, each under its lease."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import CONFIG_KEY_STRICT_RESUME
from langgraph.channels.delta import DeltaChannel
from langgraph.errors import GraphDrained, UnknownInterruptError, is_invalid_resume
from langgraph.runtime import RunControl
from langgraph.types import Command
from pydantic import ValidationError

from bot.approvals.model.agent import Graph, Phase, ThreadStatus
from bot.approvals.model.decision import Cancelled, Decision
from bot.approvals.model.errors import GraphUnavailable, UnknownGraph, Unreachable
from bot.approvals.model.fingerprint import Fingerprint, fingerprint
from bot.approvals.model.ids import JSON, InterruptId
from bot.approvals.model.policy import GraphTerms
from bot.approvals.model.question import Question
from bot.approvals.model.request import Decided, Delivered, Pending, Request, Superseded
from bot.approvals.model.task import Failure, Gone, Lease, Part, Task
from bot.approvals.ports.engine import Draining, Unsaved
from bot.engines import questions
from bot.engines.input_forms.form import not_begun
from bot.engines.langgraph import breakpoint_answers, breakpoints, guard, progress_lines, status
from bot.engines.langgraph.checkpoints import FENCING_TOKEN, LEDGER, LeaseLost, Ledger, from_saver, lost
from bot.engines.langgraph.containment import apart, cause_of, contained
from bot.engines.langgraph.loading import factories
from bot.engines.langgraph.loading.registry import Registry
from bot.engines.langgraph.loading.undeclared import Undeclared
from bot.engines.langgraph.status import Reading
from bot.engines.telling import Told, Untold

log = logging.getLogger(__name__)


PRUNED_FROM_STEPS = 30
"""After so many steps, a waiting thread's earlier checkpoints are no longer kept."""
_PLAIN = GraphTerms()


class BreakpointFirst(Exception):
    """An interrupt cannot be answered, because another part of the graph stands at a breakpoint."""


class HiddenStop(Exception):
    """A run returned without an end, a question or an error. So it stands at a breakpoint of a graph that a node calls,
    which LangGraph does not list. Nobody can be asked about that, so the run does not go on."""


@dataclass(slots=True)
class Runs:
    """The present runs, so that a shutdown can ask them to stop after a step."""

    controls: set[RunControl] = field(default_factory=set)
    draining: bool = False

    def drain(self) -> None:
        """Stops every run after its present step, and lets no other begin."""
        self.draining = True
        for control in self.controls:
            control.request_drain()


@dataclass(frozen=True, slots=True, kw_only=True)
class LangGraphEngine:
    """Runs the registry's graphs. Resumes strictly by interrupt id, and saves every step before the next begins."""

    registry: Registry
    terms: Mapping[str, GraphTerms] = field(default_factory=dict)
    """How the graphs that policies.yaml names want their answers."""
    runs: Runs = field(default_factory=Runs)
    progress: Told = field(default_factory=Untold)
    undeclared: Undeclared = field(default_factory=Undeclared)

    def __post_init__(self) -> None:
        guard.install()

    def graphs(self) -> tuple[Graph, ...]:
        return tuple(graph.listed() for graph in self.registry.graphs.values())

    async def parse_inputs(self, graph: str, words: Mapping[str, str]) -> Mapping[str, JSON]:
        return self.registry.get(graph).form.parse(graph, words)

    async def status(self, task: Task, requests: Sequence[Request] = ()) -> ThreadStatus:
        return (await self._read(task, requests, {})).status

    async def _read(self, task: Task, requests: Sequence[Request], asked: Mapping[str, Fingerprint]) -> Reading:
        terms, waiting = self._terms(task), [each for each in requests if isinstance(each.state, Pending | Decided)]
        look = status.Look(
            now=datetime.now(UTC),
            convention=terms.answer,
            unbound=terms.unbound,
            asked=asked,
            held=breakpoints.held_by(each.interrupt_id for each in waiting),
        )
        try:
            graph = self.registry.compiled(task.graph)
        except (UnknownGraph, GraphUnavailable):
            lacking = ThreadStatus(phase=Phase.LACKING, lacks=Gone(part=Part.GRAPH, name=task.graph))
            return Reading(status=lacking)
        with contained(), lost():
            found = await status.read(graph, _config(task), look)
        self.undeclared.look(task.graph, found.status)
        return found

    async def start(self, task: Task, lease: Lease, now: datetime) -> ThreadStatus:
        form = self.registry.get(task.graph).form
        with contained():
            problems = form.problems(task.inputs)
        if problems:
            return ThreadStatus(phase=Phase.DONE, stopped=True, outcome=not_begun(problems))
        return await self._run(task, lease, form.given(task.inputs), now, self._guarded(task, {}))

    async def resume(
        self,
        task: Task,
        lease: Lease,
        interrupt_id: InterruptId,
        answer: JSON,
        now: datetime,
        requests: Sequence[Request] = (),
    ) -> ThreadStatus:
        if breakpoints.is_breakpoint(interrupt_id):
            return await self._pass(task, lease, interrupt_id, answer, now, requests)
        if (standing := await self._barred(task, requests, now)) is not None:
            return standing
        known = self._known(requests, interrupt_id)
        asked = known.get(interrupt_id)
        if asked is None:  # no record says what people were shown, so the present question counts
            waiting = (await self.status(task)).asked_at(interrupt_id)
            asked = guard.Known(asked=waiting.fingerprint) if waiting is not None and waiting.fingerprint else None
        if asked is not None:
            known[interrupt_id] = replace(asked, answer=lambda: answer, open=False)
        given: Command[Any] = Command(resume={interrupt_id: guard.HELD})
        return await self._run(task, lease, given, now, self._guarded(task, known), requests)

    async def _barred(self, task: Task, requests: Sequence[Request], now: datetime) -> ThreadStatus | None:
        """The status with a failure, if the thread stands at a breakpoint that a run would pass. Otherwise None."""
        held = any(breakpoints.is_breakpoint(each.interrupt_id) for each in requests)
        if not held and not breakpoints.possible(self.registry.compiled(task.graph)):
            return None
        standing = await self.status(task, requests)
        if standing.stands is None:
            return None
        failure = self._failure(task, BreakpointFirst("a run would pass the breakpoint that is asked about"), now)
        return replace(standing, failure=failure)

    def _guarded(self, task: Task, known: Mapping[str, guard.Known]) -> guard.Run:
        return guard.Run(known=known, unbound=self._terms(task).unbound)

    def _known(self, requests: Sequence[Request], resumed: InterruptId | None = None) -> dict[str, guard.Known]:
        """What people were shown in this thread and what they answered, by interrupt id. Answers are given one at a
        time, so one whose turn has not come counts as open."""
        known: dict[str, guard.Known] = {}
        for request in requests:
            for each in request.earlier:
                if each.fingerprint is not None:
                    known[each.interrupt_id] = guard.Known(asked=each.fingerprint, kept=each.taken)
            if breakpoints.is_breakpoint(request.interrupt_id):
                continue
            state = request.state
            if isinstance(state, Superseded) and not state.changed:
                continue  # answered elsewhere, so only its place is known
            answer = None
            waits = isinstance(state, Decided) and not state.attempts and request.interrupt_id != resumed
            if not waits and isinstance(state, Decided | Delivered) and not isinstance(state.decision, Cancelled):
                answer = partial(self.answer, request.question, request.proposed, state.decision)
            known[request.interrupt_id] = guard.Known(
                asked=request.fingerprint or fingerprint(request.proposed.payload, None, request.opened_at),
                bare=request.fingerprint is None,
                answer=answer,
                open=waits or isinstance(state, Pending),
            )
        return known

    async def _pass(
        self,
        task: Task,
        lease: Lease,
        interrupt_id: InterruptId,
        answer: JSON,
        now: datetime,
        requests: Sequence[Request],
    ) -> ThreadStatus:
        """Acts on the answer to a breakpoint if the thread still stands there, and runs on unless that ended it."""
        if self.runs.draining:
            raise Draining
        graph, config = self.registry.compiled(task.graph), _config(task, lease)
        try:
            with contained(), lost():
                places = await breakpoints.found(graph, config, breakpoints.held_by([interrupt_id]))
                if not places or breakpoints.id_of(places) != interrupt_id:
                    return await self.status(task, requests)
                goes_on = await breakpoint_answers.answered(graph, config, places, answer, self._terms(task).reject)
        except LeaseLost as overtaken:
            raise Unreachable("the task is in other hands") from overtaken
        except Unreachable:
            raise
        except Exception as error:  # changing the state runs the graph's reducers and edges
            return replace(await self.status(task, requests), failure=self._failure(task, error, now))
        others = [each for each in requests if each.interrupt_id != interrupt_id]
        if not goes_on:
            return await self.status(task, others)
        return await self._run(task, lease, None, now, self._guarded(task, self._known(others)), others)

    async def proceed(self, task: Task, lease: Lease, now: datetime, requests: Sequence[Request] = ()) -> ThreadStatus:
        if (standing := await self._barred(task, requests, now)) is not None:
            return standing
        return await self._run(task, lease, None, now, self._guarded(task, self._known(requests)), requests)

    async def forget(self, task: Task) -> None:
        with lost():
            await self.registry.saver.adelete_thread(task.thread_id)

    def check_edit(self, question: Question, item: int) -> None:
        questions.check_edit(question, item)

    def answer(self, question: Question, proposed: Question, decision: Decision) -> JSON:
        return questions.answer(question, proposed, decision)

    def _terms(self, task: Task) -> GraphTerms:
        return self.terms.get(task.graph, _PLAIN)

    async def _run(
        self,
        task: Task,
        lease: Lease,
        given: Any,
        now: datetime,
        run: guard.Run,
        requests: Sequence[Request] = (),
    ) -> ThreadStatus:
        """Runs the graph to its next pause, end or error. Returns the status, with the error if there was one."""
        if self.runs.draining:
            raise Draining
        control = RunControl()
        self.runs.controls.add(control)
        failure: Failure | None = None
        refused = ""
        ledger, returned = Ledger(), False
        try:
            with progress_lines.listening(lambda words: self.progress.tell(task.id, words), ledger.begin) as heard:
                config = _config(task, lease, **heard, **{guard.KEY: run, LEDGER: ledger})
                graph = self.registry.compiled(task.graph)
                context = factories.context(graph)
                with contained():
                    await apart(graph.ainvoke(given, config, context=context, durability="sync", control=control))
                returned = True
        except GraphDrained as drained:
            raise Draining from drained
        except UnknownInterruptError as unknown:
            # the interrupt was answered elsewhere; the status that is read next says how the thread stands
            log.warning("task %s: LangGraph refused a resume: %s", task.id, unknown.reason)
        except LeaseLost as overtaken:
            raise Unreachable("the task is in other hands") from overtaken
        except guard.NotAsked:
            pass  # the run knows which question that was
        except Exception as error:  # a graph may raise anything; that is its failure, not ours
            if ledger.unsaved(failed=from_saver(error)):
                raise Unsaved(self._failure(task, error, now, unsaved=True)) from error
            if from_saver(error):
                raise Unreachable("the graph's state could not be read or written") from error
            refused = _objection(error)
            failure = None if refused else self._failure(task, error, now)
        finally:
            self.runs.controls.discard(control)
            self.progress.over(task.id)
        reading = await self._read(task, requests, run.asked)
        standing = replace(reading.status, failure=failure, refused=refused)
        standing = replace(standing, not_taken=standing.not_taken - {InterruptId(id) for id in run.taken})
        if returned and standing.phase is Phase.STOPPED and not run.not_asked:
            hidden = self._failure(task, HiddenStop("it stands at a breakpoint that cannot be shown"), now)
            return replace(standing, phase=Phase.BROKEN, failure=hidden)
        if run.not_asked:
            standing = self._not_asked(task, requests, standing, InterruptId(run.not_asked), now)
        long = reading.step >= PRUNED_FROM_STEPS
        if long and standing.phase is Phase.WAITING and not _at_breakpoint(standing):
            await self._prune(task)
        return standing

    def _not_asked(
        self, task: Task, requests: Sequence[Request], standing: ThreadStatus, id: InterruptId, now: datetime
    ) -> ThreadStatus:
        """The status of a thread whose run was stopped, because a step did not ask what people were shown."""
        gone = Gone(part=Part.QUESTION, name=next((each.place for each in requests if each.interrupt_id == id), ""))
        failure = Failure(error_id=uuid.uuid4().hex[:8], summary="its question is missing", at=now, gone=gone)
        log.error("error %s: task %s no longer asks what people were shown", failure.error_id, task.id)
        return replace(standing, failure=failure, gone={**standing.gone, id: gone})

    async def _prune(self, task: Task) -> None:
        """Drops the earlier checkpoints of a long thread that waits, because nothing goes back to them. A graph whose
        channels are stored as differences needs them, and keeps them."""
        graph, saver = self.registry.compiled(task.graph), self.registry.saver
        if any(isinstance(channel, DeltaChannel) for channel in graph.channels.values()):
            return
        with lost():
            await saver.aprune([task.thread_id], strategy="keep_latest")

    def _failure(self, task: Task, error: Exception, now: datetime, *, unsaved: bool = False) -> Failure:
        kind = type(cause_of(error)).__name__
        failure = Failure(error_id=uuid.uuid4().hex[:8], summary=kind, at=now, unsaved=unsaved)
        what = "ran, and its progress could not be saved" if unsaved else "raised"
        about, hidden = (failure.error_id, task.graph, task.id, what), {"inputs": task.inputs}
        log.error("error %s: the graph %s of task %s %s", *about, exc_info=error, extra=hidden)
        return failure


def _at_breakpoint(status: ThreadStatus) -> bool:
    """Whether the thread stands at a breakpoint. To know that and to go on, its earlier checkpoints are needed."""
    return any(breakpoints.is_breakpoint(asked.interrupt_id) for asked in status.asked)


def _objection(error: Exception) -> str:
    """Why the check that came with an interrupt refused the answer, in its own words. Empty for any other error."""
    if not isinstance(error, ValidationError) or not is_invalid_resume(error):
        return ""
    said = [(".".join(str(part) for part in each["loc"]), each["msg"]) for each in error.errors(include_url=False)]
    listed = "; ".join(f"{where}: {words}" if where else words for where, words in said[:10])
    return f"The graph did not take the last answer. {listed}"


def _config(task: Task, lease: Lease | None = None, **more: Any) -> RunnableConfig:
    """The configuration of a run on the task's thread. With a lease, it has the token that the saver checks."""
    configurable: dict[str, Any] = {"thread_id": task.thread_id, CONFIG_KEY_STRICT_RESUME: True, **more}
    if lease is not None:
        configurable[FENCING_TOKEN] = lease.token
    return RunnableConfig(configurable=configurable)
