"""langgraph.json, read: every form of a graph that it may name, and what is said of those that cannot be loaded."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from bot.approvals.model.errors import GraphUnavailable, SettingsError, UnknownGraph
from bot.approvals.model.policy import CardTerms, GraphTerms, Route
from bot.approvals.rules.matching import Policies
from bot.engines.langgraph.loading import registry
from bot.engines.langgraph.loading.registry import Registry
from tests.support.builders import a_policy
from tests.unit.engines.langgraph.loading.configured import SOURCE, configuration

ROOT = Path(__file__).resolve().parents[5]


ENTRYPOINT = """
from langgraph.func import entrypoint

@entrypoint()
def graph(text: str) -> str:
    return "hello " + text
"""


async def loaded(root: Path, **graphs: object) -> Registry:
    async with registry.loaded(configuration(root, graphs=graphs), root, InMemorySaver()) as found:
        return found


async def reason(root: Path, spec: str) -> str:
    """Why the graph of this entry is unavailable."""
    return (await loaded(root, broken=spec)).graphs["broken"].unavailable


@pytest.mark.parametrize(
    "spec",
    [
        *[
            f"./loose.py:{name}"
            for name in ("builder", "compiled", "make", "make_later", "make_configured", "make_optional", "make_maker")
        ],
        "loose.py:builder",
        "./package/inside.py:builder",
        "./package/deeper/below.py:compiled",
        "package.inside:builder",
        "package.deeper.below:make",
    ],
)
async def test_each_form_of_a_graph_is_loaded_onto_our_saver(root: Path, spec: str) -> None:
    saver = InMemorySaver()

    async with registry.loaded(configuration(root, graphs={"greet": spec}), root, saver) as found:
        graph = found.compiled("greet")

    assert graph.checkpointer is saver
    assert await graph.ainvoke({"name": "eve"}, {"configurable": {"thread_id": "t"}}) == {"name": "hello eve"}


async def test_a_functional_graph_is_loaded_too(root: Path) -> None:
    (root / "functional.py").write_text(ENTRYPOINT)

    graph = (await loaded(root, hello="./functional.py:graph")).compiled("hello")

    assert await graph.ainvoke("eve", {"configurable": {"thread_id": "t"}}) == "hello eve"


RELATIVE = """
from .words import greeting
from agent.words import greeting as same
""" + SOURCE.replace('"hello "', "greeting")


@pytest.mark.parametrize("folder", ["src/agent", "agent"])
async def test_a_file_in_a_package_imports_what_lies_beside_it(root: Path, folder: str) -> None:
    (root / folder).mkdir(parents=True)
    (root / folder / "__init__.py").touch()
    (root / folder / "words.py").write_text('greeting = "good day "')
    (root / folder / "graph.py").write_text(RELATIVE)

    graph = (await loaded(root, greet=f"./{folder}/graph.py:builder")).compiled("greet")

    said = await graph.ainvoke({"name": "eve"}, {"configurable": {"thread_id": "t"}})
    assert said == {"name": "good day eve"}


COUNTED = """
import os, pathlib
from dataclasses import dataclass
with pathlib.Path(os.environ["EXECUTED"]).open("a") as executed:
    executed.write("once ")

@dataclass
class Words:
    text: str

def one():
    return builder

def two():
    return builder
""" + SOURCE.partition('"""\n')[2]


@pytest.mark.parametrize(
    "specs",
    [
        ("./loose.py:one", "./loose.py:two"),
        ("./loose.py:one", "loose.py:two"),
        ("./loose.py:one", "loose:two"),
        ("loose:one", "./package/../loose.py:two"),
        ("./package/inside.py:one", "package.inside:two"),
        ("package.inside:one", "./package/inside.py:two"),
        ("./plain/inside.py:one", "plain.inside:two"),
        ("./loose.py:one", "./again.py:two"),
    ],
)
async def test_a_file_is_executed_once_however_it_is_named(root: Path, specs: tuple[str, str]) -> None:
    os.environ["EXECUTED"] = str(root / "executed")
    (root / "plain").mkdir()
    for file in ("loose.py", "package/inside.py", "plain/inside.py"):
        (root / file).write_text(COUNTED)
    (root / "again.py").symlink_to(root / "loose.py")

    found = await loaded(root, one=specs[0], two=specs[1])

    for name in ("one", "two"):
        said = await found.compiled(name).ainvoke({"name": "eve"}, {"configurable": {"thread_id": name}})
        assert said == {"name": "hello eve"}
    assert (root / "executed").read_text() == "once "


async def test_a_file_that_another_imports_is_not_executed_again(root: Path) -> None:
    os.environ["EXECUTED"] = str(root / "executed")
    (root / "loose.py").write_text(COUNTED)
    (root / "other.py").write_text("from loose import Words, builder\n")

    found = await loaded(root, one="./loose.py:one", two="./other.py:builder")

    assert not found.graphs["two"].unavailable
    assert (root / "executed").read_text() == "once "


