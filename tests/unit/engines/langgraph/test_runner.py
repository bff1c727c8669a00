"""The engine over real graphs and real savers: strict answers, drained runs, failures with an id, lost leases."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import interrupt

from bot.approvals.model.agent import Phase
from bot.approvals.model.decision import Approve, Expired, Reject
from bot.approvals.model.errors import GraphUnavailable, InvalidAnswer, InvalidInputs, UnknownGraph, Unreachable
from bot.approvals.model.ids import JSON, InterruptId, ThreadId
from bot.approvals.model.task import Gone, Lease, Part, Task
from bot.approvals.ports.engine import Agents, Draining
from bot.engines import questions
from bot.engines.langgraph.checkpoints import sqlite_saver
from bot.engines.langgraph.loading import inputs
from bot.engines.langgraph.loading.registry import LoadedGraph, Registry
from bot.engines.langgraph.runner import LangGraphEngine
from tests.support.builders import NOON, a_task, an_answer
from tests.unit.engines.langgraph.threads import Broken, Faults, Said, chain

TASK = a_task(graph="chain", inputs={"said": ""})
LEASE = Lease(thread_id=TASK.thread_id, token=1, until=NOON)


@dataclass
class Ledger:
    """What the nodes did in the world, and where they raise or wait."""

    did: list[str] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def asks(self, *titles: str) -> Any:
        def node(state: Said) -> dict[str, str]:
            said = ""
            for title in titles:
                answer = str(interrupt(title))
                self.faults.here(title)
                self.did.append(f"{title}={answer}")
                said += answer
            return {"said": said}

        return node

    def does(self, what: str) -> Any:
        async def node(state: Said) -> dict[str, str]:
            self.faults.here(what)
            self.did.append(what)
            return {"said": what}

        return node

    async def waits(self, state: Said) -> dict[str, str]:
        self.reached.set()
        await self.go_on.wait()
        return {"said": "waited"}


def engine_of(saver: BaseCheckpointSaver[Any], check: inputs.InputCheck | None = None, **nodes: Any) -> LangGraphEngine:
    """An engine with one graph: these nodes, one after the other."""
    compiled = chain(nodes).compile(checkpointer=saver)
    graph = LoadedGraph(name="chain", description="A chain", compiled=compiled, form=inputs.read(compiled, check))
    absent = LoadedGraph(name="absent", description="", compiled=None, form=inputs.EMPTY, unavailable="it is broken")
    return LangGraphEngine(registry=Registry(graphs={"chain": graph, "absent": absent}, saver=saver))


async def asked(engine: LangGraphEngine, task: Task = TASK) -> InterruptId:
    """The one interrupt that a started task waits at."""
    status = await engine.start(task, LEASE, NOON)
    (open_one,) = status.asked
    return open_one.interrupt_id


# --- Answers ------------------------------------------------------------------------------------------


async def test_a_task_is_started_on_its_inputs_and_answered_by_id(saver: BaseCheckpointSaver[Any]) -> None:
    ledger = Ledger()
    engine = engine_of(saver, ask=ledger.asks("one"), act=ledger.does("act"))
    id = await asked(engine, replace(TASK, inputs={"said": ">"}))

    status = await engine.resume(TASK, LEASE, id, "yes", NOON)

    assert (status.phase, status.failure) == (Phase.DONE, None)
    assert ledger.did == ["one=yes", "act"]
    assert (await engine.status(TASK)).phase is Phase.DONE


async def test_an_answer_to_a_question_that_was_answered_is_not_taken_for_the_next_one(
    saver: BaseCheckpointSaver[Any], caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger()
    engine = engine_of(saver, ask=ledger.asks("one", "two"))
    first = await asked(engine)
    await engine.resume(TASK, LEASE, first, "A", NOON)
    did = list(ledger.did)

    status = await engine.resume(TASK, LEASE, first, "A", NOON)

    assert [each.question.title for each in status.asked] == ["two"]
    assert status.failure is None
    assert ledger.did == did
    assert f"task {TASK.id}: LangGraph refused a resume: not_pending" in caplog.text


@pytest.mark.parametrize("how", ["finished", "unknown"])
async def test_an_answer_to_a_thread_that_does_not_ask_runs_nothing(saver: BaseCheckpointSaver[Any], how: str) -> None:
    ledger = Ledger()
    engine = engine_of(saver, ask=ledger.asks("one"))
    if how == "finished":
        await engine.resume(TASK, LEASE, await asked(engine), "A", NOON)
    did = list(ledger.did)

    status = await engine.resume(TASK, LEASE, InterruptId("0" * 32), "A", NOON)

    assert status.phase is (Phase.DONE if how == "finished" else Phase.LOST)
    assert ledger.did == did


@pytest.mark.parametrize("answer", [None, {}, False, "", []])
async def test_an_answer_that_is_nothing_is_an_answer_still(saver: BaseCheckpointSaver[Any], answer: Any) -> None:
    ledger = Ledger()
    engine = engine_of(saver, ask=ledger.asks("one"))
    id = await asked(engine)

    status = await engine.resume(TASK, LEASE, id, answer, NOON)

    assert (status.phase, ledger.did) == (Phase.DONE, [f"one={answer}"])


# --- Failures -----------------------------------------------------------------------------------------


async def test_what_a_graph_raises_comes_back_under_an_id_that_the_log_has_with_the_trace(
    saver: BaseCheckpointSaver[Any], caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(faults=Faults({"one"}))
    engine = engine_of(saver, ask=ledger.asks("one"))
    id = await asked(engine)

    status = await engine.resume(TASK, LEASE, id, "A", NOON)

    assert status.failure is not None
    assert (status.phase, status.failure.summary, status.failure.at) == (Phase.FAILED, "Broken", NOON)
    assert status.answered == frozenset({id})
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.getMessage() == f"error {status.failure.error_id}: the graph chain of task task-1 raised"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], Broken)


async def test_a_failure_is_told_of_the_run_that_raised_and_of_no_later_look(saver: BaseCheckpointSaver[Any]) -> None:
    ledger = Ledger(faults=Faults({"act"}))
    engine = engine_of(saver, act=ledger.does("act"))

    status = await engine.start(TASK, LEASE, NOON)

    assert status.failure is not None
    assert (await engine.status(TASK)).failure is None


async def test_going_on_after_a_failure_runs_the_node_with_the_answer_that_it_had(
    saver: BaseCheckpointSaver[Any],
) -> None:
    ledger = Ledger(faults=Faults({"one"}))
    engine = engine_of(saver, ask=ledger.asks("one"), act=ledger.does("act"))
    await engine.resume(TASK, LEASE, await asked(engine), "A", NOON)
    ledger.faults.at.clear()

    status = await engine.proceed(TASK, LEASE, NOON)

    assert (status.phase, ledger.did) == (Phase.DONE, ["one=A", "act"])


async def test_two_failures_have_two_ids(saver: BaseCheckpointSaver[Any]) -> None:
    engine = engine_of(saver, act=Ledger(faults=Faults({"act"})).does("act"))

    failures = [
        (await engine.start(TASK, LEASE, NOON)).failure,
        (await engine.proceed(TASK, LEASE, NOON)).failure,
    ]

    assert len({failure.error_id for failure in failures if failure}) == 2


# --- Draining -----------------------------------------------------------------------------------------


async def test_a_drain_ends_a_run_at_the_end_of_its_step_and_another_process_goes_on_from_there() -> None:
    ledger = Ledger()
    saver = InMemorySaver()
    engine = engine_of(saver, wait=ledger.waits, act=ledger.does("act"))
    run = asyncio.create_task(engine.start(TASK, LEASE, NOON))
    await ledger.reached.wait()

    engine.runs.drain()
    ledger.go_on.set()

    with pytest.raises(Draining):
        await run
    assert ledger.did == []
    assert engine.runs.controls == set()
    successor = engine_of(saver, wait=ledger.waits, act=ledger.does("act"))
    assert (await successor.status(TASK)).phase is Phase.STOPPED
    assert (await successor.proceed(TASK, LEASE, NOON)).phase is Phase.DONE
    assert ledger.did == ["act"]


async def test_while_draining_no_run_begins_and_a_thread_can_still_be_read() -> None:
    ledger = Ledger()
    engine = engine_of(InMemorySaver(), ask=ledger.asks("one"))
    id = await asked(engine)
    engine.runs.drain()

    with pytest.raises(Draining):
        await engine.start(replace(TASK, thread_id=ThreadId("another")), LEASE, NOON)
    with pytest.raises(Draining):
        await engine.resume(TASK, LEASE, id, "A", NOON)
    with pytest.raises(Draining):
        await engine.proceed(TASK, LEASE, NOON)

    assert (await engine.status(TASK)).is_open(id)
    assert ledger.did == []


async def test_a_run_that_reaches_its_question_while_draining_has_asked_it() -> None:
    ledger = Ledger()

    async def asks_late(state: Said) -> dict[str, str]:
        await ledger.waits(state)
        return {"said": str(interrupt("one"))}

    engine = engine_of(InMemorySaver(), ask=asks_late)
    run = asyncio.create_task(engine.start(TASK, LEASE, NOON))
    await ledger.reached.wait()
    engine.runs.drain()
    ledger.go_on.set()

    await asyncio.wait([run])

    assert [each.question.title for each in (await engine.status(TASK)).asked] == ["one"]


async def test_a_cancelled_run_is_forgotten() -> None:
    ledger = Ledger()
    engine = engine_of(InMemorySaver(), wait=ledger.waits)
    run = asyncio.create_task(engine.start(TASK, LEASE, NOON))
    await ledger.reached.wait()

    run.cancel()
    await asyncio.wait([run])

    assert run.cancelled()
    assert engine.runs.controls == set()


# --- Leases -------------------------------------------------------------------------------------------


@dataclass
class Leases:
    """Which token holds each thread; what storage answers."""

    tokens: dict[str, int] = field(default_factory=lambda: {TASK.thread_id: 1})

    async def holds(self, thread_id: ThreadId, token: int) -> bool:
        return self.tokens.get(thread_id) == token


@asynccontextmanager
async def fenced(path: Path, leases: Leases, **nodes: Any) -> AsyncIterator[LangGraphEngine]:
    async with sqlite_saver(path / "checkpoints.sqlite", leases.holds) as saver:
        yield engine_of(saver, **nodes)


async def test_a_run_without_the_lease_saves_nothing_and_is_told_to_look_again(tmp_path: Path) -> None:
    ledger, leases = Ledger(), Leases(tokens={})
    async with fenced(tmp_path, leases, ask=ledger.asks("one")) as engine:
        with pytest.raises(Unreachable, match="the task is in other hands"):
            await engine.start(TASK, LEASE, NOON)

        assert (await engine.status(TASK)).phase is Phase.LOST


async def test_a_run_that_loses_its_lease_on_the_way_does_not_get_to_the_next_node(tmp_path: Path) -> None:
    ledger, leases = Ledger(), Leases()
    async with fenced(tmp_path, leases, ask=ledger.asks("one"), wait=ledger.waits, act=ledger.does("act")) as engine:
        id = await asked(engine)
        run = asyncio.create_task(engine.resume(TASK, LEASE, id, "A", NOON))
        await ledger.reached.wait()

        leases.tokens[TASK.thread_id] = 2
        ledger.go_on.set()

        with pytest.raises(Unreachable):
            await run
        assert ledger.did == ["one=A"]
        status = await engine.proceed(TASK, replace(LEASE, token=2), NOON)
        assert (status.phase, ledger.did) == (Phase.DONE, ["one=A", "act"])


async def test_an_answer_under_a_lease_that_is_over_is_not_stored(tmp_path: Path) -> None:
    ledger, leases = Ledger(), Leases()
    async with fenced(tmp_path, leases, ask=ledger.asks("one"), act=ledger.does("act")) as engine:
        id = await asked(engine)
        leases.tokens[TASK.thread_id] = 2

        with pytest.raises(Unreachable):
            await engine.resume(TASK, LEASE, id, "A", NOON)

        assert (await engine.status(TASK)).is_open(id)
        assert "act" not in ledger.did


# --- The rest of the port -----------------------------------------------------------------------------


async def test_the_graphs_are_listed_and_their_inputs_parsed() -> None:
    engine: Agents = engine_of(InMemorySaver(), act=Ledger().does("act"))

    assert [(graph.name, graph.unavailable) for graph in engine.graphs()] == [("chain", ""), ("absent", "it is broken")]
    assert await engine.parse_inputs("chain", {"said": "x"}) == {"said": "x"}
    with pytest.raises(InvalidInputs):
        await engine.parse_inputs("chain", {"sad": "x"})
    with pytest.raises(UnknownGraph):
        await engine.parse_inputs("chains", {})
    with pytest.raises(GraphUnavailable):
        await engine.parse_inputs("absent", {})


async def test_a_graph_that_objects_to_its_inputs_when_it_is_started_does_not_begin() -> None:
    """Nobody may have asked it before, or what it looks for has gone meanwhile."""
    ledger = Ledger()

    def check(values: dict[str, JSON]) -> None:
        raise ValueError(f"there is no folder `{values['said']}`.")

    engine = engine_of(InMemorySaver(), check, act=ledger.does("act"))

    status = await engine.start(replace(TASK, inputs={"said": "logs"}), LEASE, NOON)

    assert (status.phase, status.stopped, status.failure) == (Phase.DONE, True, None)
    assert status.outcome == (
        "Stopped: the agent did not begin, because it does not take these values: there is no folder `logs`. "
        "Start another task with other values."
    )
    assert ledger.did == []
    assert (await engine.status(TASK)).phase is Phase.LOST, "no checkpoint was written"


async def test_values_that_no_longer_fit_a_graphs_schema_do_not_begin_it() -> None:
    """Its code may have changed since the task was recorded."""
    ledger = Ledger()

    status = await engine_of(InMemorySaver(), act=ledger.does("act")).start(
        replace(TASK, inputs={"said": 7}), LEASE, NOON
    )

    assert (status.phase, status.stopped) == (Phase.DONE, True)
    assert "said cannot be `7`: it has to be a text" in status.outcome
    assert ledger.did == []


async def test_a_check_that_exits_as_its_graph_is_started_is_an_error_of_the_graph() -> None:
    def check(values: dict[str, JSON]) -> None:
        raise SystemExit(1)

    with pytest.raises(RuntimeError, match="check_inputs tried to end the process"):
        await engine_of(InMemorySaver(), check, act=Ledger().does("act")).start(TASK, LEASE, NOON)


@pytest.mark.parametrize("name", ["gone", "absent"])
async def test_a_task_of_a_graph_that_is_missing_or_cannot_be_loaded_lacks_it(name: str) -> None:
    engine = engine_of(InMemorySaver(), act=Ledger().does("act"))

    status = await engine.status(replace(TASK, graph=name))

    assert (status.phase, status.lacks) == (Phase.LACKING, Gone(part=Part.GRAPH, name=name))


def test_a_decision_becomes_the_value_that_its_question_wants() -> None:
    engine = engine_of(InMemorySaver(), act=Ledger().does("act"))
    question = questions.read({"question": "Go?", "details": {}})

    assert engine.answer(question, question, an_answer(verdicts=(Approve(),))) is True
    assert engine.answer(question, question, an_answer(verdicts=(Reject(),))) is False
    assert engine.answer(question, question, Expired(at=NOON)) is False
    with pytest.raises(InvalidAnswer):
        engine.answer(question, question, an_answer(verdicts=(Approve(), Approve())))
    with pytest.raises(InvalidAnswer, match="unheard of"):
        engine.answer(replace(question, shape="unheard of"), question, Expired(at=NOON))


async def test_a_forgotten_task_is_lost(saver: BaseCheckpointSaver[Any]) -> None:
    engine = engine_of(saver, ask=Ledger().asks("one"))
    await asked(engine)

    await engine.forget(TASK)

    assert (await engine.status(TASK)).phase is Phase.LOST
