"""Asks at one gate after another, and notes each effect with the answer that it was told and the process that made it.

`CRASH_GRAPH_AT=effect-made:0.2` kills the bot one time in five when it gets there, as `bot.crash_points` does. While
there is a file `hold` in the folder, a node stays where it has made its effect. A process that ends in order leaves a
file with its id in the folder `CRASH_ENDED`, so that whoever looks for cut runs can tell it from one that was killed.
"""

import asyncio
import json
import os
import random
from pathlib import Path
from typing import Any, NoReturn, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from bot import crash_points


class Inputs(TypedDict):
    number: int
    gates: int
    folder: str


class State(Inputs):
    passed: NotRequired[int]
    answer: NotRequired[dict[str, Any]]
    outcome: NotRequired[str]


async def gate(state: State) -> dict[str, Any]:
    number = state.get("passed", 0) + 1
    question = f"Task {state['number']}, gate {number}"
    answer = interrupt({"question": question, "details": {"number": state["number"]}, "answer": "object"})
    die_at("answer-taken")
    _note(state, "gate", number, answer)
    die_at("effect-made")
    await _let_go(state)
    return {"passed": number, "answer": answer}


async def beyond(state: State) -> dict[str, Any]:
    die_at("next-node")
    _note(state, "beyond", state["passed"], state["answer"])
    return {"outcome": f"Task {state['number']} has passed {state['passed']}."}


def onward(state: State) -> str:
    return "gate" if state["passed"] < state["gates"] else END


def _note(state: State, node: str, number: int, answer: dict[str, Any]) -> None:
    """One line, written whole."""
    line = json.dumps({"node": node, "gate": number, "answer": answer, **here()}) + "\n"
    file = os.open(Path(state["folder"]) / f"{state['number']}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)


def here() -> dict[str, int]:
    """Which process this is, of which replica."""
    return {"pid": os.getpid(), "replica": int(os.environ.get("CRASH_REPLICA", "0"))}


async def _let_go(state: State) -> None:
    hold = Path(state["folder"]) / "hold"
    while True:
        if not hold.exists():
            return
        await asyncio.sleep(0.01)


def die_at(name: str) -> None:
    point, _, chance = os.environ.get("CRASH_GRAPH_AT", "").partition(":")
    if point == name and random.random() < float(chance or 1):
        crash_points.die()


def _note_an_orderly_end(folder: str) -> None:
    """A worker ends by `os._exit`, past every exit handler."""
    leave = os._exit

    def noted(status: int) -> NoReturn:
        if status == 0:
            (Path(folder) / str(os.getpid())).touch()
        leave(status)

    os._exit = noted


if "CRASH_ENDED" in os.environ:
    _note_an_orderly_end(os.environ["CRASH_ENDED"])


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("gate", gate)
graph.add_node("beyond", beyond)
graph.add_edge(START, "gate")
graph.add_edge("gate", "beyond")
graph.add_conditional_edges("beyond", onward, ["gate", END])
