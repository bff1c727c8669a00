"""A connection to the SQLite file: opened, brought up to this version, and used in transactions.

`bot.storage.sqlite` speaks its verbs through it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

import aiosqlite

from bot.approvals.errors import SettingsError, Unreachable
from bot.storage.schema import MIGRATIONS


class Database:
    """One connection, used by one caller at a time; other processes may have theirs to the same file."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path | str, busy_timeout: timedelta) -> Database:
        """The file, made or brought up to this version first; `SettingsError` where it cannot be used.

        A durable commit is on disk when it returns (`synchronous=FULL`). Several processes may open a new file at once.
        """
        connection = await _connect(path, busy_timeout)
        try:
            with _outages():
                await _use_wal(connection, busy_timeout)
                await connection.execute_fetchall("PRAGMA synchronous = FULL")
                await connection.execute_fetchall("PRAGMA foreign_keys = ON")
                await _migrate(connection, path)
        except BaseException as error:
            await connection.close()
            if type(error) is sqlite3.DatabaseError:
                raise SettingsError(f"{path} is not a file of Countersign: {error}.") from error
            raise
        return cls(connection)

    async def close(self) -> None:
        """Let the file go, after whoever is using the connection."""
        async with self._turn:
            await self._connection.close()

    async def rows(self, sql: str, parameters: Mapping[str, object]) -> Sequence[sqlite3.Row]:
        """What the query finds outside of any transaction; `Unreachable` where the file does not answer."""
        async with self._turn:
            with _outages():
                return list(await self._connection.execute_fetchall(sql, parameters))

    @asynccontextmanager
    async def transaction(self, *, durable: bool = True) -> AsyncIterator[aiosqlite.Connection]:
        """All or nothing; `Unreachable` where the file does not answer.

        What is not durable survives every death of a process, and is on disk with the next commit that is: it costs
        no wait for the disk, and may be lost where the machine loses its power first.

        Also where the caller is cancelled: the connection does what it is told in order, and the way back is
        queued before anybody's next transaction.
        """
        async with self._turn:
            with _outages():
                try:
                    # One call for both: each is a way to the connection's thread and back.
                    wait = "FULL" if durable else "NORMAL"
                    await self._connection.executescript(f"PRAGMA synchronous = {wait}; BEGIN IMMEDIATE;")
                    yield self._connection
                    await self._connection.commit()
                except BaseException:
                    await self._connection.rollback()
                    raise


async def _connect(path: Path | str, busy_timeout: timedelta) -> aiosqlite.Connection:
    try:
        await asyncio.to_thread(Path(path).parent.mkdir, parents=True, exist_ok=True)
        return await aiosqlite.connect(path, timeout=busy_timeout.total_seconds(), isolation_level=None)
    except (OSError, sqlite3.OperationalError) as error:
        raise SettingsError(
            f"{path} cannot be opened ({error}): STATE_DIR must name a folder that the bot may write to."
        ) from error


_WAL_PAUSE = timedelta(milliseconds=20)


async def _use_wal(connection: aiosqlite.Connection, busy_timeout: timedelta) -> None:
    """SQLite does not wait by itself where several connections turn a new file to WAL at once (measured: of
    eight, one in fifty was told at once that the database is locked)."""
    for _ in range(busy_timeout // _WAL_PAUSE):
        try:
            await connection.execute_fetchall("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            await asyncio.sleep(_WAL_PAUSE.total_seconds())
        else:
            return
    await connection.execute_fetchall("PRAGMA journal_mode = WAL")


async def _migrate(connection: aiosqlite.Connection, path: Path | str) -> None:
    await connection.execute_fetchall("BEGIN IMMEDIATE")  # whoever opens the file at the same moment waits here
    ((version,),) = await connection.execute_fetchall("PRAGMA user_version")
    if version > len(MIGRATIONS):
        raise SettingsError(
            f"{path} was written by a newer Countersign (version {version} of the file; this one knows "
            f"{len(MIGRATIONS)}): start that one, or name another STATE_DIR."
        )
    for migration in MIGRATIONS[version:]:
        for statement in migration:
            await connection.execute_fetchall(statement)
    await connection.execute_fetchall(f"PRAGMA user_version = {len(MIGRATIONS)}")
    await connection.commit()


@contextmanager
def _outages() -> Iterator[None]:
    """A locked file or a full disk is an outage; an error in our own SQL stays what it is."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
            raise
        raise Unreachable(f"storage: {error}") from error
