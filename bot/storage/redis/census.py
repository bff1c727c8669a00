"""Counts of what waits in Redis: the open requests in parts, so that Redis is never busy with them for long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from bot.approvals.model.census import Census, Some, Waiting
from bot.approvals.model.request import Decided, Pending, Request
from bot.storage.counting import may_begin
from bot.storage.redis.census_scripts import CENSUS, COUNTS
from bot.storage.redis.database import Database, moment, time_of
from bot.storage.redis.listing import complete

AT_ONCE: Final = 200
"""Open requests that one script looks at."""


class RedisCensus:
    """`CensusStore` on Redis."""

    _db: Database

    async def census(self, now: datetime) -> Census:
        await complete(self._db)
        pending: dict[str, Waiting] = {}
        undelivered = Some()
        start, count = 0, AT_ONCE
        while count == AT_ONCE:
            wanted = (moment(now), start, start + AT_ONCE - 1)
            count, graphs, more, since, unknown = await self._db.run(CENSUS, *wanted)
            for graph, number, oldest, overdue in graphs:
                _add(pending, graph, Waiting(count=number, since=time_of(oldest), overdue=overdue))
            undelivered = _sum(undelivered, Some(count=more, since=time_of(since) if since else None))
            undelivered = _sum(undelivered, self._of_earlier_versions(unknown, pending, now))
            start += AT_ONCE
        failed, stale, stale_at, entries, webhooks, made = await self._db.run(COUNTS)
        return Census(
            pending=pending,
            undelivered=undelivered,
            failed=failed,
            stale=Some(count=stale, since=time_of(stale_at) if stale_at else None),
            entries=int(entries),
            webhooks=Some(count=webhooks, since=datetime.fromisoformat(made).astimezone(UTC) if made else None),
        )

    def _of_earlier_versions(self, bodies: Sequence[str], pending: dict[str, Waiting], now: datetime) -> Some:
        """Adds the pending ones among these requests, and returns those that are not delivered."""
        found = Some()
        for request in (self._db.reader.read(Request, body) for body in bodies):
            match request.state:
                case Pending(due_at=due_at):
                    overdue = due_at is not None and due_at <= now
                    one = Waiting(count=1, since=request.opened_at, overdue=int(overdue))
                    _add(pending, request.graph, one)
                case Decided() as state if may_begin(state) <= now:
                    found = _sum(found, Some(count=1, since=may_begin(state)))
                case _:
                    pass
        return found


def _add(pending: dict[str, Waiting], graph: str, more: Waiting) -> None:
    known = pending.get(graph)
    if known is not None:
        more = Waiting(
            count=known.count + more.count,
            since=min(known.since, more.since),
            overdue=known.overdue + more.overdue,
        )
    pending[graph] = more


def _sum(one: Some, other: Some) -> Some:
    times = [each.since for each in (one, other) if each.since is not None]
    return Some(count=one.count + other.count, since=min(times, default=None))
