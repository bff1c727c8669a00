"""Where the records of tasks' messages are kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import Conflict
from bot.approvals.model.message import Message
from bot.approvals.ports.storage import Storage

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStore:
    """Keeps the records of tasks' messages."""

    storage: Storage

    async def claim(self, record: Message) -> Message:
        return await self.storage.save_message(record)

    async def note(self, record: Message, event: AuditEvent | None = None) -> Message:
        try:
            return await self.storage.save_message(record, event)
        except Conflict:
            log.debug("message %s was brought up to date by somebody else", record.id)
            return record
