"""What graphs print, taken from the worker's standard output and error, and logged as theirs."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from dataclasses import dataclass, replace
from typing import Final

from bot.runtime import outlet
from bot.runtime.outlet import Outlet

log = logging.getLogger("graphs")

MAX_LINE_BYTES: Final = 10_000
"""A longer line is logged in parts."""
AT_ONCE_BYTES: Final = 16384
"""So that a graph that prints without end keeps the parent from nothing, not even with the shortest lines."""
_READ_BYTES: Final = 8192
_PIPE_BYTES: Final = 1 << 20
"""More than a pipe holds."""


@dataclass(slots=True)
class Prints:
    """A pipe from a worker's standard output and error to its parent's log."""

    descriptor: int
    """The end that the parent reads. -1 once it is closed."""
    _write: int
    _rest: bytes = b""
    _pid: int = 0

    @classmethod
    def made(cls) -> Prints:
        read, write = os.pipe()
        os.set_blocking(read, False)
        return cls(read, write)

    def take_over(self) -> None:
        """In the worker: sends what anything prints into the pipe. Our own log keeps going where it went."""
        os.close(self.descriptor)
        outlet.flush()
        kept = os.dup(2)
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler):
                before = handler.stream if isinstance(handler.stream, Outlet) else Outlet(2)
                handler.setStream(replace(before, descriptor=kept))
        os.dup2(self._write, 1)
        os.dup2(self._write, 2)
        # a graph may close 1 and 2, and a process that is killed does not lose its last lines
        sys.stdout = os.fdopen(self._write, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
        sys.stderr = os.fdopen(os.dup(self._write), "w", buffering=1, encoding="utf-8", errors="backslashreplace")

    def reads_from(self, pid: int) -> None:
        """In the parent: the worker has its own end by now."""
        os.close(self._write)
        self._pid = pid

    def log_what_came(self, at_once: int = AT_ONCE_BYTES) -> None:
        """Logs the lines that have come, or about the first `at_once` bytes of them."""
        while self.descriptor >= 0 and at_once > 0:
            try:
                data = os.read(self.descriptor, _READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                self._end()
                return
            at_once -= len(data)
            *lines, self._rest = (self._rest + data).split(b"\n")
            if len(self._rest) > MAX_LINE_BYTES:
                part, word = self._parted()
                lines, self._rest = [*lines, part], word
            for line in lines:
                self._log(line)

    def _parted(self) -> tuple[bytes, bytes]:
        """A line that is too long, without its last word, and that word: nothing finds a secret of which half is left.
        All of it, and nothing, if the word itself is too long."""
        part, _, word = self._rest.rpartition(b" ")
        return (part, word) if part and len(word) <= MAX_LINE_BYTES // 2 else (self._rest, b"")

    def close(self) -> None:
        """Logs what has come, which may be the last words of a worker that died, and closes the pipe."""
        self.log_what_came(_PIPE_BYTES)
        if self.descriptor >= 0:
            self._end()

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self.descriptor)
        self.descriptor = -1
        if self._rest:
            self._log(self._rest)
            self._rest = b""

    def _log(self, line: bytes) -> None:
        if line.strip():
            log.info("printed in worker %d: %s", self._pid, line.decode("utf-8", "backslashreplace"))
