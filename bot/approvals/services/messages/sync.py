"""Records -> what Slack shows, kept in sync.

A message's record is stored together with the change that calls for it, and posted afterwards. A crash between the two
leaves a message that is out of date, which the next pass finds and posts.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias, assert_never

from bot.approvals.model.audit import AuditEvent, event_of
from bot.approvals.model.errors import Conflict
from bot.approvals.model.ids import JSON, ChannelId, MessageRef, TaskId, Ts
from bot.approvals.model.message import Message, MessageKind, revision_of
from bot.approvals.model.task import Running, Starting
from bot.approvals.model.trace import Trace
from bot.approvals.ports.slack import (
    Drawing,
    FileRefused,
    MessageGone,
    Messenger,
    NotNow,
    OutcomeUnknown,
    PlaceGone,
    View,
)
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Clock
from bot.approvals.services.delivery.progress import Progress
from bot.approvals.services.messages.closing import COPIES_CHECK_AFTER, Closing, is_followed, is_overtaken
from bot.approvals.services.messages.gathering import GATHER, Gathering
from bot.approvals.services.messages.message_store import MessageStore
from bot.approvals.services.messages.posting import (
    Found,
    Missing,
    NotYet,
    Place,
    Posted,
    Posting,
    PutOff,
    Refused,
    in_time,
)
from bot.approvals.services.messages.unreached import note_unreached, note_unseen
from bot.approvals.services.messages.watching import Watch

log = logging.getLogger(__name__)

MAX_UPLOAD_TRIES = 8
"""Then the thread is told that its file is not there."""

Outcome: TypeAlias = Posted[Message] | Found[Message] | PutOff[Message] | Refused[Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSync:
    """Keeps tasks' messages in sync with the records."""

    storage: Storage
    messenger: Messenger
    posting: Posting
    clock: Clock
    progress: Progress | None = None
    """What this process's runs are doing. None: nobody says."""
    gather: timedelta = GATHER
    """How long an edit waits, and a new task's opening, for what else may come."""
    watch: Watch = field(default_factory=Watch)
    """Is told of every message that is brought up to date."""
    telemetry: Telemetry = SILENT
    _gathering: Gathering = field(default_factory=Gathering, init=False)

    async def sync_task(self, task_id: TaskId) -> datetime | None:
        """Post or update every message of the task that is out of date, each at most once. What is new is posted first,
        the opening before all that goes into its thread. Edits follow, the opening's last: people look at the others.

        An edit waits for `gather`, so that all changes until then are one call to Slack, unless it is free. Returns
        when another pass is due for what could not be done now, or None if all is up to date. A message that another
        process has claimed, or that Slack refuses for the moment, is left alone until then.
        """
        records = await self.storage.records_of(task_id)
        task, messages = records.task, records.messages
        requests = {request.id: request for request in records.requests}
        opening = next((message for message in messages if message.kind is MessageKind.OPENING), None)
        doing = self._doing(task_id, opening)
        latest = max((message for message in messages if message.kind is MessageKind.OUTCOME), key=_made, default=None)
        again: list[datetime] = []
        current = {message.id: message for message in messages}
        views = [
            View(
                message=message,
                task=task,
                request=requests[message.request_id] if message.request_id else None,
                requests=records.requests,
                current=message.kind is not MessageKind.OUTCOME or message is latest,
                doing=doing if message.kind is MessageKind.OPENING else None,
            )
            for message in messages
            if not message.abandoned
        ]
        for view in sorted(views, key=partial(self._order, messages)):
            message = view.message
            if message.shown >= _revision(view):
                self._gathering.forget(message.id)
                await self._look_again(view, opening, again)
                continue
            synced = await self._level(view, opening, tuple(current.values()), again)
            current[message.id] = synced
            if message.kind is MessageKind.OPENING:
                opening = synced
            await self._look_again(replace(view, message=synced), opening, again, drawn=_drawn(message, synced))
            if synced.abandoned and message.kind is MessageKind.COPY:
                again.append(self.clock())  # the thread is told that nobody was asked there
        if opening is not None and doing:
            await self._tell(View(message=opening, task=task, requests=records.requests, doing=doing))
        return min(again, default=None)

    def hurry(self) -> None:
        """Hold no edit back any more, because the process ends."""
        self._gathering.end()

    async def _level(
        self, view: View, opening: Message | None, messages: Sequence[Message], again: list[datetime]
    ) -> Message:
        """Bring a message that is out of date up to date, unless that has to wait. Returns its record as it is stored
        then, and adds to `again` when to come back."""
        message, now = view.message, self.clock()
        ready = max(message.not_before or now, self._held_until(view, opening, now))
        if ready > now:
            again.append(ready)
            return message
        if is_overtaken(view, messages):
            if not is_followed(view, messages):
                return message  # what is to follow it comes earlier in a pass, and says when to come back
            synced = await self._closing.retire(message, self._store, self._place_of(view, opening))
        else:
            synced = await self._sync(view, opening)
        if synced.abandoned or synced.shown >= _revision(view):
            self._gathering.forget(message.id)
        else:
            again.append(synced.not_before or now)
        return synced

    def _held_until(self, view: View, opening: Message | None, now: datetime) -> datetime:
        """When the message may be posted or updated. Until then, more may come that one call can show."""
        message, task = view.message, view.task
        if message.kind is MessageKind.OPENING and message.ref is None:
            if not isinstance(task.state, Starting | Running):
                return now
            return min(task.created_at + self.gather, self._gathering.due(message.id, self.gather, now))
        if message.ref is None:
            waits = _is_in_thread(message) and opening is not None and opening.ref is None and not opening.abandoned
            return self._held_until(replace(view, message=opening), opening, now) if waits and opening else now
        if message.shown < 0 or self.messenger.updates_freely(message.ref):
            return now
        pause = self._pause(task.id) if message.kind is MessageKind.OPENING else None
        return max(self._gathering.due(message.id, self.gather, now), now + (pause or timedelta()))

    def _order(self, messages: Sequence[Message], view: View) -> tuple[bool, bool, bool]:
        """Where the message comes in a pass: posts, then edits that are free, then other edits, and the opening's. What
        is to be deleted comes with the edits."""
        message = view.message
        if message.ref is None:
            return (is_overtaken(view, messages), True, False)
        return (True, not self.messenger.updates_freely(message.ref), message.kind is MessageKind.OPENING)

    def _doing(self, task_id: TaskId, opening: Message | None) -> str | None:
        """What the task's graph is doing, as the opening says it."""
        if self.progress is None:
            return None
        is_new = opening is not None and opening.ref is None
        return self.progress.newest(task_id) if is_new else self.progress.doing(task_id)

    async def _sync(self, view: View, opening: Message | None) -> Message:
        """Bring one message up to date. Returns its record as it is stored then."""
        message = view.message
        if message.kind is MessageKind.FILE and (overtaken := _overtaken(view)):
            return await self._store.note(replace(message, shown=_revision(view), abandoned=overtaken))
        drawing = self.messenger.draw(view)
        if message.ref is not None and message.fingerprint == drawing.fingerprint:
            noted = await self._store.note(replace(message, shown=_revision(view)))
            self.watch.told(message.ref)
            return noted
        try:
            outcome = await self._show(view, drawing, opening)
        except Conflict:
            return message
        match outcome:
            case Posted(record=claimed, ref=ref):
                return await self._posted(view, claimed, ref, drawing)
            case Found(record=claimed, refs=refs):
                return await self._adopt(view, claimed, refs, opening)
            case PutOff(record=waits, why=why):
                return await self._without_file(view, waits, opening, why) if _is_hopeless(waits, why) else waits
            case Refused():
                return await self._refused(view, outcome, opening)
            case _:
                assert_never(outcome)

    async def _refused(self, view: View, refused: Refused[Message], opening: Message | None) -> Message:
        match refused.why:
            case FileRefused() as why:
                return await self._without_file(view, refused.record, opening, why)
            case MessageGone():
                return await self._renew(refused.record)
            case PlaceGone() as why:
                return await self._abandon(refused.record, str(why))
            case _:
                assert_never(refused.why)

    async def _show(self, view: View, drawing: Drawing, opening: Message | None) -> Outcome:
        """Post or update the message, which is claimed for it. Raises `Conflict` if another process was faster."""
        message, place = view.message, self._place_of(view, opening)
        if message.ref is not None:
            return await self.posting.update(message, message.ref, drawing, self._store)
        if message.attempted:
            searched = await self.posting.search(message, self._store, place)
            if not isinstance(searched, Missing):
                return searched
            message = searched.record
        with self.telemetry.span("post", parent=_leg(view), about=view.task.id):
            return await self.posting.post(message, drawing, self._store, place)

    async def _posted(self, view: View, claimed: Message, ref: MessageRef, drawing: Drawing) -> Message:
        """Store what the message shows now, and where."""
        before, now = view.message, self.clock()
        if before.kind is MessageKind.OPENING and self.progress is not None:
            told = self.progress.posted if before.ref is None else self.progress.edited
            told(before.task_id, view.doing)
        shown = replace(
            claimed,
            ref=ref,
            shown=_revision(view),
            fingerprint=drawing.fingerprint,
            digest=_asked(view),
            version=_version(view),
            attempted=False,
            copies_due=now + COPIES_CHECK_AFTER if before.attempted else before.copies_due,
            tries=0,
            not_before=None,
        )
        stored = await self._note(claimed, shown, _told_of(view, shown, now))
        self.watch.told(ref)
        return stored

    async def _adopt(
        self, view: View, claimed: Message, found: tuple[MessageRef, ...], opening: Message | None
    ) -> Message:
        """Store where the message stands before anything else can get lost, and bring it up to date there."""
        first, *copies = found
        due = self.clock() if copies else claimed.copies_due
        placed = replace(claimed, ref=first, attempted=False, copies_due=due, not_before=None)
        stored = await self._note(claimed, placed)
        return await self._sync(replace(view, message=stored), opening)

    async def _renew(self, claimed: Message) -> Message:
        """Have the message posted again, as the one that stood there cannot be changed any more."""
        now = self.clock()
        unposted = replace(claimed, ref=None, attempted=False, fingerprint=None, digest=None)
        return await self._note(claimed, replace(unposted, copies_due=now, not_before=None))

    async def _abandon(self, claimed: Message, why: str) -> Message:
        """Give the message up, as its place is gone."""
        if claimed.kind is MessageKind.COPY:
            await note_unreached(self.storage, claimed, why, self.clock())
        elif claimed.kind is MessageKind.CARD:
            await note_unseen(self.storage, claimed, why, self.clock())
        else:
            log.warning("message %s of task %s cannot be shown: %s", claimed.id, claimed.task_id, why)
        return await self._note(claimed, replace(claimed, abandoned=why))

    async def _without_file(self, view: View, record: Message, opening: Message | None, why: Exception) -> Message:
        """Say in the thread, in the file's place, that it could not be attached."""
        assert view.request is not None  # noqa: S101 - it is the file of one
        event = event_of(view.request, "unattached", self.clock(), surface=record.id, data={"why": str(why)})
        noted = replace(record, refused=str(why), attempted=False, tries=0, not_before=None)
        return await self._sync(replace(view, message=await self._note(record, noted, event)), opening)

    # --- Second copies --------------------------------------------------------------------------

    async def _look_again(
        self, view: View, opening: Message | None, again: list[datetime], *, drawn: bool = False
    ) -> None:
        """Close second copies of the message, as people would press their buttons: when the check is due, and whenever
        the message was `drawn` anew. Adds to `again` when to check next."""
        message = view.message
        if message.copies_due is None or message.ref is None or message.kind is MessageKind.FILE:
            return
        due = max(message.copies_due, message.not_before or message.copies_due)
        if due > self.clock() and (not drawn or due == message.not_before):
            again.append(due)
            return
        place = self._place_of(view, opening)
        looked = await self._closing.close_copies(message, message.copies_due, self._store, place)
        if looked.copies_due is not None:
            again.append(looked.copies_due)

    # --- What the graph is doing ----------------------------------------------------------------

    def _pause(self, task_id: TaskId) -> timedelta | None:
        """How long the opening is left alone because it was edited a moment ago."""
        wait = self.progress.wait(task_id) if self.progress is not None else 0.0
        return timedelta(seconds=wait) if wait > 0 else None

    async def _tell(self, view: View) -> None:
        """Say in the opening, which is up to date otherwise, what the graph is doing. If Slack does not take it now, it
        is lost. It is claimed as any update is, so that it can never come after the one that tells of the end."""
        opening, task = view.message, view.task
        drawing = self.messenger.draw(view)
        behind = opening.ref is None or opening.shown < _revision(view) or opening.abandoned
        if self.progress is None or behind or opening.fingerprint == drawing.fingerprint:
            return
        if self._pause(task.id) or (opening.not_before is not None and opening.not_before > self.clock()):
            return
        try:
            claimed = await self.posting.claim(opening, self._store)
        except Conflict:
            return
        told = replace(claimed, fingerprint=drawing.fingerprint, not_before=None)
        try:
            assert claimed.ref is not None  # noqa: S101 - it is not behind
            await in_time(self.messenger.update(claimed.ref, drawing))
        except (MessageGone, PlaceGone):
            told = replace(told, fingerprint=None, shown=-1)
        except (NotNow, OutcomeUnknown):
            told = replace(told, fingerprint=None)
        self.progress.edited(task.id, view.doing)
        await self._note(claimed, told)

    # --- Where messages go and are kept ---------------------------------------------------------

    def _place_of(self, view: View, opening: Message | None) -> Place:
        return partial(self._place, view, opening)

    async def _place(self, view: View, opening: Message | None) -> tuple[ChannelId, Ts | None]:
        message = view.message
        if message.to is not None:
            return await self.messenger.open_direct(message.to), None
        if message.channel is not None:
            return message.channel, None
        if message.kind is MessageKind.OPENING:
            return view.task.channel, view.task.thread_ts
        if opening is None or opening.abandoned:
            raise PlaceGone(f"the task's thread could not be opened: {opening.abandoned if opening else 'no opening'}")
        if opening.ref is None:
            raise NotYet
        return opening.ref.channel, view.task.thread_ts or opening.ref.ts

    async def _note(self, claimed: Message, record: Message, event: AuditEvent | None = None) -> Message:
        """Store what Slack did, and keep trying within the claim."""
        return await self.posting.stored(claimed, lambda: self._store.note(record, event))

    @property
    def _store(self) -> MessageStore:
        return MessageStore(storage=self.storage)

    @property
    def _closing(self) -> Closing:
        return Closing(messenger=self.messenger, posting=self.posting, clock=self.clock)


