"""Tries a save again for a while if the database does not answer, so that no step runs twice because of a short
outage."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from langchain_core.runnables import RunnableConfig

from bot.approvals.model.errors import Unreachable
from bot.engines.langgraph.checkpoints.faults import is_down
from bot.engines.langgraph.checkpoints.fence import Fence, admit
from bot.engines.langgraph.checkpoints.ledger import ledger_of

log = logging.getLogger(__name__)

Saved = TypeVar("Saved")

MAX_SECONDS: Final = 30.0
"""How long a save is tried. The run keeps its lease meanwhile; a save without the lease is not tried again."""
PAUSE_SECONDS: Final = 0.5


async def saved(fence: Fence, config: RunnableConfig, write: Callable[[], Awaitable[Saved]]) -> Saved:
    """What the write returns. It must be harmless to repeat the write.

    Raises LeaseLost if the run of this config may not write. If the database does not answer for `MAX_SECONDS`, raises
    its error and tells the run's ledger. Any other error, such as a value that cannot be serialised, is raised at once.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + MAX_SECONDS
    while True:
        try:
            await admit(fence, config)
            return await write()
        except Exception as error:
            if not _passes(error):
                raise
            if loop.time() + PAUSE_SECONDS > end:
                if (ledger := ledger_of(config)) is not None:
                    ledger.fail()
                raise
            thread = config["configurable"]["thread_id"]
            log.warning("thread %s: its state could not be saved, so this is tried again: %s", thread, error)
            await asyncio.sleep(PAUSE_SECONDS)


def _passes(error: Exception) -> bool:
    """Whether the write may succeed in a moment, because the database is away, locked or full."""
    return isinstance(error, sqlite3.OperationalError | Unreachable) or is_down(error)
