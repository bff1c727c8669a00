"""Since when something can be undone, if the agent does not say when it acted: from the checkpoint alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import pytest
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict

from bot.approvals.model.agent import Asked
from bot.engines.payload import to_json
from tests.unit.engines.langgraph.asking_nodes import Saver, asks, says
from tests.unit.engines.langgraph.threads import Faults, Said, Thread, chain, joined, open_ids, titles

OFFER = {"type": "undo_window", "action": "Moved"}
AT = "2026-03-02T09:00:00+00:00"


def offers(state: Any = None, **more: Any) -> dict[str, str]:
    """A node that says what was done, and goes on with what is to become of it."""
    return {"said": str(interrupt({**OFFER, **more})["type"])}


async def since(thread: Thread) -> datetime | None:
    """When the action was, as the one open offer says."""
    (asked,) = (await thread.status()).asked
    return _at(asked)


def _at(asked: Asked) -> datetime | None:
    assert asked.question.window is not None
    return asked.question.window.at


async def step_began(thread: Thread) -> datetime:
    created_at = (await thread.graph.aget_state(thread.config)).created_at
    assert created_at is not None
    return datetime.fromisoformat(created_at)


async def test_it_was_when_the_node_before_had_finished(saver: Saver) -> None:
    """However often the thread is read."""
    thread = Thread.of(chain({"act": says("acted,"), "offer": offers}), saver)

    await thread.start()

    assert await since(thread) == await since(thread) == await step_began(thread)


async def test_an_agent_that_says_when_it_acted_is_believed(saver: Saver) -> None:
    thread = Thread.of(chain({"act": says("acted,"), "offer": lambda state: offers(at=AT)}), saver)

    await thread.start()

    assert await since(thread) == datetime.fromisoformat(AT)


async def test_a_node_that_failed_and_is_run_again_does_not_begin_the_window_anew(saver: Saver) -> None:
    """What was done was done before the node failed the first time."""
    faults = Faults({"before"})

    def node(state: Said) -> dict[str, str]:
        faults.here("before")
        return offers()

    thread = Thread.of(chain({"act": says("acted,"), "offer": node}), saver)
    await thread.start()
    began = await step_began(thread)
    faults.at.clear()

    await thread.proceed()

    assert await since(thread) == began


async def test_a_node_that_waited_for_people_before_it_acted_gives_no_time(saver: Saver) -> None:
    """Its step began before they answered: counted from there, the window could be over before it is shown."""

    def node(state: Said) -> dict[str, str]:
        interrupt("May I?")
        return offers()

    thread = Thread.of(chain({"all": node}), saver)
    asked = await thread.start()

    await thread.answer(open_ids(asked)[0], "yes")

    assert await since(thread) is None


@pytest.mark.parametrize("known", [True, False], ids=["as a node", "called by a node"])
async def test_of_a_subgraph_nobody_can_tell(saver: Saver, known: bool) -> None:
    """It may have waited for people in its own steps before it acted."""
    inner = chain({"ask": asks("May I?"), "act": says("acted,"), "offer": offers}).compile()
    within: Any = inner if known else lambda state: inner.invoke({"said": ""})
    thread = Thread.of(chain({"inner": within}), saver)
    asked = await thread.start()

    await thread.answer(open_ids(asked)[0], "yes")

    assert await since(thread) is None


async def test_of_a_node_that_let_a_subgraph_act_nobody_can_tell(saver: Saver) -> None:
    inner = chain({"ask": asks("May I?"), "act": says("acted,")}).compile()

    def node(state: Said) -> dict[str, str]:
        inner.invoke({"said": ""})
        return offers()

    thread = Thread.of(chain({"outer": node}), saver)
    asked = await thread.start()

    await thread.answer(open_ids(asked)[0], "yes")

    assert await since(thread) is None


async def test_of_a_functional_graph_nobody_can_tell(saver: Saver) -> None:
    """All of it is one step."""

    @task
    def act() -> str:
        return "acted"

    @entrypoint()
    def flow(given: dict[str, Any]) -> str:
        return act().result() + offers()["said"]

    thread = Thread.of(flow, saver)

    await thread.start({"note": "x"})

    assert await since(thread) is None


async def test_each_of_several_branches_has_its_own_offer(saver: Saver) -> None:
    """With its own way back, which its own answer names. All acted in the step before."""
    thread = Thread.of(_branches(lambda given: offers(undo={"branch": given["branch"]})), saver)

    status = await thread.start({"said": ""})

    assert [to_json(asked.question.payload) for asked in status.asked] == [
        {**OFFER, "undo": {"branch": "a"}},
        {**OFFER, "undo": {"branch": "b"}},
    ]
    assert {_at(asked) for asked in status.asked} == {await step_began(thread)}


async def test_an_offer_and_an_approval_are_open_side_by_side(saver: Saver) -> None:
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Said)
    builder.add_node("act", says(""))
    builder.add_node("offer", offers)
    builder.add_node("ask", asks("May I do more?"))
    builder.add_edge(START, "act")
    builder.add_edge("act", "offer")
    builder.add_edge("act", "ask")
    thread = Thread.of(builder, saver)

    status = await thread.start()

    assert sorted(titles(status)) == ["May I do more?", "Moved"]
    assert [asked.place for asked in status.asked if asked.question.window] == ["offer"]


class Branches(TypedDict):
    said: Annotated[str, joined]


def _branches(node: Callable[[dict[str, str]], dict[str, str]]) -> StateGraph[Any, Any, Any, Any]:
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Branches)
    builder.add_node("act", says("acted,"))
    builder.add_node("offer", node)  # type: ignore[arg-type]
    builder.add_edge(START, "act")
    builder.add_conditional_edges("act", lambda _: [Send("offer", {"branch": each}) for each in "ab"], ["offer"])
    return builder