async def test_what_earlier_versions_stored_of_a_loose_files_classes_is_found(root: Path) -> None:
    os.environ["EXECUTED"] = str(root / "executed")
    (root / "loose.py").write_text(COUNTED)

    await loaded(root, one="./loose.py:one")

    earlier, now = sys.modules["countersign_graph_loose"], sys.modules["loose"]
    assert earlier.Words is now.Words


TAKEN = """
from {name}.words import greeting
import {name}.words
from {name} import words
assert {name}.words.greeting == words.greeting == greeting == "good day "
""" + SOURCE.replace('"hello "', "greeting")


@pytest.mark.parametrize("spec", ["./{name}/graph.py:builder", "{name}.graph:builder", "./outside.py:builder"])
@pytest.mark.parametrize("package", [True, False], ids=["package", "folder"])
@pytest.mark.parametrize("name", ["graphs", "bot", "tests", "simulator", "agents"])
async def test_a_users_package_is_found_by_its_name_though_countersign_has_one_of_that_name(
    root: Path, name: str, package: bool, spec: str
) -> None:
    (root / name).mkdir()
    if package:
        (root / name / "__init__.py").touch()
    (root / name / "words.py").write_text('greeting = "good day "')
    for file in (root / name / "graph.py", root / "outside.py"):
        file.write_text(TAKEN.replace("{name}", name))
    ours = "graphs.drafting"
    importlib.import_module(ours)

    found = await loaded(root, greet=spec.replace("{name}", name), ours=f"{ROOT}/graphs/payment.py:graph")

    assert not found.graphs["greet"].unavailable
    assert not found.graphs["ours"].unavailable
    said = await found.compiled("greet").ainvoke({"name": "eve"}, {"configurable": {"thread_id": "t"}})
    assert said == {"name": "good day eve"}
    assert Path(str(sys.modules[ours].__file__)).is_relative_to(ROOT)


@pytest.mark.parametrize("name", ["queue", "email", "types", "langgraph", "yaml", "secrets", "with-dash", "2nd"])
async def test_a_file_of_a_name_that_is_taken_is_loaded_and_hides_nothing(root: Path, name: str) -> None:
    (root / f"{name}.py").write_text(SOURCE)
    (root / "other.py").write_text("import queue, email.message, types, langgraph.graph, yaml, secrets\n" + SOURCE)

    found = await loaded(root, greet=f"./{name}.py:builder", other="./other.py:builder")

    assert not found.graphs["greet"].unavailable
    assert not found.graphs["other"].unavailable


@pytest.mark.parametrize(
    "does",
    [
        "import sys; sys.exit(1)",
        "raise KeyboardInterrupt",
        "raise GeneratorExit",
        "import asyncio; raise asyncio.CancelledError",
    ],
)
@pytest.mark.parametrize("where", ["the file", "a factory", "an async factory", "a context manager"])
async def test_a_graph_that_tries_to_end_the_process_as_it_is_loaded_is_unavailable(
    root: Path, does: str, where: str
) -> None:
    statement = f"    {does.replace('; ', chr(10) + '    ')}"
    source = {
        "the file": does,
        "a factory": f"def graph():\n{statement}",
        "an async factory": f"async def graph():\n{statement}",
        "a context manager": "import contextlib\n@contextlib.asynccontextmanager\n"
        f"async def graph():\n{statement}\n    yield",
    }[where]
    (root / "exits.py").write_text(source)

    assert "could not be loaded" in await reason(root, "./exits.py:graph")


async def test_a_package_of_a_name_that_is_taken_is_loaded_by_its_file(root: Path) -> None:
    (root / "src" / "json").mkdir(parents=True)
    (root / "src" / "json" / "__init__.py").touch()
    (root / "src" / "json" / "graph.py").write_text(SOURCE)

    found = await loaded(root, greet="./src/json/graph.py:builder")

    assert not found.graphs["greet"].unavailable


async def test_folders_named_as_dependencies_are_imported_from(root: Path) -> None:
    (root / "libraries").mkdir()
    (root / "libraries" / "words_of_a_test.py").write_text('greeting = "good evening "')
    (root / "agent.py").write_text("from words_of_a_test import greeting\n" + SOURCE.replace('"hello "', "greeting"))
    file = configuration(root, graphs={"greet": "./agent.py:builder"}, dependencies=["./libraries", ".", "requests", 7])

    (greet,) = await registry.listed(file, root)

    assert not greet.unavailable


async def test_a_file_above_the_configurations_folder_is_loaded(root: Path) -> None:
    (root / "below").mkdir()

    file = configuration(root / "below", graphs={"greet": "../loose.py:builder"})

    (greet,) = await registry.listed(file, root / "below")

    assert not greet.unavailable


