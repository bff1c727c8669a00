"""langgraph.json -> graphs that can be run.

A graph that cannot be loaded does not stop the bot; it is listed as unavailable, with the reason. A file that cannot be
read or understood does stop it.
"""

from __future__ import annotations

import inspect
import json
import logging
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START

from bot.approvals.model.agent import Graph
from bot.approvals.model.errors import GraphUnavailable, SettingsError, UnknownGraph
from bot.approvals.rules import known_graphs
from bot.approvals.rules.matching import Policies
from bot.engines.langgraph.containment import cause_of, contained, worded
from bot.engines.langgraph.loading import factories, inputs
from bot.engines.langgraph.loading.factories import AnyGraph, Saver
from bot.engines.langgraph.loading.modules import Modules, importable

log = logging.getLogger(__name__)

RESERVED = ("help", "list", "status", "cancel")
"""The words after `/task` that are not graphs."""
EXAMPLE_ENTRY = '"cleanup": "./graphs/cleanup.py:graph"'


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedGraph:
    """A graph of the configuration: compiled with our saver, or the reason why it cannot be used."""

    name: str
    description: str
    compiled: AnyGraph | None
    form: inputs.LoadedForm
    unavailable: str = ""

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of its nodes. Empty if it is unavailable."""
        return () if self.compiled is None else tuple(node for node in self.compiled.nodes if node != START)

    def listed(self) -> Graph:
        """The graph as the domain knows it."""
        return Graph(
            name=self.name,
            description=self.description,
            inputs=self.form.inputs,
            example=self.form.example(self.name),
            unavailable=self.unavailable,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """All graphs of one langgraph.json by name, in the file's order."""

    graphs: Mapping[str, LoadedGraph]
    saver: Saver

    def get(self, name: str) -> LoadedGraph:
        """The graph. Raises UnknownGraph or GraphUnavailable."""
        graph = self.graphs.get(name)
        if graph is None:
            raise UnknownGraph(name, tuple(known.name for known in self.graphs.values() if not known.unavailable))
        if graph.unavailable:
            raise GraphUnavailable(name, graph.unavailable)
        return graph

    def refuse_unknown(self, policies: Policies) -> None:
        """Raises SettingsError if the policies name a graph or a node that does not exist."""
        known_graphs.refuse_unknown(policies, {name: graph.nodes for name, graph in self.graphs.items()})

    def compiled(self, name: str) -> AnyGraph:
        """The graph, ready to run. Raises UnknownGraph or GraphUnavailable."""
        compiled = self.get(name).compiled
        assert compiled is not None  # noqa: S101 - `get` refused it otherwise
        return compiled


@asynccontextmanager
async def loaded(config: Path, root: Path, saver: Saver) -> AsyncIterator[Registry]:
    """Every graph that `config` names, with `saver`. Raises SettingsError if the file cannot be used.

    Paths in the file are relative to its folder, `root`. What the graphs' factories keep open stays open while the
    block runs.
    """
    entries, dependencies = _entries(config), _dependencies(config, root)
    with importable(root, dependencies) as modules:
        async with AsyncExitStack() as held:
            graphs = {name: await _load(name, entry, modules, saver, held) for name, entry in entries.items()}
            yield Registry(graphs=graphs, saver=saver)


async def listed(config: Path, root: Path, policies: Policies | None = None) -> tuple[Graph, ...]:
    """All graphs of the configuration and what is wrong with them. Needs no database.

    Raises SettingsError if the file cannot be used, or if the policies name a graph or a node that does not exist.
    """
    async with loaded(config, root, InMemorySaver()) as registry:
        if policies is not None:
            registry.refuse_unknown(policies)
        return tuple(graph.listed() for graph in registry.graphs.values())


def set_environment(config: Path) -> None:
    """Sets the environment variables of "env", which is a mapping or a file beside the configuration.

    Variables that are already set stay. Raises SettingsError if "env" is neither.
    """
    env = _document(config).get("env", {})
    if isinstance(env, str):
        file = config.absolute().parent / env
        if not file.is_file():
            raise SettingsError(f'{config}, key "env": there is no file {env} beside it')
        env = {name: value for name, value in dotenv_values(file).items() if value is not None}
    if not isinstance(env, dict) or not all(isinstance(value, str) for value in env.values()):
        raise SettingsError(f'{config}, key "env": this should be a file, or a mapping of names to strings')
    for name, value in env.items():
        os.environ.setdefault(name, value)


def _entries(config: Path) -> Mapping[str, tuple[str, str]]:
    """Name -> (spec, description), from the file."""
    graphs = _document(config).get("graphs")
    if not isinstance(graphs, dict) or not graphs:
        raise SettingsError(f'{config}, key "graphs": name at least one graph, such as {EXAMPLE_ENTRY}')
    for name in graphs:
        if name in RESERVED or re.search(r"\s", name):
            raise SettingsError(
                f'{config}, key "graphs.{name}": `/task {name}` means something else. Give it another name.'
            )
    return {name: _entry(config, name, entry) for name, entry in graphs.items()}


def _dependencies(config: Path, root: Path) -> list[Path]:
    """The folders under "dependencies", from which graphs import."""
    named = _document(config).get("dependencies")
    folders = [(root / each).resolve() for each in named if isinstance(each, str)] if isinstance(named, list) else []
    return [folder for folder in folders if folder.is_dir()]


def _document(config: Path) -> Mapping[str, Any]:
    try:
        document: object = json.loads(config.read_text())
    except FileNotFoundError:
        raise SettingsError(
            f"{config}: there is no such file. LANGGRAPH_CONFIG names it; it lists your graphs: "
            f'{{"graphs": {{{EXAMPLE_ENTRY}}}}}'
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{config}: cannot be read ({error}).") from None
    except json.JSONDecodeError as error:
        raise SettingsError(f"{config}, line {error.lineno}: this is not JSON ({error.msg}).") from None
    if not isinstance(document, dict):
        raise SettingsError(f'{config}: this should be an object, such as {{"graphs": {{{EXAMPLE_ENTRY}}}}}')
    return document


def _entry(config: Path, name: str, entry: object) -> tuple[str, str]:
    path = entry.get("path") if isinstance(entry, dict) else entry
    description = str(entry.get("description", "")) if isinstance(entry, dict) else ""
    if not isinstance(path, str) or ":" not in path:
        raise SettingsError(
            f'{config}, key "graphs.{name}": this should say the file and the name in it, such as {EXAMPLE_ENTRY}'
        )
    return path, description


async def _load(name: str, entry: tuple[str, str], modules: Modules, saver: Saver, held: AsyncExitStack) -> LoadedGraph:
    spec, description = entry
    try:
        with contained():
            module = modules.load(spec.rpartition(":")[0])
            exported = getattr(module, spec.rpartition(":")[2])
            async with AsyncExitStack() as own:
                compiled = await factories.compiled(exported, saver, own)
                form = inputs.read(compiled, getattr(module, "check_inputs", None))
                held.push_async_exit(own.pop_all())
    except Exception as error:  # whatever a graph's module raises makes only that graph unavailable
        raised = cause_of(error)
        why = worded(raised)
        log.warning("graph %s is unavailable: %s: %s", name, type(raised).__name__, why)
        log.debug("graph %s: the trace", name, exc_info=error)
        reason = f"{spec} could not be loaded ({type(raised).__name__}: {why})"
        return LoadedGraph(name=name, description=description, compiled=None, form=inputs.EMPTY, unavailable=reason)
    description = description or inspect.cleandoc(module.__doc__ or "").partition("\n")[0]
    return LoadedGraph(name=name, description=description, compiled=compiled, form=form)
