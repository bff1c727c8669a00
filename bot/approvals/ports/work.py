"""Background work, and the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeAlias

from bot.approvals.model.ids import TaskId

Clock: TypeAlias = Callable[[], datetime]
"""Returns the current time, aware and in UTC, by the clock of the store in use."""


class Work(Protocol):
    """Work that `bot.app` does in the background, in tasks that it owns and drains. Each call returns at once, and may
    be repeated."""

    def deliver(self, task_id: TaskId) -> None:
        """Run the task's graph as far as its records allow."""
        ...

    def show(self, task_id: TaskId) -> None:
        """Sync the task's messages with its records."""
        ...

    def show_soon(self, task_id: TaskId) -> None:
        """Sync the task's messages in a moment, together with any changes until then. Each change of a message is a
        call to Slack, which allows few of them."""
        ...
