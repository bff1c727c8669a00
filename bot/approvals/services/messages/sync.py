"""Records -> what Slack should show, brought level.

A surface is stored together with the change that wants it, and posted afterwards; so a crash between the two
leaves a stale surface behind, which any later pass finds and posts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from bot import crash_points
from bot.approvals.model.audit import AuditEvent, event_of
from bot.approvals.model.errors import Conflict
from bot.approvals.model.ids import JSON, ChannelId, MessageRef, TaskId, Ts
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.request import Unreached
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
from bot.approvals.rules import side_actions
from bot.approvals.services.delivery.progress import Progress
from bot.approvals.services.messages import wanted
from bot.approvals.services.unit_of_work import until_won

log = logging.getLogger(__name__)

T = TypeVar("T")

CLAIM = timedelta(seconds=60)
"""How long a surface is one pass's alone while Slack is called."""
IN_TIME = CLAIM * 2 / 3
"""How long showing it may take, waiting for a turn included: what comes after the claim's end could put an old drawing
over the newer one of somebody else, for good."""
COME_LATE = timedelta(seconds=60)
"""When a post whose outcome was not known has come through, if it ever does."""
FIRST_WAIT = timedelta(seconds=2)
LAST_WAIT = timedelta(minutes=5)
MOST_UPLOADS = 8
"""How often a file is tried before its thread is told that it is not there."""


