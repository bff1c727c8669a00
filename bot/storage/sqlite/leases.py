"""Leases in the SQLite file. None outlives the machine, so none waits for the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from bot.approvals.model.ids import ThreadId
from bot.approvals.model.task import Lease
from bot.storage.sqlite import rows
from bot.storage.sqlite.database import Database


class SqliteLeases:
    """`LeaseStore` on SQLite."""

    _db: Database

    async def lease(self, thread_id: ThreadId, ttl: timedelta, now: datetime, owner: str = "") -> Lease | None:
        until = now + ttl

        def change(db: sqlite3.Connection) -> Lease | None:
            taken = db.execute(
                """
                INSERT INTO leases (thread_id, token, until, owner) VALUES (:thread_id, 1, :until, :owner)
                ON CONFLICT (thread_id) DO UPDATE SET token = token + 1, until = excluded.until, owner = excluded.owner
                WHERE leases.until IS NULL OR leases.until <= :now
                RETURNING token
                """,
                {"thread_id": thread_id, "until": rows.moment(until), "now": rows.moment(now), "owner": owner},
            ).fetchone()
            return None if taken is None else Lease(thread_id=thread_id, token=taken[0], until=until, owner=owner)

        return await self._db.change(change, durable=False)

    def renew(self, lease: Lease, ttl: timedelta, now: datetime) -> Lease | None:
        renewed = replace(lease, until=now + ttl)

        def change(db: sqlite3.Connection) -> Lease | None:
            updated = db.execute(
                f"UPDATE leases SET until = :until WHERE {rows.TAKEN_BY_NONE}",  # noqa: S608
                {"thread_id": lease.thread_id, "token": lease.token, "until": rows.moment(renewed.until)},
            )
            return renewed if updated.rowcount else None

        return self._db.change_now(change)

    async def release(self, lease: Lease) -> None:
        def change(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE leases SET until = NULL WHERE thread_id = :thread_id AND token = :token",
                {"thread_id": lease.thread_id, "token": lease.token},
            )

        await self._db.change(change, durable=False)

    async def drop(self, thread_id: ThreadId, owner: str) -> None:
        def change(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE leases SET until = NULL WHERE thread_id = :thread_id AND owner = :owner AND owner <> ''",
                {"thread_id": thread_id, "owner": owner},
            )

        await self._db.change(change, durable=False)

    async def holds(self, lease: Lease, now: datetime) -> bool:
        sql = f"SELECT 1 FROM leases WHERE {rows.HELD}"  # noqa: S608
        return bool(await self._db.rows(sql, rows.of_lease(lease, now)))

    def beat(self, owners: Collection[str], ttl: timedelta, now: datetime) -> None:
        until = rows.moment(now + ttl)

        def change(db: sqlite3.Connection) -> None:
            for owner in owners:
                beaten = {"owner": owner, "until": until}
                db.execute("INSERT OR REPLACE INTO owners (owner, until) VALUES (:owner, :until)", beaten)
                db.execute(
                    "UPDATE leases SET until = :until WHERE owner = :owner AND owner <> '' AND until IS NOT NULL",
                    beaten,
                )

        self._db.change_now(change)

    async def owners(self, now: datetime | None = None) -> frozenset[str]:
        sql = "SELECT owner FROM owners WHERE :now IS NULL OR until <= :now"
        return frozenset(owner for (owner,) in await self._db.rows(sql, {"now": rows.moment(now)}))

    async def void(self, owner: str) -> None:
        def change(db: sqlite3.Connection) -> None:
            db.execute("UPDATE leases SET until = NULL WHERE owner = :owner AND owner <> ''", {"owner": owner})
            db.execute("DELETE FROM owners WHERE owner = :owner", {"owner": owner})

        await self._db.change(change, durable=False)
