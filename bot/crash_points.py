"""Named points at which a test may kill the process, to prove that the bot recovers from it.

`COUNTERSIGN_CRASH_AT=leased` kills it the first time it gets there, `leased:0.2` one time in five. What dies is the
whole bot, as if its machine were lost, or with `COUNTERSIGN_CRASH_OF=process` the one process that got there. Without
the variable, as in any real use, a point does nothing.
"""

from __future__ import annotations

import os
import random
import signal
from typing import Final, Literal, TypeAlias

Point: TypeAlias = Literal[
    "start-received",
    "task-recorded",
    "interrupt-reached",
    "request-opened",
    "window-opened",
    "message-posted",
    "vote-saved",
    "decided",
    "leased",
    "resume-begun",
    "undo-begun",
    "run-returned",
    "before-delivered",
    "summary-due",
    "summary-sent",
    "call-recorded",
    "call-asked",
    "handed-over",
    "consumed",
    "thread-adopted",
    "webhook-claimed",
    "webhook-sent",
    "trouble-noted",
    "trouble-told",
    "server-run-begun",
    "server-stop-answered",
]

VARIABLE: Final = "COUNTERSIGN_CRASH_AT"
OF: Final = "COUNTERSIGN_CRASH_OF"

_node = 0


def be_the_node() -> None:
    """Notes that the present process is the one whose end takes all the others with it."""
    global _node
    _node = os.getpid()


def point(name: Point) -> None:
    """Kills the bot as if its machine were lost, or this process, if a test asks for it here."""
    chosen = os.environ.get(VARIABLE)
    if chosen is None:
        return
    where, _, chance = chosen.partition(":")
    if where == name and random.random() < float(chance or 1):  # noqa: S311 - nothing secret hangs on it
        die()


def die() -> None:
    """Kills the bot as if its machine were lost, or with `COUNTERSIGN_CRASH_OF=process` only this process. For tests,
    and for graphs of tests that have points of their own."""
    if _node and os.environ.get(OF) != "process":
        os.kill(_node, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