class NotYet(Exception):
    """The Slack thread that this message belongs into has no opening message yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSync:
    """Brings Slack level with the records."""

    storage: Storage
    messenger: Messenger
    clock: Clock
    progress: Progress | None = None
    """What runs of this process are doing; None where nobody says."""

    async def sync_task(self, task_id: TaskId) -> datetime | None:
        """Post or update every stale surface of the task, each at most once: an opening that is to be posted first, as
        the others go into its thread; one that is to be changed last, as people look at the others.

        Returns when another pass is due for what could not be brought level now; None where all is level. A
        surface that somebody else is at, or that Slack refuses for the moment, is left alone until then.
        """
        records = await self.storage.records_of(task_id)
        task, messages = records.task, records.messages
        requests = {request.id: request for request in records.requests}
        opening = next((message for message in messages if message.kind is MessageKind.OPENING), None)
        doing = self.progress.doing(task_id) if self.progress is not None else ""
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
                doing=doing if message is opening else "",
            )
            if message.abandoned:
                continue
            if message.shown >= _revision(view):
                await self._look_again(view, opening, again)
                continue
            now = self.clock()
            level = message
            if message is opening and message.ref is not None and (wait := self._pause(task_id)):
                again.append(now + wait)
                continue
            if message.not_before is None or message.not_before <= now:
                level = await self._level(view, opening)
            if message is opening:
                opening = level
            if level.shown < _revision(view) and not level.abandoned:
                again.append(level.not_before or now)
            await self._look_again(replace(view, message=level), opening, again, drawn=_drawn(message, level))
            if level.abandoned and message.kind is MessageKind.COPY:
                again.append(now)  # it is said in the thread that nobody was asked there
        if opening is not None and doing:
            await self._tell(View(message=opening, task=task, requests=records.requests, doing=doing))
        return min(again, default=None)

    def _pause(self, task_id: TaskId) -> timedelta | None:
        """How long the opening is left alone because it was edited a moment ago."""
        wait = self.progress.wait(task_id) if self.progress is not None else 0.0
        return timedelta(seconds=wait) if wait > 0 else None

    async def _tell(self, view: View) -> None:
        """Say in the opening, which is level, what the graph is doing. Lost where Slack does not take it now; claimed
        as any edit is, so that it can never come after the one that tells of the end."""
        opening, task = view.message, view.task
        drawing = self.messenger.draw(view)
        behind = opening.ref is None or opening.shown < task.revision or opening.abandoned
        if self.progress is None or behind or opening.fingerprint == drawing.fingerprint:
            return
        if self._pause(task.id) or (opening.not_before is not None and opening.not_before > self.clock()):
            return
        try:
            claimed = await self.storage.save_message(replace(opening, not_before=self.clock() + CLAIM))
        except Conflict:
            return
        told = replace(claimed, fingerprint=drawing.fingerprint, not_before=None)
        try:
            assert claimed.ref is not None  # noqa: S101 - it is not behind
            await _in_time(self.messenger.update(claimed.ref, drawing))
        except (MessageGone, PlaceGone):
            told = replace(told, fingerprint="", shown=-1)
        except (NotNow, OutcomeUnknown):
            told = replace(told, fingerprint="")
        self.progress.edited(task.id, view.doing)
        await self._store(told)

    async def _level(self, view: View, opening: Message | None) -> Message:
        """Bring one surface level; returns it as it is stored then."""
        message = view.message
        if message.kind is MessageKind.FILE and (overtaken := _overtaken(view)):
            return await self._store(replace(message, shown=_revision(view), abandoned=overtaken))
        drawing = self.messenger.draw(view)
        if message.ref is not None and message.fingerprint == drawing.fingerprint:
            return await self._store(replace(message, shown=_revision(view)))
        posting = message.ref is None
        first = posting and not message.attempted and message.begun_at is None
        begun_at = await self.messenger.time() if first else message.begun_at
        claimed = replace(message, attempted=posting, begun_at=begun_at, not_before=self.clock() + CLAIM)
        try:
            claimed = await self.storage.save_message(claimed)
        except Conflict:
            return message
        try:
            if posting and message.attempted and (found := await _in_time(self._find(view, opening))):
                return await self._adopt(view, claimed, found, opening)
            ref = await _in_time(self._show(replace(view, message=claimed), drawing, opening))
        except PlaceGone as gone:
            log.warning("surface %s of task %s cannot be shown: %s", message.id, message.task_id, gone)
            if message.kind is MessageKind.COPY:
                await self._missed(message, str(gone))
            return await self._store(replace(claimed, abandoned=str(gone)))
        except MessageGone:
            renewed = replace(
                claimed,
                ref=None,
                attempted=False,
                fingerprint="",
                digest="",
                copies_due=self.clock(),
                not_before=None,
            )
            return await self._store(renewed)
        except FileRefused as refused:
            return await self._without_file(view, claimed, opening, str(refused))
        except OutcomeUnknown:
            return await self._put_off(claimed)
        except NotNow as wait:
            if message.kind is MessageKind.FILE and not message.refused and message.tries + 1 >= MOST_UPLOADS:
                return await self._without_file(view, claimed, opening, str(wait))
            unattempted = replace(claimed, attempted=message.attempted)
            return await self._put_off(unattempted, timedelta(seconds=wait.retry_after))
        except NotYet:
            return await self._put_off(replace(claimed, attempted=False), FIRST_WAIT)
        if message.kind is MessageKind.OPENING and message.ref is not None and self.progress is not None:
            self.progress.edited(message.task_id, view.doing)
        shown = replace(
            claimed,
            ref=ref,
            shown=_revision(view),
            fingerprint=drawing.fingerprint,
            digest=_asked(view),
            version=_version(view),
            attempted=False,
            copies_due=self.clock() + COME_LATE if message.attempted else message.copies_due,
            tries=0,
            not_before=None,
        )
        return await self._store(shown, _told_of(view, shown, self.clock()))

    async def _without_file(self, view: View, claimed: Message, opening: Message | None, why: str) -> Message:
        """Say in the thread, in the file's place, that it could not be attached."""
        log.error("the file of request %s could not be attached: %s", claimed.request_id, why)
        assert view.request is not None  # noqa: S101 - it is the file of one
        event = event_of(view.request, "unattached", self.clock(), surface=claimed.id, data={"why": why})
        noted = await self._store(replace(claimed, refused=why, attempted=False, tries=0, not_before=None), event)
        return await self._level(replace(view, message=noted), opening)

    async def _missed(self, copy: Message, why: str) -> None:
        """Note that this copy cannot be sent, and have it said in the thread; before the copy is given up, so that a
        crash forgets nothing."""
        asked_at = copy.created_at

        async def once() -> None:
            assert copy.request_id is not None  # noqa: S101 - it is a copy
            request = await self.storage.request(copy.request_id)
            before = [each for each in request.unreached if each.asked_at == asked_at]
            copies = [
                each.to or each.channel
                for each in await self.storage.messages_of(copy.task_id)
                if each.kind is MessageKind.COPY and each.request_id == request.id and each.created_at == asked_at
            ]
            sent = {whom for whom in (*copies, *(each.whom for each in before)) if whom is not None}
            missing = Unreached(person=copy.to, name=copy.channel or "", why=why, asked_at=asked_at)
            noted = side_actions.missed(request, [missing], sent)
            if noted is request:
                return
            data: dict[str, JSON] = {"why": why, **({"channel": copy.channel} if copy.channel else {})}
            event = event_of(noted, "unreached", self.clock(), person=copy.to, surface=copy.id, data=data)
            await self.storage.save_request(noted, event, [] if before else [wanted.unreached_of(request, asked_at)])

        await until_won(once)

    async def _show(self, view: View, drawing: Drawing, opening: Message | None) -> MessageRef:
        message = view.message
        if message.ref is not None:
            await self.messenger.update(message.ref, drawing)
            return message.ref
        channel, thread_ts = await self._place(view, opening)
        ref = await self.messenger.post(channel, thread_ts, drawing, message.id)
        crash_points.point("message-posted")
        return ref

    # --- Posts whose outcome is not known -------------------------------------------------------

    async def _find(self, view: View, opening: Message | None) -> tuple[MessageRef, ...]:
        """The messages of the surface that stand in Slack, the oldest first."""
        channel, thread_ts = await self._place(view, opening)
        return await self.messenger.find(channel, thread_ts, view.message.id, view.message.begun_at)

    async def _adopt(
        self, view: View, claimed: Message, found: tuple[MessageRef, ...], opening: Message | None
    ) -> Message:
        """Store where the message stands before anything else can get lost, and bring it level there."""
        first, *copies = found
        due = self.clock() if copies else claimed.copies_due
        placed = replace(claimed, ref=first, attempted=False, copies_due=due, not_before=None)
        return await self._level(replace(view, message=await self._store(placed)), opening)

    async def _look_again(
        self, view: View, opening: Message | None, again: list[datetime], *, drawn: bool = False
    ) -> None:
        """Close other messages of the surface that stand in Slack, when that is due and whenever it was `drawn` anew:
        their buttons would be pressed."""
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
            claimed = await self.storage.save_message(replace(message, not_before=self.clock() + CLAIM))
        except Conflict:
            return message
        due = message.copies_due
        assert due is not None  # noqa: S101 - the caller's filter
        try:
            for ref in await _in_time(self._find(view, opening)):
                if ref != message.ref:
                    log.warning("surface %s stands in Slack more than once; a copy is closed", message.id)
                    await _in_time(self.messenger.close(ref))
        except (PlaceGone, NotYet) as gone:
            log.info("surface %s: nothing is left to close: %s", message.id, gone)
            left = None
        except OutcomeUnknown:
            left = self.clock() + COME_LATE
        except NotNow as wait:
            left = self.clock() + timedelta(seconds=wait.retry_after)
        else:
            left = due if due > self.clock() else None
        return await self._store(replace(claimed, copies_due=left, not_before=None))

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

    async def _put_off(self, message: Message, wait: timedelta | None = None) -> Message:
        if wait is None:
            wait = min(FIRST_WAIT * 2 ** min(message.tries, 10), LAST_WAIT)
        return await self._store(replace(message, tries=message.tries + 1, not_before=self.clock() + wait))

    async def _store(self, message: Message, event: AuditEvent | None = None) -> Message:
        try:
            return await self.storage.save_message(message, event)
        except Conflict:
            log.info("surface %s was brought level by somebody else", message.id)
            return message


