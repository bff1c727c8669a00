"""Troubles that records tell of: failed tasks, requests that nobody can answer, and webhooks that were given up.

A look reads a page of each index, and a page of the troubles that are known. So its cost depends neither on how many
tasks there are nor on how many of them have failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeVar

from bot.approvals.inbox.queries import Row
from bot.approvals.model.errors import NotFound
from bot.approvals.model.ids import RequestId, TaskId
from bot.approvals.model.request import Decided, Request
from bot.approvals.model.task import Failed, Task
from bot.approvals.model.trouble import About, Key, Trouble, TroubleKind
from bot.approvals.model.webhook import GIVEN_UP_AFTER, Webhook, WebhookId, host_of
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.rules import troubles
from bot.approvals.services.troubles.source import Sight

PAGE: Final = 100
"""Records of one kind that a look reads."""
TELL_WITHIN: Final = GIVEN_UP_AFTER + timedelta(days=4)
"""Operators are told of a webhook that was given up only if it was stored within this time."""
_OF_TASKS: Final = (TroubleKind.UNDELIVERED, TroubleKind.FAILED)
_OF_REQUESTS: Final = (TroubleKind.UNREACHED, TroubleKind.UNANSWERABLE)
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T", Task, Request, Webhook, Trouble)


@dataclass(slots=True)
class _Round(Generic[T]):
    """Goes through a list page by page, and begins again at its end."""

    place: Callable[[T], tuple[datetime, str]]
    """Where a record stands in the list."""
    _after: tuple[datetime, str] | None = None

    async def page(self, read: Callable[[tuple[datetime, str] | None, int], Awaitable[Sequence[T]]]) -> Sequence[T]:
        """The next page. `read` gives the records that follow a place, and not more than a number of them."""
        found = await read(self._after, PAGE)
        self._after = self.place(found[-1]) if len(found) >= PAGE else None
        return found


@dataclass(slots=True, kw_only=True)
class FromRecords:
    """Sees the troubles of tasks, requests and webhooks."""

    storage: Storage
    _failed: _Round[Task] = field(default_factory=lambda: _Round(_of_task), init=False)
    _doubtful: _Round[Request] = field(default_factory=lambda: _Round(_of_request), init=False)
    _given_up: _Round[Webhook] = field(default_factory=lambda: _Round(_of_webhook), init=False)
    _known: _Round[Trouble] = field(default_factory=lambda: _Round(_of_trouble), init=False)

    async def look(self, known: Sequence[Trouble], now: datetime) -> Sight:
        """Looks again at the next of those that are known, and at the next records that may be troubles."""
        seen: dict[TaskId, Records | None] = {}
        lasting: dict[Key, About] = {}
        over: list[Key] = []
        mine = [each for each in known if each.kind in (*_OF_TASKS, *_OF_REQUESTS, TroubleKind.WEBHOOK)]
        for trouble in await self._known.page(_within(mine)):
            standing = self._standing(trouble, await self._records(trouble.about.task_id, seen))
            if isinstance(standing, About):
                lasting[trouble.key] = standing
            elif standing:
                over.append(trouble.key)
        for task in await self._failed.page(_read_failed(self.storage)):
            await self._add(lasting, task.id, seen, _task_troubles)
        for request in await self._doubtful.page(_read_doubtful(self.storage)):
            await self._add(lasting, request.task_id, seen, _request_troubles)
        for webhook in await self._given_up.page(_read_given_up(self.storage, now - TELL_WITHIN)):
            records = await self._records(webhook.task_id, seen)
            if records is not None and _is_untold(records):
                lasting[TroubleKind.WEBHOOK, webhook.id] = _about_webhook(records, webhook)
        return Sight(lasting=lasting, over=over)

    # --- Within ---------------------------------------------------------------------------------

    def _standing(self, trouble: Trouble, records: Records | None) -> About | bool:
        """What is to be said of a known trouble now; True if it is over, and False if nobody knows yet."""
        if records is None:
            return True
        if trouble.kind is TroubleKind.WEBHOOK:
            return trouble.about if _is_untold(records) else True
        if trouble.kind in _OF_TASKS and troubles.is_on_its_way(records.task, records.requests):
            return False
        found = _task_troubles(records) if trouble.kind in _OF_TASKS else _request_troubles(records)
        return found.get(trouble.key, True)

    async def _add(
        self,
        lasting: dict[Key, About],
        task_id: TaskId,
        seen: dict[TaskId, Records | None],
        found: Callable[[Records], dict[Key, About]],
    ) -> None:
        records = await self._records(task_id, seen)
        if records is not None:
            lasting |= found(records)

    async def _records(self, task_id: TaskId | None, seen: dict[TaskId, Records | None]) -> Records | None:
        """The task's records, read once in a look. None if they are gone."""
        if task_id is None:
            return None
        if task_id not in seen:
            await asyncio.sleep(0)  # approvals go first: a store that answers at once would keep the loop
            try:
                seen[task_id] = await self.storage.records_of(task_id)
            except NotFound:
                seen[task_id] = None
        return seen[task_id]


