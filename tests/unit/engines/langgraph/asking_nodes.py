"""Nodes that ask and act, for the tests of a thread's status."""

from __future__ import annotations

from typing import Any, TypeAlias

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import interrupt

from tests.unit.engines.langgraph.threads import Broken, Faults, Said

Saver = BaseCheckpointSaver[Any]

Node: TypeAlias = Any
"""Whatever LangGraph takes as a node: it spells that out, and no annotation of ours fits all of it."""


def asks(*titles: str, faults: Faults | None = None) -> Node:
    """A node that asks these, one after the other; it can raise before them, and after each of its answers."""
    faults = faults or Faults()

    def node(state: Said) -> dict[str, str]:
        faults.here("before")
        said = ""
        for title in titles:
            said += str(interrupt(title))
            faults.here(f"after {title}")
        return {"said": said}

    return node


def says(word: str, faults: Faults | None = None) -> Node:
    faults = faults or Faults()

    def node(state: Said) -> dict[str, str]:
        faults.here(word)
        return {"said": word}

    return node


class DyingSaver(InMemorySaver):
    """Loses its process when it is about to save so many more steps; what that process would write then is lost."""

    steps_to_live: int | None = None
    dead: bool = False

    def revive(self) -> None:
        self.steps_to_live, self.dead = None, False

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> RunnableConfig:
        self.dead |= self.steps_to_live == 0
        if self.dead:
            raise Broken("died")
        if self.steps_to_live is not None:
            self.steps_to_live -= 1
        return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        if self.dead:
            raise Broken("died")
        await super().aput_writes(config, writes, task_id, task_path)
