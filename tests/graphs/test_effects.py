"""The key of a node's effect: the same when the node is executed again, and another for everything else."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from operator import add
from pathlib import Path
from typing import Annotated, Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict

from graphs import effects
from tests.graphs.threads import Killed, Thread

Saver = BaseCheckpointSaver[Any]


class Seen(TypedDict, total=False):
    keys: Annotated[list[str], add]


class Effect:
    """A node that writes its key down, and dies as often as it is told."""

    def __init__(self, *, deaths: int = 0) -> None:
        self.keys: list[str] = []
        self.deaths = deaths

    def __call__(self, state: object) -> dict[str, list[str]]:
        key = effects.key()
        self.keys.append(key)
        if self.deaths:
            self.deaths -= 1
            raise Killed
        return {"keys": [key]}


Shape = Callable[[Effect], Any]


def flat(effect: Effect) -> Any:
    graph = StateGraph(Seen)
    graph.add_node("effect", effect)
    graph.add_edge(START, "effect")
    return graph


def after_a_question(effect: Effect) -> Any:
    def ask(state: Seen) -> Seen:
        interrupt("Go on?")
        return {}

    graph = StateGraph(Seen)
    graph.add_node("ask", ask)
    graph.add_node("effect", effect)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "effect")
    return graph


def in_a_subgraph(effect: Effect) -> Any:
    graph = StateGraph(Seen)
    graph.add_node("inner", flat(effect).compile())
    graph.add_edge(START, "inner")
    return graph


def two_deep(effect: Effect) -> Any:
    graph = StateGraph(Seen)
    graph.add_node("outer", in_a_subgraph(effect).compile())
    graph.add_edge(START, "outer")
    return graph


def in_a_subgraph_with_its_own_memory(effect: Effect) -> Any:
    graph = StateGraph(Seen)
    graph.add_node("inner", flat(effect).compile(checkpointer=True))
    graph.add_edge(START, "inner")
    return graph


async def again(graph: Any, saver: Saver) -> Thread:
    """Runs the graph, answers what it asks, and goes on after each death."""
    thread = Thread(graph, saver)
    for step in range(10):
        try:
            question = await (thread.start() if step == 0 else thread.proceed())
            if question is not None:
                await thread.answer("yes")
        except Killed:
            continue
        break
    return thread


class TestTheKey:
    @pytest.mark.parametrize(
        "shape", [flat, after_a_question, in_a_subgraph, two_deep, in_a_subgraph_with_its_own_memory]
    )
    async def test_is_the_same_when_the_node_is_executed_again(self, saver: Saver, shape: Shape) -> None:
        effect = Effect(deaths=3)

        await again(shape(effect), saver)

        assert len(effect.keys) == 4
        assert len(set(effect.keys)) == 1
        assert len(effect.keys[0]) == 64

    @pytest.mark.parametrize("shape", [flat, in_a_subgraph, two_deep, in_a_subgraph_with_its_own_memory])
    async def test_is_another_in_another_thread(self, saver: Saver, shape: Shape) -> None:
        effect = Effect()

        await again(shape(effect), saver)
        await again(shape(effect), saver)

        assert len(set(effect.keys)) == 2

    async def test_is_another_for_each_send_also_where_they_die(self, saver: Saver) -> None:
        graph = StateGraph(Seen)
        effect = Effect(deaths=3)
        graph.add_node("effect", effect)
        graph.add_conditional_edges(START, lambda state: [Send("effect", {}) for _ in range(3)], ["effect"])

        thread = await again(graph, saver)

        assert len(effect.keys) > 3
        assert len(set(effect.keys)) == 3
        assert set((await thread.state())["keys"]) == set(effect.keys)

    async def test_is_another_in_each_round_of_a_loop(self, saver: Saver) -> None:
        graph = StateGraph(Seen)
        effect = Effect(deaths=1)
        graph.add_node("effect", effect)
        graph.add_edge(START, "effect")
        graph.add_conditional_edges(
            "effect", lambda state: "effect" if len(state["keys"]) < 3 else "__end__", ["effect", "__end__"]
        )

        await again(graph, saver)

        assert len(effect.keys) == 4
        assert len(set(effect.keys)) == 3

    async def test_is_another_in_each_call_of_one_subgraph(self, saver: Saver) -> None:
        effect = Effect(deaths=1)
        inner = flat(effect).compile()

        async def twice(state: Seen) -> Seen:
            await inner.ainvoke({})
            await inner.ainvoke({})
            return {}

        graph = StateGraph(Seen)
        graph.add_node("twice", twice)
        graph.add_edge(START, "twice")

        await again(graph, saver)

        assert len(set(effect.keys)) == 2

    async def test_is_another_for_each_task_of_a_functional_graph(self, saver: Saver) -> None:
        effect = Effect(deaths=2)

        @task
        def spend(number: int) -> list[str]:
            return effect(number)["keys"]

        @entrypoint()
        async def spending(given: dict[str, Any]) -> list[list[str]]:
            return list(await asyncio.gather(spend(1), spend(2)))

        await again(spending, saver)

        assert len(effect.keys) > 2
        assert len(set(effect.keys)) == 2

    async def test_is_another_when_the_thread_is_started_again(self, saver: Saver) -> None:
        effect = Effect()
        thread = await again(flat(effect), saver)

        await thread.start(keys=[])

        assert len(set(effect.keys)) == 2

    async def test_has_parts_for_the_effects_of_one_node(self, saver: Saver) -> None:
        found: list[str] = []

        def node(state: Seen) -> Seen:
            found.extend([effects.key("a"), effects.key("b"), effects.key("a", "b"), effects.key()])
            return {}

        graph = StateGraph(Seen)
        graph.add_node("node", node)
        graph.add_edge(START, "node")

        await again(graph, saver)

        assert len(set(found)) == 4

    async def test_there_is_none_where_nothing_is_saved(self) -> None:
        with pytest.raises(effects.NoStableKey, match="a graph that has a checkpointer and a thread_id"):
            await flat(Effect()).compile().ainvoke({})

    def test_there_is_none_outside_of_a_node(self) -> None:
        with pytest.raises(effects.NoStableKey, match="only inside a node"):
            effects.key()


class TestOnce:
    def test_an_effect_is_executed_once_and_its_result_comes_back(self, tmp_path: Path) -> None:
        database, calls = tmp_path / "new" / "effects.db", []

        def effect(connection: sqlite3.Connection) -> dict[str, Any]:
            calls.append(1)
            return {"entry": 7}

        first = effects.once(database, "k", {"what": "x"}, effect)
        second = effects.once(database, "k", {"what": "x"}, effect)

        assert first == second == {"entry": 7}
        assert len(calls) == 1

    def test_an_effect_that_fails_leaves_nothing(self, tmp_path: Path) -> None:
        database = tmp_path / "effects.db"

        def fails(connection: sqlite3.Connection) -> dict[str, Any]:
            connection.execute("CREATE TABLE half (x)")
            raise Killed

        with pytest.raises(Killed):
            effects.once(database, "k", {}, fails)

        assert effects.remembered(database, "k", {}) is None
        assert effects.once(database, "k", {}, lambda connection: {"tables": _tables(connection)}) == {
            "tables": ["effects"]
        }

    def test_one_key_for_two_effects_is_refused(self, tmp_path: Path) -> None:
        effects.remember(tmp_path / "e.db", "k", {"amount": "1"}, {})

        with pytest.raises(effects.KeyUsedTwice, match=r'was used for \{"amount": "1"\} before, and is used for'):
            effects.remembered(tmp_path / "e.db", "k", {"amount": "2"})
        with pytest.raises(effects.KeyUsedTwice):
            effects.once(tmp_path / "e.db", "k", {"amount": "2"}, lambda _: {})

    def test_what_is_remembered_first_stays(self, tmp_path: Path) -> None:
        effects.remember(tmp_path / "e.db", "k", {}, {"id": 1})
        effects.remember(tmp_path / "e.db", "k", {}, {"id": 2})

        assert effects.remembered(tmp_path / "e.db", "k", {}) == {"id": 1}
        assert effects.remembered(tmp_path / "e.db", "other", {}) is None

    async def test_of_many_at_once_one_is_executed(self, tmp_path: Path) -> None:
        calls: list[int] = []

        def effect(connection: sqlite3.Connection) -> dict[str, Any]:
            calls.append(1)
            return {"n": len(calls)}

        results = await asyncio.gather(
            *(asyncio.to_thread(effects.once, tmp_path / "e.db", "k", {}, effect) for _ in range(8))
        )

        assert calls == [1]
        assert results == [{"n": 1}] * 8


PROCESS = """
import asyncio, os, signal, sys
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, StateGraph
from graphs import payment

