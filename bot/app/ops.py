"""What a gateway does for operators: it tells them in OPS_CHANNEL what goes on only if a person acts.

Looks run beside the sweep, one at a time and none of them waited for, so that they never delay an approval.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from bot.approvals.model.errors import Conflict, Unreachable
from bot.approvals.model.trouble import Trouble
from bot.approvals.ports.slack import Directory, Drawing, LookupFailed
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import Telemetry
from bot.approvals.ports.work import Clock
from bot.approvals.rules.matching import Policies
from bot.approvals.services.messages.masked import Masking
from bot.approvals.services.messages.posting import Posting
from bot.approvals.services.troubles.chain import OfTheLog
from bot.approvals.services.troubles.channel import problem_with
from bot.approvals.services.troubles.policies import OfPolicies
from bot.approvals.services.troubles.records import FromRecords
from bot.approvals.services.troubles.servers import OfServers
from bot.approvals.services.troubles.sweep import Troubles
from bot.approvals.services.troubles.telling import Telling
from bot.slack.cards import trouble_card

log = logging.getLogger(__name__)

MAX_LOOK_SECONDS: Final = 60.0
"""How long one look may take. What it has not got to, the next one does."""
SECONDS_FOR_THE_LAST: Final = 2.0
"""How long a shutdown waits for a look that is under way. A post that is cut off is searched for by the next one."""


@dataclass(slots=True, kw_only=True)
class Ops:
    """The looks for troubles. None of them does anything if no channel is set."""

    troubles: Troubles | None
    clock: Clock
    _running: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Begin a look unless one is under way. Returns at once."""
        if self.troubles is not None and (self._running is None or self._running.done()):
            self._running = asyncio.create_task(self._look(self.troubles), name="a look for troubles")

    async def close(self) -> None:
        """End the look that is under way."""
        if self._running is not None:
            await asyncio.wait([self._running], timeout=SECONDS_FOR_THE_LAST)
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def _look(self, troubles: Troubles) -> None:
        try:
            async with asyncio.timeout(MAX_LOOK_SECONDS):
                await troubles.sweep(self.clock())
        except TimeoutError:
            log.warning("a look for troubles took over %g seconds; the next one goes on", MAX_LOOK_SECONDS)
        except (Unreachable, Conflict) as error:
            log.info("a look for troubles was cut short, the next one goes on: %s", error)
        except Exception:
            log.exception("a look for troubles failed; the next one tries again")


@asynccontextmanager
async def operators(
    channel: str | None,
    *,
    storage: Storage,
    directory: Directory,
    posting: Posting,
    policies: Callable[[], Policies],
    servers_away: Callable[[], Mapping[str, bool]],
    masking: Masking,
    address: str,
    owner: str,
    lease_ttl: timedelta,
    clock: Clock,
    telemetry: Telemetry,
) -> AsyncIterator[Ops]:
    """Looks for troubles while the block runs, whenever it is told to. Does nothing if there is no channel."""
    if channel is None:
        yield Ops(troubles=None, clock=clock)
        return

    def draw(trouble: Trouble) -> Drawing:
        about = trouble.about
        why = None if about.why is None else masking.text(about.why)
        return trouble_card.draw(replace(trouble, about=replace(about, why=why)), address)

    ops = Ops(
        troubles=Troubles(
            storage=storage,
            sources=(
                FromRecords(storage=storage),
                OfPolicies(policies=policies, directory=directory),
                OfServers(away=servers_away),
                OfTheLog(storage=storage),
            ),
            telling=Telling(
                storage=storage, directory=directory, posting=posting, draw=draw, clock=clock, channel=channel
            ),
            owner=owner,
            lease_ttl=lease_ttl,
            telemetry=telemetry,
        ),
        clock=clock,
    )
    noticing = asyncio.create_task(_notice(channel, directory))
    try:
        yield ops
    finally:
        noticing.cancel()
        await ops.close()


async def _notice(channel: str, directory: Directory) -> None:
    """Log at the start if nobody can be told."""
    try:
        if problem := await problem_with(channel, directory):
            log.warning("OPS_CHANNEL: %s Until then, nobody is told of troubles.", problem)
    except LookupFailed as failed:
        log.warning("OPS_CHANNEL %s could not be looked up at the start: %s", channel, failed)
