"""Redeploys while people are asked, as data: the agent before and after, the answer, and what must not happen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict

from bot.approvals.model.task import Part


def added(old: list[Any], new: list[Any]) -> list[Any]:
    return [*old, *new]


class State(TypedDict, total=False):
    told: Annotated[list[Any], added]
    outcome: str


@dataclass(frozen=True, kw_only=True)
class Agent:
    """A gate that asks, and a step that acts on the answer."""

    asks: Sequence[str] = ("Send the newsletter?",)
    """What the gate asks, one after the other."""
    gate: str = "gate"
    act: str = "act"
    stops: Sequence[str] = ()
    """`interrupt_before`."""
    sends: Any = None
    """What `act` is given by `Send`; None: it is given the state."""
    side: str = ""
    """What a branch beside the gate asks; empty: there is none."""

    def graph(self, did: list[str]) -> StateGraph[Any, Any, Any, Any]:
        """The agent, which writes down what it did."""

        def gate(state: State) -> State:
            return {"told": [[question, interrupt(question)] for question in self.asks] or [["nothing", True]]}

        def side(state: State) -> State:
            return {"told": [[self.side, interrupt(self.side)]]}

        def act(state: Any) -> State:
            told = state.get("told", [])
            did.extend(question for question, answer in told if answer is True)
            if "amount" in state:
                did.append(f"paid {state['amount']}")
            elif self.stops and not told:
                did.append("acted")
            return {"outcome": "done"}

        builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
        builder.add_node(self.gate, gate)
        builder.add_node(self.act, act)
        builder.add_edge(START, self.gate)
        if self.side:
            builder.add_node("side", side)
            builder.add_edge(START, "side")
            builder.add_edge([self.gate, "side"], self.act)
        elif self.sends is not None:
            builder.add_conditional_edges(self.gate, lambda _: [Send(self.act, self.sends)], [self.act])
        else:
            builder.add_edge(self.gate, self.act)
        builder.add_edge(self.act, END)
        return builder


APPROVE, REJECT, EXPIRE = "approve", "reject", "expire"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One redeploy between a question and its answer."""

    name: str
    old: Agent
    new: Agent | None
    """None: the agent is not there any more."""
    answer: str = APPROVE
    did: tuple[str, ...] = ()
    """What the agent has done after the answer: all of it."""
    asks: tuple[str, ...] = ()
    """What is asked after the answer."""
    gone: Part | None = None
    """The part of the code that the card says is missing."""
    back: tuple[str, ...] | None = None
    """What it has done once the old agent is there again; None if that is not tried."""
    retried: bool = field(default=False)
    """Whether a person presses *Retry* after the old agent is there again."""


NEWSLETTER = "Send the newsletter?"
PLAIN = Agent()
STOPPING = Agent(asks=(), stops=("act",))
SENDING = Agent(asks=(), stops=("act",), sends={"amount": 10})

CASES: tuple[Case, ...] = (
    Case(name="nothing changed", old=PLAIN, new=PLAIN, did=(NEWSLETTER,)),
    Case(name="nothing changed, rejected", old=PLAIN, new=PLAIN, answer=REJECT),
    Case(
        name="another question in its place",
        old=PLAIN,
        new=Agent(asks=("Delete all customers?",)),
        asks=("Delete all customers?",),
    ),
    Case(
        name="a question that differs by a space",
        old=PLAIN,
        new=Agent(asks=(NEWSLETTER + " ",)),
        asks=(NEWSLETTER + " ",),
    ),
    Case(
        name="a question before it",
        old=PLAIN,
        new=Agent(asks=("Delete all?", NEWSLETTER)),
        asks=("Delete all?",),
    ),
    Case(
        name="a question after it",
        old=PLAIN,
        new=Agent(asks=(NEWSLETTER, "Delete all?")),
        asks=("Delete all?",),
    ),
    Case(name="no question any more", old=PLAIN, new=Agent(asks=()), gone=Part.QUESTION),
    Case(
        name="no question any more, rejected",
        old=PLAIN,
        new=Agent(asks=()),
        answer=REJECT,
        gone=Part.QUESTION,
        back=(),
        retried=True,
    ),
    Case(
        name="no question any more, and nobody answers",
        old=PLAIN,
        new=Agent(asks=()),
        answer=EXPIRE,
        gone=Part.QUESTION,
    ),
    Case(
        name="the gate renamed",
        old=PLAIN,
        new=Agent(gate="approval"),
        gone=Part.STEP,
        back=(NEWSLETTER,),
    ),
    Case(
        name="the gate renamed, rejected", old=PLAIN, new=Agent(gate="approval"), answer=REJECT, gone=Part.STEP, back=()
    ),
    Case(name="the graph removed", old=PLAIN, new=None, gone=Part.GRAPH, back=(NEWSLETTER,)),
    Case(name="the graph removed, rejected", old=PLAIN, new=None, answer=REJECT, gone=Part.GRAPH, back=()),
    Case(name="the graph removed, and nobody answers", old=PLAIN, new=None, answer=EXPIRE, gone=Part.GRAPH, back=()),
    Case(name="a stop, unchanged", old=STOPPING, new=STOPPING, did=("nothing",)),
    Case(name="a stop removed, approved", old=STOPPING, new=Agent(asks=()), did=("nothing",)),
    Case(name="a stop removed, rejected", old=STOPPING, new=Agent(asks=()), answer=REJECT, gone=Part.STOP),
    Case(name="a stop removed, and nobody answers", old=STOPPING, new=Agent(asks=()), answer=EXPIRE, gone=Part.STOP),
    Case(
        name="a stop moved elsewhere, rejected",
        old=STOPPING,
        new=Agent(asks=(), stops=("gate",)),
        answer=REJECT,
        gone=Part.STOP,
    ),
    Case(
        name="the step after a stop renamed",
        old=STOPPING,
        new=Agent(asks=(), act="wipe", stops=("wipe",)),
        gone=Part.STEP,
        back=("nothing",),
    ),
    Case(name="a stop before what was sent", old=SENDING, new=SENDING, did=("paid 10",)),
    Case(
        name="a stop before what was sent, removed and rejected",
        old=SENDING,
        new=Agent(asks=(), sends={"amount": 10}),
        answer=REJECT,
        gone=Part.STOP,
    ),
)
