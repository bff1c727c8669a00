"""How messages read now, as far as this process was told: events come in any order, and are worked on at once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final
from weakref import WeakValueDictionary

from bot.approvals.model.ids import ChannelId, MessageRef, Ts
from bot.slack.listeners.events import Change, Event

MAX_REMEMBERED: Final = 1000
"""Messages of which the latest wording is known."""


@dataclass(slots=True, kw_only=True)
class Wordings:
    """The latest wording of each message. Each message is worked on by one at a time."""

    _latest: OrderedDict[MessageRef, Change] = field(default_factory=OrderedDict)
    _turns: WeakValueDictionary[MessageRef, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def turn(self, ref: MessageRef) -> asyncio.Lock:
        """What is held while somebody works on this message."""
        turn = self._turns.get(ref)
        if turn is None:
            turn = self._turns[ref] = asyncio.Lock()
        return turn

    def note(self, change: Change) -> bool:
        """Remember it; False if a later one is known."""
        known = self._latest.get(change.ref)
        if known is not None and Decimal(known.at) >= Decimal(change.at):
            return False
        self._latest[change.ref] = change
        self._latest.move_to_end(change.ref)
        while len(self._latest) > MAX_REMEMBERED:
            self._latest.popitem(last=False)
        return True

    async def as_worded(self, event: Event, act: Callable[[Event], Awaitable[None]]) -> None:
        """Act on a new message, as it reads now if that was told earlier; not at all if it was deleted."""
        ref = MessageRef(channel=ChannelId(event.told["channel"]), ts=Ts(event.told["ts"]))
        async with self.turn(ref):
            change = self._latest.get(ref)
            if change is None:
                await act(event)
            elif change.now is not None:
                told = {**event.told, "text": change.now.get("text", "")}
                await act(replace(event, body={**event.body, "event": told}))
