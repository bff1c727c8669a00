"""How every message gets into Slack: a task's messages, the daily summaries, and what operators are told alike.

Slack may take a post and the response may get lost, and any process may die at any moment. So each message has a record
that says how its post stands:

    new  -> claimed: this process alone calls Slack until `not_before`, and an outcome that got lost is seen by
                     `attempted`
         -> posted                       Slack took it
         -> put off until `not_before`   Slack said "not now" (nothing is there), or nobody knows what it did
                                         (`attempted`: search before the next post)
         -> refused                      Slack will never take it there
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from bot import crash_points
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import ChannelId, MessageRef, Ts
from bot.approvals.model.inbox import Sending
from bot.approvals.model.message import Message
from bot.approvals.model.trouble import Trouble
from bot.approvals.ports.slack import Drawing, FileRefused, MessageGone, Messenger, NotNow, OutcomeUnknown, PlaceGone
from bot.approvals.ports.work import Clock

log = logging.getLogger(__name__)

CLAIM_TTL: Final = timedelta(seconds=60)
"""How long a claim keeps every other process away from a message."""
POST_TIMEOUT = CLAIM_TTL * 2 / 3
"""How long one call to Slack may take, including the wait for its turn. A call that outlasts its claim could overwrite
what another process has shown since. The rest of the claim is for storing the outcome."""
RETRY_WAIT_INITIAL: Final = timedelta(seconds=2)
RETRY_WAIT_MAX: Final = timedelta(minutes=5)
STORE_RETRY_SECONDS = 1.0
"""Between two tries to store an outcome while storage is away."""

T = TypeVar("T")
R = TypeVar("R", Message, Sending, Trouble)
"""A record of one message: each kind has `id`, `attempted`, `begun_at`, `tries` and `not_before`."""

Place: TypeAlias = Callable[[], Awaitable[tuple[ChannelId, Ts | None]]]
"""Finds the channel that a message goes to, and the thread in it. Raises `PlaceGone` or `NotNow`."""


class RecordStore(Protocol[R]):
    """Where the record of one kind of message is kept."""

    async def claim(self, record: R) -> R:
        """Store the record before Slack is called. Raises `Conflict` if another process was faster."""
        ...

    async def note(self, record: R) -> R:
        """Store what became of the call. Somebody who has changed the record meanwhile is no error."""
        ...


Unbroken: TypeAlias = Callable[[], Callable[[], bool]]
"""Called before a claim, gives a question to ask before Slack is called: whether the claim still holds. It does not if
this process has stood still for so long that others take it for dead."""


class StoodStill(NotNow):
    """The claim may be somebody else's by now."""

    def __init__(self) -> None:
        super().__init__("this process had stood still", RETRY_WAIT_INITIAL.total_seconds())


