"""Inboxes in Redis."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import cast

from bot.approvals.model.errors import Conflict
from bot.approvals.model.ids import Person
from bot.approvals.model.inbox import Inbox
from bot.storage.codec import encode
from bot.storage.redis import steps
from bot.storage.redis.database import Database, moment


class RedisInboxes:
    """`InboxStore` on Redis."""

    _db: Database

    async def inbox(self, person: Person) -> Inbox:
        body = await self._db.body("inbox", steps.account(person))
        return Inbox(person=person) if body is None else self._db.reader.read(Inbox, body)

    async def save_inbox(self, inbox: Inbox) -> Inbox:
        saved, db, id = replace(inbox, revision=inbox.revision + 1), self._db, steps.account(inbox.person)
        key = db.key("inbox", id)
        done = await db.change(
            [["revision", key, str(inbox.revision)] if inbox.revision else ["absent", key]],
            [
                ["call", "HSET", key, "revision", str(saved.revision), "body", encode(saved)],
                steps.at(db, "homes", id, saved.home.opened_at if saved.home else None),
                steps.at(db, "digests", id, saved.summary.due_at if saved.summary else None),
            ],
        )
        if not done:
            raise Conflict(f"the inbox of {inbox.person.user_id}")
        return saved

    async def homes(self, since: datetime, limit: int) -> tuple[Inbox, ...]:
        with self._db.reachable():
            found = await self._db.redis.zrange(
                self._db.prefix + "homes", "+inf", moment(since), desc=True, byscore=True, offset=0, num=limit
            )
        return await self._db.records(Inbox, "inbox", cast("list[str]", found))

    async def due_summaries(self, now: datetime, limit: int) -> tuple[Inbox, ...]:
        return await self._db.indexed(Inbox, "digests", "inbox", most=moment(now), limit=limit, now=now)
