"""Tasks in Redis."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never, cast

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.errors import Conflict, NotFound
from bot.approvals.model.facts import Recorded
from bot.approvals.model.ids import ChannelId, Person, TaskId, Ts
from bot.approvals.model.message import Message
from bot.approvals.model.request import Request
from bot.approvals.model.task import Failed, Task
from bot.approvals.model.webhook import Webhook
from bot.approvals.ports.storage import Among, Change, Records
from bot.storage.redis import scripts, steps
from bot.storage.redis.changes import make
from bot.storage.redis.database import Database, Step, moment
from bot.storage.redis.listing import beginning_with, complete, newest

_INDEXES: Final = {
    Among.ALL: steps.TASKS,
    Among.OPEN: steps.OPEN_TASKS,
    Among.ENDED: steps.TASKS,
    Among.FAILED: steps.FAILED_TASKS,
}


class RedisTasks:
    """`TaskStore` on Redis."""

    _db: Database

    async def create_task(self, task: Task, event: AuditEvent, messages: Sequence[Message] = ()) -> None:
        task, db = replace(task, revision=0), self._db
        thread = db.key("thread", task.thread_id)
        created = await db.change(
            [["absent", db.key("task", task.id)], ["absent", thread], *steps.absent(db, messages)],
            [
                *steps.of_task(db, task),
                ["call", "HSET", thread, "task", task.id],
                *(steps.at(db, index, task.id, task.created_at) for index in _made(task)),
                steps.by_id(db, steps.TASK_IDS, task.id),
                *([] if task.thread_ts is None else [["call", "RPUSH", _tasks_in(db, task), task.id]]),
                *steps.new_messages(db, messages),
            ],
            events=[Recorded(entry=event, about=task)],
        )
        if not created and await db.body("task", task.id) is None:
            raise Conflict(task.id)

    async def task(self, id: TaskId) -> Task:
        body = await self._db.body("task", id)
        if body is None:
            raise NotFound("task", id)
        return self._db.reader.read(Task, body)

    async def records_of(self, task_id: TaskId) -> Records:
        task, requests, messages = await self._db.run(scripts.RECORDS, task_id)
        if task is None:
            raise NotFound("task", task_id)
        return Records(
            task=self._db.reader.read(Task, task),
            requests=tuple(self._db.reader.read(Request, body) for body in requests),
            messages=tuple(self._db.reader.read(Message, body) for body in messages),
        )

    async def revisions(self, ids: Collection[TaskId]) -> Mapping[TaskId, int]:
        wanted = list(ids)
        found = await self._db.run(scripts.REVISIONS, *wanted) if wanted else []
        return {id: int(revision) for id, revision in zip(wanted, found, strict=True) if int(revision) >= 0}

    async def save_task(self, task: Task, event: AuditEvent, messages: Sequence[Message] = ()) -> Task:
        if not await make(self._db, [Change(record=task, event=event, messages=messages)]):
            raise Conflict(task.id)
        return replace(task, revision=task.revision + 1)

    async def tasks_of(self, requester: Person, limit: int) -> tuple[Task, ...]:
        with self._db.reachable():
            ids = await self._db.redis.zrevrange(self._db.prefix + _tasks_of(requester), 0, limit - 1)
        return await self._db.records(Task, "task", cast("list[str]", ids))

    async def tasks_in(self, channel: ChannelId, thread_ts: Ts) -> tuple[Task, ...]:
        return await self._db.all_of(Task, f"tasks_in:{channel}:{thread_ts}", "task")

    async def tasks_from(
        self,
        sources: Collection[str],
        limit: int,
        *,
        before: tuple[datetime, TaskId] | None = None,
        ended: bool | None = None,
        callers: bool | None = None,
    ) -> tuple[Task, ...]:
        found: list[Task] = []
        for source in sorted({*sources}):
            index = steps.made_by(source) if ended is not False else steps.open_from(source)
            found += await newest(
                self._db,
                Task,
                "task",
                index,
                limit,
                place=_place,
                before=before,
                read=lambda id: callers is None or is_of_caller(TaskId(id)) is callers,
                wanted=lambda task: ended is None or task.finished is ended,
            )
        return tuple(sorted(found, key=_place, reverse=True)[:limit])

    async def newest(
        self,
        limit: int,
        *,
        before: tuple[datetime, TaskId] | None = None,
        since: datetime | None = None,
        among: Among = Among.ALL,
        graph: str | None = None,
    ) -> tuple[Task, ...]:
        await complete(self._db)
        found = await newest(
            self._db,
            Task,
            "task",
            _INDEXES[among],
            limit,
            place=_place,
            before=before,
            since=since,
            wanted=lambda task: graph in (None, task.graph) and _is_among(task, among),
        )
        return tuple(found)

    async def task_ids(self, prefix: str, limit: int) -> tuple[TaskId, ...]:
        await complete(self._db)
        return tuple(map(TaskId, await beginning_with(self._db, steps.TASK_IDS, prefix, limit)))

    async def orphans(self, now: datetime, limit: int, *, elsewhere: bool = False) -> tuple[Task, ...]:
        index = steps.index_of("at_work", elsewhere=elsewhere)
        return await self._db.indexed(Task, index, "task", most="+inf", limit=limit, now=now, wanted="free")

    async def failed_tasks(self, after: tuple[datetime, TaskId] | None, limit: int) -> tuple[Task, ...]:
        await complete(self._db)
        return await self._db.following(Task, steps.FAILED, "task", after, limit)

    async def ended(self, before: datetime, limit: int, *, forgotten: bool) -> tuple[Task, ...]:
        index = "forgotten" if forgotten else "ended"
        return await self._db.indexed(Task, index, "task", most=moment(before), limit=limit, now=before)

    async def forget(self, task_id: TaskId, event: AuditEvent) -> None:
        ended, forgotten = self._db.prefix + "ended", self._db.prefix + "forgotten"
        with self._db.reachable():
            at = await self._db.redis.zscore(ended, task_id)
        if at is not None:
            moved = [["call", "ZREM", ended, task_id], ["call", "ZADD", forgotten, str(int(at)), task_id]]
            await self._db.change([["member", ended, task_id]], moved, events=[Recorded(entry=event)])

    async def purge(self, task_id: TaskId, event: AuditEvent) -> None:
        try:
            records = await self.records_of(task_id)
        except NotFound:
            return
        if records.task.finished:
            db = self._db
            webhooks = await db.all_of(Webhook, f"webhooks_of:{task_id}", "webhook")
            removed = [["empty", db.key("history", task_id), "1"], *_removed(db, records, webhooks)]
            await db.change([["present", db.key("task", task_id)]], removed, events=[Recorded(entry=event)])


def _removed(db: Database, records: Records, webhooks: Sequence[Webhook]) -> list[Step]:
    """Take the task and all that belongs to it out of the indexes, and delete it."""
    task, requests, messages = records.task, records.requests, records.messages
    keys = [
        *(db.key(kind, task.id) for kind in ("task", "requests_of", "surfaces_of", "webhooks_of")),
        *(db.key(kind, task.thread_id) for kind in ("thread", "lease", "interrupts")),
        *(db.key("request", request.id) for request in requests),
        *(db.key("surface", message.id) for message in messages),
        *(db.key("webhook", webhook.id) for webhook in webhooks),
        *(db.key("at", f"{message.ref.channel}:{message.ref.ts}") for message in messages if message.ref),
        *(db.key("surfaces_by", owner) for owner in {steps.owner(message) for message in messages}),
    ]
    undelivered, at_work = (steps.of_engine(index, task.id) for index in ("undelivered", "at_work"))
    indexes = [
        *((index, task.id) for index in ("ended", "forgotten", steps.FAILED, at_work, *_made(task))),
        *((index, task.id) for index in (steps.OPEN_TASKS, steps.FAILED_TASKS, steps.TASK_IDS)),
        *((index, each.id) for each in requests for index in ("due", undelivered, "unsettled", steps.DOUBTFUL)),
        *((steps.REQUEST_IDS, each.id) for each in requests),
        *(("stale", message.id) for message in messages),
        *((index, webhook.id) for webhook in webhooks for index in ("webhooks_due", steps.WEBHOOKS_GIVEN_UP)),
    ]
    return [
        *(["call", "ZREM", db.prefix + index, id] for index, id in indexes),
        *(["lists", db.key("request", request.id), request.id, "{}"] for request in requests),
        *([] if task.thread_ts is None else [["call", "LREM", _tasks_in(db, task), "0", task.id]]),
        *(["call", "DEL", key] for key in keys),
    ]


def _place(task: Task) -> tuple[datetime, TaskId]:
    return task.created_at, task.id


def _is_among(task: Task, among: Among) -> bool:
    match among:
        case Among.ALL:
            return True
        case Among.OPEN:
            return not task.finished
        case Among.ENDED:
            return task.finished
        case Among.FAILED:
            return isinstance(task.state, Failed)
        case _:
            assert_never(among)


def _made(task: Task) -> list[str]:
    """The indexes by time: of all tasks, and of those who made the task: a person, a source, or both."""
    of_person = [_tasks_of(task.requester)] if isinstance(task.requester, Person) else []
    return [steps.TASKS, *of_person, *([steps.made_by(task.caller.source)] if task.caller is not None else [])]


def _tasks_of(requester: Person) -> str:
    return f"tasks_of:{steps.account(requester)}"


def _tasks_in(db: Database, task: Task) -> str:
    """The tasks of the Slack thread that this one was started in."""
    return db.key("tasks_in", f"{task.channel}:{task.thread_ts}")
