"""Waiting until a message shows what somebody did, so that they are told in private if it does not soon."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from bot.approvals.model.ids import MessageRef
from bot.approvals.model.message import Message
from bot.approvals.ports.storage import Storage

PATIENCE = timedelta(seconds=2)
"""How long a message may take to show a click before the person is told in private that it counted."""


@dataclass(slots=True)
class Watch:
    """Wakes those who wait for a message, whenever this process has brought it up to date."""

    _waiting: dict[MessageRef, list[asyncio.Event]] = field(default_factory=dict)

    def told(self, ref: MessageRef) -> None:
        """The message at this place is up to date."""
        for event in self._waiting.get(ref, ()):
            event.set()

    async def shows(self, storage: Storage, ref: MessageRef, patience: timedelta = PATIENCE) -> bool:
        """Whether the message at this place shows its request as it is stored now, or will within `patience`. True as
        well if it is to show no request, or if Slack will never show it: nobody is to be told to wait then.

        Raises `Unreachable` if the store does not answer.
        """
        event = asyncio.Event()
        self._waiting.setdefault(ref, []).append(event)  # before the first look, so that nothing is missed
        try:
            message = await storage.message_at(ref)
            if message is None or message.shows is None:
                return True
            revision = (await storage.request(message.shows)).revision
            async with asyncio.timeout(patience.total_seconds()):
                while not _is_done(message, revision):
                    await event.wait()
                    event.clear()
                    message = await storage.message_at(ref)
                return True
        except TimeoutError:
            return _is_done(await storage.message_at(ref), revision)  # another process may have shown it
        finally:
            self._waiting[ref].remove(event)
            if not self._waiting[ref]:
                del self._waiting[ref]


def _is_done(message: Message | None, revision: int) -> bool:
    """Whether the message shows this revision, or never will."""
    return message is None or message.abandoned is not None or message.shown >= revision
