"""Records -> what Slack shows, kept in sync.

A message's record is stored together with the change that calls for it, and posted afterwards. A crash between the two
leaves a message that is out of date, which the next pass finds and posts.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias, assert_never

from bot.approvals.model.audit import AuditEvent, event_of
from bot.approvals.model.errors import Conflict
from bot.approvals.model.ids import JSON, ChannelId, MessageRef, TaskId, Ts
from bot.approvals.model.message import Message, MessageKind
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
from bot.approvals.ports.work import Clock
from bot.approvals.services.delivery.progress import Progress
from bot.approvals.services.messages.posting import (
    RETRY_WAIT_INITIAL,
    Found,
    Missing,
    Place,
    Posted,
    Posting,
    PutOff,
    Refused,
    in_time,
)
from bot.approvals.services.messages.unreached import note_unreached

log = logging.getLogger(__name__)

COPIES_CHECK_AFTER = timedelta(seconds=60)
"""After a post whose outcome was not known: by then it has come through, if it ever does."""
MAX_UPLOAD_TRIES = 8
"""Then the thread is told that its file is not there."""

Outcome: TypeAlias = Posted[Message] | Found[Message] | PutOff[Message] | Refused[Message]


class NotYet(NotNow):
    """The message belongs into a Slack thread that has no opening message yet."""

    def __init__(self) -> None:
        super().__init__("the thread is not open yet", RETRY_WAIT_INITIAL.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStore:
    """Keeps the records of tasks' messages."""

    storage: Storage

    async def claim(self, record: Message) -> Message:
        return await self.storage.save_message(record)

    async def note(self, record: Message, event: AuditEvent | None = None) -> Message:
        try:
            return await self.storage.save_message(record, event)
        except Conflict:
            log.info("message %s was brought up to date by somebody else", record.id)
            return record


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSync:
    """Keeps tasks' messages in sync with the records."""

    storage: Storage
    messenger: Messenger
    posting: Posting
    clock: Clock
    progress: Progress | None = None
    """What this process's runs are doing. None: nobody says."""

    async def sync_task(self, task_id: TaskId) -> datetime | None:
        """Post or update every message of the task that is out of date, each at most once. An opening is posted before
        the others, which go into its thread, and updated after them, as people look at the others.

        Returns when another pass is due for what could not be done now, or None if all is up to date. A message that
        another process has claimed, or that Slack refuses for the moment, is left alone until then.
        """
        records = await self.storage.records_of(task_id)
        task, messages = records.task, records.messages
        requests = {request.id: request for request in records.requests}
        opening = next((message for message in messages if message.kind is MessageKind.OPENING), None)
        doing = self.progress.doing(task_id) if self.progress is not None else None
        latest = max((message for message in messages if message.kind is MessageKind.OUTCOME), key=_made, default=None)
        again: list[datetime] = []
        for message in sorted(messages, key=_last):
            request = requests[message.request_id] if message.request_id else None
            view = View(
                message=message,
                task=task,
                request=request,
                requests=records.requests,
                current=message.kind is not MessageKind.OUTCOME or message is latest,
                doing=doing if message is opening else None,
            )
            if message.abandoned:
                continue
            if message.shown >= _revision(view):
                await self._look_again(view, opening, again)
                continue
            now = self.clock()
            synced = message
            if message is opening and message.ref is not None and (wait := self._pause(task_id)):
                again.append(now + wait)
                continue
            if message.not_before is None or message.not_before <= now:
                synced = await self._sync(view, opening)
            if message is opening:
                opening = synced
            if synced.shown < _revision(view) and not synced.abandoned:
                again.append(synced.not_before or now)
            await self._look_again(replace(view, message=synced), opening, again, drawn=_drawn(message, synced))
            if synced.abandoned and message.kind is MessageKind.COPY:
                again.append(now)  # the thread is told that nobody was asked there
        if opening is not None and doing:
            await self._tell(View(message=opening, task=task, requests=records.requests, doing=doing))
        return min(again, default=None)

    async def _sync(self, view: View, opening: Message | None) -> Message:
        """Bring one message up to date. Returns its record as it is stored then."""
        message = view.message
        if message.kind is MessageKind.FILE and (overtaken := _overtaken(view)):
            return await self._store.note(replace(message, shown=_revision(view), abandoned=overtaken))
        drawing = self.messenger.draw(view)
        if message.ref is not None and message.fingerprint == drawing.fingerprint:
            return await self._store.note(replace(message, shown=_revision(view)))
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
        return await self.posting.post(message, drawing, self._store, place)

    async def _posted(self, view: View, claimed: Message, ref: MessageRef, drawing: Drawing) -> Message:
        """Store what the message shows now, and where."""
        before, now = view.message, self.clock()
        if before.kind is MessageKind.OPENING and before.ref is not None and self.progress is not None:
            self.progress.edited(before.task_id, view.doing)
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
        return await self._note(claimed, shown, _told_of(view, shown, now))

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
        log.warning("message %s of task %s cannot be shown: %s", claimed.id, claimed.task_id, why)
        if claimed.kind is MessageKind.COPY:
            await note_unreached(self.storage, claimed, why, self.clock())
        return await self._note(claimed, replace(claimed, abandoned=why))

    async def _without_file(self, view: View, record: Message, opening: Message | None, why: Exception) -> Message:
        """Say in the thread, in the file's place, that it could not be attached."""
        log.error("the file of request %s could not be attached: %s", record.request_id, why)
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
        if (left := (await self._close_copies(view, opening)).copies_due) is not None:
            again.append(left)

    async def _close_copies(self, view: View, opening: Message | None) -> Message:
        message = view.message
        try:
            claimed = await self.posting.claim(message, self._store)
        except Conflict:
            return message
        due = message.copies_due
        assert due is not None  # noqa: S101 - the caller's filter
        try:
            for ref in await in_time(self.posting.find(message, self._place_of(view, opening))):
                if ref != message.ref:
                    log.warning("message %s stands in Slack more than once; a copy is closed", message.id)
                    await in_time(self.messenger.close(ref))
        except (PlaceGone, NotYet) as gone:
            log.info("message %s: nothing is left to close: %s", message.id, gone)
            left = None
        except OutcomeUnknown:
            left = self.clock() + COPIES_CHECK_AFTER
        except NotNow as wait:
            left = self.clock() + timedelta(seconds=wait.retry_after)
        else:
            left = due if due > self.clock() else None
        return await self._note(claimed, replace(claimed, copies_due=left, not_before=None))

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
        behind = opening.ref is None or opening.shown < task.revision or opening.abandoned
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
    return view.task.revision if view.request is None else view.request.revision


def _drawn(before: Message, after: Message) -> bool:
    """Whether a message that stood there shows something else now."""
    return before.ref is not None and after.shown != before.shown


def _last(message: Message) -> bool:
    """Whether it can wait for the others."""
    return message.kind is MessageKind.OPENING and message.ref is not None


def _made(message: Message) -> datetime:
    return message.created_at


def _is_hopeless(waits: Message, why: NotNow | OutcomeUnknown) -> bool:
    """Whether a file has been refused so often that its thread is to be told."""
    is_untold_file = waits.kind is MessageKind.FILE and not waits.refused
    is_refused = isinstance(why, NotNow) and not isinstance(why, NotYet)
    return is_untold_file and is_refused and waits.tries >= MAX_UPLOAD_TRIES
