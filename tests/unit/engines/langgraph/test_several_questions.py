"""Threads that ask several things at once, side by side or in subgraphs."""

from __future__ import annotations

import operator
from typing import Annotated, Any, cast

from langgraph.graph import START, StateGraph
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict

from bot.approvals.model.agent import Phase
from tests.unit.engines.langgraph.asking_nodes import DyingSaver, Node, Saver, asks, says
from tests.unit.engines.langgraph.threads import Faults, Said, Thread, chain, open_ids, titles


def side_by_side(**nodes: Node) -> StateGraph[Any, Any, Any, Any]:
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Said)
    for name, node in nodes.items():
        builder.add_node(name, node)
        builder.add_edge(START, name)
    return builder


async def test_of_two_questions_at_once_the_unanswered_one_stays_open_under_its_id(saver: Saver) -> None:
    thread = Thread.of(side_by_side(a=asks("one"), b=asks("two")), saver)
    both = await thread.start()
    by_title = dict(zip(titles(both), open_ids(both), strict=True))

    left = await thread.answer(by_title["one"], "A")

    assert sorted(by_title) == ["one", "two"]
    assert (left.phase, open_ids(left), left.answered) == (Phase.WAITING, [by_title["two"]], frozenset())
    assert (await thread.answer(by_title["two"], "B")).phase is Phase.DONE


async def test_a_siblings_failure_leaves_a_pending_question_open_in_a_failed_thread(saver: Saver) -> None:
    faults = Faults({"b"})
    thread = Thread.of(side_by_side(a=asks("one"), b=says("b", faults)), saver)

    failed = await thread.start()

    assert (failed.phase, titles(failed), failed.answered) == (Phase.FAILED, ["one"], frozenset())
    faults.at.clear()
    waiting = await thread.proceed()
    assert (waiting.phase, titles(waiting)) == (Phase.WAITING, ["one"])
    assert (await thread.answer(open_ids(waiting)[0], "A")).phase is Phase.DONE


async def test_of_two_answers_the_one_that_failed_is_answered_while_the_other_question_stays_open(
    saver: Saver,
) -> None:
    faults = Faults({"after one"})
    thread = Thread.of(side_by_side(a=asks("one", faults=faults), b=asks("two")), saver)
    both = await thread.start()
    by_title = dict(zip(titles(both), open_ids(both), strict=True))

    failed = await thread.answer(by_title["one"], "A")

    assert failed.phase is Phase.FAILED
    assert (open_ids(failed), failed.answered) == ([by_title["two"]], frozenset({by_title["one"]}))


class Fan(TypedDict):
    items: list[str]
    said: Annotated[list[str], operator.add]


async def test_every_branch_of_a_fan_out_asks_for_itself(saver: Saver) -> None:
    faults = Faults()

    def ask(item: Any) -> Any:
        answer = interrupt(f"about {item}")
        faults.here(item)
        return {"said": [f"{item}={answer}"]}

    def fan(state: Fan) -> list[Send]:
        return [Send("ask", item) for item in state["items"]]

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Fan)
    builder.add_node("ask", cast("Node", ask))
    builder.add_conditional_edges(START, fan, ["ask"])
    thread = Thread.of(builder, saver)
    status = await thread.start({"items": ["x", "y", "z"], "said": []})
    by_title = dict(zip(titles(status), open_ids(status), strict=True))
    assert sorted(by_title) == ["about x", "about y", "about z"]

    faults.at.add("y")
    failed = await thread.answer(by_title["about y"], "2")
    assert (failed.phase, failed.answered) == (Phase.FAILED, frozenset({by_title["about y"]}))
    assert sorted(titles(failed)) == ["about x", "about z"]

    faults.at.clear()
    assert sorted(titles(await thread.proceed())) == ["about x", "about z"]
    await thread.answer(by_title["about x"], "1")
    assert (await thread.answer(by_title["about z"], "3")).phase is Phase.DONE


# --- Subgraphs --------------------------------------------------------------------------------------


def deep(node: Node, *, then: Node | None = None) -> StateGraph[Any, Any, Any, Any]:
    """The node, two subgraphs down; what comes after it lies beside it."""
    inner = chain({"ask": node} | ({"then": then} if then else {})).compile()
    middle = chain({"inner": inner}).compile()
    return chain({"middle": middle, "after": says("!")})


