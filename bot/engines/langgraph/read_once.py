"""Reads each checkpoint of a thread only once, however often it is needed.

The status of a thread follows from its snapshot and from other stored data, which LangGraph's public API reads again
each time.
"""

from __future__ import annotations

import copy
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple, get_checkpoint_id
from langgraph.pregel import Pregel

Graph = TypeVar("Graph", bound=Pregel[Any, Any, Any, Any])


def looked_at(graph: Graph) -> Graph:
    """The graph for reading its present state, with each checkpoint read once. It must not be run."""
    looked = copy.copy(graph)
    looked.checkpointer = _Once(cast("BaseCheckpointSaver[Any]", graph.checkpointer))
    return looked


@runtime_checkable
class Listing(Protocol):
    """A saver that can say in one read which namespaces of a thread have checkpoints."""

    async def aget_newest(self, config: RunnableConfig) -> tuple[CheckpointTuple | None, frozenset[str]]:
        """The newest checkpoint of the root graph, and the other namespaces."""
        ...


class _Once(BaseCheckpointSaver[Any]):
    """Reads from the saver, and remembers what it found. It reads one thread."""

    def __init__(self, saver: BaseCheckpointSaver[Any]) -> None:
        super().__init__(serde=saver.serde)
        self._saver = saver
        self._found: dict[tuple[str, str], CheckpointTuple | None] = {}
        self._namespaces: frozenset[str] | None = None

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        namespace = str(config["configurable"].get("checkpoint_ns", ""))
        place = (namespace, get_checkpoint_id(config) or "")
        if place not in self._found:
            found = await self._read(config, *place)
            self._found[place] = found
            if found is not None:
                self._found[namespace, found.checkpoint["id"]] = found
        return self._found[place]

    async def _read(self, config: RunnableConfig, namespace: str, id: str) -> CheckpointTuple | None:
        if self._namespaces is None and not namespace and not id and isinstance(self._saver, Listing):
            found, self._namespaces = await self._saver.aget_newest(config)
            return found
        if namespace and self._namespaces is not None and namespace not in self._namespaces:
            return None
        return await self._saver.aget_tuple(config)
