"""Work that is done soon, and the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeAlias

from bot.approvals.model.ids import (
    TaskId,
)

Clock: TypeAlias = Callable[[], datetime]
"""Aware UTC; the one clock of the store in use."""


class Work(Protocol):
    """Tasks that `bot.app` owns and drains. All return at once, and may be called any number of times."""

    def deliver(self, task_id: TaskId) -> None:
        """Drive the task's graph as far as its records allow."""
        ...

    def show(self, task_id: TaskId) -> None:
        """Bring the task's surfaces level with its records."""
        ...

    def show_soon(self, task_id: TaskId) -> None:
        """The same within a moment, in which more may come that is then shown at once: each change of a message is a
        call to Slack, which allows few of them."""
        ...
