"""Webhooks in the SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import Conflict
from bot.approvals.model.ids import TaskId
from bot.approvals.model.message import Message
from bot.approvals.model.webhook import Webhook, WebhookId
from bot.storage.sqlite import rows, schema
from bot.storage.sqlite.database import Database


class SqliteWebhooks:
    """`WebhookStore` on SQLite."""

    _db: Database

    async def due_webhooks(self, now: datetime, limit: int) -> tuple[Webhook, ...]:
        return await self._db.records(Webhook, schema.DUE_WEBHOOKS, now=rows.moment(now), limit=limit)

    async def save_webhook(
        self, webhook: Webhook, event: AuditEvent | None = None, messages: Sequence[Message] = ()
    ) -> Webhook:
        saved = replace(webhook, revision=webhook.revision + 1)

        def change(db: sqlite3.Connection) -> None:
            updated = db.execute(
                """
                UPDATE webhooks SET next_try = :next_try, given_up = :given_up, revision = :revision, body = :body
                WHERE id = :id AND revision = :revision - 1
                """,
                rows.of_webhook(saved),
            )
            if not updated.rowcount:
                raise Conflict(webhook.id)
            if event is not None:
                rows.add_event(db, event)
            rows.add_messages(db, messages)

        # A try that is forgotten when the machine loses power is made again, under the same id.
        await self._db.change(change, durable=event is not None)
        return saved

    async def webhooks_given_up(self, after: tuple[datetime, WebhookId], limit: int) -> tuple[Webhook, ...]:
        return await self._db.records(Webhook, schema.GIVEN_UP, **rows.place(after), limit=limit)

    async def webhooks_of(self, task_id: TaskId) -> tuple[Webhook, ...]:
        sql = "SELECT body FROM webhooks WHERE task_id = :task_id ORDER BY seq"
        return await self._db.records(Webhook, sql, task_id=task_id)
