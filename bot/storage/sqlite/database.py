"""The connections to the SQLite file: opened, migrated to this version, and used in transactions.

`SqliteStorage` works through them. The connection that writes has a thread of its own. Each method goes there once,
because the way there and back costs more than the statements do. Short queries have a connection that only reads, in
the thread of the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, TypeVar

from bot.approvals.model.errors import SettingsError, Unreachable
from bot.approvals.model.facts import StorageAnswered, StorageUnreachable
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.private_files import private_file
from bot.storage.codec import Record
from bot.storage.reader import Reader
from bot.storage.sqlite.power import boot_id, doubt_posts
from bot.storage.sqlite.rows import Connection
from bot.storage.sqlite.schema import MIGRATIONS
from bot.storage.version import refusal

T = TypeVar("T")
Verb: TypeAlias = Literal["read", "change"]


class Database:
    """One connection to write and one to read; other processes may have theirs to the same file."""

    def __init__(
        self,
        connection: Connection,
        thread: ThreadPoolExecutor,
        near: Connection | None = None,
        telemetry: Telemetry = SILENT,
    ) -> None:
        self.reader: Final = Reader()
        self._telemetry = telemetry
        self._connection = connection
        self._thread = thread
        self._near = near
        self._durable = True
        self._last: Future[Any] | None = None
        """The last work that was given to the thread."""
        self._late: Future[Any] | None = None
        """The last work whose caller did not wait for its end."""

    @classmethod
    async def open(cls, path: Path | str, busy_timeout: timedelta, telemetry: Telemetry = SILENT) -> Database:
        """The file, created or migrated to this version first. Several processes may open a new file at once.

        Raises `SettingsError` if the file cannot be used. A durable commit is on disk when it returns
        (`synchronous=FULL`).
        """
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        loop = asyncio.get_running_loop()
        try:
            connection = await loop.run_in_executor(thread, _opened, path, busy_timeout)
            return cls(connection, thread, _near(path), telemetry)
        except BaseException:
            thread.shutdown(wait=False)
            raise

    async def close(self) -> None:
        """Close the file as soon as the work at hand is done."""
        if self._near is not None:
            self._near.close()
            self._near = None
        await self._there("change", self._connection.close)
        self._thread.shutdown(wait=False)

    async def rows(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """What a short query finds, at one moment. Raises `Unreachable` if the file does not answer.

        It is read at once, in the caller's thread, as no writer keeps a reader of this file waiting. If SQLite asks for
        patience all the same, or if a change of this process may be under way that nobody waits for, it is read after
        all changes.
        """
        if self._near is not None and (self._late is None or self._late.done()):
            try:
                return self._near.execute(sql, parameters).fetchall()
            except sqlite3.OperationalError as error:
                if not _is_busy(error):
                    raise
        return await self.many_rows(sql, parameters)

    async def many_rows(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """What a query finds that may take long. Raises `Unreachable` if the file does not answer."""
        return await self._there("read", lambda: self._connection.execute(sql, parameters).fetchall())

    async def records(self, cls: type[Record], sql: str, **parameters: object) -> tuple[Record, ...]:
        """The records whose texts the query finds, in its order."""
        return tuple(self.reader.read(cls, body) for (body,) in await self.rows(sql, parameters))

    async def change(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        """Do the work in one transaction: all or nothing, even if the caller is cancelled meanwhile. Raises
        `Unreachable` if the file does not answer.

        A change that is not durable does not wait for the disk. It survives the death of the process and is on disk
        with the next durable one, but is lost if the machine loses power first. So it is made in the caller's thread,
        unless others are at work: then it waits for its turn.
        """
        if not durable and self._near is not None and (self._last is None or self._last.done()):
            try:
                return self._transact_on(self._near, work)
            except sqlite3.OperationalError as error:
                if not _is_busy(error):
                    raise
        return await self._there("change", lambda: self._transact(work, durable))

    def change_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same, not durable, for a caller without an event loop: blocks until the connection's thread is done.
        Raises `Unreachable` if the file is closed, too."""
        with _outages():
            try:
                done = self._thread.submit(self._transact, work, False)
            except RuntimeError as closed:
                raise Unreachable("storage: the file is closed") from closed
            return done.result()

    def _transact(self, work: Callable[[sqlite3.Connection], T], durable: bool) -> T:
        if durable is not self._durable:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        return self._transact_on(self._connection, work)

    async def _there(self, verb: Verb, work: Callable[[], T]) -> T:
        """Do the work in the connection's thread, in the order of the calls."""
        began = time.perf_counter()
        try:
            with _outages():
                done = self._last = self._thread.submit(work)
                try:
                    result: T = await asyncio.wrap_future(done)
                except asyncio.CancelledError:
                    self._late = done
                    raise
        except Unreachable as away:
            self._telemetry.tell(StorageUnreachable(verb=verb, error=_named(away.__cause__)))
            raise
        self._telemetry.tell(StorageAnswered(verb=verb, seconds=time.perf_counter() - began))
        return result

    def _transact_on(self, connection: Connection, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work in one transaction, and tell what it has added to the audit log once that is stored."""
        connection.recorded = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            result = work(connection)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        for recorded in connection.recorded:
            self._telemetry.tell(recorded)
        return result


def _opened(path: Path | str, busy_timeout: timedelta) -> Connection:
    connection = _connect(path, busy_timeout)
    try:
        with _outages():
            _use_wal(connection, busy_timeout)
            connection.execute("PRAGMA synchronous = FULL")
            _prepare(connection)
            _migrate(connection, path)
            connection.execute("BEGIN IMMEDIATE")
            doubt_posts(connection, boot_id())
            connection.commit()
    except BaseException as error:
        connection.close()
        if type(error) is sqlite3.DatabaseError:
            raise SettingsError(f"{path} is not a file of Countersign: {error}.") from error
        raise
    return connection


def _near(path: Path | str) -> Connection | None:
    """A connection that never waits, neither for others nor for the disk. None if the records are in memory."""
    if str(path) == ":memory:":
        return None
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, factory=Connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")  # the other connection moves the log into the file
    _prepare(connection)
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.create_function("sha256", -1, _sha256, deterministic=True)


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _named(error: BaseException | None) -> str:
    return str(getattr(error, "sqlite_errorname", type(error).__name__))


def is_of_this_version(path: Path) -> bool:
    """Whether the file can be opened without a migration. Changes nothing."""
    try:
        return version_of(path) is SqliteVersion.THIS
    except sqlite3.DatabaseError:
        return False


class SqliteVersion(enum.Enum):
    """Which Countersign wrote a file last."""

    OLDER = enum.auto()
    """An earlier one. A start brings the file up to date."""
    THIS = enum.auto()
    NEWER = enum.auto()
    """A later one. A start refuses the file."""


def version_of(path: Path) -> SqliteVersion:
    """Who wrote the file. Changes nothing. Raises `sqlite3.Error` if it is no database, or cannot be read."""
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    if version == len(MIGRATIONS):
        return SqliteVersion.THIS
    return SqliteVersion.OLDER if version < len(MIGRATIONS) else SqliteVersion.NEWER


def _connect(path: Path | str, busy_timeout: timedelta) -> Connection:
    try:
        if str(path) != ":memory:":
            Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            private_file(Path(path))
        waits = busy_timeout.total_seconds()
        return sqlite3.connect(path, timeout=waits, isolation_level=None, factory=Connection)
    except (OSError, sqlite3.OperationalError) as error:
        raise SettingsError(
            f"{path} cannot be opened ({error}): STATE_DIR must name a folder that the bot may write to."
        ) from error


def _sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


_WAL_PAUSE = timedelta(milliseconds=20)


def _use_wal(connection: sqlite3.Connection, busy_timeout: timedelta) -> None:
    """Turn a new file to WAL mode. SQLite does not wait if several connections do this at once (measured: of eight, one
    in fifty was told at once that the database is locked)."""
    for _ in range(busy_timeout // _WAL_PAUSE):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_WAL_PAUSE.total_seconds())
        else:
            return
    connection.execute("PRAGMA journal_mode = WAL")


def _migrate(connection: sqlite3.Connection, path: Path | str) -> None:
    connection.execute("BEGIN IMMEDIATE")  # another process that opens the file at the same moment waits here
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    if version > len(MIGRATIONS):
        instead = "restore a backup of before the upgrade, or name another STATE_DIR"
        raise SettingsError(refusal(str(path), version, len(MIGRATIONS), instead))
    for migration in MIGRATIONS[version:]:
        for statement in migration:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.commit()


@contextmanager
def _outages() -> Iterator[None]:
    """Raises `Unreachable` for a locked file or a full disk. An error in our own SQL stays what it is."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
            raise
        raise Unreachable(f"storage: {error}") from error
