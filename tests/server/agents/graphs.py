"""The agents of the LangGraph Server that tests start. They run there, in an environment of its own, and import nothing
of this project.

Each takes a `key`, and tells what it does by a line in the file that EFFECTS names: `<agent> <key> <value>`.
"""

from __future__ import annotations

import asyncio
import json
import operator
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import quick  # noqa: F401
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send, interrupt
from pydantic import BaseModel, field_validator
from typing_extensions import TypedDict

FOLDER = Path(os.environ.get("EFFECTS", "."))
CALL = {
    "action_requests": [{"name": "Refund", "args": {"order": "o-1", "amount": 40}, "description": "It came late."}],
    "review_configs": [
        {
            "action_name": "Refund",
            "allowed_decisions": ["approve", "edit", "reject"],
            "args_schema": {"type": "object", "properties": {"amount": {"type": "integer"}}},
        }
    ],
}
"""One tool call, as LangChain's middleware asks about it."""
DONE = {
    "type": "undo_window",
    "action": "Refunded 40 EUR",
    "undo": {"how": "Takes it back", "refund": "r-1"},
    "window": "10m",
}
"""What an agent has done, and how that is undone."""


def did(agent: str, state: State, value: Any) -> None:
    with (FOLDER / "effects").open("a") as effects:
        effects.write(f"{agent} {state.get('key')} {json.dumps(value, sort_keys=True)}\n")


class Given(TypedDict):
    key: str


class State(TypedDict, total=False):
    key: str
    answers: Annotated[list[Any], operator.add]
    amount: int
    note: str
    parts: list[str]
    part: str
    outcome: str


def builder() -> StateGraph[State, None, Given, State]:
    return StateGraph(State, input_schema=Given)


def act(state: State) -> State:
    did("act", state, state.get("answers", []))
    return {"outcome": f"done with {len(state.get('answers', []))}"}


def chain(*steps: Any) -> Any:
    """A graph of these nodes, one after the other."""
    graph = builder()
    for one, step in zip(("", *(each.__name__ for each in steps)), steps, strict=False):
        graph.add_node(step.__name__, step)
        graph.add_edge(one or START, step.__name__)
    graph.add_edge(steps[-1].__name__, END)
    return graph


def ask(state: State) -> State:
    answer = interrupt(CALL)
    did("ask", state, answer)
    return {"answers": [answer]}


def offer(state: State) -> State:
    answer = interrupt(DONE)
    did("offer", state, answer)
    return {"answers": [answer]}


plain = chain(ask, act).compile()
asks = chain(ask).compile()
offers = chain(offer).compile()


def twice(state: State) -> State:
    first = interrupt({"question": "The first one?", "answer": "object"})
    second = interrupt({"question": "The second one?", "answer": "object"})
    did("twice", state, [first, second])
    return {"answers": [first, second]}


twice_graph = chain(twice, act).compile()


def left(state: State) -> State:
    return {"answers": [["left", interrupt({"question": "The left one?", "answer": "object"})]]}


def right(state: State) -> State:
    return {"answers": [["right", interrupt({"question": "The right one?", "answer": "object"})]]}


def side_by_side() -> Any:
    graph = builder()
    graph.add_node("left", left)
    graph.add_node("right", right)
    graph.add_node("act", act)
    graph.add_edge(START, "left")
    graph.add_edge(START, "right")
    graph.add_edge(["left", "right"], "act")
    graph.add_edge("act", END)
    return graph.compile()


parallel = side_by_side()


def around(inner: Any, **stops: Any) -> Any:
    graph = builder()
    graph.add_node("inner", inner)
    graph.add_node("act", act)
    graph.add_edge(START, "inner")
    graph.add_edge("inner", "act")
    graph.add_edge("act", END)
    return graph.compile(**stops)


nested = around(chain(ask).compile())


def plan(state: State) -> State:
    return {"parts": ["one", "two"]}


def part(state: State) -> State:
    answer = interrupt({"question": f"Do the part {state['part']}?", "answer": "object"})
    did("part", state, [state["part"], answer])
    return {"answers": [[state["part"], answer]]}


def spread(state: State) -> list[Send]:
    return [Send("part", {"key": state.get("key"), "part": each}) for each in state["parts"]]


def mapped(**stops: Any) -> Any:
    graph = builder()
    graph.add_node("plan", plan)
    graph.add_node("part", part)
    graph.add_node("act", act)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", spread, ["part"])
    graph.add_edge("part", "act")
    graph.add_edge("act", END)
    return graph.compile(**stops)


sent = mapped()
sent_after_stop = mapped(interrupt_before=["part"])


def prepare(state: State) -> State:
    return {"amount": 40, "note": "as ordered", "answers": ["prepared"]}


def pay(state: State) -> State:
    did("pay", state, [state["amount"], state["answers"]])
    return {"outcome": f"paid {state['amount']}"}


stop = chain(prepare, pay).compile(interrupt_before=["pay"])
stop_after = chain(prepare, pay).compile(interrupt_after=["prepare"])
stop_within = around(chain(prepare, pay).compile(interrupt_before=["pay"]))


class Amount(BaseModel):
    approved: bool
    amount: int

    @field_validator("amount")
    @classmethod
    def not_unlucky(cls, amount: int) -> int:
        if amount == 13:
            raise ValueError("13 brings bad luck")
        return amount


def fill_in(state: State) -> State:
    answer = interrupt({"question": "How much?"}, response_schema=Amount)
    did("fill_in", state, answer.model_dump())
    return {"answers": [str(answer)]}


form = chain(fill_in, act).compile()


@dataclass
class Place:
    place: str = "production"


def where(state: State, runtime: Runtime[Place]) -> State:
    """Does something where its context says."""
    interrupt({"question": f"Go on in {runtime.context.place}?", "answer": "object"})
    did("in_context", state, runtime.context.place)
    return {"answers": ["done"]}


def in_place() -> Any:
    graph = StateGraph(State, context_schema=Place, input_schema=Given)
    graph.add_node("where", where)
    graph.add_edge(START, "where")
    return graph.compile()


in_context = in_place()


def fall(state: State) -> State:
    """Raises after the answer as long as the file `raise-<key>` is there."""
    answer = interrupt({"question": "Go on?", "answer": "object"})
    did("fall", state, answer)
    if (FOLDER / f"raise-{state['key']}").exists():
        raise RuntimeError("it fell after the answer")
    return {"answers": [answer]}


raising = chain(fall, act).compile()


def never(state: State) -> State:
    raise RuntimeError("it never works")


failing = chain(never).compile()


async def work(state: State) -> State:
    """Works until the file `go-<key>` is there, and tells how far it is."""
    say = get_stream_writer()
    step = 0
    while not (FOLDER / f"go-{state['key']}").exists():
        step += 1
        say(f"step {step}")
        await asyncio.sleep(0.05)
    did("work", state, step > 0)
    return {"answers": ["worked"]}


slow = chain(work, act).compile()
slow_after_answer = chain(ask, work, act).compile()


def ask_again(state: State) -> State:
    answer = interrupt({"question": "And the second one?", "answer": "object"})
    did("ask_again", state, answer)
    return {"answers": [answer]}


async def work_between(state: State) -> State:
    """Asks, works, and asks again, in one node."""
    first = interrupt({"question": "The first one?", "answer": "object"})
    await work(state)
    second = interrupt({"question": "The second one?", "answer": "object"})
    did("work_between", state, [first, second])
    return {"answers": [first, second]}


slow_between = chain(ask, work, ask_again, act).compile()
slow_within = chain(work_between, act).compile()
