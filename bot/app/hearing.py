"""What a gateway does with each hint that reaches it; `wire` says which hints there are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.app.wire import Asking, GatewayWork
from bot.approvals.model.errors import Unreachable
from bot.approvals.services.delivery.progress import Progress
from bot.runtime.hints import Hint

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """Acts on hints, in the event loop."""

    work: GatewayWork
    progress: Progress
    asking: Asking
    learn_agents: Callable[[], Awaitable[None]]
    """Reads the catalog of agents again."""
    _reading: set[asyncio.Task[None]] = field(default_factory=set)

    def taken(self, hint: Hint) -> None:
        """Acts on one hint. Returns at once."""
        if "show" in hint:
            self.progress.over(hint["show"])
            self.work.show(hint["show"])
        elif "soon" in hint:
            self.work.show_soon(hint["soon"])
        elif "deliver" in hint:
            self.work.deliver(hint["deliver"])
        elif "doing" in hint:
            self.progress.tell(*hint["doing"])
        elif "checked" in hint:
            self.asking.answered(hint)
        elif "published" in hint:
            self._reading.add(task := asyncio.get_running_loop().create_task(unless_away(self.learn_agents())))
            task.add_done_callback(self._reading.discard)


async def unless_away(reading: Awaitable[None]) -> None:
    """Waits for it. If storage does not answer, logs that, because the next sweep reads the agents again."""
    try:
        await reading
    except Unreachable as away:
        log.warning("the agents could not be read; the next sweep reads them again: %s", away)
