"""A program of `programs.py` that runs, and what it prints."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0


@dataclass
class Program:
    """A program under way."""

    process: subprocess.Popen[str]

    def line(self) -> str:
        """The next line that it prints, or '' if it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def lines(self, count: int) -> list[str]:
        return [self.line() for _ in range(count)]

    def until(self, beginning: str) -> str:
        """The rest of the next line that begins with these words."""
        while line := self.line():
            if line.startswith(beginning):
                return line.removeprefix(beginning).strip()
        raise AssertionError(f"it ended without {beginning!r}")

    def rest(self) -> list[str]:
        """What it prints until it ends."""
        assert self.process.stdout is not None
        return self.process.stdout.read().splitlines()

    def code(self) -> int:
        return self.process.wait(PATIENCE)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@contextmanager
def program(*name: str) -> Iterator[Program]:
    command = [sys.executable, "-m", "tests.unit.runtime.programs", *name]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield Program(process)
        finally:
            process.kill()


def printed(*name: str) -> list[str]:
    """What a program prints that ends by itself."""
    with program(*name) as running:
        return running.rest()


def is_gone(descriptor: int) -> bool:
    """Whether the process of this `os.pidfd_open` ends in time."""
    return bool(select.select([descriptor], [], [], PATIENCE)[0])
