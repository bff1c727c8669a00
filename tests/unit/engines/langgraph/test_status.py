"""How a thread stands, for every way in which LangGraph can leave one, on each saver."""

from __future__ import annotations

import asyncio
import operator
from typing import Annotated, Any, TypeAlias, cast

import pytest
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphDrained
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import RunControl
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict

from bot.approvals.model.agent import Phase
from tests.unit.engines.langgraph.threads import Broken, Faults, Said, Thread, chain, open_ids, titles

Saver = BaseCheckpointSaver[Any]
Node: TypeAlias = Any
"""Whatever LangGraph takes as a node: it spells that out, and no annotation of ours fits all of it."""


def asks(*titles: str, faults: Faults | None = None) -> Node:
    """A node that asks these, one after the other; it can raise before them, and after each of its answers."""
    faults = faults or Faults()

    def node(state: Said) -> dict[str, str]:
        faults.here("before")
        said = ""
        for title in titles:
            said += str(interrupt(title))
            faults.here(f"after {title}")
        return {"said": said}

    return node


def says(word: str, faults: Faults | None = None) -> Node:
    faults = faults or Faults()

    def node(state: Said) -> dict[str, str]:
        faults.here(word)
        return {"said": word}

    return node


# --- One node ---------------------------------------------------------------------------------------


async def test_a_thread_that_was_never_begun_is_lost(saver: Saver) -> None:
    thread = Thread.of(chain({"ask": asks("one")}), saver)

    assert (await thread.status()).phase is Phase.LOST


async def test_a_thread_whose_checkpoints_were_deleted_is_lost(saver: Saver) -> None:
    thread = Thread.of(chain({"ask": asks("one")}), saver)
    await thread.start()

    await saver.adelete_thread("t-1")

    assert (await thread.status()).phase is Phase.LOST


async def test_an_interrupt_is_waited_for_and_its_question_is_open(saver: Saver) -> None:
    thread = Thread.of(chain({"ask": asks("one")}), saver)

    status = await thread.start()

    assert status.phase is Phase.WAITING
    assert titles(status) == ["one"]
    assert status.answered == frozenset()
    assert status.outcome == ""


async def test_a_graph_that_ended_is_done_and_nothing_is_open(saver: Saver) -> None:
    thread = Thread.of(chain({"ask": asks("one"), "after": says("!")}), saver)
    status = await thread.start()

    status = await thread.answer(open_ids(status)[0], "yes")

    assert (status.phase, status.asked, status.answered) == (Phase.DONE, (), frozenset())


async def test_a_nodes_second_question_is_another_one_under_another_id(saver: Saver) -> None:
    thread = Thread.of(chain({"ask": asks("one", "two")}), saver)
    first = await thread.start()

    second = await thread.answer(open_ids(first)[0], "A")

    assert (second.phase, titles(second), second.answered) == (Phase.WAITING, ["two"], frozenset())
    assert open_ids(second) != open_ids(first)
    assert (await thread.answer(open_ids(second)[0], "B")).phase is Phase.DONE


async def test_an_answer_that_its_node_failed_on_is_answered_and_not_open_and_is_kept_for_the_retry(
    saver: Saver,
) -> None:
    faults = Faults({"after one"})
    thread = Thread.of(chain({"ask": asks("one", faults=faults)}), saver)
    id = open_ids(await thread.start())[0]

    failed = await thread.answer(id, "A")

    assert (failed.phase, failed.asked, failed.answered) == (Phase.FAILED, (), frozenset({id}))
    faults.at.clear()
    assert (await thread.proceed()).phase is Phase.DONE
    assert (await thread.graph.aget_state(thread.config)).values == {"said": "A"}


async def test_the_answer_to_a_second_question_is_the_one_that_is_stuck(saver: Saver) -> None:
    faults = Faults({"after two"})
    thread = Thread.of(chain({"ask": asks("one", "two", faults=faults)}), saver)
    first = await thread.start()
    second = await thread.answer(open_ids(first)[0], "A")

    failed = await thread.answer(open_ids(second)[0], "B")

    assert (failed.phase, failed.asked) == (Phase.FAILED, ())
    assert failed.answered == frozenset(open_ids(second))


