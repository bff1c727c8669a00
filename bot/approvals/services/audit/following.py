"""Checks what was added to the audit log since it was found to be intact, a bounded piece at a time."""

from __future__ import annotations

from bot.approvals.model.audit import Entry, Head
from bot.approvals.ports.storage import AuditStore
from bot.approvals.services.audit.proof import MAX_PAGE_ENTRIES, Broken, Chain


async def follow(storage: AuditStore, since: Head | None, limit: int) -> Head | Broken:
    """Follow the chain at most `limit` entries further than `since`, up to which it was found to be intact; from its
    beginning if that is None. The entry of `since` must still be there, with the same link.

    Returns the head of the last entry that was followed. The next call goes on from there.
    """
    counted = (await storage.head()).number
    begun = since is not None and since.number > 0
    chain = Chain(storage=storage, last=since if since is not None else Head())
    after = chain.last.number - begun
    before: Entry | None = None
    left = limit + begun
    while page := await storage.trail(after, min(MAX_PAGE_ENTRIES, left + 1)):
        for entry in page:
            if begun:
                begun = False
                if (entry.number, entry.link) != (chain.last.number, chain.last.link):
                    return Broken(number=chain.last.number, why="It was seen earlier, and is not in the log any more.")
                left -= 1
                continue
            if before is not None:
                if broken := await chain.follow(before, entry, None):
                    return broken
                left -= 1
            before = entry
            if left <= 0:
                return chain.last
        after = page[-1].number
    if before is not None and (broken := await chain.follow(before, None, None)):
        return broken
    if begun or chain.last.number < counted:
        number = chain.last.number + (not begun)
        return Broken(number=number, why=f"The log was cut: it ends before this entry, and {counted} was written.")
    return chain.last
