"""Asks once, and goes on after that only once a file is gone; says when. What a kill meets, and a restart takes up."""

import asyncio
import os
from pathlib import Path
from typing import Any

from langgraph.graph import END, START, StateGraph

from benchmarks.graphs.approval import Inputs, State, act, ask

LOOK_AGAIN = 0.005


async def wait(state: State) -> dict[str, Any]:
    if _is_held():
        Path(os.environ["BENCH_HOLD"]).with_name(f"reached-{state['name']}").touch()
    while _is_held():  # noqa: ASYNC110 - a file of another process
        await asyncio.sleep(LOOK_AGAIN)
    return act(state)


def _is_held() -> bool:
    return Path(os.environ["BENCH_HOLD"]).exists()


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("ask", ask)
graph.add_node("wait", wait)
graph.add_edge(START, "ask")
graph.add_edge("ask", "wait")
graph.add_edge("wait", END)
