"""The bot of `unpaced` with its telemetry as shipped, without it, or with the CPU time counted that it takes.

BENCH_TELEMETRY says which: `on`, `off` or `timed`. No setting of the bot can switch telemetry off: this module does it
in its own process and those that it forks, by replacing what puts telemetry together.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.unpaced import lift

TELEMETRY, FILE = "BENCH_TELEMETRY", "BENCH_TOLD"
EVERY: Final = 50
"""Calls between two notes of a process. It notes what it has taken so far in a file of its own, `FILE.PID`."""


def switch_off() -> None:
    """Tell nobody of anything but the ends of sweeps, which the bot's health is made of."""
    from bot.app import gateway, run, worker, workers
    from bot.app.watched import telling
    from bot.settings import RoleSettings
    from bot.telemetry.stream import Stream

    def off(settings: RoleSettings, role: str) -> Stream:
        return Stream(sinks=[telling.Sweeps(settings.state_dir, role)])

    for module in (gateway, worker, workers, run):
        assert vars(module)["telemetry_of"] is telling.telemetry_of, module
        vars(module)["telemetry_of"] = off


@dataclass(slots=True)
class Taken:
    """The CPU time that telemetry has taken in this process, with that of looking at the clock."""

    path: str
    nanoseconds: int = 0
    calls: int = 0
    pid: int = field(default_factory=os.getpid)
    by_thread: int = 0

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        began = time.thread_time_ns()
        yield
        self.add(time.thread_time_ns() - began)

    def add(self, nanoseconds: int) -> None:
        if self.pid != os.getpid():  # it was forked: what its parent has taken is its parent's
            self.pid, self.nanoseconds, self.calls, self.by_thread = os.getpid(), 0, 0, 0
        self.nanoseconds += nanoseconds
        self.calls += 1
        if self.calls % EVERY == 0:
            with open(f"{self.path}.{self.pid}", "w") as file:  # noqa: PTH123 - the quickest way
                file.write(f"{self.nanoseconds} {self.calls}\n")


def count(path: str) -> None:
    """Count what each fact and each span takes, and all that the thread takes which shows facts."""
    from bot.telemetry.batches import THREAD, Batches
    from bot.telemetry.stream import Stream

    taken = Taken(path)
    tell, span, here = Stream.tell, Stream.span, Stream.here

    def timed_tell(self: Stream, fact: Any) -> None:
        began = time.thread_time_ns()
        tell(self, fact)
        taken.add(time.thread_time_ns() - began)

    @contextlib.contextmanager
    def timed_span(self: Stream, name: str, **about: Any) -> Iterator[Any]:
        began = time.thread_time_ns()
        opened = span(self, name, **about)
        place = opened.__enter__()
        taken.add(time.thread_time_ns() - began)
        try:
            yield place
        finally:
            began = time.thread_time_ns()
            opened.__exit__(*sys.exc_info())
            taken.add(time.thread_time_ns() - began)

    def timed_here(self: Stream) -> Any:
        with taken.counted():
            return here(self)

    flush = Batches.flush

    def timed_flush(self: Batches) -> None:
        flush(self)
        if threading.current_thread().name == THREAD:  # else it is within what is counted already
            taken.add(time.thread_time_ns() - taken.by_thread)
            taken.by_thread = time.thread_time_ns()

    Stream.tell, Stream.span, Stream.here = timed_tell, timed_span, timed_here  # type: ignore[method-assign]
    Batches.flush = timed_flush  # type: ignore[method-assign]


if __name__ == "__main__":
    match os.environ[TELEMETRY]:
        case "off":
            switch_off()
        case "timed":
            count(os.environ[FILE])
        case "on":
            pass
        case other:
            raise ValueError(other)
    lift()
    from bot.__main__ import main

    sys.exit(main(["run", "--env-file", os.devnull]))
