"""Waiting until a message shows what somebody did, so that they are told in private if it does not soon."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from bot.approvals.model.ids import MessageRef
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
        message = await storage.message_at(ref)
        if message is None or message.shows is None:
            return True
        revision = (await storage.request(message.shows)).revision
        event = asyncio.Event()
        self._waiting.setdefault(ref, []).append(event)

        async def is_shown() -> bool:
            message = await storage.message_at(ref)
            return message is None or message.abandoned is not None or message.shown >= revision

        try:
            async with asyncio.timeout(patience.total_seconds()):
                while not await is_shown():
                    await event.wait()
                    event.clear()
                return True
        except TimeoutError:
            return await is_shown()  # another process may have shown it
        finally:
            self._waiting[ref].remove(event)
            if not self._waiting[ref]:
                del self._waiting[ref]
