"""Named points at which a test may kill the process, to prove that the bot recovers from it.

`COUNTERSIGN_CRASH_AT=leased` kills it the first time it gets there, `leased:0.2` one time in five. Without the
variable, as in any real use, a point does nothing.
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
    "message-posted",
    "vote-saved",
    "decided",
    "leased",
    "resume-begun",
    "run-returned",
    "before-delivered",
    "summary-due",
    "summary-sent",
]

VARIABLE: Final = "COUNTERSIGN_CRASH_AT"


def point(name: Point) -> None:
    """Kills this process as if its machine were lost, if a test asks for it here."""
    chosen = os.environ.get(VARIABLE)
    if chosen is None:
        return
    where, _, chance = chosen.partition(":")
    if where == name and random.random() < float(chance or 1):  # noqa: S311 - nothing secret hangs on it
        os.kill(os.getpid(), signal.SIGKILL)
