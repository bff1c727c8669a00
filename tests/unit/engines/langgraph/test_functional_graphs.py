"""Threads of the functional API, and what a graph says of its result."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from bot.approvals.model.agent import Phase
from tests.unit.engines.langgraph.asking_nodes import Saver
from tests.unit.engines.langgraph.threads import Faults, Said, Thread, chain, open_ids, titles


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