def _task_troubles(records: Records) -> dict[Key, About]:
    task = records.task
    if not isinstance(task.state, Failed) or not troubles.is_stuck(task, records.requests):
        return {}
    request = troubles.undelivered(records.requests)
    failure = task.state.failure
    if request is not None and isinstance(request.state, Decided) and request.state.failure is not None:
        failure = request.state.failure
    kind = TroubleKind.FAILED if request is None else TroubleKind.UNDELIVERED
    return {(kind, task.id): _about(records, request, failure.summary, failure.error_id)}


def _request_troubles(records: Records) -> dict[Key, About]:
    found: dict[Key, About] = {}
    for request in records.requests:
        if troubles.is_unanswerable(request):
            why = " ".join(request.open.untold) or None
            found[TroubleKind.UNANSWERABLE, request.id] = _about(records, request, why, policy=True)
        elif troubles.is_unseen(request, records.messages):
            about = _about(records, request, request.unreached[-1].why or None)
            found[TroubleKind.UNREACHED, request.id] = replace(about, place=None, thread_ts=None)
        elif missed := troubles.nobody_reached(request):
            found[TroubleKind.UNREACHED, request.id] = _about(records, request, missed[-1].why or None)
    return found


def _is_untold(records: Records) -> bool:
    """Whether the program may still not know what became of its request: nobody has acted on the decision."""
    return records.task.caller is not None and records.task.caller.consumed is None


def _about_webhook(records: Records, webhook: Webhook) -> About:
    request = next((each for each in records.requests if each.id == webhook.request_id), None)
    about = _about(records, request, webhook.failure or None)
    return replace(about, request_id=webhook.request_id, name=host_of(webhook.url))


def _about(
    records: Records, request: Request | None, why: str | None, error_id: str | None = None, *, policy: bool = False
) -> About:
    row = Row(records=records, request=request)
    if row.place is None:
        row = Row(records=records)
    return About(
        task_id=records.task.id,
        request_id=request.id if request is not None else None,
        name=request.policy.name if policy and request is not None else records.task.graph,
        why=why,
        error_id=error_id,
        place=row.place,
        thread_ts=row.thread_ts,
    )


# --- Pages --------------------------------------------------------------------------------------


def _of_task(task: Task) -> tuple[datetime, str]:
    return troubles.failed_at(task) or _EVER, task.id


def _of_request(request: Request) -> tuple[datetime, str]:
    return request.opened_at, request.id


def _of_webhook(webhook: Webhook) -> tuple[datetime, str]:
    return webhook.created_at, webhook.id


def _of_trouble(trouble: Trouble) -> tuple[datetime, str]:
    return trouble.since, f"{trouble.kind} {trouble.subject}"


_Read = Callable[[tuple[datetime, str] | None, int], Awaitable[Sequence[T]]]


def _read_failed(storage: Storage) -> _Read[Task]:
    def read(after: tuple[datetime, str] | None, limit: int) -> Awaitable[Sequence[Task]]:
        return storage.failed_tasks(None if after is None else (after[0], TaskId(after[1])), limit)

    return read


def _read_doubtful(storage: Storage) -> _Read[Request]:
    def read(after: tuple[datetime, str] | None, limit: int) -> Awaitable[Sequence[Request]]:
        return storage.doubtful(None if after is None else (after[0], RequestId(after[1])), limit)

    return read


def _read_given_up(storage: Storage, since: datetime) -> _Read[Webhook]:
    def read(after: tuple[datetime, str] | None, limit: int) -> Awaitable[Sequence[Webhook]]:
        at, id = after or (since, "")
        return storage.webhooks_given_up((at, WebhookId(id)), limit)

    return read


def _within(troubles: Sequence[Trouble]) -> _Read[Trouble]:
    async def read(after: tuple[datetime, str] | None, limit: int) -> Sequence[Trouble]:
        return [each for each in sorted(troubles, key=_of_trouble) if after is None or _of_trouble(each) > after][
            :limit
        ]

    return read
