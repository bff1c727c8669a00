"""What a worker tells processes that load no agent's code: the catalog, and what a graph's own check objects to."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final, cast

from bot.approvals.model.agent import Graph, Input
from bot.approvals.model.catalog import Agent, Catalog
from bot.approvals.model.errors import GraphUnavailable, UnknownGraph
from bot.approvals.model.ids import JSON
from bot.engines import payload
from bot.engines.langgraph.containment import cause_of, contained
from bot.engines.langgraph.loading.inputs import LoadedForm
from bot.engines.langgraph.loading.registry import LoadedGraph, Registry

log = logging.getLogger(__name__)


SECONDS_TO_CHECK: Final = 5.0
"""How long a graph's own check may take to look at its example. All graphs wait for it to be published."""


async def catalog_of(registry: Registry, now: datetime, seconds_to_check: float = SECONDS_TO_CHECK) -> Catalog:
    """The catalog of all graphs of the registry, to be published. Runs each graph's own check on its example, in a
    thread of its own, because it may hang."""
    agents = tuple([await _agent(each, seconds_to_check) for each in registry.graphs.values()])
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


async def _agent(loaded: LoadedGraph, seconds_to_check: float) -> Agent:
    form, graph = loaded.form, loaded.listed()
    if graph.unavailable:
        return Agent(graph=graph)
    return Agent(
        graph=_plain(graph),
        schema=_object(form.schema),
        open=form.open,
        certain=await _certain(form, seconds_to_check),
        checked=form.checked,
        nodes=loaded.nodes,
    )


async def _certain(form: LoadedForm, seconds: float) -> bool:
    """Whether the graph takes its example. False if its check takes longer than this to say so."""
    if not form.checked:
        return form.certain()
    loop = asyncio.get_running_loop()
    found: asyncio.Future[bool] = loop.create_future()

    def tell(certain: bool) -> None:
        if not found.done():
            found.set_result(certain)

    def look() -> None:
        certain = form.certain()
        with suppress(RuntimeError):  # the loop is closed by now
            loop.call_soon_threadsafe(tell, certain)

    threading.Thread(target=look, name="check", daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            return await found
    except TimeoutError:
        return False


def _plain(graph: Graph) -> Graph:
    """The graph with nothing in its schemas that JSON does not have. A graph's author may write anything there."""
    return replace(graph, inputs=tuple(_plain_input(each) for each in graph.inputs))


def _plain_input(given: Input) -> Input:
    return replace(given, schema=_object(given.schema), default=payload.to_json(given.default))


def _object(schema: Mapping[str, JSON]) -> Mapping[str, JSON]:
    return cast("Mapping[str, JSON]", payload.to_json(dict(schema)))
