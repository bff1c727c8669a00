"""Graphs in every form that langgraph.json takes, with inputs of every kind: started, asked and answered."""

from __future__ import annotations

import pytest

from tests.scenario.shapes.conftest import Asks


@pytest.mark.parametrize(
    ("graph", "line", "said"),
    [
        pytest.param("typed", "topic=sea", "sea: True", id="a graph, its state a TypedDict"),
        pytest.param("modelled", "topic=sea", "sea: True", id="a compiled graph, its state a model"),
        pytest.param("plain", "", "sea: True", id="an async factory, its state a dataclass"),
        pytest.param("nested", "topic=sea", "sea: True", id="a context manager, its question two graphs down"),
        pytest.param("talking", "what is it?", "Answered: True", id="a conversation, begun with a sentence"),
    ],
)
async def test_a_graph_of_this_form_is_started_asked_and_answered(
    starts: Asks, graph: str, line: str, said: str
) -> None:
    asked = await starts(graph, line, "?", "[Approve]", "[Reject…]")

    await asked.press("approve")

    assert await asked.ended() == said


async def test_a_functional_graph_asks_in_its_task_and_in_itself(starts: Asks) -> None:
    first = await starts("functional", "input=sea", "Is sea right?")
    await first.press("approve")
    second = await first.thread.card("Anything else?")

    await first.room.press("bob", second, "respond")
    await first.room.modal("bob", "Anything else?")
    assert await first.room.seat("bob").submit({"answer": "no, thanks"}) == {}

    assert await first.ended() == "checked approve, no, thanks"
