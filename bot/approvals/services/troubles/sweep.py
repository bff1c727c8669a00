"""Compares the troubles that there are with those on record, and has operators told of the difference.

One gateway at a time does it, under a lease that it keeps while it lives. If it dies, another one goes on.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from bot import crash_points
from bot.approvals.model.errors import Conflict
from bot.approvals.model.facts import TroubleBegan, TroubleEnded
from bot.approvals.model.ids import MessageId, ThreadId
from bot.approvals.model.task import Lease
from bot.approvals.model.trouble import About, Key, Trouble, TroubleKind
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.services.troubles.source import Source
from bot.approvals.services.troubles.telling import Telling

log = logging.getLogger(__name__)

MAX_TROUBLES: Final = 1_000
"""Troubles on record. If there are more, the rest is found when some of these are over."""
MAX_MESSAGES_PER_HOUR: Final = 10
"""New messages. One more says how many troubles wait for theirs."""
HOUR: Final = timedelta(hours=1)
SAME_FOR: Final = timedelta(minutes=10)
"""A trouble that comes back so soon after its end has its message changed. Later it gets a new one."""
UPDATE_EVERY: Final = timedelta(minutes=1)
"""How often the message that says how many more there are is changed."""
WATCH: Final = ThreadId("the watch over troubles")
"""What the lease is for. It is no thread of any agent."""
FEW: Final = frozenset({TroubleKind.CHAIN, TroubleKind.SERVER})
"""Kinds of which there are few and that concern everybody: the limits are not for them, and they are told first."""
_MORE: Final = (TroubleKind.MORE, "troubles")


@dataclass(slots=True, kw_only=True)
class Troubles:
    """What operators are told of."""

    storage: Storage
    sources: Sequence[Source]
    telling: Telling
    owner: str
    lease_ttl: timedelta
    telemetry: Telemetry = SILENT
    _lease: Lease | None = field(default=None, init=False)

    async def sweep(self, now: datetime) -> None:
        """Look at everything once, unless another process does it. Raises `Unreachable`; then the next sweep does the
        rest."""
        if not await self._is_ours(now):
            return
        known = {each.key: self._free(each) for each in await self.storage.troubles(2 * MAX_TROUBLES)}
        for source in self.sources:
            sight = await source.look([each for each in known.values() if each.open], now)
            for key in sight.over:
                await self._save(known, _ended(known[key], now))
            for key, about in sight.lasting.items():
                if key in known or key[0] in FEW or len(known) < MAX_TROUBLES:
                    await self._save(known, _lasting(known.get(key), key, about, now))
        await self._tell(known, now)
        await self._tidy(known.values(), now)

    # --- Within ---------------------------------------------------------------------------------

    async def _is_ours(self, now: datetime) -> bool:
        """Whether this process has the watch, or could take it."""
        if self._lease is None or not await self.storage.holds(self._lease, now):
            self._lease = await self.storage.lease(WATCH, self.lease_ttl, now, self.owner)
        return self._lease is not None

    def _free(self, trouble: Trouble) -> Trouble:
        """The trouble without the claim of another process: whoever has lost the watch has lost its claims."""
        is_claimed = trouble.claimed_by is not None and trouble.claimed_by != self.owner
        return replace(trouble, claimed_by=None, not_before=None) if is_claimed else trouble

    async def _tell(self, known: dict[Key, Trouble], now: datetime) -> None:
        """Bring every message up to date, and post new ones as long as the hour has room for them."""
        room = MAX_MESSAGES_PER_HOUR - sum(_of_the_last_hour(each, now) for each in known.values())
        is_taken = True  # whether the channel takes messages
        for trouble in sorted(known.values(), key=_turn):
            if not trouble.behind or trouble.key == _MORE:
                continue
            if not _waits(trouble):
                await self._show(known, trouble)
            elif is_taken and (room > 0 or trouble.kind in FEW):
                is_taken = (await self._show(known, trouble)).ref is not None
                room -= is_taken and trouble.kind not in FEW
        waiting = sum(map(_waits, known.values())) if room <= 0 else 0
        await self._tell_more(known, waiting, now)

    async def _tell_more(self, known: dict[Key, Trouble], waiting: int, now: datetime) -> None:
        """Keep the message up to date that says how many troubles have none yet."""
        before = known.get(_MORE)
        if waiting:
            changed = _lasting(before, _MORE, About(count=waiting), now)
            if changed is not before and changed.ref is not None:
                changed = replace(changed, not_before=changed.not_before or now + UPDATE_EVERY)
            await self._save(known, changed)
        elif before is not None and before.open:
            await self._save(known, _ended(before, now))
        if _MORE in known:
            await self._show(known, known[_MORE])

    async def _show(self, known: dict[Key, Trouble], trouble: Trouble) -> Trouble:
        try:
            known[trouble.key] = await self.telling.show(trouble)
        except Conflict:
            log.info("trouble %s %s is told by another process", trouble.kind, trouble.subject)
        return known[trouble.key]

    async def _save(self, known: dict[Key, Trouble], trouble: Trouble) -> None:
        """Store it if it has changed, and tell if it has begun or ended."""
        before = known.get(trouble.key)
        if trouble is before:
            return
        known[trouble.key] = await self.storage.save_trouble(trouble)
        crash_points.point("trouble-noted")
        was_open = before is not None and before.open
        if trouble.open and not was_open:
            self.telemetry.tell(TroubleBegan(kind=trouble.kind, subject=trouble.subject))
        elif trouble.resolved_at is not None and was_open:
            seconds = (trouble.resolved_at - trouble.since).total_seconds()
            self.telemetry.tell(TroubleEnded(kind=trouble.kind, subject=trouble.subject, seconds=seconds))

    async def _tidy(self, known: Iterable[Trouble], now: datetime) -> None:
        """Forget the troubles that are over and told of, once they can no longer come back on the same message."""
        for each in known:
            over = each.resolved_at is not None and now >= each.resolved_at + SAME_FOR
            if over and not each.behind and not _of_the_last_hour(each, now):
                await self.storage.remove_trouble(each)


def _lasting(before: Trouble | None, key: Key, about: About, now: datetime) -> Trouble:
    """The record of a trouble that there is now: the one before if that says it already."""
    kind, subject = key
    if before is None or (
        before.resolved_at is not None and now >= before.resolved_at + SAME_FOR and not before.behind
    ):
        revision = before.revision if before is not None else 0
        id = MessageId(uuid.uuid4().hex)
        announced = before.announced[-MAX_MESSAGES_PER_HOUR:] if before is not None else ()
        new = Trouble(id=id, kind=kind, subject=subject, about=about, since=now)
        return replace(new, announced=announced, revision=revision)
    if before.open:
        return before if about == before.about else replace(before, about=about, behind=True)
    return replace(before, about=about, again_at=now, resolved_at=None, behind=True)


def _ended(trouble: Trouble, now: datetime) -> Trouble:
    return replace(trouble, resolved_at=now, behind=True)


def _turn(trouble: Trouble) -> tuple[bool, datetime]:
    """Which message goes first."""
    return trouble.kind not in FEW, trouble.since


def _waits(trouble: Trouble) -> bool:
    """Whether it has no message yet, and no post of one was begun."""
    return trouble.open and trouble.ref is None and not trouble.attempted and trouble.key != _MORE


def _of_the_last_hour(trouble: Trouble, now: datetime) -> int:
    """How many of the messages that an hour has room for are about it."""
    return 0 if trouble.kind in (*FEW, TroubleKind.MORE) else sum(now < at + HOUR for at in trouble.announced)
