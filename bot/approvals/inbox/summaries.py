"""The daily summary: a DM that says what waits, at the time that each person has chosen, if anything waits.

A summary that is due is stored before it is sent, with the id that it will carry. So after a crash it is searched for
before it is sent again, as every message is.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never

from bot import crash_points
from bot.approvals.inbox.queries import Contents, Errands, Front, Inboxes
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import ChannelId, MessageId, Person, Ts
from bot.approvals.model.inbox import Inbox, Look, Schedule, Sending, Summary
from bot.approvals.ports.slack import Directory, LookupFailed, Messenger
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock
from bot.approvals.services.messages.posting import Found, Missing, Place, Posted, Posting, PutOff, Refused

log = logging.getLogger(__name__)

MAX_PER_SWEEP: Final = 200
"""Summaries that one sweep has sent; the next one goes on from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summaries:
    storage: Storage
    inboxes: Inboxes
    directory: Directory
    messenger: Messenger
    posting: Posting
    front: Front
    work: Errands
    clock: Clock

    async def choose(self, person: Person, words: Sequence[str]) -> Summary | None:
        """Keep when the person wants the summary from now on, in the time zone that Slack has for them. Returns None
        if they want none (`off`).

        Raises `InvalidSchedule`, or `Unreachable` if Slack does not say which zone that is.
        """
        off = [word.lower() for word in words] == ["off"]
        schedule = None if off else Schedule.read(words)
        summary = None if schedule is None else Summary(schedule=schedule, next_at=await self._next(person, schedule))
        await self.inboxes.change(person, lambda inbox: replace(inbox, summary=summary))
        self.work.home(person)
        return summary

    async def sweep(self, now: datetime) -> None:
        """Have every summary sent that is due. Any number of processes may sweep at once."""
        for inbox in await self.storage.due_summaries(now, MAX_PER_SWEEP):
            self.work.summary(inbox.person)

    async def send(self, person: Person) -> datetime | None:
        """Send one summary that is due. Returns when to look again, or None if nothing is left to do for now."""
        now = self.clock()
        inbox = await self.storage.inbox(person)
        summary = inbox.summary
        if summary is None or summary.due_at > now:
            return None
        store = _SendingStore(storage=self.storage, inboxes=self.inboxes, inbox=inbox)
        sending = summary.sending
        if sending is not None and sending.not_before > now:
            return None
        if sending is not None and sending.attempted:
            match await self.posting.search(sending, store, self._place_of(person)):
                case PutOff(record=waits):
                    return waits.not_before
                case Found(record=claimed) | Refused(record=claimed):  # if refused, nobody could see it anyway
                    await self._end(claimed, store)
                    return now  # another may be due by now
                case Missing(record=sending):
                    pass
                case _ as never:
                    assert_never(never)
        if sending is None or summary.next_at <= now:
            sending = await self._begin(sending, store, now)
        contents = await self.inboxes.contents(person, Look(), self.front.summary_size)
        if not contents.all_waiting:
            await self._end(sending, store)
            return None
        return await self._post(sending, store, contents)

    # --- Within ---------------------------------------------------------------------------------

    async def _begin(self, sending: Sending | None, store: _SendingStore, now: datetime) -> Sending:
        """Note that one is to be sent, and when the next one is due. Even after days without the bot, only one is."""
        begun = sending or Sending(id=MessageId(uuid.uuid4().hex), since=now, not_before=now)
        await store.begin(begun, await self._next(store.person, store.summary.schedule))
        crash_points.point("summary-due")
        return begun

    async def _post(self, sending: Sending, store: _SendingStore, contents: Contents) -> datetime | None:
        drawing = self.front.draw_summary(contents)
        match await self.posting.post(sending, drawing, store, self._place_of(store.person)):
            case PutOff(record=waits):
                return waits.not_before
            case Refused(record=claimed, why=why):
                log.warning("the summary of %s cannot be sent: %s", store.person.user_id, why)
            case Posted(record=claimed):
                crash_points.point("summary-sent")
            case _ as never:
                assert_never(never)
        await self._end(claimed, store)
        return None

    async def _end(self, claimed: Sending, store: _SendingStore) -> None:
        await self.posting.stored(claimed, store.end)

    def _place_of(self, person: Person) -> Place:
        async def direct() -> tuple[ChannelId, Ts | None]:
            return await self.messenger.open_direct(person), None

        return direct

    async def _next(self, person: Person, schedule: Schedule) -> datetime:
        try:
            return schedule.after(self.clock(), (await self.directory.member(person)).zone)
        except LookupFailed as failed:
            raise Unreachable("Slack did not say which time zone is yours") from failed


@dataclass(slots=True, kw_only=True)
class _SendingStore:
    """Keeps a sending within its person's inbox."""

    storage: Storage
    inboxes: Inboxes
    inbox: Inbox
    """As it was read or stored last."""

    @property
    def person(self) -> Person:
        return self.inbox.person

    @property
    def summary(self) -> Summary:
        assert self.inbox.summary is not None  # noqa: S101 - `send` has looked
        return self.inbox.summary

    async def begin(self, sending: Sending, next_at: datetime) -> None:
        await self._save(replace(self.summary, sending=sending, next_at=next_at))

    async def claim(self, record: Sending) -> Sending:
        await self._save(replace(self.summary, sending=record))
        return record

    async def note(self, record: Sending) -> Sending:
        await self._set(record)
        return record

    async def end(self) -> None:
        """Note that there is nothing more to send."""
        await self._set(None)

    async def _save(self, summary: Summary) -> None:
        self.inbox = await self.storage.save_inbox(replace(self.inbox, summary=summary))

    async def _set(self, sending: Sending | None) -> None:
        """Store it whatever else the person has changed about their inbox meanwhile."""

        def noted(now: Inbox) -> Inbox:
            return now if now.summary is None else replace(now, summary=replace(now.summary, sending=sending))

        await self.inboxes.change(self.person, noted)
