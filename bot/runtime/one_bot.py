"""One bot at a time on the SQLite files of a folder.

Each role has a file in the folder. The process of the role locks its first byte. The supervisor locks the second one,
before it starts anything. Earlier versions lock the whole file in the process of the role, so they see each other.

The kernel releases a lock when its process ends, however that ends. What stands in the file is for people.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import select
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from bot.approvals.model.errors import SettingsError
from bot.printable import printable
from bot.runtime.children import forget_signals, woken_by_signals

log = logging.getLogger(__name__)

OF_ROLE: Final = 0
"""The byte that the process of a role locks."""
OF_SUPERVISOR: Final = 1
LOOK_SECONDS: Final = 0.5
"""How often a bot that waits looks whether its turn has come."""
DYING_SECONDS: Final = 3.0
"""How long the processes of a supervisor that was killed may take to end."""
_MAX_NOTE_BYTES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has the files of a folder, as it says itself."""

    pid: int
    host: str
    since: datetime

    def __str__(self) -> str:
        where = "this machine" if self.host == socket.gethostname() else printable(self.host)
        return f"process {self.pid} on {where}, since {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"

    @classmethod
    def read(cls, note: bytes) -> Self | None:
        """Returns None if the note says nothing, or if it speaks of a process of this machine that has ended."""
        try:
            match json.loads(note):
                case {"pid": int() as pid, "host": str() as host, "since": str() as since}:
                    holder = cls(pid=pid, host=host, since=datetime.fromisoformat(since))
                case _:
                    return None
        except ValueError:
            return None
        if holder.host == socket.gethostname():
            with suppress(PermissionError):  # it belongs to another user
                try:
                    os.kill(holder.pid, 0)
                except (ProcessLookupError, OverflowError):
                    return None
        return holder

    def note(self) -> bytes:
        return json.dumps({"pid": self.pid, "host": self.host, "since": self.since.isoformat()}).encode()


class Taken(SettingsError):
    """Another bot runs a role with these files."""

    def __init__(self, folder: Path, role: str, holder: Holder | None, *, supervised: bool) -> None:
        who = f" ({holder})" if holder is not None else ""
        super().__init__(
            f"STATE_DIR {folder}: another {role} works with these files{who}. Without REDIS_URL there can be one: stop "
            "it, have this one wait for its end with `run --wait`, name another STATE_DIR, or keep the records in "
            "Redis."
        )
        self.waits = (
            f"STATE_DIR {folder}: another {role} works with these files{who}. This bot waits, and starts when that "
            "one has ended."
        )
        """What a bot says that waits."""
        self.supervised = supervised
        """Whether its supervisor lives. If not, it is about to end."""