def _asked(view: View) -> str | None:
    """The digest of the question that the message puts to people. None: it puts none."""
    asks = view.message.kind in (MessageKind.CARD, MessageKind.COPY, MessageKind.FILE) and not view.message.refused
    return view.request.digest if asks and view.request is not None else None


def _version(view: View) -> int:
    """The version of the question that the message puts to people; that of a file never changes."""
    return view.request.version if _asked(view) and view.request is not None else view.message.version


def _told_of(view: View, shown: Message, now: datetime) -> AuditEvent | None:
    """The event that says that the question is shown there now, if the message is new or asks something else."""
    request, ref = view.request, shown.ref
    if request is None or ref is None or shown.digest == view.message.digest:
        return None
    data: dict[str, JSON] = {"as": str(shown.kind), "version": request.version, "channel": ref.channel, "ts": ref.ts}
    return event_of(request, "shown", now, person=shown.to, surface=shown.id, data=data)


def _overtaken(view: View) -> str | None:
    """Why a file is no longer to be posted, if it holds what is not asked any more."""
    asked = view.request.version if view.request is not None else 0
    return "what is asked has changed since" if view.message.version != asked else None


def _revision(view: View) -> int:
    return revision_of(view.task, view.requests) if view.request is None else view.request.revision


def _drawn(before: Message, after: Message) -> bool:
    """Whether a message that stood there shows something else now."""
    return before.ref is not None and after.shown != before.shown


def _is_in_thread(message: Message) -> bool:
    """Whether it goes into the thread that the opening opens."""
    return message.kind is not MessageKind.OPENING and message.to is None and message.channel is None


def _made(message: Message) -> datetime:
    return message.created_at


def _is_hopeless(waits: Message, why: NotNow | OutcomeUnknown) -> bool:
    """Whether a file has been refused so often that its thread is to be told."""
    is_untold_file = waits.kind is MessageKind.FILE and not waits.refused
    is_refused = isinstance(why, NotNow) and not isinstance(why, NotYet)
    return is_untold_file and is_refused and waits.tries >= MAX_UPLOAD_TRIES


def _leg(view: View) -> Trace | None:
    """The leg of work that a new message belongs to. None if nobody traced it."""
    if view.request is not None:
        return view.request.trace
    if view.message.kind is MessageKind.OUTCOME and view.requests:
        return view.requests[-1].trace
    return view.task.trace
