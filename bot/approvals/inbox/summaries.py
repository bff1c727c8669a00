"""What waits, told by DM at the time that each person has chosen: once, and only where something waits.

That it is due is stored before it is sent, and it carries an id, so that after a crash it is looked for, as a surface
is, before it is sent again.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot import crash_points
from bot.approvals.inbox.queries import Contents, Errands, Front, Inboxes
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import MessageId, Person
from bot.approvals.model.inbox import Inbox, Look, Schedule, Sending, Summary
from bot.approvals.ports.slack import Directory, LookupFailed, Messenger, NotNow, OutcomeUnknown, PlaceGone
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock

log = logging.getLogger(__name__)

SWEEP_LIMIT: Final = 200
CLAIM: Final = timedelta(seconds=60)
"""How long a summary is one process's alone while Slack is called."""
FIRST_WAIT: Final = timedelta(seconds=5)
LAST_WAIT: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summaries:
    storage: Storage
    inboxes: Inboxes
    directory: Directory
    messenger: Messenger
    front: Front
    work: Errands
    clock: Clock

    async def choose(self, person: Person, words: Sequence[str]) -> Summary | None:
        """When they want to be told from now on, in the zone that Slack has for them; None: not at all.

        `InvalidSchedule`, or `Unreachable` where Slack does not say which zone that is.
        """
        off = [word.lower() for word in words] == ["off"]
        schedule = None if off else Schedule.read(words)
        summary = None if schedule is None else Summary(schedule=schedule, next_at=await self._next(person, schedule))
        await self.inboxes.change(person, lambda inbox: replace(inbox, summary=summary))
        self.work.home(person)
        return summary

    async def sweep(self, now: datetime) -> None:
        """Have every summary sent that is due."""
        for inbox in await self.storage.due_summaries(now, SWEEP_LIMIT):
            self.work.summary(inbox.person)

    async def send(self, person: Person) -> datetime | None:
        """Send one summary that is due. Returns when to look again at what could not be sent now."""
        now = self.clock()
        inbox = await self.storage.inbox(person)
        summary = inbox.summary
        if summary is None or summary.due_at > now:
            return None
        if summary.sending is not None and summary.sending.attempted:
            return await self._look_for(inbox, summary, summary.sending, now)
        if summary.next_at <= now:
            inbox = await self._begin(inbox, summary, now)
            summary = inbox.summary
        assert summary is not None  # noqa: S101 - it has just been begun, or was before
        assert summary.sending is not None  # noqa: S101
        contents = await self.inboxes.contents(person, Look(), self.front.digest_size)
        if not contents.all_waiting:
            await self._end(inbox, summary)
            return None
        return await self._send(inbox, summary, summary.sending, contents)

    # --- Within ---------------------------------------------------------------------------------

    async def _begin(self, inbox: Inbox, summary: Summary, now: datetime) -> Inbox:
        """Note that it is to be sent, and when the next one is due: also after a day without the bot, only one is."""
        sending = summary.sending or Sending(id=MessageId(uuid.uuid4().hex), since=now, not_before=now)
        next_at = await self._next(inbox.person, summary.schedule)
        begun = await self.storage.save_inbox(
            replace(inbox, summary=replace(summary, next_at=next_at, sending=sending))
        )
        crash_points.point("summary-due")
        return begun

    async def _look_for(self, inbox: Inbox, summary: Summary, sending: Sending, now: datetime) -> datetime | None:
        """Whether one whose outcome is not known was sent after all. If it was not, it is still to be sent; and in any
        case what has become due since is looked at next."""
        if sending.not_before > now:
            return None
        try:
            channel = await self.messenger.open_direct(inbox.person)
            found = bool(await self.messenger.find(channel, None, sending.id, sending.begun_at))
        except PlaceGone:
            found = True  # or it might as well have been: nobody can see it
        except NotNow as wait:
            return await self._put_off(inbox, summary, sending, timedelta(seconds=wait.retry_after))
        rest = None if found else replace(sending, attempted=False)
        await self.storage.save_inbox(replace(inbox, summary=replace(summary, sending=rest)))
        return now

    async def _send(self, inbox: Inbox, summary: Summary, sending: Sending, contents: Contents) -> datetime | None:
        begun_at = sending.begun_at or await self.messenger.time()
        claimed = replace(sending, attempted=True, begun_at=begun_at, not_before=self.clock() + CLAIM)
        inbox = await self.storage.save_inbox(replace(inbox, summary=replace(summary, sending=claimed)))
        try:
            channel = await self.messenger.open_direct(inbox.person)
            await self.messenger.post(channel, None, self.front.draw_summary(contents), sending.id)
        except PlaceGone as gone:
            log.warning("the summary of %s cannot be sent: %s", inbox.person.user_id, gone)
        except NotNow as wait:
            unsent = replace(claimed, attempted=False)
            return await self._put_off(inbox, summary, unsent, timedelta(seconds=wait.retry_after))
        except OutcomeUnknown:
            return await self._put_off(
                inbox, summary, claimed, min(FIRST_WAIT * 2 ** min(claimed.tries, 10), LAST_WAIT)
            )
        crash_points.point("summary-sent")
        await self._end(inbox, summary)
        return None

    async def _put_off(self, inbox: Inbox, summary: Summary, sending: Sending, wait: timedelta) -> datetime | None:
        again = replace(sending, tries=sending.tries + 1, not_before=self.clock() + wait)
        await self._store(replace(inbox, summary=replace(summary, sending=again)))
        return again.not_before

    async def _end(self, inbox: Inbox, summary: Summary) -> None:
        await self._store(replace(inbox, summary=replace(summary, sending=None)))

    async def _store(self, inbox: Inbox) -> None:
        """What became of the summary, whatever else the person has changed about their inbox meanwhile."""
        sending = inbox.summary.sending if inbox.summary else None

        def noted(now: Inbox) -> Inbox:
            return now if now.summary is None else replace(now, summary=replace(now.summary, sending=sending))

        await self.inboxes.change(inbox.person, noted)

    async def _next(self, person: Person, schedule: Schedule) -> datetime:
        try:
            return schedule.after(self.clock(), (await self.directory.member(person)).zone)
        except LookupFailed as failed:
            raise Unreachable("Slack did not say which time zone is yours") from failed