def _asked(view: View) -> str:
    """The digest of the question that the surface puts to people; empty where it puts none."""
    asks = view.message.kind in (MessageKind.CARD, MessageKind.COPY, MessageKind.FILE) and not view.message.refused
    return view.request.digest if asks and view.request is not None else ""


def _version(view: View) -> int:
    """The version of the question that the surface puts to people; a file's never changes."""
    return view.request.version if _asked(view) and view.request is not None else view.message.version


def _told_of(view: View, shown: Message, now: datetime) -> AuditEvent | None:
    """That the question is shown there now, where it was not before: it is posted, or asks something else."""
    request, ref = view.request, shown.ref
    if request is None or ref is None or shown.digest == view.message.digest:
        return None
    data: dict[str, JSON] = {"as": str(shown.kind), "version": request.version, "channel": ref.channel, "ts": ref.ts}
    return event_of(request, "shown", now, person=shown.to, surface=shown.id, data=data)


def _overtaken(view: View) -> str:
    """Why a file is no longer to be posted: it would hold what is not asked any more."""
    asked = view.request.version if view.request is not None else 0
    return "what is asked has changed since" if view.message.version != asked else ""


async def _in_time(showing: Awaitable[T]) -> T:
    """What Slack answered while the claim held; `OutcomeUnknown` where it had not by then."""
    try:
        async with asyncio.timeout(IN_TIME.total_seconds()):
            return await showing
    except TimeoutError as late:
        raise OutcomeUnknown("its turn, or Slack's answer, took too long") from late


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
