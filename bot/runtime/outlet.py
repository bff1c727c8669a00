"""Where the log is written: an open file that may be full, closed, or read by nobody, and that never fails for that.

What cannot be written is lost. An approval is worth more than its line in the log, and the audit log has it anyway.
"""

from __future__ import annotations

import fcntl
import os
import select
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final, TextIO

SECONDS_TO_TAKE: Final = 1.0
"""How long a pipe that does not block may take to have room, before the rest of an entry is lost."""
SECONDS_BETWEEN: Final = 0.001
"""Between two looks whether another process has written its entry."""
_STANDARD: Final = (0, 1, 2)


@dataclass(slots=True)
class Outlet:
    """Writes each entry at once. It has no buffer, so a process that is killed loses nothing, and nothing is left over
    that fails again at the end."""

    descriptor: int
    lock: int | None = None
    """A file that whoever writes has locked, if several processes write and the system would mix long entries."""
    _is_cut: bool = False
    """Whether the last entry was not written to its end."""

    def write(self, text: str) -> int:
        data = text.encode("utf-8", "backslashreplace")
        if self._is_cut:
            data = b"\n" + data
        with self._alone():
            written = self._written(data)
        if written:
            self._is_cut = written < len(data)
        return len(text)

    def _written(self, data: bytes) -> int:
        """How many bytes could be written."""
        written = 0
        with suppress(OSError, ValueError):
            while written < len(data):
                try:
                    written += os.write(self.descriptor, data[written:])
                except BlockingIOError:
                    if not select.select([], [self.descriptor], [], SECONDS_TO_TAKE)[1]:
                        break
        return written

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lets no other process write, as far as it can be waited for: it may have been stopped as it wrote."""
        if self.lock is None:
            yield
            return
        until = time.monotonic() + SECONDS_TO_TAKE
        while not (locked := _locked(self.lock)) and time.monotonic() < until:
            time.sleep(SECONDS_BETWEEN)
        try:
            yield
        finally:
            if locked:
                fcntl.lockf(self.lock, fcntl.LOCK_UN)

    def flush(self) -> None:
        """Nothing is held back."""


def stderr() -> Outlet | TextIO:
    """The standard error of this process and of those that it forks. Something else may have taken its place, which is
    used then."""
    try:
        descriptor = sys.stderr.fileno()
        return Outlet(descriptor, _lock_of(descriptor))
    except (AttributeError, OSError, ValueError):
        return sys.stderr


def _lock_of(descriptor: int) -> int | None:
    """A file to lock for each entry. None if what is written is whole without it."""
    # what is longer than PIPE_BUF is written to a pipe in parts, once nobody reads as fast as the bot writes
    if stat.S_ISFIFO(os.fstat(descriptor).st_mode) and hasattr(os, "memfd_create"):
        return os.memfd_create("log")
    return None


def _locked(file: int) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def have_all_three() -> None:
    """Opens what is closed of standard input, output and error, as nothing. Otherwise the next file that is opened,
    such as the database, would take its number, and get what is written to the log."""
    for number in _STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which gets the lowest number that is free
            os.set_inheritable(number, True)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def say(text: str) -> None:
    """Prints the text, unless nobody can read it."""
    with suppress(OSError, ValueError):
        sys.stdout.write(text)
        sys.stdout.flush()


def flush() -> None:
    """Writes out what was printed, as far as that can be, whatever a graph has put in the place of the streams."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
