"""How a LangGraph thread stands, read from its checkpoint alone.

`aget_state` says less than is stored. After a node raised, its answered interrupt is still listed as pending. A
subgraph's interrupt is listed until the subgraph is done. "Nothing next" may also mean that an edge raised, or that a
process died before it finished the step. So the pending writes are read too.
`tests/unit/engines/langgraph/test_canaries.py` watches the private names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import ERROR, INTERRUPT, NS_END, NS_SEP, NULL_TASK_ID, RESUME
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.pregel import Pregel
from langgraph.pregel._task_status import CONTROL_WRITES
from langgraph.types import Interrupt, PregelTask, StateSnapshot, _interrupt_id

from bot.approvals.model.agent import Asked, Phase, ThreadStatus
from bot.approvals.model.fingerprint import Fingerprint, fingerprint
from bot.approvals.model.ids import JSON, InterruptId
from bot.engines import payload, questions
from bot.engines.langgraph import agent_words, breakpoints, missing_steps
from bot.engines.langgraph.guard import is_held
from bot.engines.langgraph.read_once import looked_at
from bot.engines.payload import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is known about a thread apart from its checkpoint."""

    now: datetime
    convention: str = ""
    """The convention for the graph's plain questions."""
    unbound: tuple[str, ...] = ()
    """The keys of its questions that no approval is bound to."""
    asked: Mapping[str, Fingerprint] = field(default_factory=dict)
    """What the run that has just returned asked. A value that is read from the checkpoint may have another type."""
    held: frozenset[str] = frozenset()
    """The checkpoints of open requests. The thread stays there until they are answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a look at a thread has found."""

    status: ThreadStatus
    step: int = -1
    """How many steps the thread has made, counted from 0. -1 if none."""


async def read(graph: Pregel[Any, Any, Any, Any], config: RunnableConfig, look: Look) -> Reading:
    """How the thread stands. It only reads, and each checkpoint only once."""
    graph = looked_at(graph)
    snapshot = await graph.aget_state(config, subgraphs=True)
    if snapshot.created_at is None:
        return Reading(status=ThreadStatus(phase=Phase.LOST))
    saver = cast("BaseCheckpointSaver[Any]", graph.checkpointer)
    found = _Found()
    await _look(snapshot, saver, found)
    step = int((snapshot.metadata or {}).get("step", -1))
    if (missing := await missing_steps.step(graph, snapshot, saver)) is not None:
        lacking = ThreadStatus(phase=Phase.LACKING, lacks=missing, answered=frozenset(found.answered))
        return Reading(status=lacking, step=step)
    asked = [_asked(interrupt, look, found, found.places.get(id, "")) for id, interrupt in found.open.items()]
    step_began = datetime.fromisoformat(snapshot.created_at)
    asked = [_since(step_began, each) if each.interrupt_id in found.first else each for each in asked]
    not_taken, gone, stands = frozenset(found.not_taken), {}, None
    if places := await breakpoints.standing(graph, snapshot, look.held):
        asked.append(breakpoints.asked(places, look.now))
        not_taken |= breakpoints.not_taken(places)
        found.stands = True
        stands = breakpoints.id_of(places)
        if (stop := breakpoints.gone(places)) is not None:
            gone[breakpoints.id_of(places)] = stop
    ended = (snapshot.metadata or {}).get(breakpoints.ENDED)
    status = ThreadStatus(
        phase=_phase(snapshot, found),
        asked=tuple(asked),
        answered=frozenset(found.answered),
        outcome=str(ended or _outcome(snapshot.values)),
        stopped=ended is not None,
        not_taken=not_taken,
        stands=stands,
        doubtful=found.doubtful,
        gone=gone,
    )
    return Reading(status=status, step=step)


@dataclass(slots=True)
class _Found:
    """What was found in the tasks of the present step, at every depth."""

    open: dict[str, Interrupt] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    """The node that asks each question, after the names of the nodes around it."""
    first: set[str] = field(default_factory=set)
    """The interrupts that a node of this very graph asks before anything else, so that what was done before them was
    done in an earlier step."""
    answered: set[InterruptId] = field(default_factory=set)
    """The interrupts whose answer is stored, but whose node has not gone past them."""
    failed: bool = False
    broken: bool = False
    """Whether a node has finished and the edge after it raised, so that nothing says what comes next."""
    unsettled: bool = False
    """Whether something still has to run before anybody is asked."""
    stands: bool = False
    """Whether the thread stands at a breakpoint, and goes on only after that is answered."""
    not_taken: set[InterruptId] = field(default_factory=set)
    """The interrupts whose answer was not given, because something else was asked in their place."""
    doubtful: bool = False
    """Whether that happened in a task whose interrupts' ids are not known."""
    looked: bool = False
    """Whether there was a graph or a task to look at."""
    conversations: list[object] = field(default_factory=list)
    """The messages in the state of each graph that was looked at."""


