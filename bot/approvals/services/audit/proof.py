"""Checks that the audit log is as it was written, and names the first entry that is not."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from bot.approvals.model.audit import Entry, Head, digest_of, link_of
from bot.approvals.model.ids import TaskId
from bot.approvals.ports.storage import AuditStore
from bot.approvals.services.audit import anchors
from bot.approvals.services.audit.anchors import Missed

MAX_PAGE_ENTRIES: Final = 500
"""Entries that are in memory at once."""
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intact:
    """Every entry follows the one before it."""

    entries: int
    purged: int
    """How many of them have lost their text because their task's records were past their retention."""
    head: Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first entry that is not as it was written, and what is wrong with it."""

    number: int
    why: str


async def entries(storage: AuditStore, after: int = 0) -> AsyncIterator[Entry]:
    """The log in order, after the entry of this number; one page is in memory at a time."""
    while page := await storage.trail(after, MAX_PAGE_ENTRIES):
        for entry in page:
            yield entry
        after = page[-1].number


async def verify(storage: AuditStore, noted: Head | None = None) -> Intact | Broken:
    """Follow the chain from its first entry to its last. `noted` is a head that was seen earlier and kept elsewhere:
    its entry must still be there, with the same link.

    Entries may be written meanwhile. Without a noted head nobody can tell whether the whole log was rewritten.
    """
    return await Verified().go_on(storage, noted)


@dataclass(slots=True, kw_only=True)
class Verified:
    """The log, as far as it was found intact. It can be gone on with later."""

    last: Head = field(default_factory=Head)
    """The last entry that was found intact. It is up to date even if going on was broken off."""
    entries: int = 0
    purged: int = 0

    async def go_on(self, storage: AuditStore, noted: Head | None = None) -> Intact | Broken:
        """Verify what follows, to the end of the log as it is by then.

        What was the last entry before must still be the same. Its link covers all entries before it, so whoever
        rewrites one of them and all later links is found out. What is not read again is the text of those entries: an
        altered text, with the links left as they were, is found by a new `verify`.
        """
        counted = (await storage.head()).number
        if broken := await self._changed(storage):
            return broken
        chain = Chain(storage=storage, last=self.last, entries=self.entries, purged=self.purged)
        before: Entry | None = None
        async for entry in entries(storage, self.last.number):
            if before is not None and (broken := await self._step(chain, before, entry, noted)):
                return broken
            before = entry
        if before is not None and (broken := await self._step(chain, before, None, noted)):
            return broken
        last = chain.last.number
        if last < counted:
            return Broken(
                number=last + 1, why=f"The log was cut: it ends before this entry, and {counted} was written."
            )
        if last > (await storage.head()).number:
            return Broken(number=last, why="It was added to the log without being counted.")
        if noted is not None and noted.number and not chain.noted:
            return Broken(number=noted.number, why="It was noted as the log's head and is not in the log any more.")
        return Intact(entries=chain.entries, purged=chain.purged, head=chain.last)

    async def _step(self, chain: Chain, entry: Entry, following: Entry | None, noted: Head | None) -> Broken | None:
        broken = await chain.follow(entry, following, noted)
        self.last, self.entries, self.purged = chain.last, chain.entries, chain.purged
        return broken

    async def _changed(self, storage: AuditStore) -> Broken | None:
        match await anchors.missed(storage, [self.last]):
            case (Missed(because="gone"),):
                return Broken(number=self.last.number, why="It was the last entry before, and is gone.")
            case (_,):
                return Broken(number=self.last.number, why="It was the last entry before, and is another one now.")
            case _:
                return None


@dataclass(slots=True, kw_only=True)
class Chain:
    """The chain, as far as it has been followed."""

    storage: AuditStore
    last: Head = field(default_factory=Head)
    entries: int = 0
    purged: int = 0
    noted: bool = False
    """Whether the noted head was passed."""
    gone: tuple[str, bool] = ("", False)
    """The task that was looked up last, and whether its records are past their retention."""

    async def follow(self, entry: Entry, following: Entry | None, noted: Head | None) -> Broken | None:
        """Go one entry further, or say what is wrong with it."""
        why = _unfit(entry) or _unlinked(self.last, entry, following)
        if not why and entry.body == b"" and not await self._is_past_retention(entry.task_id):
            why = "Its text was removed, and no entry says that its task's records were past their retention."
        if noted is not None and entry.number == noted.number:
            self.noted = True
            why = why or ("" if entry.link == noted.link else "It is not the entry that was noted as the log's head.")
        if why:
            return Broken(number=entry.number, why=why)
        self.last = Head(number=entry.number, link=entry.link)
        self.entries += 1
        self.purged += not entry.body
        return None

    async def _is_past_retention(self, task_id: str) -> bool:
        if self.gone[0] != task_id:
            self.gone = (task_id, await self.storage.is_purged(TaskId(task_id)))
        return self.gone[1]


def _unfit(entry: Entry) -> str:
    """What is wrong with the entry itself, or empty."""
    if entry.body is None:
        return "Its text is missing."
    if not _HASH.fullmatch(entry.digest) or not _HASH.fullmatch(entry.link):
        return "Its hashes cannot be read."
    if not entry.body:
        return ""
    if digest_of(entry.body) != entry.digest:
        return "Its text, or the hash of it, was altered."
    return "" if _told_of(entry.body) == entry.task_id else "It is filed under a task that it does not tell of."


def _told_of(body: bytes) -> str | None:
    try:
        match json.loads(body):
            case {"task_id": str() as task_id}:
                return task_id
            case _:
                return None
    except ValueError:
        return None


def _unlinked(last: Head, entry: Entry, following: Entry | None) -> str:
    """Why the entry is not the one that was written after `last`, as far as its hash and the next entry tell; empty if
    it is."""
    right = link_of(last.link, entry.digest)
    if entry.link == right:
        return ""
    after = f"entry {last.number}" if last.number else "the beginning"
    if following is not None and _HASH.fullmatch(following.digest):
        if following.link == link_of(right, following.digest):
            return "Its link was altered."
        if following.link == link_of(last.link, following.digest):
            swapped = _HASH.fullmatch(following.link) and entry.link == link_of(following.link, entry.digest)
            return (
                f"It stands before the entry that it was written after, now numbered {following.number}."
                if swapped
                else f"It was inserted: what was written after {after} is now numbered {following.number}."
            )
    return f"It does not follow {after}: something between them was removed, or this entry was put in another's place."
