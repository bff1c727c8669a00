"""Several questions: at once, in a row, again and again, and some that change while they wait."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Annotated, Any

import pytest
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict

from bot.approvals.model.actor import Shown
from bot.approvals.model.decision import Approve
from bot.approvals.model.errors import StaleVersion
from bot.approvals.model.task import Ended
from tests.support.agent_stage import a_stage
from tests.support.fakes.world import ALICE


class State(TypedDict, total=False):
    name: str
    told: Annotated[list[str], operator.add]
    outcome: str


def graph(*parts: Any, join: Any = None) -> StateGraph[Any, Any, Any, Any]:
    """The nodes side by side, then one that sums up."""
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("sum", join or (lambda state: {"outcome": ", ".join(sorted(state.get("told", [])))}))
    for number, part in enumerate(parts):
        builder.add_node(f"part{number}", part)
        builder.add_edge(START, f"part{number}")
    builder.add_edge([f"part{number}" for number in range(len(parts))], "sum")
    return builder


def asking(title: str) -> Any:
    def ask(state: State) -> State:
        return {"told": [f"{title} {interrupt(title)}"]}

    return ask


async def test_parallel_questions_are_answered_in_any_order(tmp_path: Path) -> None:
    async with a_stage(tmp_path, graph(*(asking(title) for title in "abc"))) as stage:
        started = await stage.started(name="x")
        asked = {request.question.title: request for request in await stage.asked(started)}

        for title in "bca":
            await stage.respond(asked[title], title.upper())

        assert await stage.outcome(started) == "a A, b B, c C"


async def test_every_branch_of_a_fan_out_has_its_own_card(tmp_path: Path) -> None:
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("work", lambda state: {"told": [f"{state['name']} {interrupt('Do ' + state['name'] + '?')}"]})
    builder.add_node("sum", lambda state: {"outcome": ", ".join(sorted(state["told"]))})
    builder.add_conditional_edges(START, lambda _: [Send("work", {"name": each}) for each in ("one", "two", "six")])
    builder.add_edge("work", "sum")
    async with a_stage(tmp_path, builder, max_rounds=1) as stage:
        started = await stage.started(name="x")
        asked = {request.question.title: request for request in await stage.asked(started)}

        for title in ("Do six?", "Do one?", "Do two?"):
            await stage.respond(asked[title], "done")

        assert await stage.outcome(started) == "one done, six done, two done"


async def test_a_question_two_subgraphs_down_is_answered_and_says_where_it_is(tmp_path: Path) -> None:
    inner = graph(asking("deep"), join=lambda state: {}).compile()
    middle: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    middle.add_node("inner", inner)
    middle.add_edge(START, "inner")
    async with a_stage(tmp_path, graph(middle.compile())) as stage:
        started = await stage.started(name="x")
        request = await stage.question(started)

        await stage.respond(request, "down")

        assert request.place == "part0/inner/part0"
        assert await stage.outcome(started) == "deep down"


async def test_a_question_that_changes_while_it_waits_voids_its_votes_and_is_a_new_version(tmp_path: Path) -> None:
    price = [1]

    def priced(state: State) -> State:
        return {"told": [f"price {interrupt({'question': 'Pay?', 'details': {'price': price[0]}})}"]}

    async with a_stage(tmp_path, graph(asking("a"), priced)) as stage:
        started = await stage.started(name="x")
        asked = {request.question.title: request for request in await stage.asked(started)}
        old = asked["Pay?"]

        price[0] = 2
        await stage.respond(asked["a"], "A")
        now = await stage.storage.request(old.id)
        with pytest.raises(StaleVersion):
            await stage.answers.vote(stage.actor(ALICE), Shown.of(old), (Approve(),))

        assert (now.version, now.edits, now.votes) == (2, (), ())
        assert now.question.items[0].arguments == {"price": 2}
        await stage.approve(now)
        assert await stage.outcome(started) == "a A, price True"


async def test_a_node_that_refuses_an_answer_asks_again_in_the_same_thread_and_says_why(tmp_path: Path) -> None:
    def ask(state: State) -> State:
        question: dict[str, Any] = {"question": "How old?", "answer": "text"}
        while True:
            answer = interrupt(question)
            if answer.isdigit():
                return {"told": [answer]}
            question = {**question, "error": f"{answer!r} is not a number."}

    async with a_stage(tmp_path, graph(ask)) as stage:
        started = await stage.started(name="x")
        first = await stage.question(started)
        await stage.respond(first, "old")
        second = await stage.question(started)

        await stage.respond(second, "42")

        assert (first.question.text, second.question.text) == ("", "'old' is not a number.")
        assert second.id != first.id
        assert await stage.is_delivered(first)
        assert await stage.outcome(started) == "42"


def revising() -> StateGraph[Any, Any, Any, Any]:
    """Drafts until it is approved."""

    def review(state: State) -> State:
        answer = interrupt(
            {"question": "Good?", "details": f"draft {len(state.get('told', [])) + 1}", "answer": "object"}
        )
        return {"told": ["no"], "outcome": "published" if answer["approved"] else ""}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("review", review)
    builder.add_edge(START, "review")
    builder.add_conditional_edges("review", lambda state: "__end__" if state["outcome"] else "review")
    return builder


async def test_a_loop_of_revisions_ends_after_its_rounds_and_says_so(tmp_path: Path) -> None:
    async with a_stage(tmp_path, revising(), max_rounds=3) as stage:
        started = await stage.started(name="x")
        for _ in range(3):
            await stage.reject(await stage.question(started), "no")

        requests = await stage.storage.requests_of(started.id)
        assert len(requests) == 3
        assert all([await stage.is_delivered(request) for request in requests])
        state = (await stage.storage.task(started.id)).state
        assert isinstance(state, Ended)
        assert state.outcome == "Stopped: It has asked at review 3 times, which is as often as its policy allows."


async def test_within_its_rounds_a_loop_of_revisions_comes_to_its_end(tmp_path: Path) -> None:
    async with a_stage(tmp_path, revising(), max_rounds=3) as stage:
        started = await stage.started(name="x")
        await stage.reject(await stage.question(started), "no")
        await stage.reject(await stage.question(started), "no")
        await stage.approve(await stage.question(started))

        assert await stage.outcome(started) == "published"


async def test_an_entrypoint_asks_in_itself_and_in_its_tasks(tmp_path: Path) -> None:
    @task
    async def check(word: str) -> str:
        return f"{word} {interrupt({'question': 'Checked?', 'details': word, 'answer': 'approve/reject'})}"

    @entrypoint()
    async def flow(topic: str) -> str:
        checked = await check(topic)
        return f"{checked}, {interrupt('Anything else?')}"

    async with a_stage(tmp_path, flow) as stage:
        started = await stage.started(input="sea")

        await stage.approve(await stage.question(started))
        await stage.respond(await stage.question(started), "no")

        assert await stage.outcome(started) == "sea approve, no"
