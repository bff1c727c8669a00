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


def beat(state_dir: Path, interval: float, role: str) -> None:
    """Records that a role is well: storage has answered, and a gateway is connected to Slack. The next heartbeat is due
    in `interval` seconds."""
    until = time.time() + _valid(interval)
    file = state_dir / f"{_prefix()}{role}"
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    os.utime(file, (until, until))


def swept(state_dir: Path, role: str) -> None:
    """Records that a sweep of the role has ended, even if something did not answer."""
    file = _sweep_of(state_dir, role)
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    os.utime(file)


def last_sweep(state_dir: Path, role: str) -> float | None:
    """When a sweep of the role on this machine last ended, in seconds since 1970. None if none has since its start."""
    try:
        return _sweep_of(state_dir, role).stat().st_mtime
    except OSError:
        return None


def last_beat(state_dir: Path, interval: float, role: str) -> float | None:
    """When the role on this machine last recorded that it is well, in seconds since 1970. None if it has not since its
    start. `interval` as in `beat`."""
    try:
        return (state_dir / f"{_prefix()}{role}").stat().st_mtime - _valid(interval)
    except OSError:
        return None


def forget(state_dir: Path, role: str) -> None:
    """Forgets the heartbeat and the sweeps of a role that ends in order, or is about to start."""
    (state_dir / f"{_prefix()}{role}").unlink(missing_ok=True)
    _sweep_of(state_dir, role).unlink(missing_ok=True)


def is_well(state_dir: Path) -> bool:
    """Whether the last heartbeat of every role on this machine is recent, and there is one."""
    try:
        beats = [file.stat().st_mtime for file in state_dir.glob(f"{_prefix()}*")]
    except OSError:
        return False
    return bool(beats) and time.time() < min(beats)


def _prefix() -> str:
    """How the names of heartbeats begin. Each is named after the machine or container, because replicas may share the
    folder, and after the role."""
    return f"heartbeat-{socket.gethostname()}-"


def _valid(interval: float) -> float:
    """For how many seconds a heartbeat is valid."""
    return max(MIN_VALID_SECONDS, MAX_MISSED_TICKS * interval)


def _sweep_of(state_dir: Path, role: str) -> Path:
    return state_dir / f"swept-{socket.gethostname()}-{role}"


def _state_dir() -> Path:
    """STATE_DIR, from the environment or from .env, as `bot.settings` reads it."""
    # imported only if the environment does not have it, because a health check has to be quick
    if said := os.environ.get("STATE_DIR"):
        return Path(said)
    from dotenv import dotenv_values

    return Path(dotenv_values(".env").get("STATE_DIR") or "var")


if __name__ == "__main__":
    sys.exit(0 if is_well(_state_dir()) else 1)
