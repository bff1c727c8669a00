"""The Engine port for agents on a LangGraph Server. The server runs them, and keeps what they did; the bot begins runs.

Whatever is begun names in its metadata why, so that another process finds it again. Before an answer is sent the
state is read and the question compared, and the server refuses an answer to anything that is no longer open.
"""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bot import crash_points
from bot.approvals.model.agent import Phase, ThreadStatus
from bot.approvals.model.decision import Decision
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import JSON, InterruptId
from bot.approvals.model.policy import GraphTerms
from bot.approvals.model.question import Question
from bot.approvals.model.request import Decided, Request
from bot.approvals.model.task import Failure, Gone, Lease, Part, Task
from bot.engines import questions
from bot.engines.input_forms.form import not_begun
from bot.engines.server import agents, edits, status, stops
from bot.engines.server.client import Busy, NoThread, Refused, Row, ServerClient
from bot.engines.server.status import Look
from bot.engines.telling import Telling, Told, Untold

log = logging.getLogger(__name__)

MAX_FOLLOWED: Final = timedelta(seconds=60)
"""How long a run is followed. If it is not over by then, it is looked at again later."""
_LOOKS: Final = 3
"""How often a thread is read again because a run began or ended meanwhile."""
_POLL_SECONDS: Final = 0.05
_MAX_POLL_SECONDS: Final = 1.0
_PLAIN: Final = GraphTerms()
_BUSY: Final = ThreadStatus(phase=Phase.BUSY)
_LOST: Final = ThreadStatus(phase=Phase.LOST)
_MAX_WORDS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEngine:
    """The agents of one server."""

    client: ServerClient
    terms: Mapping[str, GraphTerms] = field(default_factory=dict)
    """How the graphs that policies.yaml names want their answers."""
    progress: Told = field(default_factory=Untold)
    followed: timedelta = MAX_FOLLOWED

    async def status(self, task: Task, requests: Sequence[Request] = ()) -> ThreadStatus:
        return await self._read(task, requests)

    async def start(self, task: Task, lease: Lease, now: datetime) -> ThreadStatus:  # noqa: ARG002
        found = await agents.find(self.client, task.graph)
        if found is None:
            return ThreadStatus(phase=Phase.LACKING, lacks=Gone(part=Part.GRAPH, name=task.graph))
        form = agents.form_of(await self.client.schemas(str(found["assistant_id"])))
        if problems := form.misfits(task.inputs):
            return ThreadStatus(phase=Phase.DONE, stopped=True, outcome=not_begun(problems))
        await self.client.create_thread(task.thread_id, str(found["graph_id"]), {status.TASK: task.id})
        standing = await self._read(task, ())
        if standing.phase is not Phase.LOST:
            return standing  # an earlier process began it
        given = {"input": form.given(task.inputs)}
        return await self._run(task, (), given, intent="start", assistant_id=str(found["assistant_id"]))

    async def resume(
        self,
        task: Task,
        lease: Lease,  # noqa: ARG002
        interrupt_id: InterruptId,
        answer: JSON,
        now: datetime,  # noqa: ARG002
        requests: Sequence[Request] = (),
    ) -> ThreadStatus:
        standing = await self._read(task, requests)
        asked = standing.asked_at(interrupt_id)
        request = next((each for each in reversed(requests) if each.interrupt_id == interrupt_id), None)
        if asked is None or (request is not None and not request.is_asked_by(asked.question, asked.fingerprint)):
            return standing
        if stops.is_breakpoint(interrupt_id):
            return await self._pass(task, standing, interrupt_id, answer, requests)
        if standing.stands is not None:
            return self._failed(standing, task, "a run would pass the breakpoint that is asked about")
        given = {"command": {"resume": {interrupt_id: answer}}}
        moved = await self._run(task, requests, given, intent=_intent(request), interrupt_id=interrupt_id)
        if asked.question.form is not None and interrupt_id in moved.answered and moved.failure is not None:
            return await self._if_refused(task, requests, interrupt_id, moved)
        return moved

    async def proceed(
        self,
        task: Task,
        lease: Lease,  # noqa: ARG002
        now: datetime,  # noqa: ARG002
        requests: Sequence[Request] = (),
    ) -> ThreadStatus:
        standing = await self._read(task, requests)
        if standing.stands is not None:
            return self._failed(standing, task, "a run would pass the breakpoint that is asked about")
        if standing.phase not in (Phase.STOPPED, Phase.FAILED):
            return standing
        return await self._run(task, requests, {"input": None}, intent="proceed")

    async def forget(self, task: Task) -> None:
        """Does nothing: the thread is the server's, and its owner may want it."""

    async def cancel(self, task: Task) -> None:
        """Stops the task's run, if the bot began the task and a run is under way. The thread stays as it is."""
        if task.server is not None and task.server.watched:
            return
        try:
            runs = await self.client.runs(task.thread_id)
        except NoThread:
            return
        for run in runs:
            if status.is_busy([run]):
                await self.client.cancel(task.thread_id, str(run["run_id"]))

    def check_edit(self, question: Question, item: int) -> None:
        questions.check_edit(question, item)

    def answer(self, question: Question, proposed: Question, decision: Decision) -> JSON:
        return questions.answer(question, proposed, decision)

    # --- Reading --------------------------------------------------------------------------------

    async def _read(self, task: Task, requests: Sequence[Request], begun: str = "") -> ThreadStatus:
        try:
            look = await self._look(task, requests, begun)
        except NoThread:
            return _LOST
        return status.read(look) if look is not None else _BUSY

    async def _look(self, task: Task, requests: Sequence[Request], begun: str) -> Look | None:
        """What the server says about the thread. None if runs come and go. Raises `NoThread`."""
        thread_id, terms = task.thread_id, self.terms.get(task.graph, _PLAIN)
        runs = await self.client.runs(thread_id)
        for _ in range(_LOOKS):
            if status.is_busy(runs):
                return None
            state = await self.client.state(thread_id)
            steps = status.steps(state, runs)
            look = Look(
                task=task,
                requests=requests,
                runs=runs,
                state=state,
                now=datetime.now(UTC),
                begun=begun,
                error=await self._error(thread_id) if status.failed_run(runs) is not None else None,
                convention=terms.answer,
                unbound=terms.unbound,
            )
            if not steps:
                return look
            drawing, schema = await self._graph(task, runs)
            ran = {step.checkpoint_id: await self._ran(thread_id, step.state) for step in steps}
            before, runs = runs, await self.client.runs(thread_id)
            if _same(before, runs):
                return replace(look, stops=drawing, schema=schema, ran=ran)
        return None

    async def _error(self, thread_id: str) -> Row | None:
        error = (await self.client.thread(thread_id)).get("error")
        return error if isinstance(error, Mapping) else None

    async def _graph(self, task: Task, runs: Sequence[Row]) -> tuple[stops.Stops, Mapping[str, JSON]]:
        """The breakpoints that the graph's drawing has, and the schema of its state. If the server cannot draw it,
        none: then a breakpoint is known only by how the last run ended."""
        try:
            assistant_id = await self._assistant(task, runs)
            drawing = stops.drawn(await self.client.drawing(assistant_id))
            schemas = await self.client.schemas(assistant_id)
        except Refused as refused:
            log.warning("task %s: the server does not show its graph: %s", task.id, refused)
            return stops.Stops(), {}
        return drawing, schemas.get("state_schema") or {}

    async def _assistant(self, task: Task, runs: Sequence[Row]) -> str:
        """The assistant that ran last on the thread, or the one that the task names. Raises `Refused`."""
        if runs:
            return str(runs[0]["assistant_id"])
        found = await agents.find(self.client, task.graph)
        if found is None:
            raise Refused(f"it has no assistant {task.graph}")
        return str(found["assistant_id"])

    async def _ran(self, thread_id: str, state: Row) -> tuple[str, ...]:
        """The nodes of the last step, which are those that the checkpoint before it was about to run."""
        parent = state.get("parent_checkpoint")
        if not parent:
            return ()
        before = await self.client.state(thread_id, parent)
        return tuple(dict.fromkeys(str(task["name"]) for task in before["tasks"]))

    # --- Running --------------------------------------------------------------------------------

    async def _run(
        self,
        task: Task,
        requests: Sequence[Request],
        given: Mapping[str, Any],
        *,
        intent: str,
        interrupt_id: InterruptId | None = None,
        assistant_id: str = "",
    ) -> ThreadStatus:
        """Begins a run, and follows it to its end. Returns how the thread stands then, or that it is busy."""
        try:
            runs = await self.client.runs(task.thread_id)
            run_id = await self.client.create_run(
                task.thread_id,
                assistant_id or await self._assistant(task, runs),
                given=given,
                metadata={
                    status.TASK: task.id,
                    status.INTENT: intent,
                    status.TRY: task.tries,
                    **({status.INTERRUPT: interrupt_id} if interrupt_id is not None else {}),
                },
                context=_context(runs),
                limit=_limit(runs),
            )
        except Busy:
            return _BUSY
        except NoThread:
            return _LOST
        except Refused as refused:
            return self._failed(await self._read(task, requests), task, str(refused))
        crash_points.point("server-run-begun")
        if not await self._followed(task, run_id):
            return _BUSY
        return await self._read(task, requests, run_id)

    async def _followed(self, task: Task, run_id: str) -> bool:
        """Tells what the run is doing until it is over. Returns False if it takes too long to wait for."""
        try:
            async with asyncio.timeout(self.followed.total_seconds()):
                async for words in self._doing(task, run_id):
                    self.progress.tell(task.id, words)
                wait = _POLL_SECONDS
                while status.is_busy([{"status": await self.client.run_status(task.thread_id, run_id)}]):
                    await asyncio.sleep(wait)
                    wait = min(wait * 2, _MAX_POLL_SECONDS)
        except TimeoutError:
            return False
        finally:
            self.progress.over(task.id)
        return True

    async def _doing(self, task: Task, run_id: str) -> AsyncIterator[str]:
        run = Telling()
        try:
            async for event, data in self.client.follow(task.thread_id, run_id):
                mode, *namespace = event.split("|")
                if mode in ("tasks", "custom"):
                    yield run.heard(namespace, mode, data)
        except (NoThread, Refused, Busy) as gone:
            log.debug("task %s: its run cannot be followed: %s", task.id, gone)

    async def _pass(
        self,
        task: Task,
        standing: ThreadStatus,
        interrupt_id: InterruptId,
        answer: JSON,
        requests: Sequence[Request],
    ) -> ThreadStatus:
        """Acts on the answer to the breakpoint at which the thread stands, and runs on unless that ended it."""
        look = await self._look(task, requests, "")
        there = status.standing(look) if look is not None else None
        if there is None or there.id != interrupt_id:
            return await self._read(task, requests)
        route = self.terms.get(task.graph, _PLAIN).reject
        begun = _attempted(requests, interrupt_id)
        try:
            goes_on = await edits.apply(self.client, task.thread_id, there, answer, route)
        except Busy:
            return _BUSY
        except NoThread:
            return _LOST
        except Refused as refused:  # changing the state runs the graph's reducers and edges
            return self._failed(standing, task, str(refused))
        crash_points.point("server-stop-answered")
        if not goes_on:
            return await self._read(task, begun)
        intent = _intent(next((each for each in requests if each.interrupt_id == interrupt_id), None))
        return await self._run(task, begun, {"input": None}, intent=intent, interrupt_id=interrupt_id)

    async def _if_refused(
        self, task: Task, requests: Sequence[Request], interrupt_id: InterruptId, failed: ThreadStatus
    ) -> ThreadStatus:
        """The status of a question whose answer may have been refused by the check that came with it. Then nothing was
        stored, and the graph asks again when it goes on. Otherwise the status as it was."""
        error = await self._error(task.thread_id)
        if (error or {}).get("error") != "ValidationError":
            return failed
        moved = await self._run(task, requests, {"input": None}, intent="proceed")
        if not moved.is_open(interrupt_id) or moved.failure is not None:
            return moved
        return replace(moved, refused=_objection(str((error or {}).get("message", ""))))

    def _failed(self, standing: ThreadStatus, task: Task, why: str) -> ThreadStatus:
        """The status, with a failure of the bot's own making."""
        failure = Failure(error_id=uuid.uuid4().hex[:8], summary=why[:_MAX_WORDS], at=datetime.now(UTC))
        log.error("error %s: task %s on the server %s: %s", failure.error_id, task.id, self.client.name, why)
        return replace(standing, failure=failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServersEngine:
    """The agents of all servers of servers.yaml. Each task's server runs its agent."""

    engines: Mapping[str, ServerEngine]
    """The engine of each server, by the server's name."""

    async def status(self, task: Task, requests: Sequence[Request] = ()) -> ThreadStatus:
        return await self.of(task).status(task, requests)

    async def start(self, task: Task, lease: Lease, now: datetime) -> ThreadStatus:
        return await self.of(task).start(task, lease, now)

    async def resume(
        self,
        task: Task,
        lease: Lease,
        interrupt_id: InterruptId,
        answer: JSON,
        now: datetime,
        requests: Sequence[Request] = (),
    ) -> ThreadStatus:
        return await self.of(task).resume(task, lease, interrupt_id, answer, now, requests)

    async def proceed(self, task: Task, lease: Lease, now: datetime, requests: Sequence[Request] = ()) -> ThreadStatus:
        return await self.of(task).proceed(task, lease, now, requests)

    async def forget(self, task: Task) -> None:
        """Does nothing, as no thread is the bot's own."""

    async def cancel(self, task: Task) -> None:
        """See `ServerEngine`."""
        await self.of(task).cancel(task)

    def check_edit(self, question: Question, item: int) -> None:
        questions.check_edit(question, item)

    def answer(self, question: Question, proposed: Question, decision: Decision) -> JSON:
        return questions.answer(question, proposed, decision)

    def of(self, task: Task) -> ServerEngine:
        """The engine of the task's server. Raises `Unreachable` if servers.yaml does not name it any more."""
        name = task.server.name if task.server is not None else ""
        engine = self.engines.get(name)
        if engine is None:
            raise Unreachable(f"servers.yaml has no server {name!r}, on which the task runs")
        return engine


def _intent(request: Request | None) -> str:
    return f"{request.id} v{request.version}" if request is not None else "answer"


def _attempted(requests: Sequence[Request], interrupt_id: InterruptId) -> list[Request]:
    """The requests as they are stored by now: this answer was begun to be given."""
    return [
        replace(each, state=replace(each.state, attempts=max(each.state.attempts, 1)))
        if each.interrupt_id == interrupt_id and isinstance(each.state, Decided)
        else each
        for each in requests
    ]


def _same(before: Sequence[Row], after: Sequence[Row]) -> bool:
    """Whether no run began or ended in between."""
    ids = [[(run["run_id"], run["status"]) for run in runs] for runs in (before, after)]
    return ids[0] == ids[1]


def _context(runs: Sequence[Row]) -> Mapping[str, Any]:
    """The context of the thread's last run. The server gives a new run none of it, and a node that runs again in
    another context may do something else than what was approved."""
    context = ((runs[0].get("kwargs") or {}).get("context") if runs else None) or {}
    return {str(key): value for key, value in context.items() if not str(key).startswith("__")}


def _limit(runs: Sequence[Row]) -> int | None:
    config = ((runs[0].get("kwargs") or {}).get("config") if runs else None) or {}
    limit = config.get("recursion_limit")
    return limit if isinstance(limit, int) else None


def _objection(words: str) -> str:
    """Why the check refused the answer: Pydantic's words, without the values, which may be secret."""
    said = [re.sub(r"\s*\[type=.*", "", line).strip() for line in words.splitlines()[1:]]
    kept = [line for line in said if line and not line.startswith("For further information")]
    listed = "; ".join(f"{where}: {problem}" for where, problem in zip(kept[::2], kept[1::2], strict=False))
    return f"The graph did not take the last answer. {listed}".strip()
