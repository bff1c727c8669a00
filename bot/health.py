"""Whether `run` is well, for a container's health check: it says so at each look at the clock, in a file of its own.

`python -m bot.health` says the same as `python -m bot healthy`, without importing the bot, which can take seconds.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

LEAST: Final = 30.0
"""Seconds for which a beat is good; some looks at the clock may fail before that."""
MISSED: Final = 3
"""Looks at the clock that may fail, where they are far apart."""


def beat(interval: float) -> None:
    """Say that Slack is connected and storage has answered; the next beat is due in so many seconds."""
    until = time.time() + max(LEAST, MISSED * interval)
    _file().touch()
    os.utime(_file(), (until, until))


def is_well() -> bool:
    """Whether there was a beat of late."""
    try:
        return time.time() < _file().stat().st_mtime
    except OSError:
        return False


def _file() -> Path:
    """In the process's own machine or container, not in what replicas share."""
    return Path(tempfile.gettempdir()) / f"countersign-{os.getuid()}.heartbeat"


if __name__ == "__main__":
    sys.exit(0 if is_well() else 1)
