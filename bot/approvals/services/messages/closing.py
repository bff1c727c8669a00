"""Messages that are to disappear from Slack: second copies of a message, and reminders that nobody needs any more."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.approvals.model.errors import Conflict
from bot.approvals.model.ids import MessageRef
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.request import Pending
from bot.approvals.ports.slack import Messenger, NotNow, OutcomeUnknown, PlaceGone, View
from bot.approvals.ports.work import Clock
from bot.approvals.services.messages.message_store import MessageStore
from bot.approvals.services.messages.posting import Found, NotYet, Place, Posting, PutOff, in_time

log = logging.getLogger(__name__)

COPIES_CHECK_AFTER: Final = timedelta(seconds=60)
"""After a post whose outcome was not known: by then it has come through, if it ever does."""
_REMINDERS: Final = (MessageKind.REMINDER, MessageKind.NUDGE)
_REPLACED: Final = "a later reminder, or the answer, took its place"


def is_overtaken(view: View, messages: Sequence[Message]) -> bool:
    """Whether this is a reminder that nobody needs: its request is no longer open, or a later reminder has been called
    for in the same place."""
    message = view.message
    if message.kind not in _REMINDERS or view.request is None:
        return False
    return not isinstance(view.request.state, Pending) or bool(_later(message, messages))


def is_followed(view: View, messages: Sequence[Message]) -> bool:
    """Whether an overtaken reminder may go: whatever takes its place stands in Slack, or can never stand there."""
    later = _later(view.message, messages)
    settled = view.request is None or not isinstance(view.request.state, Pending)
    return settled or any(each.ref is not None or each.abandoned for each in later)


def _later(message: Message, messages: Sequence[Message]) -> list[Message]:
    """The reminders of the same request, in the same place, that were made after this one."""
    of_it = [
        each
        for each in messages
        if each.kind in _REMINDERS
        and (each.request_id, each.to, each.channel) == (message.request_id, message.to, message.channel)
    ]
    return of_it[[each.id for each in of_it].index(message.id) + 1 :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Deletes single messages. Each method claims the record first."""

    messenger: Messenger
    posting: Posting
    clock: Clock

    async def retire(self, message: Message, store: MessageStore, place: Place) -> Message:
        """Delete a message for good, with all its copies; or see to it that it is never posted. Returns its record as
        it is stored then, which is put off if Slack does not delete it now."""
        refs: tuple[MessageRef, ...] = () if message.ref is None else (message.ref,)
        try:
            if message.attempted or message.copies_due is not None:
                searched = await self.posting.search(message, store, place)
                if isinstance(searched, PutOff):
                    return searched.record
                claimed = searched.record
                refs = searched.refs if isinstance(searched, Found) else refs
            else:
                claimed = await self.posting.claim(message, store)
        except Conflict:
            return message
        gone = replace(
            claimed, ref=None, attempted=False, copies_due=None, replaced=True, abandoned=_REPLACED, not_before=None
        )
        try:
            for ref in refs:
                await in_time(self.messenger.close(ref))
        except (NotNow, OutcomeUnknown) as late:
            wait = late.retry_after if isinstance(late, NotNow) else COPIES_CHECK_AFTER.total_seconds()
            gone = replace(claimed, not_before=self.clock() + timedelta(seconds=wait))
        return await self.posting.stored(claimed, lambda: store.note(gone))

    async def close_copies(self, message: Message, due: datetime, store: MessageStore, place: Place) -> Message:
        """Close the second copies of a message that are in Slack by now. Returns its record as it is stored then, with
        the time of the next look if there is to be one."""
        try:
            claimed = await self.posting.claim(message, store)
        except Conflict:
            return message
        left: datetime | None
        try:
            for ref in await in_time(self.posting.find(message, place)):
                if ref != message.ref:
                    log.warning("message %s stands in Slack more than once; a copy is closed", message.id)
                    await in_time(self.messenger.close(ref))
        except (PlaceGone, NotYet) as gone:
            log.debug("message %s: nothing is left to close: %s", message.id, gone)
            left = None
        except OutcomeUnknown:
            left = self.clock() + COPIES_CHECK_AFTER
        except NotNow as wait:
            left = self.clock() + timedelta(seconds=wait.retry_after)
        else:
            left = due if due > self.clock() else None
        looked = replace(claimed, copies_due=left, not_before=None)
        return await self.posting.stored(claimed, lambda: store.note(looked))
