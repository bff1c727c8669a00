"""Tokens of the HTTP API in the SQLite file."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import Conflict
from bot.approvals.model.token import Token
from bot.storage.codec import encode
from bot.storage.sqlite import rows
from bot.storage.sqlite.database import Database


class SqliteTokens:
    """`TokenStore` on SQLite."""

    _db: Database

    async def add_token(self, token: Token, event: AuditEvent) -> None:
        row = _of_token(replace(token, revision=0))

        def change(db: sqlite3.Connection) -> None:
            inserted = db.execute(
                """
                INSERT INTO tokens (name, digest, revision, body) VALUES (:name, :digest, :revision, :body)
                ON CONFLICT DO NOTHING
                """,
                row,
            )
            if not inserted.rowcount:
                raise Conflict(token.name)
            rows.add_event(db, event)

        await self._db.change(change)

    async def token_of(self, digest: str) -> Token | None:
        found = await self._db.records(Token, "SELECT body FROM tokens WHERE digest = :digest", digest=digest)
        return found[0] if found else None

    async def tokens(self) -> tuple[Token, ...]:
        return await self._db.records(Token, "SELECT body FROM tokens ORDER BY seq")

    async def save_token(self, token: Token, event: AuditEvent | None = None) -> Token:
        saved = replace(token, revision=token.revision + 1)
        row = _of_token(saved)

        def change(db: sqlite3.Connection) -> None:
            updated = db.execute(
                """
                UPDATE tokens SET revision = :revision, body = :body
                WHERE name = :name AND digest = :digest AND revision = :revision - 1
                """,
                row,
            )
            if not updated.rowcount:
                raise Conflict(token.name)
            if event is not None:
                rows.add_event(db, event)

        await self._db.change(change, durable=event is not None)
        return saved


def _of_token(token: Token) -> dict[str, object]:
    return {"name": token.name, "digest": token.digest, "revision": token.revision, "body": encode(token)}
