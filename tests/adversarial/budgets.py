"""Runs that end with their process: counted before they begin, so that no graph kills the bot without end."""

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
def acts(state):
    wait("go")
    act("begun")
    if not there("mended"):
        os._exit(7)
    act("done")

"""

CASES: tuple[Case, ...] = (
    Case(
        name="a node that kills the process at the start",
        graph=_KILLS + "graph = line(acts, done)",
        steps=(
            Start(),
            Touch("go"),
            *(step for _ in range(8) for step in (Died(7), Restart())),
            Shows(("it was begun 8 times and never came to an end", "error id", "[Retry]")),
            Sweeps(),
            Touch("mended"),
            RETRY,
            FINISHED,
        ),
        exactly=("begun",) * 9 + ("done",),
    ),
    Case(
        name="a node that kills the process after an answer",
        graph=_KILLS + "graph = line(ask, acts, done)",
        steps=(
            Start(),
            Touch("go"),
            APPROVE,
            *(step for _ in range(8) for step in (Died(7), Restart())),
            Shows(("it was begun 8 times and never came to an end", "error id", "[Retry]")),
            Sweeps(),
        ),
        exactly=("begun",) * 8,
        stores=("sqlite", "redis"),
    ),
)
