"""Keeps one message in the operators' channel for each trouble.

A message goes through `posting` as every other one does, so it is there once whatever dies. It has the lowest urgency,
and is put off for as long as the channel cannot be written to. Nothing is given up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias, assert_never

from bot import crash_points
from bot.approvals.model.errors import Conflict
from bot.approvals.model.ids import ChannelId, MessageRef, Ts
from bot.approvals.model.trouble import Trouble
from bot.approvals.ports.slack import Directory, Drawing, LookupFailed, MessageGone, NotNow, PlaceGone
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock
from bot.approvals.services.messages.posting import Found, Missing, Posted, Posting, PutOff, Refused

log = logging.getLogger(__name__)

TRY_AGAIN: Final = timedelta(minutes=1)
"""How soon a channel that cannot be written to is tried again."""

Draw: TypeAlias = Callable[[Trouble], Drawing]
"""Renders a trouble as a message. Pure."""


@dataclass(slots=True, kw_only=True)
class Telling:
    """Posts and updates the messages of troubles."""

    storage: Storage
    directory: Directory
    posting: Posting
    draw: Draw
    clock: Clock
    channel: str
    """The operators' channel, by `#name` or id."""
    _told: str | None = field(default=None, init=False)
    """Why the channel cannot be written to, as it was logged."""

    async def show(self, trouble: Trouble) -> Trouble:
        """Bring its message up to date, unless it is put off. Returns the record as it is stored then.

        A trouble that is over before anybody was told of it gets no message. Raises `Conflict` if another process was
        faster.
        """
        if not trouble.behind or (trouble.not_before is not None and trouble.not_before > self.clock()):
            return trouble
        if trouble.attempted and trouble.ref is None:
            match await self.posting.search(trouble, self._store, self._place):
                case Found(record=claimed, refs=refs):
                    placed = replace(claimed, ref=refs[0], attempted=False, not_before=None)
                    trouble = await self._stored(claimed, _announced(placed, self.clock()))
                case Missing(record=missing):
                    trouble = replace(missing, attempted=False)
                case PutOff(record=waits):
                    return waits
                case Refused(record=claimed) as refused:
                    return await self._refused(refused, claimed)
                case _ as never:
                    assert_never(never)
        if trouble.ref is None and not trouble.open:
            return await self._store.note(replace(trouble, behind=False, attempted=False, not_before=None))
        return await self._draw(trouble)

    # --- Within ---------------------------------------------------------------------------------

    async def _draw(self, trouble: Trouble) -> Trouble:
        drawing = self.draw(trouble)
        if trouble.ref is not None and trouble.fingerprint == drawing.fingerprint:
            return await self._store.note(replace(trouble, behind=False, not_before=None))
        if trouble.ref is None:
            outcome = await self.posting.post(trouble, drawing, self._store, self._place)
        else:
            unsure = replace(trouble, fingerprint=None)  # if this process dies, nobody knows which of both is shown
            outcome = await self.posting.update(unsure, trouble.ref, drawing, self._store)
        match outcome:
            case Posted(record=claimed, ref=ref):
                crash_points.point("trouble-told")
                return await self._posted(claimed, ref, drawing)
            case PutOff(record=waits):
                return waits
            case Refused(record=claimed):
                return await self._refused(outcome, replace(claimed, attempted=False))
            case _ as never:
                assert_never(never)

    async def _posted(self, claimed: Trouble, ref: MessageRef, drawing: Drawing) -> Trouble:
        if self._told is not None:
            self._told = None
            log.info("the operators' channel %s can be written to again", self.channel)
        shown = replace(
            claimed,
            ref=ref,
            fingerprint=drawing.fingerprint,
            behind=False,
            attempted=False,
            tries=0,
            not_before=None,
        )
        return await self._stored(claimed, _announced(shown, self.clock()) if claimed.ref is None else shown)

    async def _refused(self, refused: Refused[Trouble], claimed: Trouble) -> Trouble:
        """Keep it for later. A message that somebody deleted is posted again if its trouble lasts."""
        if isinstance(refused.why, MessageGone):
            unposted = replace(claimed, ref=None, fingerprint=None, attempted=False, begun_at=None, not_before=None)
            return await self._stored(claimed, replace(unposted, behind=claimed.open))
        self._say(str(refused.why))
        waits = replace(claimed, not_before=self.clock() + TRY_AGAIN)
        return await self._stored(claimed, waits)

    async def _place(self) -> tuple[ChannelId, Ts | None]:
        try:
            channel = await self.directory.channel(self.channel)
        except LookupFailed as failed:
            raise NotNow(f"{self.channel} {failed}", TRY_AGAIN.total_seconds()) from failed
        if channel is None:
            raise PlaceGone("the bot can see no such channel")
        return channel, None

    def _say(self, why: str) -> None:
        """Log it once for as long as it is so."""
        if why != self._told:
            self._told = why
            log.error(
                "operators cannot be told of troubles in %s: %s. Invite the bot, or correct OPS_CHANNEL",
                self.channel,
                why,
            )

    async def _stored(self, claimed: Trouble, record: Trouble) -> Trouble:
        return await self.posting.stored(claimed, lambda: self._store.note(record))

    @property
    def _store(self) -> _TroubleStore:
        return _TroubleStore(storage=self.storage)


def _announced(trouble: Trouble, now: datetime) -> Trouble:
    """The record of a trouble that has a new message."""
    return replace(trouble, announced=(*trouble.announced, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class _TroubleStore:
    """Where the records of these messages are kept."""

    storage: Storage

    async def claim(self, record: Trouble) -> Trouble:
        return await self.storage.save_trouble(record)

    async def note(self, record: Trouble) -> Trouble:
        try:
            return await self.storage.save_trouble(record)
        except Conflict:
            log.info("trouble %s %s was told by another process", record.kind, record.subject)
            return record
