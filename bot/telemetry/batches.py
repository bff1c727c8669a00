"""Facts that wait for a moment, so that many are shown at once.

To show one fact takes ten times as long between other work as right after another fact: by then neither the code nor
the data for it is in the processor's caches. So a process that works passes facts to a thread, which shows what has
come within `SECONDS`. What somebody should look at does not wait, and neither does anything before it.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, TypeAlias

from bot.approvals.model.facts import Fact
from bot.approvals.model.trace import Trace

SECONDS: Final = 0.25
"""How long a fact waits at most. If the process is killed meanwhile, it is not shown; what it recorded is recorded."""
THREAD: Final = "telemetry"
MOST: Final = 1_000
"""Facts that wait. With more, the thread does not get its turn, and whoever tells shows them."""

Told: TypeAlias = tuple[Fact, float, Trace | None]
"""A fact, when it was told (seconds since 1970), and in which trace."""


class Batches:
    """Shows facts in the order in which they are told. Any thread may call it."""

    def __init__(self, show: Callable[[Fact, float, Trace | None], None]) -> None:
        self._show: Final = show
        self._waiting: Final[deque[Told]] = deque()
        self._showing = threading.RLock()
        self._called: Final[SimpleQueue[None]] = SimpleQueue()
        self._is_called = False
        self.is_open = False
        """Whether a thread shows what waits."""
        os.register_at_fork(after_in_child=self._leave)

    def open(self) -> None:
        """Starts the thread."""
        if not self.is_open:
            self.is_open = True
            threading.Thread(target=self._work, name=THREAD, daemon=True).start()

    def close(self) -> None:
        """Shows all that waits, and ends the thread."""
        if self.is_open:
            self.is_open = False
            self._called.put(None)
        self.flush()

    def put(self, fact: Fact, at: float, trace: Trace | None) -> None:
        """Leaves a fact to the thread."""
        self._waiting.append((fact, at, trace))
        if not self._is_called:
            self._is_called = True
            self._called.put(None)
        elif len(self._waiting) > MOST:
            self.flush()

    def flush(self) -> None:
        """Shows all that waits."""
        with self._showing:
            while self._waiting:
                self._show(*self._waiting.popleft())

    def _leave(self) -> None:
        """Leaves what waits to the parent, in a process that a graph has forked: that has no thread, and the parent's
        may have held the lock."""
        self._waiting.clear()
        self._showing = threading.RLock()
        self.is_open = self._is_called = False

    def _work(self) -> None:
        while self.is_open:
            self._called.get()
            time.sleep(SECONDS)
            self._is_called = False  # before it looks, so that whoever tells after that calls again
            self.flush()