async def test_a_node_that_failed_was_retried_and_asks_again_is_waiting(saver: Saver) -> None:
    faults = Faults({"after one"})
    thread = Thread.of(chain({"ask": asks("one", "two", faults=faults)}), saver)
    await thread.answer(open_ids(await thread.start())[0], "A")
    faults.at.clear()

    status = await thread.proceed()

    assert (status.phase, titles(status), status.answered) == (Phase.WAITING, ["two"], frozenset())


async def test_an_answer_that_its_node_never_reached_is_still_asked_for(saver: Saver) -> None:
    faults = Faults()
    thread = Thread.of(chain({"ask": asks("one", faults=faults)}), saver)
    id = open_ids(await thread.start())[0]
    faults.at.add("before")

    status = await thread.answer(id, "A")

    assert (status.phase, open_ids(status), status.answered) == (Phase.WAITING, [id], frozenset())
    faults.at.clear()
    assert (await thread.answer(id, "B")).phase is Phase.DONE
    assert (await thread.graph.aget_state(thread.config)).values == {"said": "B"}


async def test_a_node_that_raised_before_any_question_has_failed_and_goes_on_when_it_is_run_again(
    saver: Saver,
) -> None:
    faults = Faults({"before"})
    thread = Thread.of(chain({"ask": asks("one", faults=faults)}), saver)

    failed = await thread.start()

    assert (failed.phase, failed.asked, failed.answered) == (Phase.FAILED, (), frozenset())
    faults.at.clear()
    assert titles(await thread.proceed()) == ["one"]


# --- Edges that raise, and steps that were not closed -------------------------------------------------


def routed(node: Node, faults: Faults) -> StateGraph[Any, Any, Any, Any]:
    """A graph with a router after its node; it chooses a node that says so."""

    def router(state: Said) -> str:
        faults.here("router")
        return "after"

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Said)
    builder.add_node("ask", node)
    builder.add_node("after", says("!"))
    builder.add_edge(START, "ask")
    builder.add_conditional_edges("ask", router, ["after"])
    return builder


async def test_a_router_that_raised_after_the_answer_leaves_a_broken_thread_and_never_a_done_one(saver: Saver) -> None:
    thread = Thread.of(routed(asks("one"), Faults({"router"})), saver)
    id = open_ids(await thread.start())[0]

    status = await thread.answer(id, "A")

    assert (status.phase, status.asked, status.answered) == (Phase.BROKEN, (), frozenset())


async def test_the_first_router_of_a_graph_breaks_it_too(saver: Saver) -> None:
    faults = Faults({"router"})

    def router(state: Said) -> str:
        faults.here("router")
        return "say"

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Said)
    builder.add_node("say", says("!"))
    builder.add_conditional_edges(START, router, ["say"])
    thread = Thread.of(builder, saver)

    assert (await thread.start()).phase is Phase.BROKEN


async def test_a_router_that_raised_in_a_subgraph_breaks_the_thread(saver: Saver) -> None:
    thread = Thread.of(chain({"sub": routed(asks("one"), Faults({"router"})).compile(), "after": says("!")}), saver)
    id = open_ids(await thread.start())[0]

    status = await thread.answer(id, "A")

    assert (status.phase, status.asked) == (Phase.BROKEN, ())


class DyingSaver(InMemorySaver):
    """Loses its process when it is about to save so many more steps; what that process would write then is lost."""

    steps_to_live: int | None = None
    dead: bool = False

    def revive(self) -> None:
        self.steps_to_live, self.dead = None, False

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> RunnableConfig:
        self.dead |= self.steps_to_live == 0
        if self.dead:
            raise Broken("died")
        if self.steps_to_live is not None:
            self.steps_to_live -= 1
        return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        if self.dead:
            raise Broken("died")
        await super().aput_writes(config, writes, task_id, task_path)


