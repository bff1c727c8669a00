"""The adapter for LangGraph graphs that run outside the bot."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Interrupt, interrupt

from countersign import AlreadyConsumed, AsyncCountersign, Cancelled, Countersign, Expired
from countersign.adapters.langgraph import resolve, resolve_sync
from tests.clients.adapters.examples import example
from tests.clients.adapters.people import (
    Answered,
    Person,
    approves,
    ignores,
    ignores_an_open_question,
    rejects,
    says,
    withdraws,
)

CONFIG: Any = {"configurable": {"thread_id": "order-1"}}


class State(TypedDict, total=False):
    paid: Any
    name: Any


class Payments:
    """A graph whose two nodes ask at once, and act on what they hear."""

    def __init__(self) -> None:
        self.acted: list[Any] = []
        built = StateGraph(State)
        built.add_node("pay", self._pay)
        built.add_node("name", self._name)
        built.add_edge(START, "pay")
        built.add_edge(START, "name")
        self.graph: CompiledStateGraph[State, Any, State, State] = built.compile(InMemorySaver())
        self.graph.invoke({}, CONFIG)

    @property
    def interrupts(self) -> tuple[Interrupt[Any], ...]:
        return self.graph.get_state(CONFIG).interrupts

    def _pay(self, state: State) -> State:
        if (said := interrupt("Pay 9.00 EUR?")) is True:
            self.acted.append("paid")
        return {"paid": said}

    def _name(self, state: State) -> State:
        return {"name": interrupt("Which name?", response_schema={"type": "string"})}


def test_each_interrupt_is_asked_and_answered(api: Answered, client: Countersign) -> None:
    """Interrupts that wait at once are requests of their own, with their schemas, and each gets its own answer."""
    by_question = {"Pay 9.00 EUR?": approves, "Which name?": says("Ada")}
    payments = Payments()
    api.people = [by_question[each.value] for each in payments.interrupts]

    state = payments.graph.invoke(resolve_sync(payments.interrupts, client, key="order-1"), CONFIG)

    assert state == {"paid": True, "name": "Ada"}
    assert payments.acted == ["paid"]
    sent = {body["question"]: body.get("response_schema") for method, _, body in api.calls if "question" in body}
    assert sent == {"Pay 9.00 EUR?": None, "Which name?": {"type": "string"}}


@pytest.mark.parametrize("person", [rejects("no"), ignores])
def test_no_and_silence_are_no(api: Answered, client: Countersign, person: Person) -> None:
    """The graph goes on with what a rejection gives, and does not act."""
    api.people = [person, person]
    payments = Payments()

    payments.graph.invoke(resolve_sync(payments.interrupts, client, key="order-1"), CONFIG)

    assert payments.acted == []
    assert not payments.interrupts


@pytest.mark.parametrize(("person", "error"), [(ignores_an_open_question, Expired), (withdraws, Cancelled)])
def test_without_an_answer_the_graph_waits(
    api: Answered, client: Countersign, person: Person, error: type[Exception]
) -> None:
    """Silence that the question has no answer for, and a withdrawn request, resume nothing and consume nothing."""
    api.people = [approves, person]
    payments = Payments()

    with pytest.raises(error):
        resolve_sync(payments.interrupts, client, key="order-1")

    assert len(payments.interrupts) == 2
    assert not api.executions


def test_answers_are_taken_once(api: Answered, async_client: AsyncCountersign) -> None:
    """Two processes that read the same interrupts do not both resume, unless they are the same execution."""
    api.people = [approves, approves]
    interrupts = Payments().interrupts

    async def taken(execution: str | None = None) -> Any:
        return (await resolve(interrupts, async_client, key="order-1", execution=execution)).resume

    first = asyncio.run(taken("worker-1"))

    assert asyncio.run(taken("worker-1")) == first == {each.id: True for each in interrupts}
    with pytest.raises(AlreadyConsumed):
        asyncio.run(taken())
    assert len(api.requests) == 2


@pytest.mark.parametrize(("person", "outcome"), [(approves, "refunded 90.00"), (rejects(), "not refunded")])
def test_the_example(
    api: Answered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, person: Person, outcome: str
) -> None:
    """The example asks, and acts only after an approval. Run again, it says what became of the order."""
    api.people = [person]
    module = example("langgraph_outside", api, tmp_path, monkeypatch)

    assert module.run("refund-4711", "90.00") == outcome
    assert module.run("refund-4711", "90.00") == outcome
    assert len(api.requests) == 1