class NotYet(NotNow):
    """The message belongs into a Slack thread that has no opening message yet."""

    def __init__(self) -> None:
        super().__init__("the thread is not open yet", RETRY_WAIT_INITIAL.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted(Generic[R]):
    """Slack shows the message here. The record is still claimed, and the caller stores what it shows now."""

    record: R
    ref: MessageRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[R]):
    """An earlier post came through: the messages that carry its id, the oldest first. The record is still claimed."""

    record: R
    refs: tuple[MessageRef, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing(Generic[R]):
    """No message carries the id, so the post may be made again. The record is still claimed."""

    record: R


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOff(Generic[R]):
    """Nothing more can be done before the record's `not_before`. This is stored."""

    record: R
    why: NotNow | OutcomeUnknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Generic[R]):
    """Slack will not do this, now or later. The record is still claimed, and the caller stores what follows."""

    record: R
    why: PlaceGone | MessageGone | FileRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """Posts, finds and updates single messages. Every method claims the record first, and raises `Conflict` if another
    process was faster."""

    messenger: Messenger
    clock: Clock
    owner: str | None = None
    """The name of this process, by which its claims on messages are known."""
    unbroken: Unbroken = lambda: lambda: True

    async def search(
        self, record: R, store: RecordStore[R], place: Place
    ) -> Found[R] | Missing[R] | PutOff[R] | Refused[R]:
        """Look for a post whose outcome is not known (`attempted`); to be called before it is posted again."""
        claimed = await self.claim(record, store)
        found = await self._call(record, claimed, store, self.find(record, place))
        if isinstance(found, PutOff | Refused):
            return found
        return Found(record=claimed, refs=found) if found else Missing(record=claimed)

    async def post(
        self, record: R, drawing: Drawing, store: RecordStore[R], place: Place
    ) -> Posted[R] | PutOff[R] | Refused[R]:
        """Post the message with the record's id in its metadata."""
        is_first = not record.attempted and record.begun_at is None
        begun_at = await self.messenger.time() if is_first else record.begun_at
        holds = self.unbroken()
        claimed = await self.claim(replace(record, attempted=True, begun_at=begun_at), store)

        async def posted() -> MessageRef:
            channel, thread_ts = await place()
            if not holds():
                raise StoodStill
            ref = await self.messenger.post(channel, thread_ts, drawing, record.id)
            crash_points.point("message-posted")
            return ref

        ref = await self._call(record, claimed, store, posted())
        return ref if isinstance(ref, PutOff | Refused) else Posted(record=claimed, ref=ref)

    async def update(
        self, record: R, ref: MessageRef, drawing: Drawing, store: RecordStore[R]
    ) -> Posted[R] | PutOff[R] | Refused[R]:
        """Show something else in the message that stands there."""
        claimed = await self.claim(replace(record, attempted=False), store)
        failed = await self._call(record, claimed, store, self.messenger.update(ref, drawing))
        return Posted(record=claimed, ref=ref) if failed is None else failed

    async def claim(self, record: R, store: RecordStore[R]) -> R:
        """The record, claimed for this process until its `not_before`."""
        return await store.claim(replace(record, not_before=self.clock() + CLAIM_TTL, claimed_by=self.owner))

    async def find(self, record: R, place: Place) -> tuple[MessageRef, ...]:
        """The messages that carry the record's id, the oldest first. Raises `PlaceGone` or `NotNow`."""
        channel, thread_ts = await place()
        return await self.messenger.find(channel, thread_ts, record.id, record.begun_at)

    async def stored(self, claimed: R, store: Callable[[], Awaitable[T]]) -> T:
        """What `store` returns. If storage is away, it is called again until the claim ends: what Slack has done is
        known here and nowhere else, and everybody else waits for the claim's end to find out."""
        while True:
            try:
                return await store()
            except Unreachable as away:
                if _has_ended(claimed.not_before, self.clock()):
                    raise
                log.warning("what became of message %s cannot be stored yet: %s", claimed.id, away)
                await asyncio.sleep(STORE_RETRY_SECONDS)

    async def _call(
        self, before: R, claimed: R, store: RecordStore[R], call: Awaitable[T]
    ) -> T | PutOff[R] | Refused[R]:
        try:
            return await in_time(call)
        except (PlaceGone, MessageGone, FileRefused) as why:
            return Refused(record=claimed, why=why)
        except OutcomeUnknown as unknown:
            wait = min(RETRY_WAIT_INITIAL * 2 ** min(claimed.tries, 10), RETRY_WAIT_MAX)
            return await self._put_off(claimed, claimed, store, wait, unknown)
        except NotNow as refusal:
            unsent = replace(claimed, attempted=before.attempted)
            return await self._put_off(claimed, unsent, store, timedelta(seconds=refusal.retry_after), refusal)

    async def _put_off(
        self, claimed: R, record: R, store: RecordStore[R], wait: timedelta, why: NotNow | OutcomeUnknown
    ) -> PutOff[R]:
        waits = replace(record, tries=record.tries + 1, not_before=self.clock() + wait)
        return PutOff(record=await self.stored(claimed, lambda: store.note(waits)), why=why)


async def in_time(call: Awaitable[T]) -> T:
    """What Slack answered. Raises `OutcomeUnknown` if it did not answer within `POST_TIMEOUT`."""
    try:
        async with asyncio.timeout(POST_TIMEOUT.total_seconds()):
            return await call
    except TimeoutError as late:
        raise OutcomeUnknown("its turn, or Slack's answer, took too long") from late


def _has_ended(claimed_until: datetime | None, now: datetime) -> bool:
    return claimed_until is None or now >= claimed_until
