"""Troubles in the SQLite file, and how far its audit log was verified."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from bot.approvals.model.audit import Head
from bot.approvals.model.errors import Conflict
from bot.approvals.model.trouble import Trouble
from bot.storage.codec import encode
from bot.storage.sqlite import rows, schema
from bot.storage.sqlite.database import Database


class SqliteTroubles:
    """`TroubleStore` on SQLite."""

    _db: Database

    async def troubles(self, limit: int) -> tuple[Trouble, ...]:
        return await self._db.records(Trouble, schema.TROUBLES, limit=limit)

    async def save_trouble(self, trouble: Trouble) -> Trouble:
        saved = replace(trouble, revision=trouble.revision + 1)
        row = {
            "kind": saved.kind,
            "subject": saved.subject,
            "since": rows.moment(saved.since),
            "revision": saved.revision,
            "body": encode(saved),
        }

        def change(db: sqlite3.Connection) -> None:
            written = db.execute(
                """
                INSERT INTO troubles (kind, subject, since, revision, body)
                SELECT :kind, :subject, :since, :revision, :body
                WHERE :revision = 1 OR EXISTS (SELECT 1 FROM troubles WHERE kind = :kind AND subject = :subject)
                ON CONFLICT DO UPDATE SET since = :since, revision = :revision, body = :body
                WHERE troubles.revision = :revision - 1
                """,
                row,
            )
            if not written.rowcount:
                raise Conflict(f"{trouble.kind} {trouble.subject}")

        await self._db.change(change)
        return saved

    async def remove_trouble(self, trouble: Trouble) -> None:
        row = {"kind": trouble.kind, "subject": trouble.subject, "revision": trouble.revision}

        def change(db: sqlite3.Connection) -> None:
            removed = db.execute(
                "DELETE FROM troubles WHERE kind = :kind AND subject = :subject AND revision = :revision", row
            )
            if not removed.rowcount:
                raise Conflict(f"{trouble.kind} {trouble.subject}")

        await self._db.change(change)

    async def verified(self) -> Head | None:
        found = await self._db.rows("SELECT number, link FROM verified", {})
        return next((Head(number=number, link=link) for number, link in found), None)

    async def save_verified(self, head: Head) -> None:
        row = {"number": head.number, "link": head.link}

        def change(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO verified (only, number, link) VALUES (1, :number, :link)", row)

        await self._db.change(change, durable=False)
