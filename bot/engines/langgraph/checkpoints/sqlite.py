"""The saver for one process: LangGraph's own on one SQLite file, with our serializer and the fence."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from bot.engines.langgraph.checkpoints.fence import Fence, asking, noted
from bot.engines.langgraph.checkpoints.ledger import ledger_of
from bot.engines.langgraph.checkpoints.patience import saved
from bot.engines.langgraph.checkpoints.serializer import TypedSerializer


class FencedSqliteSaver(AsyncSqliteSaver):
    """LangGraph's SQLite saver, which writes only for the holder of the thread's lease."""

    def __init__(self, connection: aiosqlite.Connection, fence: Fence) -> None:
        super().__init__(connection, serde=TypedSerializer())
        self._fence = fence

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return noted(config, await super().aget_tuple(config))

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        put = super().aput
        return await saved(self._fence, config, lambda: put(config, checkpoint, metadata, new_versions))

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        asking(config, writes, task_id)
        put = super().aput_writes
        await saved(self._fence, config, lambda: put(config, writes, task_id, task_path))
        if (ledger := ledger_of(config)) is not None:
            ledger.saved(task_id, writes)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Keeps only the newest checkpoint of each namespace, with its pending writes; with "delete", nothing.

        Not for graphs with a `DeltaChannel`, which needs its earlier checkpoints.
        """
        for thread_id in thread_ids:
            if strategy == "delete":
                await self.adelete_thread(thread_id)
                continue
            async with self.lock:
                await self.conn.execute(_PRUNE_CHECKPOINTS, (thread_id,))
                await self.conn.execute(_PRUNE_WRITES, (thread_id,))
                await self.conn.commit()


_PRUNE_CHECKPOINTS = """
    DELETE FROM checkpoints AS old WHERE thread_id = ? AND checkpoint_id < (
        SELECT max(checkpoint_id) FROM checkpoints
        WHERE thread_id = old.thread_id AND checkpoint_ns = old.checkpoint_ns
    )
"""
_PRUNE_WRITES = """
    DELETE FROM writes AS old WHERE thread_id = ? AND NOT EXISTS (
        SELECT 1 FROM checkpoints
        WHERE thread_id = old.thread_id AND checkpoint_ns = old.checkpoint_ns AND checkpoint_id = old.checkpoint_id
    )
"""


@contextlib.asynccontextmanager
async def sqlite_saver(path: Path, fence: Fence) -> AsyncIterator[FencedSqliteSaver]:
    """A saver on one SQLite file, in WAL mode and fully synchronous. The file is made if there is none."""
    async with aiosqlite.connect(path) as connection:
        saver = FencedSqliteSaver(connection, fence)
        await saver.setup()
        await connection.execute("PRAGMA synchronous=FULL")
        yield saver
