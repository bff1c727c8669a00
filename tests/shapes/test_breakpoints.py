"""Graphs that stop before or after their nodes: the state is shown, and goes on as it is, edited, elsewhere or not."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict

from bot.approvals.model.decision import Approve
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import InterruptId
from bot.approvals.model.policy import GraphTerms, Route
from bot.approvals.model.question import Verdict
from tests.support.agent_stage import Stage, a_stage
from tests.support.fakes.world import RITA


class State(TypedDict, total=False):
    topic: str
    approved: bool
    log: Annotated[list[str], operator.add]
    outcome: str


def node(name: str) -> Any:
    def run(state: State) -> State:
        seen = f"{name}({state.get('topic', '')},{state.get('approved')})"
        return {"log": [seen], "outcome": " ".join([*state.get("log", []), seen])}

    return run


def chain(*names: str) -> StateGraph[Any, Any, Any, Any]:
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    for before, name in zip((START, *names), names, strict=False):
        builder.add_node(name, node(name))
        builder.add_edge(before, name)
    return builder


@asynccontextmanager
async def stopping(folder: Path, *, terms: GraphTerms | None = None, **stops: Any) -> AsyncIterator[Stage]:
    async with a_stage(folder, chain("plan", "act", "tell").compile(**stops), terms=terms) as stage:
        yield stage


@pytest.mark.parametrize(
    ("stops", "title"),
    [
        ({"interrupt_before": ["act"]}, "Before act: go on?"),
        ({"interrupt_after": ["plan"]}, "After plan: go on?"),
    ],
)
async def test_what_is_approved_goes_on_and_what_is_shown_is_the_state(tmp_path: Path, stops: Any, title: str) -> None:
    async with stopping(tmp_path, **stops) as stage:
        task = await stage.started(topic="sea")
        request = await stage.question(task)

        await stage.approve(request)

        assert request.question.title == title
        assert request.question.items[0].verdicts == (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT)
        assert request.question.items[0].arguments == {
            "topic": "sea",
            "approved": None,
            "log": ["plan(sea,None)"],
            "outcome": "plan(sea,None)",
        }
        assert await stage.is_delivered(request)
        assert await stage.outcome(task) == "plan(sea,None) act(sea,None) tell(sea,None)"


async def test_every_breakpoint_on_the_way_is_asked_about(tmp_path: Path) -> None:
    async with stopping(tmp_path, interrupt_before="*") as stage:
        task = await stage.started(topic="sea")
        titles = []
        while asked := await stage.asked(task):
            titles.append(asked[0].question.title)
            await stage.approve(asked[0])

        assert titles == ["Before plan: go on?", "Before act: go on?", "Before tell: go on?"]
        assert await stage.outcome(task) == "plan(sea,None) act(sea,None) tell(sea,None)"


async def test_any_key_of_the_state_can_be_edited_also_one_without_a_value_and_a_reduced_one_is_replaced(
    tmp_path: Path,
) -> None:
    async with stopping(tmp_path, interrupt_before=["act"]) as stage:
        task = await stage.started(topic="sea")
        request = await stage.question(task)

        with pytest.raises(InvalidAnswer) as refused:
            await stage.edit(request, approved="perhaps")
        await stage.edit(request, approved=True, topic="hill", log=["edited"])
        await stage.approve(request)

        assert refused.value.field == "approved"
        assert await stage.is_delivered(request)
        assert await stage.outcome(task) == "edited act(hill,True) tell(hill,True)"


async def test_a_rejection_ends_the_task_and_its_reason_is_told(tmp_path: Path) -> None:
    async with stopping(tmp_path, interrupt_before=["act"]) as stage:
        task = await stage.started(topic="sea")
        request = await stage.question(task)

        await stage.reject(request, "Too cold.")

        assert await stage.is_delivered(request)
        assert await stage.outcome(task) == "Stopped: before act it was rejected. Too cold."


async def test_silence_at_a_breakpoint_is_a_rejection(tmp_path: Path) -> None:
    async with stopping(tmp_path, interrupt_before=["act"]) as stage:
        task = await stage.started(topic="sea")

        await stage.expire()

        assert (await stage.outcome(task)).startswith("Stopped: before act it was rejected. Rejected: nobody answered")


async def test_a_rejection_takes_the_graphs_own_way_where_its_entry_names_one(tmp_path: Path) -> None:
    route = Route(as_node="act", values={"approved": False, "log": ["not acted: {reason}"]})
    async with stopping(tmp_path, interrupt_before=["act"], terms=GraphTerms(reject=route)) as stage:
        task = await stage.started(topic="sea")

        await stage.reject(await stage.question(task), "too cold")

        assert await stage.outcome(task) == "plan(sea,None) not acted: too cold tell(sea,False)"


async def test_a_conversation_is_edited_as_messages(tmp_path: Path) -> None:
    class Talk(TypedDict, total=False):
        messages: Annotated[list[AnyMessage], add_messages]

    seen: list[list[AnyMessage]] = []

    def answer(state: Talk) -> Talk:
        seen.append(state["messages"])
        return {"messages": [AIMessage("done")]}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Talk)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    async with a_stage(tmp_path, builder.compile(interrupt_before=["answer"])) as stage:
        task = await stage.started(messages="hello")
        request = await stage.question(task)

        await stage.edit(request, messages=[{"role": "user", "content": "good-bye"}])
        await stage.approve(request)

        ((said,),) = seen
        assert isinstance(said, HumanMessage)
        assert said.content == "good-bye"
        assert await stage.outcome(task) == "done"


async def test_a_breakpoint_in_a_subgraph_is_asked_about_edited_and_ends_all_of_it(tmp_path: Path) -> None:
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("inner", chain("look", "leap").compile(interrupt_before=["leap"]))
    builder.add_node("tell", node("tell"))
    builder.add_edge(START, "inner")
    builder.add_edge("inner", "tell")
    async with a_stage(tmp_path, builder) as stage:
        first, second = await stage.started(topic="sea"), await stage.started(topic="sea")

        request = await stage.question(first)
        await stage.edit(request, approved=True)
        await stage.approve(request)
        await stage.reject(await stage.question(second), "no")

        assert request.question.title == "Before leap: go on?"
        assert (await stage.outcome(first)).endswith("leap(sea,True) tell(sea,True)")
        assert await stage.outcome(second) == "Stopped: before leap it was rejected. no"


async def test_an_edit_before_a_fan_out_keeps_every_branch(tmp_path: Path) -> None:
    builder = chain("plan")
    builder.add_node("work", lambda state: {"log": node("work")(state)["log"]})
    builder.add_conditional_edges("plan", lambda state: [Send("work", {"topic": each}) for each in ("a", "b")])
    async with a_stage(tmp_path, builder.compile(interrupt_before=["work"])) as stage:
        task = await stage.started(topic="sea")
        request = await stage.question(task)

        await stage.edit(request, approved=True)
        await stage.approve(request)

        state = await stage.graph.aget_state({"configurable": {"thread_id": task.thread_id}})
        assert state.values["log"] == ["plan(sea,None)", "work(a,None)", "work(b,None)"]


async def test_a_breakpoint_and_then_an_interrupt_of_the_same_node_are_two_questions(tmp_path: Path) -> None:
    told: list[Any] = []

    def ask(state: State) -> State:
        told.append(interrupt({"question": "Sure?", "details": "really"}))
        return {"outcome": "asked"}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    async with a_stage(tmp_path, builder.compile(interrupt_before=["ask"])) as stage:
        task = await stage.started(topic="sea")

        await stage.approve(await stage.question(task))
        await stage.reject(await stage.question(task))

        assert told == [False]
        assert await stage.outcome(task) == "asked"


async def test_a_node_that_fails_after_its_breakpoint_is_not_asked_about_again(tmp_path: Path) -> None:
    broken = [True]

    def act(state: State) -> State:
        if broken:
            raise ConnectionError
        return {"outcome": f"acted {state.get('approved')}"}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("act", act)
    builder.add_edge(START, "act")
    async with a_stage(tmp_path, builder.compile(interrupt_before=["act"])) as stage:
        task = await stage.started(topic="sea")
        request = await stage.question(task)
        await stage.edit(request, approved=True)
        await stage.approve(request)
        assert await stage.asked(task) == []

        broken.clear()
        await stage.tasks.retry(stage.actor(RITA), task.id)
        await stage.settle()

        assert await stage.outcome(task) == "acted True"


@pytest.mark.parametrize("edited", [False, True])
async def test_a_run_that_is_cut_off_on_its_way_past_a_breakpoint_is_followed_by_one_that_goes_on(
    tmp_path: Path, edited: bool
) -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    async def act(state: State) -> State:
        if not begun.is_set():
            begun.set()
            await never.wait()
        return {"outcome": f"acted {state.get('approved')}"}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("act", act)
    builder.add_edge(START, "act")
    async with a_stage(tmp_path, builder.compile(interrupt_before=["act"])) as stage:
        task = await stage.started(topic="sea")
        request = await stage.question(task)
        if edited:
            await stage.edit(request, approved=True)
        run = asyncio.create_task(stage.vote(request, Approve()))
        await begun.wait()
        run.cancel()
        await asyncio.wait([run])

        stage.work.deliver(task.id)
        await stage.settle()

        assert await stage.asked(task) == []
        assert await stage.is_delivered(request)
        assert await stage.outcome(task) == f"acted {True if edited else None}"


async def test_an_interrupt_beside_a_breakpoint_waits_for_it_as_its_answer_would_pass_both(tmp_path: Path) -> None:
    told: list[Any] = []

    def ask(state: State) -> State:
        told.append(interrupt("Which?"))
        return {"log": ["asked"]}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("ask", ask)
    builder.add_node("inner", chain("look", "leap").compile(interrupt_before=["leap"]))
    builder.add_edge(START, "ask")
    builder.add_edge(START, "inner")
    async with a_stage(tmp_path, builder) as stage:
        task = await stage.started(topic="sea")
        by_title = {request.question.title: request for request in await stage.asked(task)}
        question, stop = by_title["Which?"], by_title["Before leap: go on?"]

        await stage.respond(question, "this")
        assert told == []
        await stage.approve(stop)
        await stage.expire()

        assert told == ["this"]
        assert await stage.is_delivered(stop)
        assert await stage.is_delivered(question)


async def test_an_answer_to_a_breakpoint_that_is_passed_does_nothing(tmp_path: Path) -> None:
    async with stopping(tmp_path, interrupt_before=["act"]) as stage:
        task = await stage.started(topic="sea")
        request = await stage.question(task)
        await stage.approve(request)
        lease = await stage.storage.lease(task.thread_id, stage.delivery.leases.ttl, stage.clock.now)
        assert lease is not None
        gone = replace(request, interrupt_id=InterruptId("breakpoint:gone"))

        status = await stage.delivery.engine.resume(
            task, lease, gone.interrupt_id, {"changes": [{"topic": "hill"}]}, stage.clock.now
        )

        assert status.outcome == "plan(sea,None) act(sea,None) tell(sea,None)"
