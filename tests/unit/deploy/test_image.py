"""What the image holds: all that the bot imports, and nothing that it never does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tools.runtime_only import PROJECT, UNUSED, needed

ROOT = Path(__file__).parents[3]
EXTRAS = ("mail", "mcp")
LEFT_OUT = needed(PROJECT, EXTRAS, unused={}) - needed(PROJECT, EXTRAS)
BLOCKED = sorted(
    module
    for module, owners in packages_distributions().items()
    if any(canonicalize_name(owner) in LEFT_OUT for owner in owners)
)
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(f"No module named {{name!r}}: it is not in the image", name=name)

sys.meta_path.insert(0, Missing())
"""
EVERY_MODULE = """
import importlib, pkgutil
import bot, graphs

failed = []
for package in (bot, graphs):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ImportError as error:
                failed.append(str(error))
assert not failed, failed
"""
ROUND_TRIP = """
import asyncio
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from bot.engines.langgraph.checkpoints import FENCING_TOKEN
from bot.engines.langgraph.checkpoints.redis import redis_saver

async def holds(thread, token):
    return True

async def main(url):
    async with redis_saver(url, holds) as saver:
        builder = StateGraph(dict)
        builder.add_node("ask", lambda state: {{"told": interrupt("May I?")}})
        builder.add_edge(START, "ask")
        graph = builder.compile(checkpointer=saver)
        config = {{"configurable": {{"thread_id": "without-vectors", FENCING_TOKEN: 1}}}}
        await graph.ainvoke({{"told": ""}}, config)
        print((await graph.ainvoke(Command(resume="yes"), config))["told"])
        await saver.adelete_thread("without-vectors")

asyncio.run(main({url!r}))
"""


def ran(*parts: str, words: Sequence[str] = (), given: str = "") -> str:
    """What a Python wrote that has nothing but what is in the image, as far as these packages go."""
    code = WITHOUT.format(blocked=set(BLOCKED)) + "".join(parts)
    process = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, input=given, capture_output=True, text=True, timeout=60
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_what_is_left_out_is_what_nothing_else_asks_for() -> None:
    """And the names of its modules are known, so that the tests below block them."""
    asked = {name for names in UNUSED.values() for name in names}

    assert asked <= LEFT_OUT
    assert {"numpy", "rich"} <= set(BLOCKED)


def test_conditions_of_policies_are_evaluated_without_what_is_left_out() -> None:
    """The package of CEL brings a terminal's toolkit for its own command line alone."""
    asked = json.dumps({"expression": "amount > 1", "names": {}, "each": [{"amount": 2}]})
    evaluator = ROOT / "bot" / "policy_file" / "evaluator.py"

    answered = ran(f"import runpy; runpy.run_path({str(evaluator)!r}, run_name='__main__')", given=f"{asked}\n")

    assert json.loads(answered) == {"said": [True]}


@pytest.mark.slow
@pytest.mark.heavy
def test_the_bot_imports_and_keeps_graph_state_without_what_is_left_out(redis_url: str) -> None:
    """Each module of the bot and of the graphs, and a graph that stops at a question on the saver that wants numpy."""
    assert ran(EVERY_MODULE, ROUND_TRIP.format(url=redis_url)) == "yes\n"
