"""What graphs are doing right now, as their threads' opening messages say it.

This is no record: it lives in this process alone, may be lost, and never delays a run. When the run is over, the
message shows the task's state instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from bot.approvals.model.ids import TaskId

FIRST_LINE_SECONDS = 1.5
"""How far into a run its first line is shown: a shorter run is over before anybody could read it."""
MIN_EDIT_SECONDS = 3.0
"""Between two edits of one message."""


class Timer(Protocol):
    def cancel(self) -> None: ...


Later: TypeAlias = Callable[[float, Callable[[], None]], Timer]
"""Calls back after this many seconds, as an event loop does."""


@dataclass(slots=True)
class _Line:
    """What one run says."""

    allowed_at: float
    newest: str
    drawn: str | None = None
    timer: Timer | None = None


@dataclass(slots=True, kw_only=True)
class Progress:
    """Keeps one line per run: the newest words, shown no more often than Slack allows edits."""

    show: Callable[[TaskId], None]
    """Has the task's messages synced."""
    monotonic: Callable[[], float]
    later: Later
    _lines: dict[TaskId, _Line] = field(default_factory=dict)
    _edited: dict[TaskId, float] = field(default_factory=dict)

    # --- What the engine says ---------------------------------------------------------------------

    def tell(self, task_id: TaskId, words: str) -> None:
        """Note what the task's graph is doing. Returns at once, and may be called any number of times."""
        line = self._lines.get(task_id)
        if line is None:
            line = self._lines[task_id] = _Line(
                allowed_at=self.monotonic() + max(FIRST_LINE_SECONDS, self.wait(task_id)), newest=words
            )
        line.newest = words
        self._set_timer(task_id, line)

    def over(self, task_id: TaskId) -> None:
        """Note that the run is over: its line is no longer shown."""
        line = self._lines.pop(task_id, None)
        if line is not None and line.timer is not None:
            line.timer.cancel()

    # --- What is shown ----------------------------------------------------------------------------

    def doing(self, task_id: TaskId) -> str | None:
        """The words to be drawn now: the newest, or while those have to wait, the ones that were drawn last. None: no
        run of this task has said anything yet, or none is under way."""
        line = self._lines.get(task_id)
        if line is None:
            return None
        return line.newest if self.monotonic() >= line.allowed_at else line.drawn

    def newest(self, task_id: TaskId) -> str | None:
        """The newest words, for a message that is about to be posted: they cost no edit, so they need not wait."""
        line = self._lines.get(task_id)
        return None if line is None else line.newest

    def posted(self, task_id: TaskId, words: str | None) -> None:
        """The message was posted with these words."""
        line = self._lines.get(task_id)
        if line is not None:
            line.drawn, line.allowed_at = words, self.monotonic() + MIN_EDIT_SECONDS

    def edited(self, task_id: TaskId, words: str | None) -> None:
        """The message was edited to show these words, or that was tried."""
        now = self.monotonic()
        self._edited = {id: at for id, at in self._edited.items() if now - at < MIN_EDIT_SECONDS}
        self._edited[task_id] = now
        line = self._lines.get(task_id)
        if line is not None:
            line.drawn, line.allowed_at = words, now + MIN_EDIT_SECONDS
            self._set_timer(task_id, line)

    def wait(self, task_id: TaskId) -> float:
        """Seconds until the message may be edited again; 0 if it may be now."""
        edited = self._edited.get(task_id)
        return 0.0 if edited is None else max(edited + MIN_EDIT_SECONDS - self.monotonic(), 0.0)

    def _set_timer(self, task_id: TaskId, line: _Line) -> None:
        if line.timer is None and line.newest != line.drawn:
            line.timer = self.later(max(line.allowed_at - self.monotonic(), 0.0), lambda: self._ring(task_id, line))

    def _ring(self, task_id: TaskId, line: _Line) -> None:
        line.timer = None
        self.show(task_id)
