"""Whether `run` is well, for a container's health check: it says so at each look at the clock, in a file of its own.

`python -m bot.runtime.health` says the same as `python -m bot healthy`, without importing the bot, which can take
seconds.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path
from typing import Final

LEAST: Final = 30.0
"""Seconds for which a beat is good; some looks at the clock may fail before that."""
MISSED: Final = 3
"""Looks at the clock that may fail, where they are far apart."""


def beat(state_dir: Path, interval: float) -> None:
    """Say that Slack is connected and storage has answered; the next beat is due in so many seconds."""
    until = time.time() + max(LEAST, MISSED * interval)
    file = _file(state_dir)
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    os.utime(file, (until, until))


def is_well(state_dir: Path) -> bool:
    """Whether the last beat of the bot on this machine is recent."""
    try:
        return time.time() < _file(state_dir).stat().st_mtime
    except OSError:
        return False


def _file(state_dir: Path) -> Path:
    """Named after the machine or container: replicas may share the folder, and each speaks for itself."""
    return state_dir / f"heartbeat-{socket.gethostname()}"


def _state_dir() -> Path:
    """What STATE_DIR says, in the environment or in .env; `bot.settings` reads it in the same way."""
    # imported only if the environment does not say it: a health check has to be quick
    if said := os.environ.get("STATE_DIR"):
        return Path(said)
    from dotenv import dotenv_values

    return Path(dotenv_values(".env").get("STATE_DIR") or "var")


if __name__ == "__main__":
    sys.exit(0 if is_well(_state_dir()) else 1)
