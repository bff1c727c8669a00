"""All processes of a bot, seen from outside through /proc: their CPU time, their memory by role, and their end.

A bot is one process or several: children, children of children, and what is left of them once their parent is gone.
The root leads a session of its own, so nothing that it starts is missed.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
SECONDS_TO_DIE = 10.0
OF_A_WORKER = "ormsgpack"
"""A native library that LangGraph's serializer loads, and that nothing else of the bot does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One line of /proc/PID/stat. Times are in seconds and of all its threads."""

    pid: int
    state: str
    parent: int
    session: int
    own: float
    of_children: float
    """Of children that ended and were waited for, with their own children."""

    @classmethod
    def parse(cls, stat: str) -> Process:
        """The name, in brackets, may contain anything."""
        before, _, after = stat.rpartition(")")
        words = after.split()
        user, system, of_user, of_system = (int(word) / TICKS for word in words[11:15])
        return cls(
            pid=int(before.split()[0]),
            state=words[0],
            parent=int(words[1]),
            session=int(words[3]),
            own=user + system,
            of_children=of_user + of_system,
        )


@dataclass(frozen=True, slots=True)
class Tree:
    """The processes that descend from the root, or are of its session."""

    root: int

    def processes(self) -> list[Process]:
        """Those that are there now, the root first. One that ended and was not waited for is still there."""
        return belonging(self.root, list(_all()))

    @property
    def cpu_seconds(self) -> float:
        """Of all of them so far, with those that ended. Never counts one twice: what ended is in its parent's sum."""
        return sum(each.own + each.of_children for each in self.processes())

    @property
    def megabytes(self) -> dict[str, float]:
        """Proportional memory (PSS) by role: a page that several share is divided among them."""
        found: dict[str, float] = {}
        for role, pid in self.roles():
            found[role] = found.get(role, 0.0) + _pss(pid)
        return found

    def roles(self) -> list[tuple[str, int]]:
        """Each living process with its role."""
        living = [each for each in self.processes() if each.state != "Z"]
        return [(_role(each, self.root, alone=len(living) == 1), each.pid) for each in living]

    def workers(self) -> list[int]:
        """The processes that run graphs, without the one that forks them."""
        workers = {pid for role, pid in self.roles() if role == "worker"}
        forking = {each.parent for each in self.processes() if each.pid in workers}
        return sorted(workers - forking if workers - forking else workers)

    def kill(self) -> None:
        """End each of them at once, by its own id, and whatever they have started meanwhile."""
        until = time.monotonic() + SECONDS_TO_DIE
        while living := [each.pid for each in self.processes() if each.state != "Z"]:
            for pid in living:
                kill(pid)
            if time.monotonic() > until:
                raise RuntimeError(f"processes {living} of the bot did not end")
            time.sleep(0.002)


def kill(pid: int) -> None:
    """Nothing happens if it has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def belonging(root: int, processes: list[Process]) -> list[Process]:
    """The root, those of its session, and all that descend from any of them."""
    known = {each.pid: each for each in processes}

    def belongs(process: Process | None) -> bool:
        while process is not None and root not in (process.pid, process.session):
            process = known.get(process.parent)
        return process is not None

    return sorted(filter(belongs, processes), key=lambda each: (each.pid != root, each.pid))


def _all() -> Iterator[Process]:
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                yield Process.parse((folder / "stat").read_text())


def _pss(pid: int) -> float:
    with contextlib.suppress(OSError):
        found = re.search(r"^Pss:\s+(\d+) kB", (PROC / str(pid) / "smaps_rollup").read_text(), re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


def _role(process: Process, root: int, *, alone: bool) -> str:
    """As its command line says (`--role`), or as what it has loaded shows."""
    with contextlib.suppress(OSError):
        words = (PROC / str(process.pid) / "cmdline").read_text().split("\0")
        if "--role" in words[:-1]:
            return words[words.index("--role") + 1]
        if alone:
            return "bot"
        if process.pid == root:
            return "supervisor"
        return "worker" if OF_A_WORKER in (PROC / str(process.pid) / "maps").read_text() else "gateway"
    return "ended"
