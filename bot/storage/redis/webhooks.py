"""Webhooks in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import Conflict
from bot.approvals.model.facts import Recorded
from bot.approvals.model.ids import TaskId
from bot.approvals.model.message import Message
from bot.approvals.model.webhook import Webhook, WebhookId
from bot.storage.redis import steps
from bot.storage.redis.database import Database, moment
from bot.storage.redis.listing import complete


class RedisWebhooks:
    """`WebhookStore` on Redis."""

    _db: Database

    async def due_webhooks(self, now: datetime, limit: int) -> tuple[Webhook, ...]:
        return await self._db.indexed(Webhook, "webhooks_due", "webhook", most=moment(now), limit=limit, now=now)

    async def save_webhook(
        self, webhook: Webhook, event: AuditEvent | None = None, messages: Sequence[Message] = ()
    ) -> Webhook:
        saved, db = replace(webhook, revision=webhook.revision + 1), self._db
        done = await db.change(
            [["revision", db.key("webhook", webhook.id), str(webhook.revision)], *steps.absent(db, messages)],
            [*steps.of_webhook(db, saved), *steps.new_messages(db, messages)],
            events=[] if event is None else [Recorded(entry=event)],
        )
        if not done:
            raise Conflict(webhook.id)
        return saved

    async def webhooks_given_up(self, after: tuple[datetime, WebhookId], limit: int) -> tuple[Webhook, ...]:
        await complete(self._db)
        return await self._db.following(Webhook, steps.WEBHOOKS_GIVEN_UP, "webhook", after, limit)

    async def webhooks_of(self, task_id: TaskId) -> tuple[Webhook, ...]:
        return await self._db.all_of(Webhook, f"webhooks_of:{task_id}", "webhook")
