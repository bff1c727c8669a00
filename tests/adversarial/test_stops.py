"""Breakpoints beside other questions, in graphs that nodes call, and edits that would lead elsewhere: nothing runs that
was not approved where it was shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt

from bot.approvals.model.actor import Shown
from bot.approvals.model.decision import Approve
from bot.approvals.model.request import Decided
from bot.approvals.model.task import Failed
from tests.support.agent_stage import State, a_stage
from tests.support.fakes.world import ALICE, RITA


def wiping(did: list[str]) -> StateGraph[Any, Any, Any, Any]:
    """A graph that is to be stopped at before it wipes."""

    def plan(state: State) -> State:
        return {}

    def wipe(state: State) -> State:
        did.append("wipe")
        return {}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("plan", plan)
    builder.add_node("wipe", wipe)
    builder.add_edge(START, "plan")
    builder.add_edge("plan", "wipe")
    return builder


def beside(did: list[str], stops: list[str]) -> StateGraph[Any, Any, Any, Any]:
    """A subgraph with a stop, beside a node that asks."""

    def ask(state: State) -> State:
        interrupt("Which host?")
        return {}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("below", wiping(did).compile(interrupt_before=stops))
    builder.add_node("ask", ask)
    builder.add_edge(START, "below")
    builder.add_edge(START, "ask")
    return builder


@pytest.mark.parametrize("stop_stays", [True, False], ids=["the stop stays", "the stop is removed"])
async def test_answering_a_question_does_not_pass_a_stop_beside_it(stop_stays: bool, tmp_path: Path) -> None:
    did: list[str] = []
    async with a_stage(tmp_path, beside(did, ["wipe"])) as stage:
        task = await stage.started()
        open = {each.question.title: each for each in await stage.asked(task)}
        await stage.redeploy(beside(did, ["wipe"] if stop_stays else []))

        await stage.approve(open["Which host?"])

        assert did == []
        waits = await stage.storage.request(open["Which host?"].id)
        assert isinstance(waits.state, Decided)
        assert waits.state.failure is None
        await stage.reject(open["Before wipe: go on?"])
        assert did == []


async def test_a_retry_does_not_pass_an_open_stop(tmp_path: Path) -> None:
    did: list[str] = []

    def fails(state: State) -> State:
        raise ValueError("broken")

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("below", wiping(did).compile(interrupt_before=["wipe"]))
    builder.add_node("fails", fails)
    builder.add_edge(START, "below")
    builder.add_edge(START, "fails")
    async with a_stage(tmp_path, builder) as stage:
        task = await stage.started()
        assert isinstance((await stage.storage.task(task.id)).state, Failed)

        await stage.tasks.retry(stage.actor(RITA), task.id)
        await stage.settle()

        assert did == []


async def test_a_stop_in_a_graph_that_a_node_calls_unseen_is_never_passed(tmp_path: Path) -> None:
    """Nobody can be asked about it, so the task ends there and says so."""
    did: list[str] = []
    graphs = {"wiping": wiping(did).compile(interrupt_before=["wipe"])}

    def call(state: State) -> Any:
        return graphs["wiping"].invoke({})

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("call", call)
    builder.add_edge(START, "call")
    async with a_stage(tmp_path, builder) as stage:
        task = await stage.started()
        await stage.sweeper.sweep(stage.clock.now)
        await stage.settle()

        state = (await stage.storage.task(task.id)).state
        assert did == []
        assert isinstance(state, Failed)
        assert not state.retryable


@pytest.mark.parametrize("way", ["edge", "Send", "goto"])
async def test_an_edit_that_would_lead_elsewhere_is_not_run(way: str, tmp_path: Path) -> None:
    did: list[str] = []

    def plan(state: State) -> Any:
        return Command(update={"told": 10}, goto="pay") if way == "goto" else {"told": 10}

    def route(state: State) -> Any:
        if way == "Send":
            return [Send("pay", {"told": state["told"]})]
        return "pay" if state["told"] == 10 else "wipe"

    def pay(state: State) -> State:
        did.append(f"pay {state['told']}")
        return {}

    def wipe(state: State) -> State:
        did.append("wipe")
        return {}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("plan", plan, destinations=("pay",))
    builder.add_node("pay", pay)
    builder.add_node("wipe", wipe)
    builder.add_edge(START, "plan")
    if way != "goto":
        builder.add_conditional_edges("plan", route, ["pay", "wipe"])
    builder.add_edge("pay", END)
    async with a_stage(tmp_path, builder.compile(interrupt_before=["pay", "wipe"])) as stage:
        task = await stage.started()
        request = await stage.question(task)
        await stage.edit(request, told=99000)

        await stage.approve(request)

        edited = await stage.storage.request(request.id)
        assert did == []
        assert isinstance(edited.state, Decided)
        assert edited.state.answerable_again


async def test_two_answers_given_at_once_reach_their_own_questions_in_turn(tmp_path: Path) -> None:
    """The second is given in a run of its own, and is recorded as that."""
    did: list[tuple[str, Any]] = []

    def asks(name: str) -> Any:
        def node(state: State) -> State:
            did.append((name, interrupt({"question": f"{name}?", "details": {}})))
            return {}

        return node

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    for name in "ab":
        builder.add_node(name, asks(name))
        builder.add_edge(START, name)
    async with a_stage(tmp_path, builder) as stage:
        task = await stage.started()
        requests = await stage.asked(task)
        for request in requests:
            await stage.answers.vote(stage.actor(ALICE), Shown.of(request), (Approve(),))
        await stage.settle()

        assert sorted(did) == [("a", True), ("b", True)]
        assert [await stage.is_delivered(request) for request in requests] == [True, True]
        told = [event.data["told"] for event in await stage.storage.history(task.id) if event.kind == "resume_begun"]
        assert told == [True, True]
