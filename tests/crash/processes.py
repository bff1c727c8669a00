"""The processes that a replica consists of, as /proc shows them: supervisor, roles, and worker processes."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["node", "gateway", "parent", "worker"]
"""What dies. node: the supervisor, and with it all that it has started. parent: the process of the worker role, and its
workers. worker: one of the processes that drive tasks."""
DYING: Final[dict[Kind, str]] = {
    "gateway": r"the gateway was killed by SIGKILL",
    "parent": r"the worker was killed by SIGKILL",
    "worker": r"(?:a worker|alone) was killed by SIGKILL",
}
"""What the log says when a process was killed and its parent lives."""


def below(supervisor: int) -> Iterator[tuple[int, int]]:
    """Each process of a replica: how many processes stand above it, and its id."""
    parents = _parents()
    floor = [supervisor] if supervisor in parents else []
    for depth in range(3):
        yield from ((depth, pid) for pid in floor)
        floor = [pid for pid, parent in parents.items() if parent in floor]


def send(pid: int, number: signal.Signals) -> None:
    """Sends a signal, unless the process has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def lives(pid: int) -> bool:
    """Whether the process runs. One that waits to be reaped does not."""
    return pid in _parents()


def _parents() -> dict[int, int]:
    """Every process that runs now, with its parent."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    found[int(folder.name)] = int(parent)
    return found
