"""Reads each checkpoint of a thread only once, however often it is needed.

The status of a thread follows from its snapshot and from other stored data, which LangGraph's public API reads again
each time.
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple, get_checkpoint_id
from langgraph.pregel import Pregel

Graph = TypeVar("Graph", bound=Pregel[Any, Any, Any, Any])


def looked_at(graph: Graph) -> Graph:
    """The graph for reading its present state, with each checkpoint read once. It must not be run."""
    looked = copy.copy(graph)
    looked.checkpointer = _Once(cast("BaseCheckpointSaver[Any]", graph.checkpointer))
    return looked


class _Once(BaseCheckpointSaver[Any]):
    """Reads from the saver, and remembers what it found."""

    def __init__(self, saver: BaseCheckpointSaver[Any]) -> None:
        super().__init__(serde=saver.serde)
        self._saver = saver
        self._found: dict[tuple[str, str], CheckpointTuple | None] = {}

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        namespace = str(config["configurable"].get("checkpoint_ns", ""))
        place = (namespace, get_checkpoint_id(config) or "")
        if place not in self._found:
            found = await self._saver.aget_tuple(config)
            self._found[place] = found
            if found is not None:
                self._found[namespace, found.checkpoint["id"]] = found
        return self._found[place]
