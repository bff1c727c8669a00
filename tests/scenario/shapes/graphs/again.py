"""Asks more than once: at the same time, until an answer is right, round after round."""

from __future__ import annotations

import itertools
from operator import add
from typing import Annotated, Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict

CLOCK = itertools.count(1)


class Inputs(TypedDict):
    name: str


class State(Inputs):
    told: Annotated[list[str], add]
    outcome: NotRequired[str]


def steady(state: State) -> dict[str, Any]:
    return {"told": [f"size {interrupt('Which size?')}"]}


def priced(state: State) -> dict[str, Any]:
    """Asks something else when it is executed for the second time."""
    price = f"{min(next(CLOCK), 2)} francs"
    answer = interrupt({"question": "Pay?", "details": {"price": price}})
    return {"told": [f"paid {price}: {answer}"]}


def report(state: State) -> dict[str, Any]:
    return {"outcome": "; ".join(sorted(state["told"]))}


def validated(state: State) -> dict[str, Any]:
    question: dict[str, Any] = {"question": "How old?", "answer": "text"}
    while not (answer := interrupt(question)).isdigit():
        question = {**question, "error": f"{answer!r} is not a number."}
    return {"outcome": f"{answer} years"}


def review(state: State) -> dict[str, Any]:
    draft = f"draft {len(state['told']) + 1}"
    answer = interrupt({"question": f"Publish {draft}?", "details": {"text": draft}, "answer": "object"})
    return {"told": [answer["feedback"]], "outcome": f"published {draft}" if answer["approved"] else ""}


def branch(state: State) -> dict[str, Any]:
    question = {"question": f"Do {state['name']}?", "details": {}}
    return {"told": [f"{state['name']} {interrupt(question)}"]}


fanned = StateGraph(State, input_schema=Inputs)
fanned.add_node("branch", branch)
fanned.add_node("report", report)
fanned.add_conditional_edges(START, lambda _: [Send("branch", {"name": each}) for each in ("one", "two", "three")])
fanned.add_edge("branch", "report")

changing = StateGraph(State, input_schema=Inputs)
changing.add_node("steady", steady)
changing.add_node("priced", priced)
changing.add_node("report", report)
changing.add_edge(START, "steady")
changing.add_edge(START, "priced")
changing.add_edge(["steady", "priced"], "report")

insisting = StateGraph(State, input_schema=Inputs)
insisting.add_node("validated", validated)
insisting.add_edge(START, "validated")

revising = StateGraph(State, input_schema=Inputs)
revising.add_node("review", review)
revising.add_edge(START, "review")
revising.add_conditional_edges("review", lambda state: END if state["outcome"] else "review")
