"""The records in one SQLite file, for a bot without Redis."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.storage.sqlite.agents import SqliteAgents
from bot.storage.sqlite.audit import SqliteAudit
from bot.storage.sqlite.census import SqliteCensus
from bot.storage.sqlite.changes import SqliteChanges
from bot.storage.sqlite.database import Database
from bot.storage.sqlite.inboxes import SqliteInboxes
from bot.storage.sqlite.leases import SqliteLeases
from bot.storage.sqlite.messages import SqliteMessages
from bot.storage.sqlite.requests import SqliteRequests
from bot.storage.sqlite.tasks import SqliteTasks
from bot.storage.sqlite.tokens import SqliteTokens
from bot.storage.sqlite.troubles import SqliteTroubles
from bot.storage.sqlite.webhooks import SqliteWebhooks


class SqliteStorage(
    SqliteChanges,
    SqliteTasks,
    SqliteRequests,
    SqliteMessages,
    SqliteInboxes,
    SqliteAgents,
    SqliteTokens,
    SqliteWebhooks,
    SqliteTroubles,
    SqliteAudit,
    SqliteLeases,
    SqliteCensus,
):
    """`Storage` in one file: its parts are one module each, and each method is one transaction.

    A process has one connection and works one method at a time. Several processes may share the file.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    @classmethod
    async def open(
        cls, path: Path | str, busy_timeout: timedelta = timedelta(seconds=5), telemetry: Telemetry = SILENT
    ) -> SqliteStorage:
        """The records in this file, which is created if it does not exist; `:memory:` keeps them until `close`.

        `busy_timeout` is how long a method waits for another process's transaction before it raises `Unreachable`.
        Raises `SettingsError` if the file cannot be used.
        """
        return cls(await Database.open(path, busy_timeout, telemetry))

    async def close(self) -> None:
        """Close the file as soon as the method at work is done."""
        await self._db.close()
