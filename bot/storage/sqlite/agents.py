"""The catalog of agents in the SQLite file."""

from __future__ import annotations

import sqlite3

from bot.approvals.model.catalog import Catalog
from bot.storage.codec import encode
from bot.storage.sqlite.database import Database


class SqliteAgents:
    """`AgentStore` on SQLite."""

    _db: Database

    async def publish(self, catalog: Catalog) -> None:
        row = {"digest": catalog.digest, "body": encode(catalog)}

        def change(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO catalog (only, digest, body) VALUES (1, :digest, :body)", row)

        await self._db.change(change)

    async def published(self, *, known: str = "") -> Catalog | None:
        found = await self._db.records(Catalog, "SELECT body FROM catalog WHERE digest <> :known", known=known)
        return found[0] if found else None
