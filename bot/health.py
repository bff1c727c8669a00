"""Whether `run` is well, for a container's health check: it says so at each look at the clock, in a file of its own."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Final

STALE: Final = 30.0
"""Seconds without a beat after which it is not well; some looks at the clock may fail before that."""


def beat() -> None:
    """Say that Slack is connected and storage has answered."""
    _file().touch()


def is_well() -> bool:
    """Whether there was a beat of late."""
    try:
        return time.time() - _file().stat().st_mtime < STALE
    except OSError:
        return False


def _file() -> Path:
    """In the process's own machine or container, not in what replicas share."""
    return Path(tempfile.gettempdir()) / f"countersign-{os.getuid()}.heartbeat"
