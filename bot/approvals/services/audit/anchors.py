"""Anchors: heads of the log that are noted in another place, where whoever can rewrite the log cannot write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from bot.approvals.model.audit import Head
from bot.approvals.ports.storage import AuditStore

MAX_NUMBER: Final = 2**53
"""More entries than any log has. A noted number may be larger, but no store can look such a number up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A noted head that does not fit the log."""

    head: Head
    because: Literal["gone", "another"]
    """Whether there is no entry of this number any more, or another one."""


async def newest(storage: AuditStore) -> Head | None:
    """The head to note now, which is read and not proved. None if the newest entry was removed from the log."""
    head = await storage.head()
    return head if not head.number or await _missed(storage, head) is None else None


async def missed(storage: AuditStore, heads: Iterable[Head]) -> tuple[Missed, ...]:
    """Those of the heads that do not fit the log, in their order.

    Together with an intact chain (`proof.verify`), the others prove that nothing up to the last of them has changed
    since it was noted. In a broken chain they tell when it was still as noted.
    """
    found = [await _missed(storage, head) for head in heads if head.number]
    return tuple(each for each in found if each is not None)


async def _missed(storage: AuditStore, head: Head) -> Missed | None:
    if head.number > MAX_NUMBER:
        return Missed(head=head, because="gone")
    page = await storage.trail(head.number - 1, 1)
    if not page or page[0].number != head.number:
        return Missed(head=head, because="gone")
    return None if page[0].link == head.link else Missed(head=head, because="another")
