"""Inboxes in the SQLite file."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime

from bot.approvals.model.errors import Conflict
from bot.approvals.model.ids import Person
from bot.approvals.model.inbox import Inbox
from bot.storage.codec import encode
from bot.storage.sqlite import rows, schema
from bot.storage.sqlite.database import Database


class SqliteInboxes:
    """`InboxStore` on SQLite."""

    _db: Database

    async def inbox(self, person: Person) -> Inbox:
        found = await self._db.records(
            Inbox, "SELECT body FROM inboxes WHERE person = :person", person=rows.account(person)
        )
        return found[0] if found else Inbox(person=person)

    async def save_inbox(self, inbox: Inbox) -> Inbox:
        saved = replace(inbox, revision=inbox.revision + 1)

        def change(db: sqlite3.Connection) -> None:
            written = db.execute(
                """
                INSERT INTO inboxes (person, opened_at, digest_due_at, revision, body)
                SELECT :person, :opened_at, :digest_due_at, :revision, :body
                WHERE :revision = 1 OR EXISTS (SELECT 1 FROM inboxes WHERE person = :person)
                ON CONFLICT DO UPDATE SET
                    opened_at = :opened_at, digest_due_at = :digest_due_at, revision = :revision, body = :body
                WHERE inboxes.revision = :revision - 1
                """,
                {
                    "person": rows.account(saved.person),
                    "opened_at": rows.moment(saved.home.opened_at if saved.home else None),
                    "digest_due_at": rows.moment(saved.summary.due_at if saved.summary else None),
                    "revision": saved.revision,
                    "body": encode(saved),
                },
            )
            if not written.rowcount:
                raise Conflict(f"the inbox of {inbox.person.user_id}")

        await self._db.change(change)
        return saved

    async def homes(self, since: datetime, limit: int) -> tuple[Inbox, ...]:
        return await self._db.records(Inbox, schema.HOMES, since=rows.moment(since), limit=limit)

    async def due_summaries(self, now: datetime, limit: int) -> tuple[Inbox, ...]:
        return await self._db.records(Inbox, schema.DUE_SUMMARIES, now=rows.moment(now), limit=limit)
