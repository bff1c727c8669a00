"""A save is tried again for a while if the database does not answer: what a step did must not be done twice because
of a moment without one."""

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

SECONDS: Final = 30.0
"""How long a save is tried. The run's lease is kept meanwhile, and a save without the lease is not tried again."""
PAUSE: Final = 0.5


async def saved(fence: Fence, config: RunnableConfig, write: Callable[[], Awaitable[Saved]]) -> Saved:
    """What the write returns, if the run of this config may write. The write can be repeated without harm.

    `LeaseLost` if the run may not write; what the database raised if it did not answer for `SECONDS`, and then the
    run's ledger is told. What cannot be written at all, such as a value that nobody can serialise, is raised at once.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + SECONDS
    while True:
        try:
            await admit(fence, config)
            return await write()
        except Exception as error:
            if not _passes(error):
                raise
            if loop.time() + PAUSE > end:
                if (ledger := ledger_of(config)) is not None:
                    ledger.fail()
                raise
            thread = config["configurable"]["thread_id"]
            log.warning("thread %s: its state could not be saved, and is tried again: %s", thread, error)
            await asyncio.sleep(PAUSE)


def _passes(error: Exception) -> bool:
    """Whether the database may take it in a moment: it is away, locked or full."""
    return isinstance(error, sqlite3.OperationalError | Unreachable) or is_down(error)
