"""The saver for one process: LangGraph's own on one SQLite file, with our serializer and the fence."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
    writes_sort_key,
)
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from bot.approvals.model.errors import SettingsError
from bot.engines.langgraph.checkpoints.fence import Fence, asking, noted
from bot.engines.langgraph.checkpoints.ledger import ledger_of
from bot.engines.langgraph.checkpoints.patience import saved
from bot.engines.langgraph.checkpoints.serializer import TypedSerializer

T = TypeVar("T")
VERSION: Final = 1
"""Of the file. It goes up when graph state is kept in a form that earlier versions of the bot cannot read."""
Row = tuple[Any, ...]


class FencedSqliteSaver(AsyncSqliteSaver):
    """LangGraph's SQLite saver, which writes only for the holder of the thread's lease.

    LangGraph's own asks the connection's thread for a cursor, each statement, its rows and the commit one by one, which
    costs more than the statements do. Here each read and each write is one turn of that thread. The tables and what is
    in them are LangGraph's.
    """

    def __init__(self, connection: aiosqlite.Connection, fence: Fence) -> None:
        super().__init__(connection, serde=TypedSerializer())
        self._fence = fence

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        place, id = _place(config), get_checkpoint_id(config)
        return noted(config, self._tuple(place, *await self._turn(lambda connection: _read(connection, place, id))))

    async def aget_newest(self, config: RunnableConfig) -> tuple[CheckpointTuple | None, frozenset[str]]:
        """The thread's newest checkpoint of the root graph, and the names of the other namespaces that have any. They
        are read together, so that nobody has to look into a namespace that is not there."""
        place = (_place(config)[0], "")

        def read(connection: sqlite3.Connection) -> tuple[Row | None, list[Row], list[Row]]:
            return *_read(connection, place, None), connection.execute(_NAMESPACES, place[:1]).fetchall()

        row, writes, namespaces = await self._turn(read)
        return self._tuple(place, row, writes), frozenset(namespace for (namespace,) in namespaces)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,  # noqa: ARG002 - every value is put each time
    ) -> RunnableConfig:
        thread_id, namespace = _place(config)
        kept = json.dumps(get_checkpoint_metadata(config, metadata), ensure_ascii=False).encode("utf-8", "ignore")
        parent = config["configurable"].get("checkpoint_id")
        row = (thread_id, namespace, checkpoint["id"], parent, *self.serde.dumps_typed(checkpoint), kept)
        await saved(self._fence, config, lambda: self._turn(partial(_put, _PUT, [row])))
        place = {"thread_id": config["configurable"]["thread_id"], "checkpoint_ns": namespace}
        return RunnableConfig(configurable={**place, "checkpoint_id": checkpoint["id"]})

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Stores all of the writes or none. A task's first results count, and its last answers and errors."""
        asking(config, writes, task_id)
        place = (*_place(config), str(config["configurable"]["checkpoint_id"]), task_id, task_path)
        rows = [
            (*place, WRITES_IDX_MAP.get(channel, position), channel, *self.serde.dumps_typed(value))
            for position, (channel, value) in enumerate(writes)
        ]
        put = _PUT_LAST if all(channel in WRITES_IDX_MAP for channel, _ in writes) else _PUT_FIRST
        await saved(self._fence, config, lambda: self._turn(partial(_put, put, rows)))
        if (ledger := ledger_of(config)) is not None:
            ledger.saved(task_id, writes)

    async def adelete_thread(self, thread_id: str) -> None:
        def delete(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM checkpoints WHERE thread_id = ?", (thread_id,))
            connection.execute("DELETE FROM writes WHERE thread_id = ?", (thread_id,))

        await self._turn(delete)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Keeps only the newest checkpoint of each namespace, with its pending writes; with "delete", nothing.

        Not for graphs with a `DeltaChannel`, which needs its earlier checkpoints.
        """
        for thread_id in thread_ids:
            if strategy == "delete":
                await self.adelete_thread(thread_id)
                continue
            await self._turn(partial(_prune, thread_id))

    # --- Within ---------------------------------------------------------------------------------

    async def _turn(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What the work returns, after it was done in the connection's thread and committed. All of it is stored, or
        nothing if it raises. The work must not return a cursor: wherever that is freed, it resets a statement that the
        connection's thread may be executing again."""
        if not self.is_setup:
            await self.setup()

        def done() -> T:
            connection = self.conn._conn
            with connection:
                return work(connection)

        returned: T = await self.conn._execute(done)  # type: ignore[no-untyped-call]
        return returned

    def _tuple(self, place: tuple[str, str], row: Row | None, writes: Sequence[Row]) -> CheckpointTuple | None:
        """The checkpoint of these rows. None if there is none."""
        if row is None:
            return None
        id, parent, format, checkpoint, metadata = row
        return CheckpointTuple(
            _named(place, id),
            self.serde.loads_typed((format, checkpoint)),
            json.loads(metadata) if metadata is not None else {},
            _named(place, parent) if parent else None,
            [
                (task_id, channel, self.serde.loads_typed((format, value)))
                for task_id, channel, format, value, _, _ in sorted(writes, key=_in_order)
            ],
        )


def _place(config: RunnableConfig) -> tuple[str, str]:
    """The thread and the namespace."""
    return str(config["configurable"]["thread_id"]), str(config["configurable"].get("checkpoint_ns", ""))


def _named(place: tuple[str, str], id: str) -> RunnableConfig:
    return RunnableConfig(configurable={"thread_id": place[0], "checkpoint_ns": place[1], "checkpoint_id": id})


def _in_order(write: Row) -> Any:
    return writes_sort_key(write[4], write[0], write[5])


def _read(connection: sqlite3.Connection, place: tuple[str, str], id: str | None) -> tuple[Row | None, list[Row]]:
    """A checkpoint's row, and those of its pending writes. Without an id, the newest."""
    found = connection.execute(_ONE, (*place, id)) if id else connection.execute(_NEWEST, place)
    row: Row | None = found.fetchone()
    return row, connection.execute(_WRITES, (*place, row[0])).fetchall() if row is not None else []


def _put(sql: str, rows: Sequence[Row], connection: sqlite3.Connection) -> None:
    connection.executemany(sql, rows)


def _prune(thread_id: str, connection: sqlite3.Connection) -> None:
    connection.execute(_PRUNE_CHECKPOINTS, (thread_id,))
    connection.execute(_PRUNE_WRITES, (thread_id,))


_ONE = """
    SELECT checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata FROM checkpoints
    WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?
"""
_NEWEST = """
    SELECT checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata FROM checkpoints
    WHERE thread_id = ? AND checkpoint_ns = ? ORDER BY checkpoint_id DESC LIMIT 1
"""
_WRITES = """
    SELECT task_id, channel, type, value, task_path, idx FROM writes
    WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?
"""
_NAMESPACES = "SELECT DISTINCT checkpoint_ns FROM checkpoints WHERE thread_id = ? AND checkpoint_ns > ''"
_PUT = """
    INSERT OR REPLACE INTO checkpoints
        (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_PUT_WRITE = """
    INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_PUT_FIRST = f"INSERT OR IGNORE {_PUT_WRITE}"
_PUT_LAST = f"INSERT OR REPLACE {_PUT_WRITE}"
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
    """A saver on one SQLite file, in WAL mode and fully synchronous. The file is made if there is none.

    Raises SettingsError if a newer version of the bot has written to it.
    """
    async with aiosqlite.connect(path) as connection:
        await _refuse_newer(connection, path)
        saver = FencedSqliteSaver(connection, fence)
        await saver.setup()
        await connection.execute("PRAGMA synchronous=FULL")
        yield saver


async def _refuse_newer(connection: aiosqlite.Connection, path: Path) -> None:
    ((version,),) = await connection.execute_fetchall("PRAGMA user_version")
    if version > VERSION:
        raise SettingsError(
            f"{path} was written by a newer Countersign (version {version} of the graphs' state; this one knows "
            f"{VERSION}): start that one, restore a backup of before the upgrade, or name another STATE_DIR."
        )
    if version < VERSION:
        await connection.execute(f"PRAGMA user_version = {VERSION}")
