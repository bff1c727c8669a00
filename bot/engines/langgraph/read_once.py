"""A look at a thread that reads each checkpoint once, however often the look comes by it.

How a thread stands is worked out from its snapshot and from what is stored beside that, which LangGraph's public ways
read anew each time.
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple, get_checkpoint_id
from langgraph.pregel import Pregel

Graph = TypeVar("Graph", bound=Pregel[Any, Any, Any, Any])


def looked_at(graph: Graph) -> Graph:
    """The graph, to be read from and not to be run: what it is stored as at this moment, each checkpoint read once."""
    looked = copy.copy(graph)
    looked.checkpointer = _Once(cast("BaseCheckpointSaver[Any]", graph.checkpointer))
    return looked


class _Once(BaseCheckpointSaver[Any]):
    """Reads through to the saver, and remembers what it found."""

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
