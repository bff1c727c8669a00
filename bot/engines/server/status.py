"""How a thread on a server stands, read from its runs and its state as JSON. Pure functions.

Neither the thread's own status nor a run's tells enough: a run that stopped at a question ends in `success`, as one
that came to its end does, and a thread at a breakpoint is `interrupted` without an interrupt. Nor does the API tell an
interrupt that was answered, and whose node then raised, from an open one. So the runs are read too: a question that was
answered since the last run that ended in order has its answer, and is never answered again.
`tests/unit/engines/server/` has what a real server sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from bot.approvals.model.agent import Asked, Phase, ThreadStatus
from bot.approvals.model.fingerprint import fingerprint
from bot.approvals.model.ids import JSON, InterruptId
from bot.approvals.model.question import Question
from bot.approvals.model.request import Request
from bot.approvals.model.task import Failure, Running, Starting, Task
from bot.approvals.model.trace import Trace, trace_of
from bot.engines import agent_words, payload, questions
from bot.engines.agent_words import Said
from bot.engines.server import edits
from bot.engines.server.client import Row
from bot.engines.server.stops import Standing, Step, Stops, unbegun

TASK: Final = "countersign_task"
"""Metadata key of the bot's threads and runs: the task's id."""
INTENT: Final = "countersign_request"
"""Metadata key of a run: `start`, `proceed`, or the request whose decision it delivers, with its version."""
INTERRUPT: Final = "countersign_interrupt"
"""Metadata key of a run: the interrupt that it answers."""
TRY: Final = "countersign_try"
"""Metadata key of a run: which of the task's tries it is (`Task.tries`)."""

_UNDER_WAY: Final = ("pending", "running")
_IN_ORDER: Final = "success"
_REPLAYED: Final = "UnknownInterruptError"
"""The error of a run whose answer had been taken already, as when a server that was shut down begins the run again."""
_ELSEWHERE: Final = "Stopped: the run ended on the server {how}. Whoever started the thread there can go on with it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the server sent about a thread, and what else is known of it."""

    task: Task
    requests: Sequence[Request]
    runs: Sequence[Row]
    """The newest first."""
    state: Row
    now: datetime
    begun: str = ""
    """The run that this process has just begun, and of which it asks how it ended. Empty if there is none."""
    error: Row | None = None
    """The thread's last error: its name and its words."""
    stops: Stops = field(default_factory=Stops)
    ran: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The nodes that ran before each checkpoint at which nothing of the next step has begun."""
    schema: Mapping[str, JSON] = field(default_factory=dict)
    """The JSON Schema of the graph's state."""
    convention: str = ""
    """The convention for the graph's plain questions."""
    unbound: tuple[str, ...] = ()
    """The keys of its questions that no approval is bound to."""


def is_busy(runs: Sequence[Row]) -> bool:
    """Whether a run of anybody's is under way, or waits for its turn."""
    return any(run["status"] in _UNDER_WAY for run in runs)


def failed_run(runs: Sequence[Row]) -> Row | None:
    """The last run, if it did not end in order."""
    return runs[0] if runs and runs[0]["status"] != _IN_ORDER else None


def read(look: Look) -> ThreadStatus:
    """How the thread stands."""
    if is_busy(look.runs):
        return ThreadStatus(phase=Phase.BUSY)
    state = look.state
    if not state.get("created_at") and not state["tasks"]:
        return ThreadStatus(phase=Phase.LOST, failure=_failure(look, begun=False))
    if not state["tasks"]:
        return _done(look)
    answers = _answers(look)
    waiting = [each for each in _waiting(state) if each.id not in answers.by_others]
    frozen = frozenset(each.id for each in waiting if each.id in answers.by_us)
    asked = [_asked(look, each) for each in waiting if each.id not in frozen]
    there, written = standing(look), edits.written(look.requests, state)
    if there is not None and there.id in answers.by_us:
        there = None  # it was approved, and the run that passes it did not come to its end
    if there is not None and written is not None and edits.holds(written, there, look.now):
        return ThreadStatus(phase=Phase.STOPPED, answered=frozenset({written.interrupt_id}))
    not_taken = frozenset({written.interrupt_id}) if written is not None and there is not None else frozenset()
    if there is not None:
        asked.append(there.asked(look.now))
    open = {each.interrupt_id for each in asked}
    failed = any(_raised(task) and open.isdisjoint(_ids(task)) for task in state["tasks"]) and not _replayed(look)
    status = ThreadStatus(
        phase=_phase(asked=bool(asked), failed=bool(frozen) or (failed and failed_run(look.runs) is not None)),
        asked=tuple(asked),
        answered=frozen,
        failure=_failure(look, begun=True),
        not_taken=not_taken,
        stands=there.id if there is not None else None,
        trace=_trace(look.runs),
    )
    return _left_alone(look, status)