async def main(checkpoints, dying):
    if dying:
        once = payment.effects.once
        def then_die(*given):
            once(*given)
            os.kill(os.getpid(), signal.SIGKILL)
        payment.effects.once = then_die
    outer = StateGraph(payment.State)
    outer.add_node("paying", payment.graph.compile())
    outer.add_edge(START, "paying")
    async with AsyncSqliteSaver.from_conn_string(checkpoints) as saver:
        graph = outer.compile(checkpointer=saver)
        config = {"configurable": {"thread_id": "t"}}
        begun = (await graph.aget_state(config)).next
        given = None if begun else {"payee": "ACME", "amount": "5", "purpose": "x"}
        print((await graph.ainvoke(given, config, durability="sync"))["outcome"])

asyncio.run(main(sys.argv[1], sys.argv[2] == "die"))
"""


def test_a_process_killed_after_its_payment_and_the_next_one_pay_once(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    environment = os.environ | {"PAYMENT_LEDGER": str(ledger)}

    def run(how: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PROCESS, str(tmp_path / "checkpoints.db"), how],
            env=environment,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    first, second, third = run("die"), run("die"), run("live")

    assert [first.returncode, second.returncode, third.returncode] == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert "entry 1 of ledger.db" in third.stdout
    connection = sqlite3.connect(ledger)
    assert connection.execute("SELECT count(*) FROM payments").fetchone() == (1,)
    connection.close()


def _tables(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
