"""What programs read of what they asked and started. A source never sees what another source has made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.call_errors import InvalidCursor
from bot.approvals.model.caller import is_of_caller, request_id_of, task_of_request
from bot.approvals.model.errors import NotFound
from bot.approvals.model.ids import RequestId, TaskId
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.model.webhook import Webhook
from bot.approvals.ports.storage import Records as Records
from bot.approvals.ports.storage import Storage
from bot.approvals.rules import calls
from bot.approvals.rules.calls import CallStatus

MAX_WAITING = 1000
"""How many requests that wait for one approver are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """A request as a program may see it, with the records that it stands in."""

    id: RequestId
    records: Records
    request: Request | None
    """None if people have not been asked yet."""

    @property
    def task(self) -> Task:
        return self.records.task

    @property
    def status(self) -> CallStatus:
        return calls.status_of(self.task, self.request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list of tasks."""

    tasks: tuple[Records, ...]
    cursor: str
    """What the next page is asked for with. Empty if this page is the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReading:
    """Reads for the `sources` that a token speaks for. Each method raises `Unreachable` if the store does not
    answer."""

    storage: Storage

    async def of(self, request_id: RequestId, sources: Collection[str]) -> CallView:
        """The request. Raises `NotFound` if there is none with this id, or if it is another source's."""
        task_id = task_of_request(request_id)
        try:
            if task_id is None:
                task_id = (await self.storage.request(request_id)).task_id
            records = await self.task(task_id, sources)
        except NotFound as error:
            raise NotFound("request", request_id) from error
        return next(view for view in views(records) if view.id == request_id)

    async def task(self, task_id: TaskId, sources: Collection[str]) -> Records:
        """The task with its requests. Raises `NotFound` if there is none with this id, or if it is another source's."""
        records = await self.storage.records_of(task_id)
        caller = records.task.caller
        if caller is None or caller.source not in sources:
            raise NotFound("task", task_id)
        return records

    async def history(self, request_id: RequestId, sources: Collection[str]) -> tuple[AuditEvent, ...]:
        """What happened to the request and, if it is a caller's, to its task. Raises `NotFound` as `of` does."""
        task_id = (await self.of(request_id, sources)).task.id
        return await self.storage.history(task_id, None if is_of_caller(task_id) else request_id)

    async def webhook(self, view: CallView) -> Webhook | None:
        """The webhook that tells the caller of this request. None as long as there is nothing to tell, or if the caller
        does not want to be told."""
        caller = view.task.caller
        if caller is None or not caller.callback_url or view.status is CallStatus.PENDING:
            return None
        return next((each for each in await self.storage.webhooks_of(view.task.id) if each.request_id == view.id), None)

    async def tasks(
        self,
        sources: Collection[str],
        limit: int,
        cursor: str = "",
        *,
        ended: bool | None = None,
        callers: bool | None = None,
    ) -> Page:
        """The tasks that these sources have made, newest first. `ended` and `callers` as in `TaskStore.tasks_from`.
        Raises `InvalidCursor`."""
        before = _place(cursor) if cursor else None
        found = await self.storage.tasks_from(sources, limit + 1, before=before, ended=ended, callers=callers)
        records = []
        for task in found[:limit]:
            try:
                records.append(await self.storage.records_of(task.id))
            except NotFound:  # it was purged in this moment
                continue
        return Page(tasks=tuple(records), cursor=_cursor(found[limit - 1]) if len(found) > limit else "")

    async def waiting_for(self, names: Collection[str], sources: Collection[str]) -> tuple[CallView, ...]:
        """The open requests of these sources that name any of these as an approver, the most urgent first."""
        found = []
        for request in await self.storage.waiting_for(names, MAX_WAITING):
            try:
                records = await self.task(request.task_id, sources)
            except NotFound:
                continue
            found += [view for view in views(records) if view.id == request.id]
        return tuple(found)


def views(records: Records) -> tuple[CallView, ...]:
    """The requests of a task, as programs may see them. A caller's request is among them before it is opened."""
    if is_of_caller(records.task.id):
        request = next(iter(records.requests), None)
        return (CallView(id=request_id_of(records.task.id), records=records, request=request),)
    return tuple(CallView(id=request.id, records=records, request=request) for request in records.requests)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def _cursor(task: Task) -> str:
    return f"{(task.created_at - _EPOCH) // _MICROSECOND}~{task.id}"


def _place(cursor: str) -> tuple[datetime, TaskId]:
    at, found, id = cursor.partition("~")
    try:
        moment = _EPOCH + int(at) * _MICROSECOND
    except (ValueError, OverflowError) as error:
        raise InvalidCursor(cursor) from error
    if not found:
        raise InvalidCursor(cursor)
    return moment, TaskId(id)
