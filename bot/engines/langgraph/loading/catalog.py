"""What a worker tells processes that load no agent's code: the catalog, and what a graph's own check objects to."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import cast

from bot.approvals.model.agent import Graph, Input
from bot.approvals.model.catalog import Agent, Catalog
from bot.approvals.model.errors import GraphUnavailable, UnknownGraph
from bot.approvals.model.ids import JSON
from bot.engines import payload
from bot.engines.langgraph.containment import cause_of, contained
from bot.engines.langgraph.loading.registry import LoadedGraph, Registry

log = logging.getLogger(__name__)


async def catalog_of(registry: Registry, now: datetime) -> Catalog:
    """The catalog of all graphs of the registry, to be published. Runs each graph's own check on its example."""
    with contained():
        agents = tuple(_agent(each) for each in registry.graphs.values())
    digest = hashlib.sha256(payload.exact(agents).encode()).hexdigest()
    return Catalog(agents=agents, digest=digest, published_at=now)


async def check(registry: Registry, graph: str, values: Mapping[str, JSON]) -> Mapping[str, str]:
    """What the graph's own check objects to, by the input's name; '' stands for all of them together. Empty if it
    objects to nothing, or if the graph cannot run here: that is told when it is started.

    A check that breaks is an objection too. The error is logged.
    """
    try:
        form = registry.get(graph).form
    except (UnknownGraph, GraphUnavailable):
        return {}
    try:
        with contained():
            return form.objections(values)
    except Exception as error:  # a graph's check may raise anything
        id, kind = uuid.uuid4().hex[:8], type(cause_of(error)).__name__
        log.error("error %s: the check_inputs of the graph %s raised", id, graph, exc_info=error)
        return {"": f"its own check of the inputs failed ({kind}, error {id})"}


def _agent(loaded: LoadedGraph) -> Agent:
    form, graph = loaded.form, loaded.listed()
    if graph.unavailable:
        return Agent(graph=graph)
    return Agent(
        graph=_plain(graph),
        schema=_object(form.schema),
        open=form.open,
        certain=form.certain(),
        checked=form.checked,
        nodes=loaded.nodes,
    )


def _plain(graph: Graph) -> Graph:
    """The graph with nothing in its schemas that JSON does not have. A graph's author may write anything there."""
    return replace(graph, inputs=tuple(_plain_input(each) for each in graph.inputs))


def _plain_input(given: Input) -> Input:
    return replace(given, schema=_object(given.schema), default=payload.to_json(given.default))


def _object(schema: Mapping[str, JSON]) -> Mapping[str, JSON]:
    return cast("Mapping[str, JSON]", payload.to_json(dict(schema)))