def steps(look_state: Row, runs: Sequence[Row]) -> list[Step]:
    """The steps of which the nodes that ran before have to be looked up. None while a run is under way."""
    return [] if is_busy(runs) else list(unbegun(look_state))


def _trace(runs: Sequence[Row]) -> Trace | None:
    """Where the last run is found among traces. A server that traces keeps it with the run (langgraph_api,
    otel_context)."""
    config = ((runs[0].get("kwargs") or {}).get("config") if runs else None) or {}
    kept = (config.get("configurable") or {}).get("__otel_traceparent__")
    return trace_of(kept) if isinstance(kept, str) else None


# --- Within -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """An interrupt that the state lists."""

    id: InterruptId
    value: Any
    schema: Any
    place: str
    step: str
    """When the step began in which it was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answers:
    """The interrupts that were answered since the last run that ended in order."""

    by_us: frozenset[InterruptId] = frozenset()
    by_others: frozenset[InterruptId] = frozenset()
    """As far as their step raised. Until then, a click that came too late looks the same."""


def _phase(*, asked: bool, failed: bool) -> Phase:
    if failed:
        return Phase.FAILED
    return Phase.WAITING if asked else Phase.STOPPED


def _done(look: Look) -> ThreadStatus:
    """The status of a thread that has come to its end, or that a rejection at a breakpoint has ended."""
    rejected = edits.ended(look.requests, look.state)
    outcome = rejected or _outcome(look.state["values"])
    return ThreadStatus(phase=Phase.DONE, outcome=outcome, stopped=rejected is not None)


def _left_alone(look: Look, status: ThreadStatus) -> ThreadStatus:
    """The status; or that the task is over, if the thread is somebody else's and their run broke off with nothing to
    ask. The bot goes on with no run that it did not begin."""
    theirs = look.task.server is not None and look.task.server.watched
    if not theirs or status.phase not in (Phase.STOPPED, Phase.FAILED) or (look.runs and _is_ours(look.runs[0])):
        return status
    if status.asked:
        return replace(status, phase=Phase.WAITING)
    kind = (look.error or {}).get("error")
    how = f"with an error ({kind})" if kind else "before it was done"
    return ThreadStatus(phase=Phase.DONE, stopped=True, outcome=_ELSEWHERE.format(how=how))


def _waiting(state: Row, within: str = "") -> Iterator[_Waiting]:
    """The interrupts of this graph's tasks. The names of the nodes within tell where a question of theirs is asked."""
    for task in state["tasks"]:
        place = f"{within}/{task['name']}" if within else str(task["name"])
        below = {each.id: each for each in _waiting(task["state"], place)} if task.get("state") else {}
        for interrupt in task["interrupts"]:
            id = InterruptId(str(interrupt["id"]))
            yield below.get(id) or _Waiting(
                id=id,
                value=interrupt["value"],
                schema=interrupt.get("response_schema"),
                place=place,
                step=str(state.get("created_at") or ""),
            )


def _answers(look: Look) -> _Answers:
    by_us: set[InterruptId] = set()
    by_others: set[InterruptId] = set()
    everything = False
    for run in look.runs:
        if run["status"] == _IN_ORDER:
            break
        resumed = ((run.get("kwargs") or {}).get("command") or {}).get("resume")
        ours = str((run.get("metadata") or {}).get(INTERRUPT, ""))
        if _is_ours(run):
            by_us |= {InterruptId(ours)} if ours else set()
        elif isinstance(resumed, dict) and resumed and all(_is_id(key) for key in resumed):
            by_others |= {InterruptId(key) for key in resumed}
        elif resumed is not None:  # a list, or one value, which answers whatever is open
            everything = True
    raised = {id for task in look.state["tasks"] if _raised(task) for id in _ids(task)}
    return _Answers(by_us=frozenset(by_us), by_others=frozenset(raised if everything else by_others & raised))


def _ids(task: Row) -> Iterator[InterruptId]:
    yield from (InterruptId(str(each["id"])) for each in task["interrupts"])


def _raised(task: Row) -> bool:
    """Whether the task, or one of the graph within it, ended in an error."""
    inner = task.get("state") or {}
    return bool(task.get("error")) or any(_raised(each) for each in inner.get("tasks", ()))


def _is_ours(run: Row) -> bool:
    return INTENT in (run.get("metadata") or {})


def _is_id(key: str) -> bool:
    return len(key) == 32 and all(digit in "0123456789abcdef" for digit in key)


