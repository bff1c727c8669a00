"""`audit verify`: says whether the log is intact, once or for as long as it runs, and whether it is as it was noted."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from bot.approvals.model.audit import Head
from bot.approvals.model.errors import SettingsError
from bot.approvals.ports.storage import AuditStore, Storage
from bot.approvals.ports.work import Clock
from bot.approvals.services.audit.anchors import Missed, missed
from bot.approvals.services.audit.proof import Broken, Intact, Verified, verify
from bot.cli.audit.rounds import AGAIN, Outage, Rounds, Timed
from bot.printable import printable

MAX_NAMED: Final = 20
"""Anchors that do not fit and are named. The others are counted."""
_NOTED: Final = re.compile(r"(?<!\w)(\d+:[0-9a-fA-F]{64})(?!\w)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """The heads that a file holds, as `audit anchor` writes them. Another program may have put words before them."""

    file: Path
    heads: tuple[tuple[int, Head], ...]
    """Each with the line that it stands in, counted from 1."""
    unread: int
    """Lines that say no head."""

    @classmethod
    def read(cls, file: Path) -> Anchors:
        """Raises SettingsError if the file cannot be read, or holds no head."""
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise SettingsError(f"--anchors {file}: cannot be read ({error.strerror}).") from None
        said = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
        found = [(number, Head.read(match[1])) for number, line in said if (match := _NOTED.search(line))]
        if not found:
            raise SettingsError(
                f"--anchors {file}: no line of it says a head, such as `audit anchor` prints: NUMBER:LINK."
            )
        return cls(file=file, heads=tuple(found), unread=len(said) - len(found))


async def verified(storage: AuditStore, noted: Head | None, file: Path | None) -> tuple[bool, str]:
    """Whether the log is intact and fits what was noted, and that in sentences."""
    anchors = None if file is None else Anchors.read(file)
    proof = await verify(storage, noted)
    unfit = () if anchors is None else await missed(storage, [head for _, head in anchors.heads])
    said = [_proof(proof), *([] if anchors is None else _anchors(anchors, unfit, proof))]
    return isinstance(proof, Intact) and not unfit, "\n".join(said)


def _proof(proof: Intact | Broken) -> str:
    match proof:
        case Intact(entries=entries, purged=purged, head=head):
            gone = f", {purged} of them without their text, which is past its retention" if purged else ""
            return f"The audit log is intact: {_counted(entries, 'entry', 'entries')}{gone}.\nhead {head}"
        case Broken(number=number, why=why):
            return f"The audit log is broken at entry {number}. {printable(why)}"


def _anchors(anchors: Anchors, unfit: tuple[Missed, ...], proof: Intact | Broken) -> list[str]:
    unread = f" {_counted(anchors.unread, 'line says', 'lines say')} no head." if anchors.unread else ""
    count = _counted(len(anchors.heads), "anchor", "anchors")
    if not unfit:
        limit = "" if isinstance(proof, Intact) else " That proves nothing from the broken entry on."
        return [f"The log fits {count} of {printable(str(anchors.file))}.{limit}{unread}"]
    lines = {head: line for line, head in reversed(anchors.heads)}
    said = [f"{len(unfit)} of {count} of {printable(str(anchors.file))} do not fit the log:{unread}"]
    for each in unfit[:MAX_NAMED]:
        why = "is not in the log any more" if each.because == "gone" else "is another one now"
        said.append(f"  entry {each.head.number}, noted in line {lines[each.head]}, {why}")
    if len(unfit) > MAX_NAMED:
        said.append(f"  and {len(unfit) - MAX_NAMED} more")
    wrong = {each.head for each in unfit}
    right = [head.number for _, head in anchors.heads if head not in wrong]
    said.append(f"The last anchor that fits is that of entry {max(right)}." if right else "None fits.")
    return said


def _counted(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


# --- Following ----------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Follow:
    """Verifies the log, and then each new entry."""

    opened: Callable[[], Awaitable[Storage]]
    clock: Clock
    write: Callable[[str], object]
    rounds: Rounds
    every: timedelta
    reread: timedelta
    noted: Head | None = None
    anchors: Path | None = None
    close: Callable[[], Awaitable[None]] | None = None
    """Closes the store before all of it is read again: one that stays open remembers pages of the file, and would not
    see what somebody has written over them."""
    _proved: Verified = field(default_factory=Verified)
    _was_read: bool = False
    """Whether the log has been read as a whole."""

    async def run(self) -> int:
        """Returns 1 at the first break, or 0 when it is asked to end."""
        say = Timed(self.clock, self.write)
        outage = Outage(say=say)
        whole_at = self.clock()
        while True:
            now = self.clock()
            whole = now >= whole_at
            proof = await self.rounds.unless_ended(outage.survived(self._look(whole=whole)))
            match proof:
                case (False, words):
                    say(words)
                    return 1
                case (True, words):
                    if words:
                        say(words)
                    whole_at = now + self.reread if whole else whole_at
            if not await self.rounds.pause(AGAIN if outage.lasts else self.every):
                say(f"Stopped. The log is verified up to head {self._proved.last}")
                return 0

    async def _look(self, *, whole: bool) -> tuple[bool, str]:
        """Whether all is well, and what to say; nothing if nothing is new."""
        if whole and self._was_read and self.close is not None:
            await self.close()
        storage = await self.opened()
        before = self._proved
        if not whole:
            count = before.entries
            proof = await before.go_on(storage)
            new = before.entries - count
            if isinstance(proof, Intact):
                are = "new entry is" if new == 1 else "new entries are"
                return True, f"{new:,} {are} intact. head {proof.head}" if new else ""
            return False, _proof(proof)
        again = Verified()
        if not self._was_read:
            self._proved = again  # so that it is known how far the first look came if it is broken off
        proof = await again.go_on(storage, self._proved.last if self._was_read else self.noted)
        unfit: tuple[Missed, ...] = ()
        said = [_proof(proof).replace("\n", " ")]
        if self.anchors is not None:
            anchors = Anchors.read(self.anchors)
            unfit = await missed(storage, [head for _, head in anchors.heads])
            said += _anchors(anchors, unfit, proof)
        if isinstance(proof, Intact):
            self._proved, self._was_read = again, True
        return isinstance(proof, Intact) and not unfit, "\n".join(said)
