"""The savers that the suite proves, each on one body of data that is opened as often as there are processes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import CONFIG_KEY_STRICT_RESUME
from langgraph.checkpoint.base import BaseCheckpointSaver

from bot.approvals.model.ids import ThreadId
from bot.engines.langgraph.checkpoints import FENCING_TOKEN, Fence

Saver: TypeAlias = BaseCheckpointSaver[Any]


@dataclass
class Leases:
    """Who holds which thread: the token of the last one that took it."""

    tokens: dict[str, int] = field(default_factory=dict, repr=False)

    def take(self, thread_id: str) -> RunnableConfig:
        """The config of a run that has just taken the thread, from whoever held it."""
        self.tokens[thread_id] = self.tokens.get(thread_id, 0) + 1
        return RunnableConfig(
            configurable={
                "thread_id": thread_id,
                FENCING_TOKEN: self.tokens[thread_id],
                CONFIG_KEY_STRICT_RESUME: True,
            }
        )

    async def fence(self, thread_id: ThreadId, token: int) -> bool:
        return self.tokens.get(thread_id) == token


@dataclass
class Store:
    """One body of data."""

    name: str
    leases: Leases
    connect: Callable[[Fence], AbstractAsyncContextManager[Saver]]

    def open(self) -> AbstractAsyncContextManager[Saver]:
        """A saver on it, as one process has it."""
        return self.connect(self.leases.fence)
