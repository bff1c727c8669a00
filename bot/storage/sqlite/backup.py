"""Copies SQLite files as they are at one moment, while the bot works on them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Final

from bot.approvals.model.audit import GENESIS, Head
from bot.approvals.model.errors import SettingsError
from bot.private_files import private_file
from bot.storage.sqlite import schema

MAX_WAIT: Final = timedelta(seconds=30)
"""How long the copy waits for a transaction that is under way."""


def copy_at_one_moment(records: Path, beside: Sequence[Path], folder: Path) -> Head:
    """Copies the records, and what is there of the other files, into the folder. Returns the audit log's head in it.

    What was recorded then is in the copy, and nothing that came later. So the copies stand as the files would if every
    process had been killed at that moment, which the bot goes on from. Nobody can record anything while the moment is
    fixed, which takes milliseconds; the copying itself stops nobody.

    A restored copy may be older than Slack, so it knows no start of the machine: each message that it does not know to
    be in Slack is searched for before it is posted.

    Raises `SettingsError` if the files stay locked. SQLite's own check is left out: up to 3.40, `PRAGMA quick_check`
    finds NULL in the table `lists`, where there is none.
    """
    files = [records, *(path for path in beside if path.exists())]
    with ExitStack() as stack:
        try:
            moments = _fixed(records, files, stack)
            for path, source in zip(files, moments, strict=True):
                _copy(source, folder / path.name)
        except sqlite3.OperationalError as error:
            raise SettingsError(f"{records.parent} could not be copied to {folder}: {error}. Try again.") from None
    head = _without_machine(folder / records.name)
    _to_disk(folder)
    return head


def _fixed(records: Path, files: Sequence[Path], stack: ExitStack) -> list[sqlite3.Connection]:
    """A connection to each file, which sees it as it is now, whatever is written from now on. Nobody may write to the
    records until all are fixed: what graphs do meanwhile is what they may do before a kill."""
    holder = stack.enter_context(closing(_connected(records)))
    holder.execute("BEGIN IMMEDIATE")
    connections = [stack.enter_context(closing(_connected(path))) for path in files]
    for connection in connections:
        connection.execute("BEGIN")
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()  # a transaction begins with its first read
    holder.execute("ROLLBACK")
    return connections


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=MAX_WAIT.total_seconds(), isolation_level=None)


def _copy(source: sqlite3.Connection, to: Path) -> None:
    private_file(to)
    with closing(sqlite3.connect(to, isolation_level=None)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it


def _without_machine(records: Path) -> Head:
    with closing(sqlite3.connect(records, isolation_level=None)) as copy:
        copy.execute("DELETE FROM machine")
        number, link = copy.execute(schema.HEAD).fetchone()
    return Head(number=number or 0, link=GENESIS if link is None else link.hex())


def _to_disk(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
