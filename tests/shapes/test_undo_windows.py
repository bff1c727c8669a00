"""A real graph that acts and then offers to undo that: from what it asks to what it gets, wherever in it that is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Send, interrupt

from bot.approvals.model.actor import Shown
from bot.approvals.model.decision import ItemVerdict, Keep, Outcome, Undo, WindowClosed
from bot.approvals.model.errors import AlreadySettled, MayNotVote
from bot.approvals.model.request import Decided, Delivered, Pending, Request
from bot.approvals.model.task import Ended, Task
from graphs import undo
from tests.support.agent_stage import Stage, State, a_stage
from tests.support.fakes.world import ALICE, RITA

TEN_MINUTES = timedelta(minutes=10)
A_MINUTE = timedelta(minutes=1)


@dataclass
class Disk:
    """What the agents did, and what they undid."""

    moved: list[str] = field(default_factory=list)
    undone: list[tuple[str, str]] = field(default_factory=list)
    away: bool = False

    def act(self, state: Any) -> State:
        self.moved.append("a")
        return {}

    def offer(self, name: str = "a", **more: Any) -> State:
        undone = undo.offer(f"Moved {name}", way_back={"name": name}, how="Moves it back", **more)
        if undone is not None and self.away:
            raise RuntimeError("the disk is away")
        if undone is not None:
            self.undone.append((undone.way_back["name"], undone.key))
        return {"outcome": "undone" if undone is not None else "kept"}


def chain(*nodes: Any) -> StateGraph[Any, Any, Any, Any]:
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    before = START
    for number, node in enumerate(nodes):
        builder.add_node(f"n{number}", node)
        builder.add_edge(before, f"n{number}")
        before = f"n{number}"
    return builder


def plain(disk: Disk) -> StateGraph[Any, Any, Any, Any]:
    """Acts in one node, and offers in the next."""
    return chain(disk.act, lambda state: disk.offer())


def within(disk: Disk) -> StateGraph[Any, Any, Any, Any]:
    """All of that in a subgraph."""
    return chain(plain(disk).compile())


def called(disk: Disk) -> StateGraph[Any, Any, Any, Any]:
    """In a subgraph that a node calls."""
    inner = plain(disk).compile()
    return chain(lambda state: inner.invoke({}))


async def begun(stage: Stage) -> Task:
    """A task, by a clock that shows the time: LangGraph notes by itself when a step was made."""
    stage.clock.now = datetime.now(UTC)
    return await stage.started()


async def said(stage: Stage, request: Request, verdict: ItemVerdict) -> None:
    """What the requester wants."""
    now = await stage.storage.request(request.id)
    await stage.answers.vote(stage.actor(RITA), Shown.of(now), (verdict,))
    await stage.settle()


async def later(stage: Stage, span: timedelta) -> None:
    """After this time, with all that a sweep finds."""
    stage.clock.advance(span)
    await stage.sweeper.sweep(stage.clock.now)
    await stage.settle()


@pytest.mark.parametrize("graph", [plain, within, called])
@pytest.mark.parametrize("restarted", [False, True], ids=["one process", "another process"])
async def test_undo_reaches_the_graph_with_its_way_back(tmp_path: Path, graph: Any, restarted: bool) -> None:
    """From a subgraph as well, and if the process ended in between."""
    disk = Disk()
    async with a_stage(tmp_path, graph(disk)) as stage:
        task = await begun(stage)
        request = await stage.question(task)
        if restarted:
            await stage.redeploy(graph(disk))
            assert await stage.question(task) == request

        await said(stage, request, Undo())

        assert disk.moved == ["a"]
        assert [name for name, _ in disk.undone] == ["a"]
        assert len(disk.undone[0][1]) == 64
        assert await stage.is_delivered(request)
        assert isinstance((await stage.storage.task(task.id)).state, Ended)


@pytest.mark.parametrize("graph", [plain, within, called])
async def test_if_nobody_answers_it_stays_and_the_graph_goes_on(tmp_path: Path, graph: Any) -> None:
    disk = Disk()
    async with a_stage(tmp_path, graph(disk)) as stage:
        task = await begun(stage)
        request = await stage.question(task)

        await later(stage, TEN_MINUTES)

        assert disk.undone == []
        assert isinstance((await stage.storage.request(request.id)).decision, WindowClosed)
        assert isinstance((await stage.storage.task(task.id)).state, Ended)
        with pytest.raises(AlreadySettled):
            await said(stage, request, Undo())


async def test_nobody_else_may_undo_it(tmp_path: Path) -> None:
    """Whoever may approve may not undo, unless the policy says so."""
    disk = Disk()
    async with a_stage(tmp_path, plain(disk)) as stage:
        request = await stage.question(await begun(stage))

        with pytest.raises(MayNotVote):
            await stage.answers.vote(stage.actor(ALICE), Shown.of(request), (Undo(),))

        assert isinstance((await stage.storage.request(request.id)).state, Pending)


async def test_an_undo_that_fails_is_tried_again_under_the_same_key(tmp_path: Path) -> None:
    """In another process too, and after the window has closed: it was wanted in time."""
    disk = Disk(away=True)
    async with a_stage(tmp_path, plain(disk)) as stage:
        request = await stage.question(await begun(stage))
        await said(stage, request, Undo())
        failed = await stage.storage.request(request.id)
        assert isinstance(failed.state, Decided)
        assert failed.state.failure is not None
        told = [event.data["told"] for event in await stage.storage.history(request.task_id) if "told" in event.data]

        disk.away = False
        await stage.redeploy(plain(disk))
        await later(stage, TEN_MINUTES)

        assert [
            {"type": "undo", "undo": {"name": "a", "how": "Moves it back"}, "key": key} for _, key in disk.undone
        ] == told
        assert len(told) == 1


async def test_parallel_branches_are_undone_each_on_its_own(tmp_path: Path) -> None:
    """Each under its own key, and each offer says for itself what became of it."""
    disk = Disk()
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("act", disk.act)
    builder.add_node("offer", lambda name: (disk.offer(name), {})[1])
    builder.add_edge(START, "act")
    builder.add_conditional_edges("act", lambda _: [Send("offer", name) for name in "abc"], ["offer"])
    async with a_stage(tmp_path, builder) as stage:
        task = await begun(stage)
        asked = {each.question.title: each for each in await stage.asked(task)}

        await said(stage, asked["Moved b"], Undo())
        await said(stage, asked["Moved a"], Keep())
        assert [name for name, _ in disk.undone] == ["b"]
        await said(stage, asked["Moved c"], Undo())

        assert [name for name, _ in disk.undone] == ["b", "c"]
        assert len({key for _, key in disk.undone}) == 2
        outcomes = {each.question.title: each.decision and each.decision.outcome
                    for each in await stage.storage.requests_of(task.id)}  # fmt: skip
        assert outcomes == {"Moved a": Outcome.KEEP, "Moved b": Outcome.UNDO, "Moved c": Outcome.UNDO}


@pytest.mark.parametrize("first", ["window", "approval"])
async def test_a_window_and_an_approval_are_open_at_once(tmp_path: Path, first: str) -> None:
    """Whichever is answered first, the other one waits for its own answer, and neither runs anything twice."""
    disk, did = Disk(), list[Any]()

    def ask(state: State) -> State:
        did.append(interrupt({"question": "More?", "details": {}}))
        return {}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("act", disk.act)
    builder.add_node("offer", lambda state: (disk.offer(), {})[1])
    builder.add_node("ask", ask)
    builder.add_edge(START, "act")
    builder.add_edge("act", "offer")
    builder.add_edge("act", "ask")
    async with a_stage(tmp_path, builder) as stage:
        task = await begun(stage)
        window, approval = sorted(await stage.asked(task), key=lambda each: not each.is_window)

        if first == "window":
            await said(stage, window, Undo())
            assert (len(disk.undone), did) == (1, [])
            await stage.approve(approval)
        else:
            await stage.approve(approval)
            assert (disk.undone, did) == ([], [True])
            await said(stage, window, Undo())

        assert (disk.moved, len(disk.undone), did) == (["a"], 1, [True])
        assert isinstance((await stage.storage.task(task.id)).state, Ended)


async def test_a_window_that_is_over_before_anybody_sees_it_stays_and_the_record_says_so(tmp_path: Path) -> None:
    """The agent acted long ago, or the bot was away since."""
    disk = Disk()
    async with a_stage(tmp_path, chain(lambda state: disk.offer(at="2020-01-01T00:00:00+00:00"))) as stage:
        task = await begun(stage)

        (request,) = await stage.storage.requests_of(task.id)
        assert isinstance(request.state, Delivered)
        assert isinstance(request.decision, WindowClosed)
        assert disk.undone == []
        (opened,) = [event for event in await stage.storage.history(task.id) if event.kind == "opened"]
        assert opened.data["outcome"] == Outcome.CLOSED


async def test_the_window_counts_from_the_action_even_if_the_agent_says_nothing_of_it(tmp_path: Path) -> None:
    """A process that reads the thread later does not begin it anew."""
    disk = Disk()
    async with a_stage(tmp_path, plain(disk)) as stage:
        task = await begun(stage)
        began, before = stage.clock.now, (await stage.question(task)).deadline
        assert before is not None
        await later(stage, A_MINUTE)
        await stage.redeploy(plain(disk))

        assert (await stage.question(task)).deadline == before <= began + TEN_MINUTES


async def test_a_graph_that_fails_after_its_window_closed_gets_its_keep_again(tmp_path: Path) -> None:
    """Nobody is asked a second time: nobody had to answer the first time."""
    tries: list[str] = []

    def offer(state: Any) -> State:
        assert undo.offer("Moved a", how="Moves it back") is None
        tries.append("kept")
        if len(tries) == 1:
            raise RuntimeError("the disk is away")
        return {"outcome": "kept"}

    async with a_stage(tmp_path, chain(offer)) as stage:
        task = await begun(stage)
        request = await stage.question(task)

        await later(stage, TEN_MINUTES)
        await later(stage, A_MINUTE)

        assert tries == ["kept", "kept"]
        assert await stage.is_delivered(request)
        assert isinstance((await stage.storage.task(task.id)).state, Ended)


async def test_a_node_that_asks_on_after_its_window_closed_keeps_what_it_heard(tmp_path: Path) -> None:
    """It runs again from its beginning when the later question is answered."""
    disk, told = Disk(), []

    def both(state: Any) -> State:
        kept = disk.offer()
        told.append((kept["outcome"], interrupt("Go on?")))
        return {"outcome": "done"}

    async with a_stage(tmp_path, chain(both)) as stage:
        task = await begun(stage)
        await later(stage, TEN_MINUTES)

        await stage.approve(await stage.question(task))

        assert told == [("kept", True)]
        assert len(await stage.storage.requests_of(task.id)) == 2
        assert isinstance((await stage.storage.task(task.id)).state, Ended)


async def test_a_graph_that_does_not_take_the_end_of_its_window_for_an_answer_is_stopped(tmp_path: Path) -> None:
    """Its interrupt came with a check that refuses the value that says that it stays."""

    def offer(state: Any) -> State:
        interrupt({"type": "undo_window", "action": "Moved a"}, response_schema=bool)
        return {"outcome": "kept"}

    async with a_stage(tmp_path, chain(offer)) as stage:
        task = await begun(stage)

        await later(stage, TEN_MINUTES)

        assert await stage.outcome(task) == "Stopped: Nobody undid it, and the graph did not take that for an answer."
