"""One thread of a graph that a test drives as the engine would: strictly, by id, each step saved before the next."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import CONFIG_KEY_STRICT_RESUME
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.pregel import Pregel
from langgraph.types import Command
from typing_extensions import TypedDict

from bot.approvals.model.agent import ThreadStatus
from bot.approvals.model.ids import JSON
from bot.engines.langgraph import status


def joined(left: str, right: str) -> str:
    return left + right


class Said(TypedDict):
    """What the nodes said, in their order."""

    said: Annotated[str, joined]


class Broken(Exception):
    """What a node raises while it is in `Faults`."""


@dataclass
class Faults:
    """The places that raise for now."""

    at: set[str] = field(default_factory=set)

    def here(self, place: str) -> None:
        if place in self.at:
            raise Broken(place)


def chain(nodes: Mapping[str, Any]) -> StateGraph[Any, Any, Any, Any]:
    """A graph whose nodes run one after the other."""
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Said)
    before = START
    for name, node in nodes.items():
        builder.add_node(name, node)
        builder.add_edge(before, name)
        before = name
    return builder


@dataclass
class Thread:
    """A thread of a graph that is on a saver."""

    graph: Pregel[Any, Any, Any, Any]

    @classmethod
    def of(cls, graph: Any, saver: BaseCheckpointSaver[Any]) -> Thread:
        """A StateGraph, or a compiled graph, on the saver."""
        if isinstance(graph, StateGraph):
            return cls(graph.compile(checkpointer=saver))
        return cls(graph.copy(update={"checkpointer": saver}))

    config: RunnableConfig = field(
        default_factory=lambda: RunnableConfig(configurable={"thread_id": "t-1", CONFIG_KEY_STRICT_RESUME: True})
    )

    async def start(self, given: Any = None, **options: Any) -> ThreadStatus:
        return await self._run({"said": ""} if given is None else given, options)

    async def answer(self, interrupt_id: str, value: JSON, **options: Any) -> ThreadStatus:
        return await self._run(Command(resume={interrupt_id: value}), options)

    async def proceed(self, **options: Any) -> ThreadStatus:
        return await self._run(None, options)

    async def status(self) -> ThreadStatus:
        return (await status.read(self.graph, self.config, status.Look(now=datetime.now(UTC)))).status

    async def _run(self, given: Any, options: dict[str, Any]) -> ThreadStatus:
        """Run; what a node raises is in the status, as it is for the engine."""
        with contextlib.suppress(Broken):
            await self.graph.ainvoke(given, self.config, durability="sync", **options)
        return await self.status()


def titles(status: ThreadStatus) -> list[str]:
    """What is open, by the questions' titles."""
    return [asked.question.title for asked in status.asked]


def open_ids(status: ThreadStatus) -> list[str]:
    return [asked.interrupt_id for asked in status.asked]
