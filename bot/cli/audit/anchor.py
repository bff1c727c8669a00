"""`audit anchor`: notes the head of the log, once or again and again, for a place where the bot cannot write."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.approvals.model.audit import Head
from bot.approvals.model.errors import SettingsError
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock
from bot.approvals.services.audit import anchors
from bot.cli import output
from bot.cli.audit.rounds import AGAIN, Outage, Rounds, Timed


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Notes heads until it is asked to end."""

    opened: Callable[[], Awaitable[Storage]]
    clock: Clock
    note: Callable[[str], object]
    """Takes one line. Raises SettingsError if it cannot be written."""
    rounds: Rounds

    async def once(self) -> int:
        """Notes the head as it is now. Returns 1 if the log was cut, so that there is no head to note. Raises
        Unreachable, or SettingsError."""
        return 0 if await self._noted(lambda words: output.to_stderr(f"{words}\n")) else 1

    async def run(self, every: timedelta) -> int:
        """Notes the head now and every so often. Whatever goes wrong is said on the standard error, and tried again."""
        say = Timed(self.clock, output.to_stderr)
        outage = Outage(say=say)
        due = self.clock()
        while True:
            await outage.survived(self._noted(say))
            now = self.clock()
            due = due if outage.lasts else _next(due, every, now)
            wait = AGAIN if outage.lasts else min(due - now, every)  # at most that, if a clock is set back
            if not await self.rounds.pause(wait):
                return 0

    async def _noted(self, say: Callable[[str], object]) -> bool:
        head = await anchors.newest(await self.opened())
        if head is None:
            say("The log was cut: its newest entry is gone, so there is no head to note. `audit verify` says more.")
            return False
        self.note(line(self.clock(), head))
        return True


def line(at: datetime, head: Head) -> str:
    """When, the number, and the link, as in `2030-01-02T12:00:00Z 17:3f0a...`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {head}\n"


def append(file: Path, words: str) -> None:
    """Adds the line to the file, and returns when it is on disk. The file is opened anew for each line, so it may be
    moved away meanwhile. Raises SettingsError if it cannot be written."""
    try:
        with file.open("ab+") as to:
            if to.seek(0, os.SEEK_END):
                to.seek(-1, os.SEEK_END)
                words = words if to.read(1) == b"\n" else f"\n{words}"  # a line that a full disk cut
            to.write(words.encode())
            to.flush()
            os.fsync(to.fileno())
    except OSError as error:
        raise SettingsError(f"--output {file}: cannot be written ({error.strerror}).") from None


def _next(due: datetime, every: timedelta, now: datetime) -> datetime:
    """The next time of the schedule. What was missed meanwhile is not made up for."""
    return due + every * ((now - due) // every + 1)
