"""What a gateway does for programs that want to be told: it sends their webhooks, at once and in its sweep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.approvals.model.ids import JSON, TaskId
from bot.approvals.model.webhook import Webhook
from bot.approvals.ports.engine import Answers
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Clock, Work
from bot.approvals.services.call_reading import views
from bot.approvals.services.messages.masked import Masking
from bot.approvals.services.sweep import MAX_PER_SWEEP
from bot.approvals.services.webhooks import Shown, Webhooks
from bot.runtime.work_queue import JobQueue
from bot.settings import Settings
from bot.webhooks import sender

SECONDS_FOR_TRIES: Final = 3.0
"""How long a shutdown waits for tries that are under way. One that is cut off is made again, under the same id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """The webhooks of a gateway."""

    storage: Storage
    queue: JobQueue[TaskId]
    problem_with: Callable[[str], str]
    """Why no webhook may be sent to this address, as the end of a sentence. Empty if one may."""

    def wake(self, task_id: TaskId) -> None:
        """Send what the task's caller is to be told, if anything. Returns at once."""
        self.queue.wake(task_id)

    async def sweep(self, now: datetime) -> None:
        """Wake the work for webhooks that are due."""
        for webhook in await self.storage.due_webhooks(now, MAX_PER_SWEEP):
            self.wake(webhook.task_id)


def as_the_api_shows_it(storage: Storage, answers: Answers, masking: Masking, address: str) -> Shown:
    """What a webhook holds: its request, as it is when it is sent. `address` is the workspace's, for permalinks."""

    async def shown(webhook: Webhook) -> JSON:
        from bot.http.views import Views  # only who has something to send needs what it imports

        of = views(await storage.records_of(webhook.task_id))
        request = next(view for view in of if view.id == webhook.request_id)
        drawn = Views(answers=answers, masking=masking, address=address).request(request, webhook)
        found: JSON = drawn.model_dump(mode="json")
        return found

    return shown


@asynccontextmanager
async def hooks(
    settings: Settings,
    *,
    storage: Storage,
    shown: Shown,
    work: Work,
    clock: Clock,
    telemetry: Telemetry = SILENT,
) -> AsyncIterator[Hooks]:
    """Sends webhooks while the block runs. Without WEBHOOK_ALLOW or WEBHOOK_SECRET, each try fails, and says so."""
    async with sender.sending(settings.webhook_allow, settings.webhook_secrets) as posts:
        webhooks = Webhooks(storage=storage, sender=posts, shown=shown, work=work, clock=clock, telemetry=telemetry)
        queue = JobQueue("the webhook", webhooks.send, clock, telemetry)
        try:
            yield Hooks(storage=storage, queue=queue, problem_with=posts.problem_with)
        finally:
            await queue.close(SECONDS_FOR_TRIES)
