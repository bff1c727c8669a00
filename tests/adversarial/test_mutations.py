"""The agent's source changes in any way between question and answer: an effect happens only if it stood on a card that
was approved."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from bot.approvals.model.policy import GraphTerms
from tests.support.agent_stage import Stage, a_stage
from tests.support.examples import examples

EFFECTS = ("pay 10", "pay 99", "delete a", "delete b")
NAMES = ("one", "two", "three", "four")
MOST_ANSWERS = 8


@dataclass(frozen=True)
class Gate:
    """A node that asks whether something shall be done; or takes that for granted, once its question was taken out."""

    name: str
    effects: tuple[str, ...]
    asks: bool = True


@dataclass(frozen=True)
class Source:
    """An agent: its gates, one after the other, and after each a step that does what was agreed to."""

    gates: tuple[Gate, ...]
    stops: tuple[str, ...] = ()
    """The gates whose step is stopped at, before it acts."""

    def graph(self, did: list[str]) -> StateGraph[Any, Any, Any, Any]:
        builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
        before = START
        for gate in self.gates:
            act = f"{gate.name}_act"
            builder.add_node(gate.name, _asking(gate))
            builder.add_node(act, _acting(did))
            builder.add_edge(before, gate.name)
            builder.add_edge(gate.name, act)
            before = act
        builder.add_edge(before, END)
        return builder

    @property
    def breakpoints(self) -> list[str]:
        return [f"{gate.name}_act" for gate in self.gates if gate.name in self.stops]


def _last(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {**old, **new}


class State(TypedDict, total=False):
    agreed: Annotated[dict[str, Any], _last]


def _asking(gate: Gate) -> Any:
    def ask(state: State) -> State:
        if gate.asks:
            return {"agreed": {effect: interrupt({"question": f"{effect}?", "details": {}}) for effect in gate.effects}}
        return {"agreed": dict.fromkeys(gate.effects, True)}

    return ask


def _acting(did: list[str]) -> Any:
    def act(state: State) -> State:
        did.extend(effect for effect, agreed in state.get("agreed", {}).items() if agreed is True)
        return {"agreed": dict.fromkeys(state.get("agreed", {}), "done")}

    return act


gates = st.builds(Gate, st.sampled_from(NAMES), st.lists(st.sampled_from(EFFECTS), min_size=1, max_size=2).map(tuple))
sources = st.builds(
    Source,
    st.lists(gates, min_size=1, max_size=3, unique_by=lambda gate: gate.name).map(tuple),
    st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
)


@st.composite
def mutated(draw: st.DrawFn, source: Source) -> Source:
    """The agent after a redeploy: a stop, a node, a question, an order or an argument is another."""
    listed = list(source.gates)
    index = draw(st.integers(0, len(listed) - 1))
    match draw(
        st.sampled_from(("stops", "rename", "ask other", "ask more", "grant", "swap", "insert", "remove", "same"))
    ):
        case "stops":
            return replace(source, stops=tuple(draw(st.lists(st.sampled_from(NAMES), max_size=2))))
        case "rename":
            listed[index] = replace(listed[index], name=f"{listed[index].name}_new")
        case "ask other":
            listed[index] = replace(listed[index], effects=(draw(st.sampled_from(EFFECTS)),))
        case "ask more":
            more = draw(st.sampled_from(EFFECTS))
            listed[index] = replace(listed[index], effects=(more, *listed[index].effects))
        case "grant":
            listed[0] = replace(listed[0], asks=False)  # the one at which it waits; what was never asked is the owner's
        case "swap":
            listed.reverse()
        case "insert":
            listed.insert(index, draw(gates.filter(lambda gate: gate.name not in {each.name for each in listed})))
        case "remove" if len(listed) > 1:
            del listed[index]
        case _:
            pass
    return replace(source, gates=tuple(listed))


@st.composite
def stories(draw: st.DrawFn) -> tuple[Source, list[Source], list[bool]]:
    """An agent, its redeploys, and what people say one after the other."""
    source = draw(sources)
    redeploys = [source]
    for _ in range(draw(st.integers(1, 2))):
        redeploys.append(draw(mutated(redeploys[-1])))
    return source, redeploys[1:], draw(st.lists(st.booleans(), min_size=MOST_ANSWERS, max_size=MOST_ANSWERS))


@examples(20, suppress_health_check=[HealthCheck.too_slow])
@given(stories())
def test_an_effect_happens_only_if_exactly_that_stood_on_an_approved_card(
    story: tuple[Source, list[Source], list[bool]],
) -> None:
    source, redeploys, answers = story
    did, approved = asyncio.run(_played(source, redeploys, answers))

    assert set(did) <= approved
    assert len(did) <= len(answers)


async def _played(source: Source, redeploys: Sequence[Source], answers: Sequence[bool]) -> tuple[list[str], set[str]]:
    """What the agent did, and what people approved."""
    did: list[str] = []
    approved: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        compiled = source.graph(did).compile(interrupt_before=source.breakpoints)
        async with a_stage(Path(folder), compiled, terms=GraphTerms(answer="boolean")) as stage:
            task = await stage.started()
            for redeploy in redeploys:
                await stage.redeploy(redeploy.graph(did), interrupt_before=redeploy.breakpoints)
            for says_yes in answers:
                open = await stage.asked(task)
                if not open:
                    break
                await _answered(stage, open[0], says_yes, approved)
    return did, approved


async def _answered(stage: Stage, request: Any, says_yes: bool, approved: set[str]) -> None:
    """A question's effect is in its title, and a stop's are in the state that its card shows."""
    if not says_yes:
        await stage.reject(request)
        return
    approved.add(request.question.title.removesuffix("?"))
    await stage.approve(request)
