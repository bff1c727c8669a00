"""The savers that keep a graph's state.

A run may write only while it holds its thread's lease: a process that was stopped for longer than its lease would
otherwise wake up and run a node that another has run already.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from bot.approvals.errors import Unreachable
from bot.approvals.model import ThreadId

FENCING_TOKEN: Final = "__countersign_fencing_token"  # noqa: S105 - the name of a key
"""Key in a run's `configurable`. Two underscores keep LangGraph from copying it into the metadata."""

Fence: TypeAlias = Callable[[ThreadId, int], Awaitable[bool]]
"""Whether this token is still the one that holds this thread."""


class LeaseLost(Exception):
    """The run's lease is somebody else's by now, so nothing more of it may be saved."""


async def admit(fence: Fence, config: RunnableConfig) -> None:
    """Return if the run of this config may write; `LeaseLost` if it may not. A config without a token is not a run
    of ours (`aupdate_state`, say) and is refused too."""
    configurable = config["configurable"]
    token = configurable.get(FENCING_TOKEN)
    if not isinstance(token, int) or not await fence(ThreadId(str(configurable["thread_id"])), token):
        raise LeaseLost(f"thread {configurable['thread_id']}: the lease with token {token} is over")


class FencedSqliteSaver(AsyncSqliteSaver):
    """LangGraph's SQLite saver, writing only for the holder of the thread's lease."""

    def __init__(self, connection: aiosqlite.Connection, fence: Fence) -> None:
        super().__init__(connection)
        self._fence = fence

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        await admit(self._fence, config)
        return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        await admit(self._fence, config)
        await super().aput_writes(config, writes, task_id, task_path)


@contextlib.asynccontextmanager
async def sqlite_saver(path: Path, fence: Fence) -> AsyncIterator[FencedSqliteSaver]:
    """A saver on one SQLite file, WAL and fully synchronous; the file is made where there is none."""
    async with aiosqlite.connect(path) as connection:
        saver = FencedSqliteSaver(connection, fence)
        await saver.setup()
        await connection.execute("PRAGMA synchronous=FULL")
        yield saver


@contextlib.contextmanager
def lost() -> Iterator[None]:
    """Turn what a saver raises when its database does not answer into `Unreachable`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Unreachable("the graph's state could not be read or written") from error
