"""Counts of what waits in the SQLite file. Each query reads an index that holds nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.approvals.model.census import Census, Some, Waiting
from bot.storage.sqlite import rows
from bot.storage.sqlite.database import Database
from bot.storage.sqlite.schema import JSON_BODY


class SqliteCensus:
    """`CensusStore` on SQLite."""

    _db: Database

    async def census(self, now: datetime) -> Census:
        at = {"now": rows.moment(now)}
        pending = await self._db.many_rows(_PENDING, at)
        ((undelivered, settled_at),) = await self._db.many_rows(_UNDELIVERED, at)
        ((failed, stale, entries, webhooks),) = await self._db.many_rows(_COUNTS, {})
        return Census(
            pending={
                str(graph): Waiting(count=count, since=rows.time_of(opened_at) or now, overdue=overdue)
                for graph, count, opened_at, overdue in pending
            },
            undelivered=Some(count=undelivered, since=rows.time_of(settled_at)),
            failed=failed,
            stale=Some(count=stale, since=_time(await self._db.rows(_STALE_SINCE, {}))),
            entries=entries or 0,
            webhooks=Some(count=webhooks, since=_time(await self._db.rows(_OLDEST_WEBHOOK, {}))),
        )


def _time(found: Sequence[Sequence[str]]) -> datetime | None:
    return datetime.fromisoformat(found[0][0]).astimezone(UTC) if found else None


# `INDEXED BY` refuses any plan that reads records, as in `bot.storage.sqlite.schema`.
_PENDING = """
    SELECT graph, COUNT(*), MIN(opened_at), SUM(due_at IS NOT NULL AND due_at <= :now)
    FROM requests INDEXED BY requests_pending WHERE state = 'Pending' GROUP BY graph
"""
_COUNTS = """
    SELECT
        (SELECT COUNT(*) FROM tasks INDEXED BY failed_tasks_by_time WHERE state = 'Failed' AND ended_at IS NULL),
        (SELECT COUNT(*) FROM surfaces INDEXED BY surfaces_stale WHERE stale_since IS NOT NULL),
        (SELECT seq FROM sqlite_sequence WHERE name = 'events'),
        (SELECT COUNT(*) FROM webhooks INDEXED BY webhooks_due WHERE next_try IS NOT NULL)
"""
_UNDELIVERED = """
    SELECT COUNT(*), MIN(settled_at) FROM requests INDEXED BY requests_decided
    WHERE state = 'Decided' AND settled_at <= :now
        AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.thread_id = requests.thread_id AND until > :now)
"""
_STALE_SINCE = f"""
    SELECT json_extract({JSON_BODY}, '$.at') FROM events
    WHERE seq >= (SELECT MIN(stale_since) FROM surfaces INDEXED BY surfaces_stale WHERE stale_since IS NOT NULL)
        AND body <> ''
    ORDER BY seq LIMIT 1
"""  # noqa: S608
_OLDEST_WEBHOOK = """
    SELECT json_extract(body, '$.created_at') FROM webhooks
    WHERE seq = (SELECT MIN(seq) FROM webhooks INDEXED BY webhooks_due WHERE next_try IS NOT NULL)
"""
