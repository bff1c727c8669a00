"""Graphs that stop before or after a node: the state on a card, and what becomes of it."""

from __future__ import annotations

import pytest

from tests.scenario.shapes.conftest import Asks


@pytest.mark.parametrize(("graph", "title"), [("before", "Before act: go on?"), ("after", "After plan: go on?")])
async def test_the_state_is_shown_and_what_is_approved_goes_on(starts: Asks, graph: str, title: str) -> None:
    asked = await starts(graph, "topic=sea", title, "Topic  sea", "a plan for sea", "[Approve]", "[Edit…]", "[Reject…]")

    await asked.press("approve")

    await asked.settled("Approved by @bob")
    assert await asked.ended() == "sea, approved None: a plan for sea, acted"


@pytest.mark.parametrize("graph", ["before", "after"])
async def test_any_key_of_the_state_is_edited_also_one_without_a_value(starts: Asks, graph: str) -> None:
    asked = await starts(graph, "topic=sea", "Approved  -")
    await asked.press("edit")
    await asked.room.modal("bob", "Approved")

    assert await asked.submit(Topic="hill", Approved="Yes", Notes="an edited plan") == {}

    await asked.shows("Approved with changes by @bob", "Topic  sea → hill", "Approved  - → Yes")
    assert await asked.ended() == "hill, approved True: an edited plan, acted"


async def test_a_rejection_ends_the_task_and_says_why(starts: Asks) -> None:
    asked = await starts("before", "topic=sea", "Before act: go on?")

    await asked.says("reject", "Too cold.")

    await asked.shows("Rejected by @bob", "Too cold.", "the task was stopped before act")
    assert await asked.stopped() == "before act it was rejected. Too cold."


async def test_a_rejection_takes_the_graphs_own_way_where_its_entry_names_one(starts: Asks) -> None:
    asked = await starts("routed", "topic=sea", "Before act: go on?")

    await asked.says("reject", "Too cold.")

    assert await asked.ended() == "sea, approved False: a plan for sea, not acted: Too cold."