async def test_a_process_that_died_between_a_nodes_end_and_the_next_step_left_it_stopped_and_not_done() -> None:
    saver = DyingSaver()
    thread = Thread.of(chain({"ask": asks("one"), "after": says("!")}), saver)
    id = open_ids(await thread.start())[0]
    saver.steps_to_live = 0

    stopped = await thread.answer(id, "A")

    assert (stopped.phase, stopped.asked, stopped.answered) == (Phase.STOPPED, (), frozenset())
    saver.revive()
    assert (await thread.proceed()).phase is Phase.DONE
    assert (await thread.graph.aget_state(thread.config)).values == {"said": "A!"}


@pytest.mark.parametrize("steps", range(5))
async def test_wherever_in_a_subgraph_a_process_died_the_answer_is_taken_once_and_the_rest_is_run(steps: int) -> None:
    saver = DyingSaver()
    sub = chain({"ask": asks("one"), "then": says("s")}).compile()
    thread = Thread.of(chain({"sub": sub, "after": says("!")}), saver)
    id = open_ids(await thread.start())[0]
    saver.steps_to_live = steps

    status = await thread.answer(id, "A")

    saver.revive()
    while status.phase is not Phase.DONE:
        assert not status.asked, "its answer was stored with its node's end"
        status = await thread.proceed()
    assert (await thread.graph.aget_state(thread.config)).values == {"said": "As!"}


# --- Stopped ----------------------------------------------------------------------------------------


async def test_a_drained_run_is_stopped_between_two_steps_and_goes_on_from_there(saver: Saver) -> None:
    control = RunControl()

    def drains(state: Said) -> dict[str, str]:
        control.request_drain()
        return {"said": "a"}

    thread = Thread.of(chain({"first": drains, "second": says("b")}), saver)

    with pytest.raises(GraphDrained):
        await thread.start(control=control)

    assert (await thread.status()).phase is Phase.STOPPED
    assert (await thread.proceed()).phase is Phase.DONE


async def test_a_run_that_was_cancelled_in_a_later_node_is_stopped(saver: Saver) -> None:
    reached = asyncio.Event()
    hang = asyncio.Event()

    async def hangs(state: Said) -> dict[str, str]:
        reached.set()
        await hang.wait()
        return {"said": "!"}

    thread = Thread.of(chain({"ask": asks("one"), "hangs": hangs}), saver)
    id = open_ids(await thread.start())[0]
    run = asyncio.create_task(thread.answer(id, "A"))
    await reached.wait()

    run.cancel()
    await asyncio.wait([run])

    status = await thread.status()
    assert (status.phase, status.asked, status.answered) == (Phase.STOPPED, (), frozenset())
    hang.set()
    assert (await thread.proceed()).phase is Phase.DONE


async def test_a_run_that_was_cancelled_in_the_node_that_took_the_answer_is_asked_for_it_again(saver: Saver) -> None:
    reached = asyncio.Event()
    hang = asyncio.Event()

    async def hangs(state: Said) -> dict[str, str]:
        answer = interrupt("one")
        reached.set()
        await hang.wait()
        return {"said": answer}

    thread = Thread.of(chain({"ask": hangs}), saver)
    id = open_ids(await thread.start())[0]
    run = asyncio.create_task(thread.answer(id, "A"))
    await reached.wait()

    run.cancel()
    await asyncio.wait([run])

    status = await thread.status()
    assert (status.phase, open_ids(status)) == (Phase.WAITING, [id])
    hang.set()
    assert (await thread.answer(id, "A")).phase is Phase.DONE


# --- Several at once ----------------------------------------------------------------------------------


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


# --- Functional graphs --------------------------------------------------------------------------------


