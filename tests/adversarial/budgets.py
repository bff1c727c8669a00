"""Runs that end with the machine: counted before they begin, so that no graph ends the bot without end."""

from __future__ import annotations

from tests.adversarial.case import (
    APPROVE,
    FINISHED,
    RETRY,
    Case,
    Died,
    Restart,
    Shows,
    Start,
    Sweeps,
    Touch,
)

_KILLS = """
import signal

def acts(state):
    wait("go")
    act("begun")
    if not there("mended"):
        Path(os.environ["FOLDER"], "go").unlink()  # the next run waits until the next bot is connected
        parent = lambda pid: int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(parent(os.getppid()), signal.SIGKILL)
        wait("never")
    act("done")

"""
_LOST = tuple(step for _ in range(8) for step in (Touch("go"), Died(-9), Restart()))
"""Any graph may run when a machine is lost, so that counts less than the end of a process that it had alone."""

CASES: tuple[Case, ...] = (
    Case(
        name="a node that ends the bot at the start",
        graph=_KILLS + "graph = line(acts, done)",
        steps=(
            Start(),
            *_LOST,
            Shows(("it was begun 8 times and never came to an end", "error id", "[Retry]")),
            Sweeps(),
            Touch("mended"),
            Touch("go"),
            RETRY,
            FINISHED,
        ),
        exactly=("begun",) * 9 + ("done",),
    ),
    Case(
        name="a node that ends the bot after an answer",
        graph=_KILLS + "graph = line(ask, acts, done)",
        steps=(
            Start(),
            APPROVE,
            *_LOST,
            Shows(("it was begun 8 times", "error id", "[Retry]")),
            Sweeps(),
        ),
        exactly=("begun",) * 8,
        stores=("sqlite", "redis"),
    ),
)
