"""Requests in Redis."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import Conflict, NotFound
from bot.approvals.model.ids import Person, RequestId, TaskId
from bot.approvals.model.message import Message
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.server import runs_elsewhere
from bot.approvals.ports.storage import Change
from bot.storage import lists
from bot.storage.redis import scripts, steps
from bot.storage.redis.changes import make
from bot.storage.redis.database import Database, moment
from bot.storage.redis.listing import beginning_with, complete, literal, newest


class RedisRequests:
    """`RequestStore` on Redis."""

    _db: Database

    async def open_request(self, request: Request, event: AuditEvent, messages: Sequence[Message] = ()) -> Request:
        opened, db = replace(request, revision=0), self._db
        interrupts = db.key("interrupts", opened.thread_id)
        done = await make(db, [Change(record=opened, event=event, messages=messages, opens=True)])
        if done:
            return opened
        with self._db.reachable():
            earlier = await cast("Awaitable[str | None]", db.redis.hget(interrupts, opened.interrupt_id))
        if earlier is None:
            raise Conflict(opened.id)
        return await self.request(RequestId(earlier))

    async def request(self, id: RequestId) -> Request:
        body = await self._db.body("request", id)
        if body is None:
            raise NotFound("request", id)
        return self._db.reader.read(Request, body)

    async def requests_of(self, task_id: TaskId) -> tuple[Request, ...]:
        return await self._db.all_of(Request, f"requests_of:{task_id}", "request")

    async def save_request(self, request: Request, event: AuditEvent, messages: Sequence[Message] = ()) -> Request:
        if not await make(self._db, [Change(record=request, event=event, messages=messages)]):
            raise Conflict(request.id)
        return replace(request, revision=request.revision + 1)

    async def due(self, now: datetime, limit: int) -> tuple[Request, ...]:
        return await self._db.indexed(Request, "due", "request", most=moment(now), limit=limit, now=now)

    async def undelivered(self, now: datetime, limit: int, *, elsewhere: bool = False) -> tuple[Request, ...]:
        index = steps.index_of("undelivered", elsewhere=elsewhere)
        return await self._db.indexed(Request, index, "request", most=moment(now), limit=limit, now=now, wanted="free")

    async def unsettled(self, *, elsewhere: bool = False) -> tuple[TaskId, ...]:
        """Requests that earlier versions stored are not in the index. The lists of the people they wait for hold
        them."""
        db = self._db
        with self._db.reachable():
            ids = set(cast("list[str]", await db.redis.zrange(db.prefix + "unsettled", 0, -1)))
            async for key in db.redis.scan_iter(match=literal(db.prefix + lists.waiting_for("")) + "*"):
                ids.update(cast("list[str]", await db.redis.zrange(key, 0, -1)))
        requests = await db.records(Request, "request", sorted(ids))
        return tuple(dict.fromkeys(each.task_id for each in requests if runs_elsewhere(each.task_id) is elsewhere))

    async def newest_unsettled(
        self, limit: int, *, before: tuple[datetime, RequestId] | None = None
    ) -> tuple[Request, ...]:
        await complete(self._db)
        found = await newest(
            self._db,
            Request,
            "request",
            "unsettled",
            limit,
            place=lambda request: (request.opened_at, request.id),
            before=before,
            wanted=lambda request: isinstance(request.state, Pending | Decided),
        )
        return tuple(found)

    async def request_ids(self, prefix: str, limit: int) -> tuple[RequestId, ...]:
        await complete(self._db)
        return tuple(map(RequestId, await beginning_with(self._db, steps.REQUEST_IDS, prefix, limit)))

    async def waiting_for(self, refs: Collection[str], limit: int) -> tuple[Request, ...]:
        return await self._listed([lists.waiting_for(ref) for ref in refs], limit)

    async def doubtful(self, after: tuple[datetime, RequestId] | None, limit: int) -> tuple[Request, ...]:
        await complete(self._db)
        return await self._db.following(Request, steps.DOUBTFUL, "request", after, limit)

    async def answered_by(self, person: Person, limit: int) -> tuple[Request, ...]:
        return await self._listed([lists.answered_by(person)], limit)

    async def _listed(self, named: Sequence[str], limit: int) -> tuple[Request, ...]:
        if not named:
            return ()
        return tuple(self._db.reader.read(Request, body) for body in await self._db.run(scripts.LISTED, limit, *named))