async def test_an_entrypoint_that_asks_is_read_as_a_node_that_asks(saver: Saver) -> None:
    faults = Faults({"after"})

    @entrypoint()
    def graph(given: str) -> str:
        answers = [str(interrupt("one")), str(interrupt("two"))]
        faults.here("after")
        return "".join(answers)

    thread = Thread.of(graph, saver)
    first = await thread.start("go")
    second = await thread.answer(open_ids(first)[0], "A")
    assert (titles(first), titles(second)) == (["one"], ["two"])

    failed = await thread.answer(open_ids(second)[0], "B")

    assert (failed.phase, failed.asked, failed.answered) == (Phase.FAILED, (), frozenset(open_ids(second)))
    faults.at.clear()
    done = await thread.proceed()
    assert (done.phase, done.outcome) == (Phase.DONE, "AB")


async def test_a_task_of_an_entrypoint_that_failed_on_its_answer_is_never_sent_it_again(saver: Saver) -> None:
    faults = Faults({"after"})

    @task
    def ask(title: str) -> str:
        answer = str(interrupt(title))
        faults.here("after")
        return answer

    @entrypoint()
    def graph(given: str) -> str:
        return str(ask("one").result()) + str(ask("two").result())

    thread = Thread.of(graph, saver)
    id = open_ids(await thread.start("go"))[0]

    failed = await thread.answer(id, "A")

    assert (failed.phase, failed.asked, failed.answered) == (Phase.FAILED, (), frozenset({id}))
    faults.at.clear()
    second = await thread.proceed()
    assert (second.phase, titles(second), second.answered) == (Phase.WAITING, ["two"], frozenset())
    done = await thread.answer(open_ids(second)[0], "B")
    assert (done.phase, done.outcome) == (Phase.DONE, "AB")


async def test_an_entrypoint_that_raised_after_its_task_was_answered_keeps_the_answer(saver: Saver) -> None:
    faults = Faults({"body"})

    @task
    def ask() -> str:
        return str(interrupt("one"))

    @entrypoint()
    def graph(given: str) -> str:
        answer = str(ask().result())
        faults.here("body")
        return answer

    thread = Thread.of(graph, saver)
    id = open_ids(await thread.start("go"))[0]

    failed = await thread.answer(id, "A")

    assert (failed.phase, failed.asked, failed.answered) == (Phase.FAILED, (), frozenset({id}))
    faults.at.clear()
    assert (await thread.proceed()).outcome == "A"


# --- What a graph says of its result --------------------------------------------------------------------


async def test_a_node_that_swallows_its_interrupt_has_asked_nothing(saver: Saver) -> None:
    def swallows(state: Said) -> dict[str, str]:
        try:
            return {"said": str(interrupt("one"))}
        except Exception:
            return {"said": "swallowed"}

    thread = Thread.of(chain({"ask": swallows}), saver)

    status = await thread.start()

    assert (status.phase, status.asked) == (Phase.DONE, ())


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ({"outcome": "moved 3 files", "messages": []}, "moved 3 files"),
        ({"messages": [AIMessage([{"type": "text", "text": "All "}, {"type": "text", "text": "done."}])]}, "All done."),
        ({"outcome": "   "}, ""),
        ({"outcome": 7}, ""),
        ({"messages": [{"content": "not a message"}]}, ""),
        ({"said": "nothing of it"}, ""),
    ],
)
async def test_the_outcome_is_the_graphs_own_sentence_or_nothing(
    saver: Saver, values: dict[str, Any], outcome: str
) -> None:
    class Ends(TypedDict, total=False):
        outcome: Any
        messages: list[Any]
        said: str

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Ends)
    builder.add_node("end", lambda state: values)
    builder.add_edge(START, "end")
    builder.add_edge("end", END)
    thread = Thread.of(builder, saver)

    assert (await thread.start({"said": ""})).outcome == outcome


async def test_without_an_outcome_the_last_message_is_what_the_graph_says(saver: Saver) -> None:
    class Talks(TypedDict):
        messages: list[Any]

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Talks)
    builder.add_node("end", lambda state: {"messages": [AIMessage("hello"), AIMessage("all done")]})
    builder.add_edge(START, "end")
    thread = Thread.of(builder, saver)

    assert (await thread.start({"messages": []})).outcome == "all done"