def standing(look: Look) -> Standing | None:
    """The breakpoints at which the thread stands, if it does.

    After a run that ended in order, whatever has not begun was stopped at a breakpoint, even if nothing else says so.
    After any other run a drawn breakpoint counts as one, because to go on would pass it.
    """
    found = [replace(step, ran=look.ran.get(step.checkpoint_id, ())) for step in unbegun(look.state)]
    made = next((run for run in look.runs if run["run_id"] == _maker(look.state)), None)
    stops = look.stops.and_of(made)
    if failed_run(look.runs) is not None:
        found = [step for step in found if step.stops_at(stops)]
    root = str((look.state.get("checkpoint") or {}).get("checkpoint_id", ""))
    return Standing(root=root, steps=tuple(found), stops=stops, schema=look.schema) if found else None


def _maker(state: Row) -> str:
    return str((state.get("metadata") or {}).get("run_id", ""))


def _failure(look: Look, *, begun: bool) -> Failure | None:
    """The error of the run that the task waits for, if it ended in one. An error that was reported before is none."""
    run = failed_run(look.runs)
    if run is None or not (run["run_id"] == look.begun or _is_awaited(look.task, run)):
        return None
    kind = str((look.error or {}).get("error") or "")
    if _replayed(look) and begun:
        return None
    if run["status"] == "interrupted":
        kind = "it was cancelled on the server"
    return Failure(error_id=error_id(run), summary=kind or "its run did not end in order", at=look.now)


def _replayed(look: Look) -> bool:
    """Whether the last run failed only because its answer was taken before. The step that it broke off has an error
    too, which is not the graph's."""
    return (look.error or {}).get("error") == _REPLAYED


def _is_awaited(task: Task, run: Row) -> bool:
    """Whether nothing was recorded yet of how this run ended."""
    metadata = run.get("metadata") or {}
    open = isinstance(task.state, Starting | Running) and task.tries > 0
    return open and INTENT in metadata and metadata.get(TRY) == task.tries


def error_id(run: Row) -> str:
    """The id under which the error of a run is told: the end of the run's id, which the server's log has."""
    return str(run["run_id"])[-12:]


def _asked(look: Look, waiting: _Waiting) -> Asked:
    value, types = payload.read(waiting.value)
    schema, more = payload.read(waiting.schema)
    question = _since(questions.read(value, schema, look.convention), waiting)
    question = agent_words.with_reason(question, list(_said_last(look.state)))
    return Asked(
        interrupt_id=waiting.id,
        question=replace(question, types=(*types, *(f"schema {note}" for note in more))),
        place=waiting.place,
        fingerprint=fingerprint(payload.noted(value, types), schema, look.now, look.unbound),
    )


def _said_last(state: Row) -> Iterator[Said]:
    """The last messages of the models of this graph and of those within it."""
    values = state.get("values")
    messages = values.get(agent_words.MESSAGES) if isinstance(values, Mapping) else None
    listed = [each for each in messages if isinstance(each, Mapping)] if isinstance(messages, list) else []
    last = next((each for each in reversed(listed) if each.get("type") == "ai"), None)
    if last is not None:
        calls = last.get("tool_calls") or []
        yield Said(content=last.get("content"), calls=[each for each in calls if {"name", "args"} <= each.keys()])
    for task in state.get("tasks", ()):
        if task.get("state"):
            yield from _said_last(task["state"])


def _since(question: Question, waiting: _Waiting) -> Question:
    """The question, with the time of the action if it offers to undo one and does not say when that was: then it was
    when the node before had finished, which is when the present step began. In a graph within it is not known."""
    window = question.window
    if window is None or window.at is not None or "/" in waiting.place or not waiting.step:
        return question
    return replace(question, window=replace(window, at=datetime.fromisoformat(waiting.step)))


def _outcome(values: Any) -> str:
    """What the graph says about its result: its `outcome`, or else its last message. Empty if it says nothing."""
    if isinstance(values, str):
        return values if values.strip() else ""
    if not isinstance(values, Mapping):
        return ""
    said = values.get("outcome")
    if isinstance(said, str) and said.strip():
        return said
    messages = values.get("messages")
    return _spoken(messages[-1]) if isinstance(messages, list) and messages else ""


def _spoken(message: Any) -> str:
    """The text of a message, whose content may be a list of blocks."""
    content = message.get("content") if isinstance(message, Mapping) else None
    blocks = content if isinstance(content, list) else [content]
    texts = (block.get("text") if isinstance(block, Mapping) else block for block in blocks)
    return "".join(text for text in texts if isinstance(text, str)).strip()
