"""The demo's `cleanup`: the shipped graph, on a folder that is full again at every start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bot.cli.demo import stage
from graphs import cleanup
from graphs.cleanup import graph

__all__ = ["check_inputs", "graph"]


def check_inputs(inputs: dict[str, Any]) -> None:
    """Put back what earlier approvals moved to the trash, then check as the shipped graph does."""
    stage.fill(Path(os.environ["CLEANUP_ROOT"]) / "logs")
    cleanup.check_inputs(inputs)