@dataclass(slots=True)
class _Lock:
    """The open file of one role, by which it is locked."""

    folder: Path
    role: str
    descriptor: int

    @classmethod
    def opened(cls, folder: Path, role: str) -> Self:
        """Raises SettingsError if the file cannot be opened."""
        try:
            descriptor = os.open(folder / f"{role}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SettingsError(
                f"STATE_DIR {folder}: {role}.lock, by which a second bot knows that one runs, cannot be opened "
                f"({error.strerror}). If another user has started the bot here before, give the folder and its files "
                "to the user who runs it now, or name another STATE_DIR."
            ) from None
        return cls(folder, role, descriptor)

    def take(self, first: int, count: int = 1) -> None:
        """Locks these bytes. Raises Taken if another process has one, and SettingsError if they cannot be locked."""
        if not self._locked(first, count):
            supervised = not self._locked(OF_SUPERVISOR)
            raise Taken(self.folder, self.role, Holder.read(self._note()), supervised=supervised)

    def keep(self) -> None:
        """Closes the file in whatever is forked from now on: that may outlive this process, and a role locks it itself.
        Closing it there releases nothing here."""
        os.register_at_fork(after_in_child=self.close)

    def release(self, byte: int) -> None:
        fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, byte)

    def say(self, holder: Holder | None) -> None:
        """Says in the file who has it. A disk that is full does not matter: the lock is what counts."""
        with suppress(OSError):
            os.ftruncate(self.descriptor, 0)
            os.pwrite(self.descriptor, holder.note() if holder is not None else b"", 0)

    def is_in_place(self) -> bool:
        """Whether another bot would open this very file."""
        try:
            there = (self.folder / f"{self.role}.lock").stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # nobody knows, so nothing ends
            return True
        return os.path.samestat(there, os.fstat(self.descriptor))

    def close(self) -> None:
        """Closes the file, which releases every lock that this process has on it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _locked(self, first: int, count: int = 1) -> bool:
        try:
            # of this process alone: a flock would live on in what a graph forks, and keep the next bot out
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, count, first)
        except (BlockingIOError, PermissionError):  # systems differ in which of them says that another has it
            return False
        except OSError as error:
            raise SettingsError(
                f"STATE_DIR {self.folder}: {self.role}.lock, by which a second bot knows that one runs, cannot be "
                f"locked ({error.strerror}). Name a folder on a disk that locks files, or keep the records in Redis."
            ) from None
        return True

    def _note(self) -> bytes:
        with suppress(OSError):
            return os.pread(self.descriptor, _MAX_NOTE_BYTES, 0)
        return b""


@contextmanager
def role_held(folder: Path, role: str) -> Iterator[None]:
    """For the process of a role: no other one of this role uses the folder's files while the block runs. Raises
    `SettingsError` if one does."""
    lock = _Lock.opened(folder, role)
    try:
        lock.take(OF_ROLE)
        lock.keep()
        yield
    finally:
        lock.close()


@dataclass(slots=True)
class Held:
    """A folder whose files this bot has for itself, or nothing if records are in Redis."""

    folder: Path
    holder: Holder
    _of_folder: os.stat_result | None = None
    _locks: list[_Lock] = field(default_factory=list)

    @classmethod
    def taken(cls, folder: Path, roles: Sequence[str], now: datetime) -> Self:
        """The folder, for all these roles or for none. Raises SettingsError: `Taken` if another bot runs one of
        them."""
        held = cls(folder, Holder(pid=os.getpid(), host=socket.gethostname(), since=now))
        with ExitStack() as undo:
            undo.callback(held.close)
            for role in roles:
                lock = _Lock.opened(folder, role)
                held._locks.append(lock)
                lock.take(OF_ROLE, 2)
            held._of_folder = folder.stat() if roles else None
            for lock in held._locks:
                lock.keep()
                lock.say(held.holder)
                lock.release(OF_ROLE)  # the role's own process takes it
            undo.pop_all()
        return held

    def lost(self) -> str | None:
        """Why the bot has to end, if its files are not where they were. A lock file that somebody has deleted is made
        again."""
        if self._of_folder is None:
            return None
        try:
            there = self.folder.stat()
        except (FileNotFoundError, NotADirectoryError):
            return self._gone()
        except OSError:  # nobody knows, so nothing ends
            return None
        if not os.path.samestat(there, self._of_folder):
            return self._gone()
        try:
            self._locks = [lock if lock.is_in_place() else self._again(lock) for lock in self._locks]
        except SettingsError as error:
            return str(error)
        return None

    def _again(self, lock: _Lock) -> _Lock:
        log.warning("STATE_DIR %s: somebody has removed %s.lock; it is made again", self.folder, lock.role)
        made = _Lock.opened(self.folder, lock.role)
        try:
            made.take(OF_SUPERVISOR)
        except SettingsError:
            made.close()
            raise
        made.keep()
        made.say(self.holder)
        lock.close()
        return made

    def _gone(self) -> str:
        return (
            f"STATE_DIR {self.folder}: the folder was moved or deleted while the bot ran, so what the bot writes would "
            "be lost. The bot ends. Put the folder back and start it again."
        )

    def close(self) -> None:
        for lock in self._locks:
            if lock.descriptor >= 0 and self._of_folder is not None:
                lock.say(None)
            lock.close()
        self._locks.clear()
        self._of_folder = None


@contextmanager
def one_bot(folder: Path, roles: Sequence[str], now: datetime, *, wait: bool) -> Iterator[Held | None]:
    """For the supervisor: the folder's files are this bot's alone while the block runs. With `wait`, a bot that comes
    second says so and waits for its turn; it gets None if SIGTERM or SIGINT comes before. Raises SettingsError if the
    files cannot be used, or if another bot has them and this one is not to wait."""
    held = _in_turn(folder, roles, now) if wait else _at_once(folder, roles, now)
    try:
        yield held
    finally:
        if held is not None:
            held.close()


def _at_once(folder: Path, roles: Sequence[str], now: datetime) -> Held:
    until = time.monotonic() + DYING_SECONDS
    while True:
        try:
            return Held.taken(folder, roles, now)
        except Taken as taken:
            if taken.supervised or time.monotonic() > until:
                raise
            time.sleep(LOOK_SECONDS / 10)


def _in_turn(folder: Path, roles: Sequence[str], now: datetime) -> Held | None:
    ended: list[bool] = []
    said = False
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP)
    before = [(number, signal.getsignal(number)) for number in numbers]
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nothing to read again: policies are read when the turn comes
    try:
        with woken_by_signals(lambda: ended.append(True)) as woken:
            while not ended:
                try:
                    held = Held.taken(folder, roles, now)
                except Taken as taken:
                    if not said:
                        log.warning("%s", taken.waits)
                        said = True
                else:
                    if not ended:
                        return held
                    held.close()
                select.select([woken], [], [], LOOK_SECONDS)
                forget_signals(woken)
            return None
    finally:
        for number, handler in before:
            signal.signal(number, handler)