@dataclass(slots=True)
class _Written:
    """What is stored about one task: what it asked last, how many answers it took, how it ended.

    Writes stay until the step is over. A task that raised, ran again and now asks something still has its old error.
    """

    interrupts: list[Interrupt] = field(default_factory=list)
    answers: int = 0
    not_taken: list[int] = field(default_factory=list)
    """The places of answers that were not given."""
    raised: bool = False
    finished: bool = False


def _phase(snapshot: StateSnapshot, found: _Found) -> Phase:
    if not snapshot.tasks:
        return Phase.DONE
    if found.broken:
        return Phase.BROKEN
    if found.failed or found.answered:
        return Phase.FAILED
    return Phase.WAITING if found.stands or (found.open and not found.unsettled) else Phase.STOPPED


async def _look(snapshot: StateSnapshot, saver: BaseCheckpointSaver[Any], found: _Found) -> None:
    """Looks at the tasks of the snapshot's step, and of the subgraphs that it waits for."""
    written = await _written(saver, snapshot.config, found)
    if isinstance(snapshot.values, dict):  # a checkpoint may hold only what changed in a list of messages
        found.conversations.append(snapshot.values.get(agent_words.MESSAGES))
    listed = [(task, written.pop(task.id, _Written())) for task in snapshot.tasks]
    if not listed:  # LangGraph guesses which graph a node calls; if wrong, it lists nothing
        _look_called(written, found)
        return
    if all(own.finished for _, own in listed):
        found.broken |= any(own.raised for _, own in listed)  # otherwise it was killed before the step was finished
        return
    called = _Found()
    _look_called(written, called)
    for task, own in listed:
        if not own.finished:
            await _look_at(task, own, snapshot, saver, called, found)


async def _look_at(
    task: PregelTask,
    own: _Written,
    snapshot: StateSnapshot,
    saver: BaseCheckpointSaver[Any],
    called: _Found,
    found: _Found,
) -> None:
    """Looks at an unfinished task. It asked itself, or something below it did: a subgraph that LangGraph knows, a graph
    that the node calls without LangGraph's knowledge, or a `@task`."""
    namespace = _namespace(snapshot, task)
    below = _Found()
    ids = {interrupt.id: interrupt for interrupt in own.interrupts}
    further = _Found()
    if isinstance(task.state, StateSnapshot):
        await _look(task.state, saver, below)
        await _look_further(saver, snapshot.config, namespace, further)
    else:
        _look_called(await _written(saver, _within(snapshot.config, namespace), further), further)
    further.answered &= {InterruptId(id) for id in ids}
    below.open |= {id: interrupt for id, interrupt in further.open.items() if id in ids}
    below.answered |= further.answered
    below.doubtful |= further.doubtful
    below.failed |= further.failed
    if (waiting := _interrupt_id(namespace, own.answers)) in ids:
        below.open[waiting] = ids[waiting]
        if not own.answers and not (below.looked or further.looked or called.looked):
            found.first.add(waiting)
    below.open |= {id: interrupt for id, interrupt in called.open.items() if id in ids}
    below.answered |= {InterruptId(id) for id in called.answered if id in ids}
    below.answered |= {InterruptId(id) for n in range(own.answers) if (id := _interrupt_id(namespace, n)) in ids}
    found.not_taken |= below.not_taken | {InterruptId(_interrupt_id(namespace, n)) for n in own.not_taken}
    found.doubtful |= below.doubtful or called.doubtful
    found.open |= below.open
    found.places |= {id: "/".join(filter(None, (task.name, below.places.get(id)))) for id in below.open}
    found.answered |= below.answered
    found.broken |= below.broken
    found.failed |= below.failed or (own.raised and not below.open)
    found.conversations += below.conversations + further.conversations
    found.unsettled |= below.unsettled or not (below.open or below.answered or below.failed or own.raised)


