"""A graph that takes a task's inputs when somebody starts it, and objects to them when it is about to begin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph

from bot.approvals.model.ids import JSON
from bot.approvals.model.task import Ended, Failed
from bot.engines.langgraph.loading import inputs
from tests.support.agent_stage import GRAPH, Stage, State, a_stage


def acting(did: list[Any]) -> StateGraph[Any, Any, Any, Any]:
    def act(state: State) -> State:
        did.append(state["told"])
        return {"outcome": "done"}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("act", act)
    builder.add_edge(START, "act")
    builder.add_edge("act", END)
    return builder


def later(stage: Stage, error: Exception) -> list[dict[str, JSON]]:
    """Have the graph's own check raise this at every call but the first. Returns what it was asked."""
    asked: list[dict[str, JSON]] = []

    def check(values: dict[str, JSON]) -> None:
        asked.append(values)
        if len(asked) > 1:
            raise error

    stage.graphs[GRAPH] = replace(stage.graphs[GRAPH], form=inputs.read(stage.graph, check))
    return asked


async def test_the_task_ends_with_what_the_graph_objects_to(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    did: list[Any] = []
    async with a_stage(tmp_path, acting(did)) as stage:
        asked = later(stage, ValueError("the folder `logs` is gone"))

        task = await stage.storage.task((await stage.started(told="logs")).id)

        assert asked == [{"told": "logs"}, {"told": "logs"}]
        assert isinstance(task.state, Ended)
        assert task.state.stopped
        assert "these values: the folder `logs` is gone. Start another task" in task.state.outcome
        assert did == []
        assert [each for each in caplog.records if each.levelname == "ERROR"] == []


async def test_a_check_that_breaks_then_is_a_failure_that_can_be_retried(tmp_path: Path) -> None:
    did: list[Any] = []
    async with a_stage(tmp_path, acting(did)) as stage:
        later(stage, KeyError("bug"))

        task = await stage.storage.task((await stage.started(told="logs")).id)

        assert isinstance(task.state, Failed)
        assert (task.state.failure.summary, task.state.retryable) == ("KeyError", True)
        assert did == []