async def test_a_question_two_subgraphs_down_is_open_and_can_be_answered(saver: Saver) -> None:
    thread = Thread.of(deep(asks("one", "two")), saver)
    first = await thread.start()
    assert (first.phase, titles(first)) == (Phase.WAITING, ["one"])

    second = await thread.answer(open_ids(first)[0], "A")

    assert (second.phase, titles(second), second.answered) == (Phase.WAITING, ["two"], frozenset())
    assert (await thread.answer(open_ids(second)[0], "B")).phase is Phase.DONE


async def test_a_failure_after_an_answer_two_subgraphs_down_keeps_the_answer(saver: Saver) -> None:
    faults = Faults({"after one"})
    thread = Thread.of(deep(asks("one", "two", faults=faults)), saver)
    id = open_ids(await thread.start())[0]

    failed = await thread.answer(id, "A")

    assert (failed.phase, failed.asked, failed.answered) == (Phase.FAILED, (), frozenset({id}))
    faults.at.clear()
    waiting = await thread.proceed()
    assert (waiting.phase, titles(waiting), waiting.answered) == (Phase.WAITING, ["two"], frozenset())


async def test_a_question_that_its_subgraph_has_left_behind_is_gone_although_langgraph_lists_it(saver: Saver) -> None:
    faults = Faults({"then"})
    thread = Thread.of(deep(asks("one"), then=says("then", faults)), saver)
    id = open_ids(await thread.start())[0]

    failed = await thread.answer(id, "A")

    listed = (await thread.graph.aget_state(thread.config)).interrupts
    assert [each.id for each in listed] == [id]
    assert (failed.phase, failed.asked, failed.answered) == (Phase.FAILED, (), frozenset())
    faults.at.clear()
    assert (await thread.proceed()).phase is Phase.DONE


def unknown_subgraph(node: Node) -> StateGraph[Any, Any, Any, Any]:
    """A node that makes its subgraph while it runs, so that LangGraph knows of none."""

    async def makes(state: Said) -> Any:
        return await chain({"ask": node}).compile().ainvoke({"said": ""})

    return chain({"makes": makes})


async def test_a_subgraph_that_langgraph_does_not_know_keeps_its_answer_too(saver: Saver) -> None:
    faults = Faults({"after one"})
    thread = Thread.of(unknown_subgraph(asks("one", "two", faults=faults)), saver)
    first = await thread.start()
    assert (first.phase, titles(first)) == (Phase.WAITING, ["one"])

    failed = await thread.answer(open_ids(first)[0], "A")

    assert (failed.phase, failed.asked, failed.answered) == (Phase.FAILED, (), frozenset(open_ids(first)))


async def test_a_subgraph_that_langgraph_does_not_know_asks_its_second_question(saver: Saver) -> None:
    thread = Thread.of(unknown_subgraph(asks("one", "two")), saver)
    first = await thread.start()

    second = await thread.answer(open_ids(first)[0], "A")

    assert (second.phase, titles(second), second.answered) == (Phase.WAITING, ["two"], frozenset())
    assert (await thread.answer(open_ids(second)[0], "B")).phase is Phase.DONE


async def test_of_two_questions_in_a_subgraph_that_langgraph_does_not_know_the_unanswered_one_stays_open(
    saver: Saver,
) -> None:
    async def makes(state: Said) -> Any:
        return await side_by_side(a=asks("one"), b=asks("two")).compile().ainvoke({"said": ""})

    thread = Thread.of(chain({"makes": makes}), saver)
    both = await thread.start()
    by_title = dict(zip(titles(both), open_ids(both), strict=True))

    left = await thread.answer(by_title["one"], "A")

    assert (left.phase, open_ids(left), left.answered) == (Phase.WAITING, [by_title["two"]], frozenset())
    assert (await thread.answer(by_title["two"], "B")).phase is Phase.DONE


async def test_beside_an_open_question_a_subgraph_that_was_not_closed_is_still_to_be_run() -> None:
    saver = DyingSaver()
    sub = chain({"ask": asks("one")}).compile()
    thread = Thread.of(side_by_side(sub=sub, b=asks("two")), saver)
    both = await thread.start()
    by_title = dict(zip(titles(both), open_ids(both), strict=True))
    saver.steps_to_live = 0

    stopped = await thread.answer(by_title["one"], "A")

    assert (stopped.phase, open_ids(stopped), stopped.answered) == (Phase.STOPPED, [by_title["two"]], frozenset())
    saver.revive()
    waiting = await thread.proceed()
    assert (waiting.phase, open_ids(waiting)) == (Phase.WAITING, [by_title["two"]])
