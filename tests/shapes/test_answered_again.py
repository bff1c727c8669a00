"""An answer that makes the agent fail can be given differently, as long as nothing has run after it; and what an
approval is not bound to may differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from bot.approvals.model.actor import Shown
from bot.approvals.model.decision import Approve
from bot.approvals.model.errors import AlreadySettled, OwnRequest
from bot.approvals.model.policy import GraphTerms
from bot.approvals.model.request import Decided, Pending
from bot.approvals.model.task import Failed, Waiting
from tests.support.agent_stage import State, a_stage
from tests.support.fakes.world import ALICE, RITA


def failing(did: list[Any]) -> StateGraph[Any, Any, Any, Any]:
    """Raises on a yes, and acts on what it is told otherwise."""

    def ask(state: State) -> State:
        if interrupt({"question": "Pay?", "details": {"amount": 10}}) is True:
            raise ValueError("no such account")
        return {"told": "no"}

    def act(state: State) -> State:
        did.append(state["told"])
        return {"outcome": "done"}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("ask", ask)
    builder.add_node("act", act)
    builder.add_edge(START, "ask")
    builder.add_edge("ask", "act")
    builder.add_edge("act", END)
    return builder


async def test_an_answer_that_made_the_agent_fail_is_given_differently(tmp_path: Path) -> None:
    did: list[Any] = []
    async with a_stage(tmp_path, failing(did)) as stage:
        task = await stage.started()
        request = await stage.question(task)
        await stage.approve(request)
        failed = await stage.storage.request(request.id)
        assert isinstance(failed.state, Decided)
        assert failed.state.answerable_again

        await stage.answers.answer_again(stage.actor(ALICE), request.id)
        await stage.settle()
        stage.work.deliver(task.id)
        await stage.settle()
        again = await stage.storage.request(request.id)

        assert isinstance((await stage.storage.task(task.id)).state, Waiting)
        assert isinstance(again.state, Pending)
        assert (again.version, again.votes, did) == (2, (), [])
        await stage.reject(again)
        assert did == ["no"]
        assert await stage.outcome(task) == "done"


async def test_only_who_may_answer_may_answer_differently(tmp_path: Path) -> None:
    async with a_stage(tmp_path, failing([])) as stage:
        request = await stage.question(await stage.started())
        await stage.approve(request)

        with pytest.raises(OwnRequest):
            await stage.answers.answer_again(stage.actor(RITA), request.id)

        assert isinstance((await stage.storage.request(request.id)).state, Decided)


async def test_what_the_agent_does_not_have_yet_is_not_answered_differently(tmp_path: Path) -> None:
    async with a_stage(tmp_path, failing([])) as stage:
        request = await stage.question(await stage.started())
        await stage.answers.vote(stage.actor(ALICE), Shown.of(request), (Approve(),))

        with pytest.raises(AlreadySettled):
            await stage.answers.answer_again(stage.actor(ALICE), request.id)


async def test_what_the_agent_took_is_not_answered_differently(tmp_path: Path) -> None:
    did: list[Any] = []
    async with a_stage(tmp_path, failing(did)) as stage:
        request = await stage.question(await stage.started())
        await stage.reject(request)

        with pytest.raises(AlreadySettled):
            await stage.answers.answer_again(stage.actor(ALICE), request.id)

        assert did == ["no"]


async def test_a_value_that_is_left_out_may_change_and_another_may_not(tmp_path: Path) -> None:
    """And the request says which values its approval is not bound to."""
    details = {"draft": 0, "amount": 10}
    told: list[Any] = []

    def ask(state: State) -> State:
        details["draft"] += 1
        told.append(interrupt({"question": "Send?", "details": dict(details)}))
        return {"outcome": "done"}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    async with a_stage(tmp_path, builder, terms=GraphTerms(unbound=("details.draft",))) as stage:
        first = await stage.started()
        request = await stage.question(first)
        assert request.fingerprint is not None
        assert request.fingerprint.unbound == ("details.draft",)
        await stage.approve(request)
        assert told == [True]

        second = await stage.started()
        request = await stage.question(second)
        details["amount"] = 99
        await stage.approve(request)

        assert told == [True]
        assert (await stage.question(second)).question.items[0].arguments["amount"] == 99
        assert not isinstance((await stage.storage.task(second.id)).state, Failed)
