"""Messages in Redis."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import Conflict
from bot.approvals.model.facts import Recorded
from bot.approvals.model.ids import MessageRef, TaskId
from bot.approvals.model.message import Message
from bot.storage.codec import encode
from bot.storage.redis import scripts, steps
from bot.storage.redis.database import Database


class RedisMessages:
    """`MessageStore` on Redis."""

    _db: Database

    async def messages_of(self, task_id: TaskId) -> tuple[Message, ...]:
        return await self._db.all_of(Message, f"surfaces_of:{task_id}", "surface")

    async def out_of_date(self, now: datetime, limit: int) -> tuple[Message, ...]:
        return await self._db.indexed(Message, "stale", "surface", most="+inf", limit=limit, now=now, wanted="ready")

    async def save_message(self, message: Message, event: AuditEvent | None = None) -> Message:
        saved, db = replace(message, revision=message.revision + 1), self._db
        body = encode(saved)
        done = await db.change(
            [["revision", db.key("surface", message.id), str(message.revision)]],
            steps.of_message(db, saved, body),
            events=[] if event is None else [Recorded(entry=event)],
        )
        if not done:
            raise Conflict(message.id)
        db.reader.keep(saved, body)
        return saved

    async def message_at(self, ref: MessageRef) -> Message | None:
        body = await self._db.run(scripts.AT, f"{ref.channel}:{ref.ts}")
        return None if body is None else self._db.reader.read(Message, body)
