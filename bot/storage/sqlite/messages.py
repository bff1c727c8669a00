"""Messages in the SQLite file."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import Conflict
from bot.approvals.model.ids import MessageRef, TaskId
from bot.approvals.model.message import Message
from bot.storage.sqlite import rows, schema
from bot.storage.sqlite.database import Database


class SqliteMessages:
    """`MessageStore` on SQLite."""

    _db: Database

    async def messages_of(self, task_id: TaskId) -> tuple[Message, ...]:
        sql = "SELECT body FROM surfaces WHERE task_id = :task_id ORDER BY seq"
        return await self._db.records(Message, sql, task_id=task_id)

    async def out_of_date(self, now: datetime, limit: int) -> tuple[Message, ...]:
        return await self._db.records(Message, schema.OUT_OF_DATE, now=rows.moment(now), limit=limit)

    async def save_message(self, message: Message, event: AuditEvent | None = None) -> Message:
        saved = replace(message, revision=message.revision + 1)
        row = rows.of_message(saved)

        # No claim and no outcome waits for the disk: `bot.storage.sqlite.power` says why nothing is posted twice.
        def change(db: sqlite3.Connection) -> None:
            updated = db.execute(
                f"""
                UPDATE surfaces SET
                    channel = :channel, ts = :ts, shown = :shown, abandoned = :abandoned, not_before = :not_before,
                    stale_since = CASE WHEN {rows.BEHIND}
                        THEN COALESCE(stale_since, {rows.THIS_EVENT}) END,
                    revision = :revision, body = :body
                WHERE id = :id AND revision = :revision - 1
                """,  # noqa: S608
                row,
            )
            if not updated.rowcount:
                raise Conflict(message.id)
            if event is not None:
                rows.add_event(db, event)

        await self._db.change(change, durable=False)
        self._db.reader.keep(saved, row["body"])
        return saved

    async def message_at(self, ref: MessageRef) -> Message | None:
        sql = "SELECT body FROM surfaces WHERE channel = :channel AND ts = :ts LIMIT 1"
        found = await self._db.records(Message, sql, channel=ref.channel, ts=ref.ts)
        return found[0] if found else None