async def test_two_loose_files_of_one_name_stay_apart(root: Path) -> None:
    for folder in ("one", "two"):
        (root / folder).mkdir()
        (root / folder / "agent.py").write_text(SOURCE.replace('"hello "', f'"{folder} "'))

    found = await loaded(root, one="./one/agent.py:builder", two="./two/agent.py:builder")

    for name in ("one", "two"):
        said = await found.compiled(name).ainvoke({"name": "eve"}, {"configurable": {"thread_id": name}})
        assert said == {"name": f"{name} eve"}
    states = [found.compiled(name).builder.state_schema for name in ("one", "two")]  # type: ignore[attr-defined]
    assert [getattr(sys.modules[state.__module__], state.__name__) for state in states] == states


async def test_a_graph_is_listed_with_its_description_inputs_and_a_right_line(root: Path) -> None:
    found = await loaded(root, a="./loose.py:builder", b={"path": "./loose.py:builder", "description": "Says hello"})

    first, second = (graph.listed() for graph in found.graphs.values())

    assert (first.name, first.description, first.unavailable) == ("a", "Greets whoever is named.", "")
    assert [given.name for given in first.inputs] == ["name"]
    assert first.example == "/task a name=STRING"
    assert (second.name, second.description) == ("b", "Says hello")


async def test_the_graphs_stay_in_the_files_order(root: Path) -> None:
    found = await loaded(root, z="./loose.py:builder", a="./loose.py:builder", m="./nowhere.py:graph")

    assert list(found.graphs) == ["z", "a", "m"]


async def test_a_graph_that_is_not_named_is_unknown_and_the_ones_that_can_run_are_named(root: Path) -> None:
    found = await loaded(root, good="./loose.py:builder", bad="./nowhere.py:graph")

    with pytest.raises(UnknownGraph) as refused:
        found.get("best")

    assert refused.value.known == ("good",)


async def test_a_module_that_raises_makes_its_graph_unavailable_with_the_reason_and_no_other(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (root / "broken.py").write_text("raise RuntimeError('no API key')")

    found = await loaded(root, broken="./broken.py:graph", good="./loose.py:builder")

    assert not found.get("good").unavailable
    with pytest.raises(GraphUnavailable, match=r"`broken` cannot run here: .*\(RuntimeError: no API key\)"):
        found.get("broken")
    assert "graph broken is unavailable" in caplog.text
    assert "Traceback" not in caplog.text, "the trace is for LOG_LEVEL=DEBUG"
    assert found.graphs["broken"].listed().example == "/task broken"


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("./nowhere.py:graph", "FileNotFoundError: there is no file ./nowhere.py"),
        ("./loose.py:nothing", "AttributeError: "),
        ("./loose.py:number", "TypeError: it is a int, not a StateGraph, a compiled graph or a factory of one"),
        ("./loose.py:raises", "RuntimeError: no model"),
        ("no.such.module:graph", "ModuleNotFoundError: No module named 'no'"),
    ],
)
async def test_what_cannot_be_loaded_says_why(root: Path, spec: str, sentence: str) -> None:
    assert sentence in await reason(root, spec)


def under(**parts: Any) -> Policies:
    """A policy file that names these graphs."""
    return Policies(rules=(), otherwise=a_policy(), **parts)


async def test_cards_of_a_graph_that_is_not_there_stop_the_start(root: Path) -> None:
    registry = await loaded(root, greet="./loose.py:builder")

    registry.refuse_unknown(under(cards={"greet": CardTerms()}))
    with pytest.raises(SettingsError, match=r'key "cards\.greeet".* Did you mean "greet"\?'):
        registry.refuse_unknown(under(cards={"greeet": CardTerms()}))


async def test_terms_of_a_graph_that_is_not_there_stop_the_start(root: Path) -> None:
    registry = await loaded(root, greet="./loose.py:builder")

    with pytest.raises(SettingsError, match=r'key "approvals\.greeet".* Did you mean "greet"\?'):
        registry.refuse_unknown(under(graphs={"greeet": GraphTerms()}))


async def test_terms_that_lead_to_a_node_that_is_not_there_stop_the_start(root: Path) -> None:
    registry = await loaded(root, greet="./loose.py:builder")

    with pytest.raises(SettingsError, match=r'key "approvals\.greet\.reject\.as_node".* greet'):
        registry.refuse_unknown(under(graphs={"greet": GraphTerms(reject=Route(as_node="nowhere"))}))


async def test_a_modules_own_check_of_the_inputs_is_taken(root: Path) -> None:
    (root / "checked.py").write_text(SOURCE + "def check_inputs(values):\n    raise ValueError('never')\n")

    form = (await loaded(root, checked="./checked.py:builder")).get("checked").form

    assert form.check is not None
