"""Tells programs at their own addresses what became of their requests: at least once, and in the end or not at all.

A webhook is stored with the change that it tells of. Each try is counted before it is made, and what came of it is
stored after that: whoever dies in between leaves a webhook that is due again, under the same id.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, assert_never

from bot import crash_points
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import Conflict, NotFound
from bot.approvals.model.facts import WebhookTried
from bot.approvals.model.ids import JSON, TaskId
from bot.approvals.model.message import Message
from bot.approvals.model.webhook import GIVEN_UP_AFTER, Webhook, host_of
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.webhooks import NotTaken, NotWanted, Reply, Taken, WebhookSender
from bot.approvals.ports.work import Clock, Work
from bot.approvals.services.messages import wanted
from bot.approvals.services.unit_of_work import until_won

Shown: TypeAlias = Callable[[Webhook], Awaitable[JSON]]
"""The request that a webhook tells of, as the HTTP API shows it."""

CLAIM: Final = timedelta(seconds=30)
"""How long a try belongs to the process that began it. The sender waits no longer than half of it."""
PAUSES: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
)
"""Before the second try, the third, and so on. The last one comes before all that follow."""
JITTER: Final = 0.2
"""How much longer a pause may be by chance, as a part of it, so that a receiver that comes back is not overrun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """Any number of processes may send at once: a try is claimed before it is made."""

    storage: Storage
    sender: WebhookSender
    shown: Shown
    work: Work
    clock: Clock
    chance: Callable[[], float] = random.random
    """From 0 to 1."""
    telemetry: Telemetry = SILENT

    async def send(self, task_id: TaskId) -> None:
        """Try each webhook of the task that is due once. The next sweep comes back to what is due later."""
        now = self.clock()
        for webhook in await self.storage.webhooks_of(task_id):
            if webhook.next_try is not None and webhook.next_try <= now:
                await self._try(webhook, now)

    async def _try(self, webhook: Webhook, now: datetime) -> None:
        try:
            attempts = webhook.attempts + 1
            due = now + max(CLAIM, _pause(attempts))
            claimed = await self.storage.save_webhook(replace(webhook, attempts=attempts, next_try=due))
            data = await self.shown(claimed)
        except (Conflict, NotFound):
            return  # another process tries it, or its task was purged
        crash_points.point("webhook-claimed")
        told = {"type": claimed.kind, "timestamp": claimed.created_at.isoformat(), "data": data}
        # What is no ASCII is escaped, so that a half of a surrogate pair, which JSON may hold, can be sent as well.
        with self.telemetry.span("webhook", parent=claimed.trace, about=claimed.task_id) as trace:
            reply = await self.sender.send(claimed.url, claimed.id, json.dumps(told), trace or claimed.trace)
        crash_points.point("webhook-sent")
        await self._note(claimed, reply)

    async def _note(self, webhook: Webhook, reply: Reply) -> None:
        now = self.clock()
        match reply:
            case Taken():
                self._tell(webhook, "delivered")
                await until_won(lambda: self._delivered(webhook, now))
            case NotTaken(why=why, retry_after=wait):
                due = now + max(self._pause(webhook), wait or timedelta())
                end = webhook.created_at + GIVEN_UP_AFTER
                if now >= end:
                    self._tell(webhook, "given_up", reply.error)
                    await self._given_up(webhook, why, now)
                else:
                    self._tell(webhook, "failed", reply.error)
                    await self._saved(replace(webhook, next_try=min(due, end), failure=why))
            case NotWanted(why=why):
                self._tell(webhook, "given_up", reply.error)
                await self._given_up(webhook, why, now)
            case _:
                assert_never(reply)

    async def _delivered(self, webhook: Webhook, now: datetime) -> None:
        """Note it, even if another process has begun a try since, because this one took too long."""
        known = next((each for each in await self.storage.webhooks_of(webhook.task_id) if each.id == webhook.id), None)
        if known is None or known.delivered_at is not None:
            return
        delivered = replace(known, next_try=None, delivered_at=now, failure="")
        await self.storage.save_webhook(delivered, event_of_webhook(known, "webhook_delivered", now))

    async def _given_up(self, webhook: Webhook, why: str, now: datetime) -> None:
        given_up = replace(webhook, next_try=None, failure=why)
        told = wanted.untold_of(given_up, now)
        await self._saved(given_up, event_of_webhook(given_up, "webhook_given_up", now), told)
        self.work.show(webhook.task_id)

    async def _saved(self, webhook: Webhook, event: AuditEvent | None = None, message: Message | None = None) -> None:
        """Store what came of the try, unless another process has begun one since: then its result counts."""
        try:
            await self.storage.save_webhook(webhook, event, [] if message is None else [message])
        except Conflict:
            return

    def _tell(self, webhook: Webhook, outcome: Literal["delivered", "failed", "given_up"], error: str = "") -> None:
        self.telemetry.tell(
            WebhookTried(
                task_id=webhook.task_id,
                request_id=webhook.request_id,
                webhook=webhook.id,
                outcome=outcome,
                tries=webhook.attempts,
                error=error,
            )
        )

    def _pause(self, webhook: Webhook) -> timedelta:
        return _pause(webhook.attempts) * (1 + JITTER * self.chance())


def _pause(attempts: int) -> timedelta:
    """How long to wait after this many tries, without chance."""
    return PAUSES[min(attempts, len(PAUSES)) - 1]


def event_of_webhook(webhook: Webhook, kind: str, now: datetime) -> AuditEvent:
    """Of the address it has the host alone, as the rest may be a secret."""
    data: dict[str, JSON] = {
        "webhook": webhook.id,
        "type": str(webhook.kind),
        "host": host_of(webhook.url),
        "attempts": webhook.attempts,
    }
    if webhook.failure:
        data["failure"] = webhook.failure
    return AuditEvent(kind=kind, at=now, task_id=webhook.task_id, request_id=webhook.request_id, data=data)
