"""The audit log in the SQLite file: one table, in which triggers refuse what would change an entry."""

from __future__ import annotations

import sqlite3

from bot.approvals.model.audit import GENESIS, AuditEvent, Entry, Head
from bot.approvals.model.ids import RequestId, TaskId
from bot.storage import codec
from bot.storage.sqlite import rows, schema
from bot.storage.sqlite.database import Database


class SqliteAudit:
    """`AuditStore` on SQLite."""

    _db: Database

    async def record(self, event: AuditEvent) -> None:
        def change(db: sqlite3.Connection) -> None:
            rows.add_event(db, event)

        await self._db.change(change)

    async def history(self, task_id: TaskId, request_id: RequestId | None = None) -> tuple[AuditEvent, ...]:
        sql = """
            SELECT body FROM events
            WHERE task_id = :task_id AND (:request_id IS NULL OR request_id = :request_id) AND body <> '' ORDER BY seq
        """
        found = await self._db.rows(sql, {"task_id": task_id, "request_id": request_id})
        return tuple(codec.decode(AuditEvent, body) for (body,) in found)

    async def trail(self, after: int, limit: int) -> tuple[Entry, ...]:
        found = await self._db.many_rows(schema.TRAIL, {"after": after, "limit": limit})
        return tuple(
            Entry(
                number=seq,
                task_id=task_id.decode(errors="replace"),
                body=body,
                digest=digest.hex(),
                link=link.hex(),
            )
            for seq, task_id, body, digest, link in found
        )

    async def head(self) -> Head:
        ((number, link),) = await self._db.rows(schema.HEAD, {})
        return Head(number=number or 0, link=GENESIS if link is None else link.hex())

    async def is_purged(self, task_id: TaskId) -> bool:
        found = await self._db.rows(
            "SELECT CAST(body AS BLOB) FROM events WHERE task_id = :id AND body <> ''", {"id": task_id}
        )
        return any(codec.tells_of_purge(body) for (body,) in found)
