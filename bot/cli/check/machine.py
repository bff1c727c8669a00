"""What `check` tries on this machine: to write and to keep records in STATE_DIR, and to listen at HTTP_BIND."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import sqlite3
import struct
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot import stores
from bot.app.identity import bot_of
from bot.app.policies import digest_of
from bot.cli.check.findings import Findings
from bot.private_files import is_shared
from bot.runtime.control import supervisors
from bot.runtime.hints import GATEWAY, WORKER
from bot.settings import Bind, Settings
from bot.storage.sqlite.database import SqliteVersion, version_of

BUSY_SECONDS: Final = 2.0
_CAN_ASK: Final = sys.platform.startswith("linux")
_FLOCK: Final = "hhqqi4x"
"""`struct flock` of Linux (fcntl(2)), by which a process asks who holds a lock. Other systems have another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """The bots that run on this machine with this STATE_DIR."""

    ours: frozenset[str]
    """The roles that run with these settings. Empty if none does."""
    others: bool
    """Whether a bot with other tokens or another REDIS_URL runs here."""
    policies: frozenset[str] = frozenset()
    """The digests of the policy files that ours use."""


def running(loaded: Settings, findings: Findings) -> Here:
    """Says which bot runs here, and whether another one could start."""
    with supervisors(loaded.state_dir) as found:
        told = [about for _, about in found]
    ours = [about for about in told if about.get("bot") == bot_of(loaded)]
    here = Here(
        ours=frozenset(role for about in ours for role in about.get("roles", ())),
        others=len(ours) < len(told),
        policies=frozenset(about["policies"] for about in ours if "policies" in about),
    )
    if here.ours:
        findings.good(f"this bot runs here: {' and '.join(sorted(here.ours))}")
    if here.others:
        findings.bad(
            f"STATE_DIR {loaded.state_dir}: a bot runs with this folder that has another token or another REDIS_URL. "
            "Give each bot a folder of its own, or correct the settings of one."
        )
    if loaded.redis_url is None:
        _locks(loaded.state_dir, here, findings)
    return here


def state_dir(folder: Path, findings: Findings, *, keeps_records: bool) -> None:
    """Tries whether a bot could work in this folder. What is written for that is removed again."""
    nearest = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not nearest.is_dir():
        findings.bad(f"STATE_DIR {folder}: {nearest} is not a folder that the bot may write to. Name another.")
        return
    if nearest == folder.absolute() and is_shared(nearest):
        findings.bad(
            f"STATE_DIR {folder}: everybody may write to this folder, so the records would not be safe in it. Name a "
            "folder of the bot's own."
        )
        return
    try:
        with tempfile.TemporaryDirectory(prefix=".countersign-check-", dir=nearest) as tried:
            (Path(tried) / "file").write_text("check")
            if keeps_records:
                _try_records(Path(tried))
    except (OSError, sqlite3.Error) as error:
        findings.bad(f"STATE_DIR {folder}: {nearest} cannot be written to ({_why(error)}). Name another folder.")
        return
    if keeps_records:
        findings.good(f"SQLite in STATE_DIR {folder}, for one machine")
        _records(folder / stores.RECORDS, findings)
    else:
        findings.good(f"STATE_DIR {folder} can be written to")


def bind(address: Bind, here: Here, findings: Findings) -> None:
    """Tries whether the API could be served there, or is."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((address.host, address.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE and here.ours:
                findings.good(f"HTTP API at {address}, where this bot serves it")
            else:
                findings.bad(
                    f"HTTP_BIND {address}: nothing can be served there ({_why(error)}). Name an address of this "
                    "machine and a port that nobody uses, such as 127.0.0.1:8420."
                )
            return
    if address.is_of_this_machine:
        findings.good(f"HTTP API at {address}")
    else:
        findings.risky(
            f"HTTP_BIND {address}: other machines can reach the HTTP API, and the bot speaks no TLS. Let only a proxy "
            "reach it that does, or use 127.0.0.1."
        )


def policies_in_use(text: str, file: Path, here: Here, findings: Findings) -> None:
    """Says whether the bot that runs here uses what the policy file says now."""
    if here.policies - {digest_of(text)}:
        findings.risky(
            f"policies: the bot that runs here does not use {file} as it is now. Have it read: `countersign policy "
            "reload`."
        )


# --- Within -------------------------------------------------------------------------------------


def _try_records(folder: Path) -> None:
    """Keeps something in SQLite as the bot does: in WAL mode, which some network file systems do not have."""
    with contextlib.closing(sqlite3.connect(folder / stores.RECORDS)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise sqlite3.OperationalError("SQLite cannot keep a write-ahead log on this file system")
        connection.execute("CREATE TABLE tried (it)")
        connection.commit()


def _records(file: Path, findings: Findings) -> None:
    """Says what a start would do with the file of records. Changes nothing in it."""
    if not file.exists():
        return
    try:
        version = version_of(file)
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        findings.bad(f"{file}: the records cannot be opened and changed ({error}). Bring them back from a backup.")
        return
    match version:
        case SqliteVersion.NEWER:
            findings.bad(
                f"{file} was written by a newer Countersign, so this one does not start with it. Start that one, or "
                "name another STATE_DIR."
            )
        case SqliteVersion.OLDER:
            findings.good(f"{file} is from an earlier version; a start brings it up to date. Keep a backup until then")
        case SqliteVersion.THIS:
            findings.good(f"{file} can be read and written")


def _locks(folder: Path, here: Here, findings: Findings) -> None:
    """With SQLite, one gateway and one worker role may use the folder."""
    if here.ours or here.others:
        return  # its locks are those of the bot that was found
    for role in (GATEWAY, WORKER):
        holder = _holder(folder / f"{role}.lock")
        if holder:
            findings.bad(
                f"STATE_DIR {folder}: a {role} works with these files ({holder}) and does not say which bot it is. It "
                "may hang, or be of an earlier version. Another one does not start before it has ended."
            )


def _holder(lock: Path) -> str:
    """Which process holds the lock, in words. Empty if none does. The lock is not taken, not even for a moment."""
    if not lock.exists() or not _CAN_ASK:
        return ""
    with lock.open("r+b") as file:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, process = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    return "" if kind == fcntl.F_UNLCK else f"process {process}"


def _why(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
