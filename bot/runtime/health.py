"""A heartbeat file, by which a container's health check knows that `run` is well.

`python -m bot.runtime.health` does the same as `python -m bot healthy` without importing the bot, which can take
seconds.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path
from typing import Final

MIN_VALID_SECONDS: Final = 30.0
"""How long a heartbeat is valid at least, so that a few ticks may fail."""
MAX_MISSED_TICKS: Final = 3
"""How many ticks may fail, if they are far apart."""


def beat(state_dir: Path, interval: float) -> None:
    """Records that Slack is connected and storage has answered. The next heartbeat is due in `interval` seconds."""
    until = time.time() + max(MIN_VALID_SECONDS, MAX_MISSED_TICKS * interval)
    file = _file(state_dir)
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    os.utime(file, (until, until))


def is_well(state_dir: Path) -> bool:
    """Whether the last heartbeat of the bot on this machine is recent."""
    try:
        return time.time() < _file(state_dir).stat().st_mtime
    except OSError:
        return False


def _file(state_dir: Path) -> Path:
    """The heartbeat's file, named after the machine or container, because replicas may share the folder."""
    return state_dir / f"heartbeat-{socket.gethostname()}"


def _state_dir() -> Path:
    """STATE_DIR, from the environment or from .env, as `bot.settings` reads it."""
    # imported only if the environment does not have it, because a health check has to be quick
    if said := os.environ.get("STATE_DIR"):
        return Path(said)
    from dotenv import dotenv_values

    return Path(dotenv_values(".env").get("STATE_DIR") or "var")


if __name__ == "__main__":
    sys.exit(0 if is_well(_state_dir()) else 1)
