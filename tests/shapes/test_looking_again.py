"""An approved node looks again just before it acts: what it finds changed is asked as a new version on the same card,
and whatever it does is what people approved last."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Send, interrupt

from bot.approvals.model.decision import Outcome
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Delivered, NotUsed, Request
from bot.approvals.model.task import Ended, Task
from graphs import effects
from tests.support.agent_stage import Stage, State, a_stage

FIRST: dict[str, Any] = {"question": "Pay?", "details": {"price": 10}}


@dataclass
class World:
    """What the agent acts on, and what it did."""

    price: int = 10
    did: list[Any] = field(default_factory=list)

    def question(self, **more: Any) -> dict[str, Any]:
        return {"question": "Pay?", "details": {"price": self.price, **more}}


def two_nodes(world: World) -> StateGraph[Any, Any, Any, Any]:
    """Asks in one node, and looks again and acts in another."""

    def ask(state: State) -> State:
        return {"told": FIRST if interrupt(FIRST) else None}

    def act(state: State) -> State:
        return _acted(world, state["told"])

    return _chain(ask=ask, act=act)


def one_node(world: World) -> StateGraph[Any, Any, Any, Any]:
    """Looks again in the node that asked: first at what it asked, which is always the same."""

    def node(state: State) -> State:
        return _acted(world, FIRST if interrupt(FIRST) else None)

    return _chain(node=node)


def _acted(world: World, approved: Any) -> State:
    if approved is None:
        return {"outcome": "not approved"}
    now = world.question()
    answer = effects.look_again(approved, now)
    if answer is not None and answer is not True:
        return {"outcome": "not approved again"}
    world.did.append(now["details"]["price"])
    return {"outcome": f"paid {now['details']['price']}"}


def _chain(**nodes: Any) -> StateGraph[Any, Any, Any, Any]:
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    before = START
    for name, node in nodes.items():
        builder.add_node(name, node)
        builder.add_edge(before, name)
        before = name
    return builder


GRAPHS = pytest.mark.parametrize("graph", [two_nodes, one_node])


async def changed(stage: Stage, world: World, *prices: int) -> tuple[Task, Request]:
    """Approved at 10, and then again at each of these prices but the last, which is asked now."""
    task = await stage.started()
    for price in prices:
        request = await stage.question(task)
        world.price = price
        await stage.approve(request)
    return task, await stage.question(task)


async def only(stage: Stage, task: Task) -> Request:
    (request,) = await stage.storage.requests_of(task.id)
    return request


async def test_what_did_not_change_is_not_asked_again(tmp_path: Path) -> None:
    world = World()
    async with a_stage(tmp_path, two_nodes(world)) as stage:
        task = await stage.started()
        await stage.approve(await stage.question(task))

        assert world.did == [10]
        assert (await only(stage, task)).version == 1


@GRAPHS
async def test_a_change_is_asked_on_the_same_record_under_the_interrupt_that_asks_it(
    tmp_path: Path, graph: Any
) -> None:
    """With what had been decided in view, and on the one card that it has."""
    world = World()
    async with a_stage(tmp_path, graph(world)) as stage:
        task = await stage.started()
        first = await stage.question(task)
        world.price = 12
        await stage.approve(first)
        again = await stage.question(task)

        assert world.did == []
        assert (again.id, again.version) == (first.id, 2)
        assert again.interrupt_id != first.interrupt_id
        assert again.question.items[0].arguments == {"price": 12}
        assert again.before is not None
        assert again.before.why is NotUsed.WORLD_CHANGED
        assert again.before.question.items[0].arguments == {"price": 10}
        kinds = [message.kind for message in await stage.storage.messages_of(task.id)]
        assert kinds.count(MessageKind.CARD) == 1


@GRAPHS
async def test_what_was_approved_last_is_what_runs_once(tmp_path: Path, graph: Any) -> None:
    world = World()
    async with a_stage(tmp_path, graph(world)) as stage:
        task, again = await changed(stage, world, 12)
        await stage.approve(again)

        request = await only(stage, task)
        assert world.did == [12]
        assert await stage.outcome(task) == "paid 12"
        assert isinstance(request.state, Delivered)
        assert (request.version, request.question.items[0].arguments) == (2, {"price": 12})
        kinds = [event.kind for event in await stage.storage.history(task.id)]
        assert (kinds.count("voted"), kinds.count("delivered")) == (2, 2)


@GRAPHS
async def test_a_no_to_the_change_is_a_no(tmp_path: Path, graph: Any) -> None:
    world = World()
    async with a_stage(tmp_path, graph(world)) as stage:
        task, again = await changed(stage, world, 12)
        await stage.reject(again)

        assert world.did == []
        assert await stage.outcome(task) == "not approved again"


@GRAPHS
async def test_silence_about_the_change_is_no_consent(tmp_path: Path, graph: Any) -> None:
    world = World()
    async with a_stage(tmp_path, graph(world)) as stage:
        task, _ = await changed(stage, world, 12)
        await stage.expire()

        assert world.did == []
        assert await stage.outcome(task) == "not approved again"


@GRAPHS
@pytest.mark.parametrize("prices", [(12, 14), (12, 14, 16), (12, 10), (12, 10, 12)])
async def test_whatever_the_world_becomes_meanwhile_is_asked_on_the_same_record(
    tmp_path: Path, graph: Any, prices: tuple[int, ...]
) -> None:
    """The answer about an earlier price is not handed out, even if the world is again as it was approved at first."""
    world = World()
    async with a_stage(tmp_path, graph(world)) as stage:
        task, again = await changed(stage, world, *prices)
        assert world.did == []
        assert again.id == (await only(stage, task)).id
        assert again.version == len(prices) + 1
        assert again.question.items[0].arguments == {"price": prices[-1]}
        assert again.question.look_again

        await stage.approve(again)

        assert world.did == [prices[-1]]
        assert isinstance((await only(stage, task)).state, Delivered)


@GRAPHS
async def test_a_no_to_an_earlier_price_is_not_used_for_a_later_one(tmp_path: Path, graph: Any) -> None:
    """Nor is the first yes: what the world is now has not been answered."""
    world = World()
    async with a_stage(tmp_path, graph(world)) as stage:
        task, again = await changed(stage, world, 12)
        world.price = 10
        await stage.reject(again)
        third = await stage.question(task)

        assert world.did == []
        assert (third.id, third.version) == (again.id, 3)
        assert third.question.items[0].arguments == {"price": 10}
        await stage.reject(third)
        assert world.did == []


@GRAPHS
async def test_another_process_goes_on_from_the_record(tmp_path: Path, graph: Any) -> None:
    """It knows nothing but what is stored: the answer of people, and that it is about the change."""
    world = World()
    async with a_stage(tmp_path, graph(world)) as stage:
        task, again = await changed(stage, world, 12)
        await stage.redeploy(graph(world))
        assert await stage.question(task) == again

        await stage.approve(again)

        assert world.did == [12]


async def test_a_first_question_that_changes_afterwards_gets_no_answer_by_its_place(tmp_path: Path) -> None:
    """The record has moved on to the second question of its node. The first is still compared with what was shown."""
    world, payee = World(), ["ACME"]

    def node(state: State) -> State:
        if interrupt({"question": "Pay?", "details": {"price": 10}, "payee": payee[0]}) is True:
            answer = effects.look_again({**FIRST, "payee": "ACME"}, world.question())
            if answer is True:
                world.did.append(payee[0])
        return {"outcome": "over"}

    async with a_stage(tmp_path, _chain(node=node)) as stage:
        task = await stage.started()
        first = await stage.question(task)
        world.price = 12
        await stage.approve(first)
        second = await stage.question(task)
        assert second.id == first.id
        payee[0] = "EVIL"
        await stage.approve(second)

        assert world.did == []
        instead = await stage.question(task)
        assert instead.question.items[0].arguments["payee"] == "EVIL"
        payee[0] = "ACME"
        await stage.approve(instead)
        third = await stage.question(task)
        assert third.question.items[0].arguments["payee"] == "ACME"
        world.price = 10
        await stage.approve(third)
        assert world.did == []
        assert (await stage.question(task)).question.items[0].arguments == {"price": 10}


async def test_two_branches_look_again_each_on_its_own_record(tmp_path: Path) -> None:
    """What is decided of one does not move the other: it does not act while people decide what it asks, even if the
    world is again as they approved it at first. That is asked then."""
    prices, did = {"a": 10, "b": 10}, list[Any]()

    def question(name: str, price: int) -> dict[str, Any]:
        return {"question": f"Pay {name}?", "details": {"price": price}}

    def asks(name: str) -> Any:
        def ask(state: State) -> State:
            interrupt(question(name, 10))
            return {}

        return ask

    def acts(name: str) -> Any:
        def act(state: State) -> State:
            if effects.look_again(question(name, 10), question(name, prices[name])) is True:
                did.append((name, prices[name]))
            return {}

        return act

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    for name in "ab":
        builder.add_node(f"ask_{name}", asks(name))
        builder.add_node(f"act_{name}", acts(name))
        builder.add_edge(START, f"ask_{name}")
    for name in "ab":
        builder.add_edge(["ask_a", "ask_b"], f"act_{name}")
    async with a_stage(tmp_path, builder) as stage:
        task = await stage.started()
        before = {each.question.title: each.id for each in await stage.asked(task)}
        prices.update(a=12, b=13)
        for request in await stage.asked(task):
            await stage.approve(request)

        again = {each.question.title: each for each in await stage.asked(task)}
        assert {title: each.id for title, each in again.items()} == before
        assert did == []
        prices["a"] = 10
        await stage.approve(again["Pay b?"])
        assert did == [("b", 13)]
        third = await stage.question(task)
        assert (third.id, third.question.items[0].arguments) == (before["Pay a?"], {"price": 10})
        await stage.reject(third)
        assert did == [("b", 13)]
        assert isinstance((await stage.storage.task(task.id)).state, Ended)


async def test_branches_that_look_again_at_one_approval_are_each_asked(tmp_path: Path) -> None:
    """The first goes on with the approval's record, and any other has one of its own. Each acts once."""
    world = World()

    def ask(state: State) -> State:
        interrupt(FIRST)
        return {}

    def act(given: Any) -> State:
        if effects.look_again(FIRST, world.question(to=given)) is True:
            world.did.append(given)
        return {}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("ask", ask)
    builder.add_node("act", act)  # type: ignore[arg-type]
    builder.add_edge(START, "ask")
    builder.add_conditional_edges("ask", lambda _: [Send("act", each) for each in "xyz"], ["act"])
    async with a_stage(tmp_path, builder) as stage:
        task = await stage.started()
        first = await stage.question(task)
        world.price = 12
        await stage.approve(first)
        asked = await stage.asked(task)

        assert len(asked) == 3
        assert first.id in {each.id for each in asked}
        for request in asked:
            await stage.approve(request)

        assert sorted(world.did) == ["x", "y", "z"]
        requests = await stage.storage.requests_of(task.id)
        assert [each.decision.outcome for each in requests if each.decision] == [Outcome.APPROVE] * 3


async def test_a_digest_that_names_no_approval_of_the_task_is_a_question_of_its_own(tmp_path: Path) -> None:
    world = World()
    other = {"question": "Something else?", "details": {"price": 1}}
    async with a_stage(tmp_path, _chain(act=lambda state: _acted(world, other))) as stage:
        task = await stage.started()
        asked = await stage.question(task)

        assert (asked.version, asked.before) == (1, None)
        await stage.approve(asked)
        assert world.did == [10]