async def _look_further(saver: BaseCheckpointSaver[Any], config: RunnableConfig, namespace: str, found: _Found) -> None:
    """Looks at further subgraphs that a node called one after the other. LangGraph's snapshot has only the first."""
    number = 1
    while await saver.aget_tuple(within := _within(config, f"{namespace}{NS_SEP}{number}")) is not None:
        _look_called(await _written(saver, within, found), found)
        number += 1


def _look_called(written: Mapping[str, _Written], found: _Found) -> None:
    """Looks at tasks that no snapshot lists, whose names and thus the ids of whose questions are not known.

    A task that raised after an answer counts as answered. Running it again asks again, which is safer than a second
    answer.
    """
    for task in written.values():
        found.looked = True
        answered = task.finished or (task.raised and task.answers > 0)
        found.doubtful |= bool(task.not_taken) and not task.finished
        for interrupt in task.interrupts:
            if answered:
                found.answered.add(InterruptId(interrupt.id))
            else:
                found.open[interrupt.id] = interrupt


async def _written(saver: BaseCheckpointSaver[Any], config: RunnableConfig, found: _Found) -> dict[str, _Written]:
    """What is stored about each task of the checkpoint's step, by task id. Notes the messages of its state."""
    checkpoint = await saver.aget_tuple(config)
    if checkpoint is not None:
        found.looked = True
        found.conversations.append(checkpoint.checkpoint["channel_values"].get(agent_words.MESSAGES))
    tasks: dict[str, _Written] = {}
    for id, channel, value in (checkpoint.pending_writes or []) if checkpoint is not None else []:
        task = tasks.setdefault(id, _Written())
        if channel == INTERRUPT:
            task.interrupts += value if isinstance(value, Sequence) else [value]
        elif channel == RESUME:
            answers = value if isinstance(value, list) else [value]
            task.answers = len(answers)
            task.not_taken = [place for place, each in enumerate(answers) if is_held(each)]
        elif channel == ERROR:
            task.raised = True
        elif channel not in CONTROL_WRITES:
            task.finished = True
    tasks.pop(NULL_TASK_ID, None)
    return tasks


def _namespace(snapshot: StateSnapshot, task: PregelTask) -> str:
    parent = str(snapshot.config["configurable"].get("checkpoint_ns", ""))
    own = f"{task.name}{NS_END}{task.id}"
    return f"{parent}{NS_SEP}{own}" if parent else own


def _within(config: RunnableConfig, namespace: str) -> RunnableConfig:
    """The newest checkpoint of a namespace of the same thread."""
    return RunnableConfig(
        configurable={"thread_id": config["configurable"]["thread_id"], "checkpoint_ns": namespace},
    )


def _asked(interrupt: Interrupt, look: Look, found: _Found, place: str) -> Asked:
    value, types = payload.read(interrupt.value)
    schema, more = payload.read(interrupt.response_schema)
    question = agent_words.with_reason(questions.read(value, schema, look.convention), found.conversations)
    return Asked(
        interrupt_id=InterruptId(interrupt.id),
        question=replace(question, types=(*types, *(f"schema {note}" for note in more))),
        place=place,
        fingerprint=look.asked.get(interrupt.id)
        or fingerprint(payload.noted(value, types), schema, look.now, look.unbound),
    )


def _since(step: datetime, asked: Asked) -> Asked:
    """What a node asks before anything else, with the time of the action if it offers to undo one and does not say when
    that was: the node before had finished when the present `step` began."""
    window = asked.question.window
    if window is None or window.at is not None:
        return asked
    return replace(asked, question=replace(asked.question, window=replace(window, at=step)))


def _outcome(values: object) -> str:
    """What the graph says about its result: its `outcome`, or else its last message. Empty if it says nothing."""
    for text in _results(values):
        if isinstance(text, str) and text.strip():
            return text
    return ""


def _results(values: object) -> Iterator[JSON]:
    if isinstance(values, str):
        yield values
    if isinstance(values, dict):
        yield to_json(values.get("outcome"))
        messages = values.get("messages")
        if isinstance(messages, list) and messages:
            yield _spoken(messages[-1])


def _spoken(message: object) -> str:
    """The text of a message, whose content may be a list of blocks."""
    return str(message.text) if isinstance(message, BaseMessage) else ""
