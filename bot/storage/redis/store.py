"""The Storage port on Redis: core commands and Lua alone, all keys under one prefix with one hash tag.

A record is a hash: its text in `body`, and beside it what guards and indexes need. An index is a sorted set. Nothing
expires by itself.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Awaitable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar, cast

from redis import Redis as BlockingRedis
from redis import connection
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.approvals.model.audit import GENESIS, AuditEvent, Entry, Head, digest_of
from bot.approvals.model.errors import Conflict, NotFound, Unreachable
from bot.approvals.model.ids import ChannelId, MessageRef, Person, RequestId, TaskId, ThreadId, Ts
from bot.approvals.model.inbox import Inbox
from bot.approvals.model.message import Message
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.task import Lease, Running, Starting, Task
from bot.approvals.ports.storage import Records
from bot.storage import codec, lists
from bot.storage.codec import decode, encode
from bot.storage.redis import scripts

PREFIX: Final = "{countersign}:"
ANSWER_WITHIN: Final = 1.0
"""Seconds for one command; a click has to be answered within three."""
CONNECTIONS: Final = 16
TURN_WITHIN: Final = 2.0
"""Seconds in the line for a connection."""

Step = list[str]
Found = TypeVar("Found", Task, Request, Message, Inbox)


def client(url: str) -> Redis:
    """A client with time limits, one repetition of what got no answer, and a health check of idle connections.

    A repetition is harmless: each change carries an id by which Redis knows that it has made it. Who finds no
    connection free waits in line: a hundred at once would only make each other late.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=TURN_WITHIN,
        decode_responses=True,
        socket_timeout=ANSWER_WITHIN,
        socket_connect_timeout=ANSWER_WITHIN,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 1),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    return Redis.from_pool(pool)


def blocking(redis: Redis) -> BlockingRedis:
    """A client of the same server for threads that have no event loop, connected when it is first used."""
    pool = redis.connection_pool
    own = ("retry", "retry_on_error")  # asyncio's
    settings = {name: value for name, value in pool.connection_kwargs.items() if name not in own}
    kind = getattr(connection, pool.connection_class.__name__)  # the two kinds of client name theirs alike
    return BlockingRedis.from_pool(connection.ConnectionPool(connection_class=kind, **settings))


class RedisStorage:
    """Records in Redis, for any number of processes."""

    def __init__(self, redis: Redis, prefix: str = PREFIX) -> None:
        self._redis = redis
        self._prefix = prefix
        self._commit = redis.register_script(scripts.COMMIT)
        self._select = redis.register_script(scripts.SELECT)
        self._related = redis.register_script(scripts.RELATED)
        self._on_lists = redis.register_script(scripts.LISTED)
        self._records_of = redis.register_script(scripts.RECORDS)
        self._lease = redis.register_script(scripts.LEASE)
        self._held = redis.register_script(scripts.HELD)
        self._blocking = blocking(redis)
        self._renew = self._blocking.register_script(scripts.HELD)

    async def close(self) -> None:
        await self._redis.aclose()
        self._blocking.close()

    # --- Tasks ----------------------------------------------------------------------------------

    async def create_task(self, task: Task, event: AuditEvent, messages: Sequence[Message] = ()) -> None:
        task = replace(task, revision=0)
        steps = [
            ["absent", self._key("task", task.id)],
            ["absent", self._key("thread", task.thread_id)],
            *self._absent(messages),
            self._event(event),
            *self._task(task),
            ["call", "HSET", self._key("thread", task.thread_id), "task", task.id],
            ["call", "ZADD", self._key("tasks_of", _requester(task)), _moment(task.created_at), task.id],
            *([["call", "RPUSH", self._key("tasks_in", in_thread), task.id]] if (in_thread := _thread(task)) else []),
            *self._messages(messages),
        ]
        if await self._change(steps) is False and await self._body("task", task.id) is None:
            raise Conflict(task.id)

    async def task(self, id: TaskId) -> Task:
        body = await self._body("task", id)
        if body is None:
            raise NotFound("task", id)
        return decode(Task, body)

    async def records_of(self, task_id: TaskId) -> Records:
        with _reachable():
            task, requests, messages = await self._records_of(keys=[self._prefix], args=[task_id])
        if task is None:
            raise NotFound("task", task_id)
        return Records(
            task=decode(Task, task),
            requests=tuple(decode(Request, body) for body in requests),
            messages=tuple(decode(Message, body) for body in messages),
        )

    async def save_task(self, task: Task, event: AuditEvent, messages: Sequence[Message] = ()) -> Task:
        saved = replace(task, revision=task.revision + 1)
        steps = [
            ["revision", self._key("task", task.id), str(task.revision)],
            *self._absent(messages),
            self._event(event),
            *self._task(saved),
            ["outdate", self._key("surfaces_by", f"task:{task.id}")],
            *self._messages(messages),
        ]
        if await self._change(steps) is False:
            raise Conflict(task.id)
        return saved

    async def tasks_of(self, requester: Person, limit: int) -> tuple[Task, ...]:
        key = self._key("tasks_of", _account(requester))
        with _reachable():
            ids = cast("list[str]", await self._redis.zrevrange(key, 0, limit - 1))
        return await self._records(Task, "task", ids)

    async def tasks_in(self, channel: ChannelId, thread_ts: Ts) -> tuple[Task, ...]:
        return await self._all_of(Task, f"tasks_in:{channel}:{thread_ts}", "task")

    async def orphans(self, now: datetime, limit: int) -> tuple[Task, ...]:
        return await self._indexed(Task, "at_work", "+inf", limit, "task", now, "free")

    async def ended(self, before: datetime, limit: int, *, forgotten: bool) -> tuple[Task, ...]:
        index = "forgotten" if forgotten else "ended"
        return await self._indexed(Task, index, _moment(before), limit, "task", before, "all")

    async def forget(self, task_id: TaskId, event: AuditEvent) -> None:
        ended, forgotten = self._prefix + "ended", self._prefix + "forgotten"
        with _reachable():
            at = await self._redis.zscore(ended, task_id)
        if at is not None:
            moved = [["call", "ZREM", ended, task_id], ["call", "ZADD", forgotten, str(int(at)), task_id]]
            await self._change([["held", ended, task_id], self._event(event), *moved])

    async def purge(self, task_id: TaskId, event: AuditEvent) -> None:
        try:
            task = await self.task(task_id)
        except NotFound:
            return
        if not task.finished:
            return
        requests, messages = await self.requests_of(task_id), await self.messages_of(task_id)
        keys = [
            *(self._key(kind, task_id) for kind in ("task", "requests_of", "surfaces_of")),
            *(self._key(kind, task.thread_id) for kind in ("thread", "lease", "interrupts")),
            *(self._key("request", request.id) for request in requests),
            *(self._key("surface", message.id) for message in messages),
            *(self._key("at", f"{s.ref.channel}:{s.ref.ts}") for s in messages if s.ref),
            *(self._key("surfaces_by", owner) for owner in {_owner(message) for message in messages}),
        ]
        indexes = [
            *((index, task_id) for index in ("ended", "forgotten", "at_work", f"tasks_of:{_requester(task)}")),
            *((index, request.id) for request in requests for index in ("due", "undelivered", "unsettled")),
            *(("stale", message.id) for message in messages),
        ]
        removed = [["call", "ZREM", self._prefix + index, id] for index, id in indexes]
        removed += [["listed", self._key("request", request.id), request.id, "{}"] for request in requests]
        removed += (
            [["call", "LREM", self._key("tasks_in", in_thread), "0", task_id]] if (in_thread := _thread(task)) else []
        )
        emptied = [["present", self._key("task", task_id)], ["empty", self._key("history", task_id)]]
        await self._change([*emptied, self._event(event), *removed, *(["call", "DEL", key] for key in keys)])

    # --- Requests -------------------------------------------------------------------------------

    async def open_request(self, request: Request, event: AuditEvent, messages: Sequence[Message] = ()) -> Request:
        opened = replace(request, revision=0)
        interrupts = self._key("interrupts", opened.thread_id)
        steps = [
            ["absent", self._key("request", opened.id)],
            ["unasked", interrupts, opened.interrupt_id],
            *self._absent(messages),
            self._event(event),
            *self._request(opened),
            ["call", "HSET", interrupts, opened.interrupt_id, opened.id],
            ["number", self._key("requests_of", opened.task_id), opened.id],
            *self._messages(messages),
        ]
        done = await self._change(steps)
        if isinstance(done, str):
            return decode(Request, done)
        if done is False:
            earlier = await self._asked(interrupts, opened)
            if earlier is None:
                raise Conflict(opened.id)
            return earlier
        return opened

    async def _asked(self, interrupts: str, request: Request) -> Request | None:
        with _reachable():
            id = await cast("Awaitable[str | None]", self._redis.hget(interrupts, request.interrupt_id))
        return None if id is None else await self.request(RequestId(id))

    async def request(self, id: RequestId) -> Request:
        body = await self._body("request", id)
        if body is None:
            raise NotFound("request", id)
        return decode(Request, body)

    async def requests_of(self, task_id: TaskId) -> tuple[Request, ...]:
        return await self._all_of(Request, f"requests_of:{task_id}", "request")

    async def save_request(self, request: Request, event: AuditEvent, messages: Sequence[Message] = ()) -> Request:
        saved = replace(request, revision=request.revision + 1)
        steps = [
            ["revision", self._key("request", request.id), str(request.revision)],
            *self._absent(messages),
            self._event(event),
            *self._request(saved),
            ["outdate", self._key("surfaces_by", f"request:{request.id}")],
            *self._messages(messages),
        ]
        if await self._change(steps) is False:
            raise Conflict(request.id)
        return saved

    async def due(self, now: datetime, limit: int) -> tuple[Request, ...]:
        return await self._indexed(Request, "due", _moment(now), limit, "request", now, "all")

    async def undelivered(self, now: datetime, limit: int) -> tuple[Request, ...]:
        return await self._indexed(Request, "undelivered", _moment(now), limit, "request", now, "free")

    async def unsettled(self) -> tuple[TaskId, ...]:
        """What earlier versions stored is not in the index: it is found by the lists of those whom it waits for."""
        with _reachable():
            ids = set(cast("list[str]", await self._redis.zrange(self._prefix + "unsettled", 0, -1)))
            async for key in self._redis.scan_iter(match=_literal(self._prefix + lists.waiting_for("")) + "*"):
                ids.update(cast("list[str]", await self._redis.zrange(key, 0, -1)))
        requests = await self._records(Request, "request", sorted(ids))
        return tuple(dict.fromkeys(request.task_id for request in requests))

    async def waiting_for(self, refs: Collection[str], limit: int) -> tuple[Request, ...]:
        return await self._listed([lists.waiting_for(ref) for ref in refs], limit)

    async def answered_by(self, person: Person, limit: int) -> tuple[Request, ...]:
        return await self._listed([lists.answered_by(person)], limit)

    async def _listed(self, named: Sequence[str], limit: int) -> tuple[Request, ...]:
        if not named:
            return ()
        with _reachable():
            bodies = await self._on_lists(keys=[self._prefix], args=[limit, *named])
        return tuple(decode(Request, body) for body in bodies)

    # --- Inboxes --------------------------------------------------------------------------------

    async def inbox(self, person: Person) -> Inbox:
        body = await self._body("inbox", _account(person))
        return Inbox(person=person) if body is None else decode(Inbox, body)

    async def save_inbox(self, inbox: Inbox) -> Inbox:
        saved, id = replace(inbox, revision=inbox.revision + 1), _account(inbox.person)
        key = self._key("inbox", id)
        guard = ["revision", key, str(inbox.revision)] if inbox.revision else ["absent", key]
        fields = ["revision", str(saved.revision), "body", encode(saved)]
        steps = [
            guard,
            ["call", "HSET", key, *fields],
            self._at("homes", id, saved.home.opened_at if saved.home else None),
            self._at("digests", id, saved.summary.due_at if saved.summary else None),
        ]
        if await self._change(steps) is False:
            raise Conflict(f"the inbox of {inbox.person.user_id}")
        return saved

    async def homes(self, since: datetime, limit: int) -> tuple[Inbox, ...]:
        with _reachable():
            found = await self._redis.zrange(
                self._prefix + "homes", "+inf", _moment(since), desc=True, byscore=True, offset=0, num=limit
            )
        return await self._records(Inbox, "inbox", cast("list[str]", found))

    async def due_summaries(self, now: datetime, limit: int) -> tuple[Inbox, ...]:
        return await self._indexed(Inbox, "digests", _moment(now), limit, "inbox", now, "all")

    # --- Surfaces -------------------------------------------------------------------------------

    async def messages_of(self, task_id: TaskId) -> tuple[Message, ...]:
        return await self._all_of(Message, f"surfaces_of:{task_id}", "surface")

    async def out_of_date(self, now: datetime, limit: int) -> tuple[Message, ...]:
        return await self._indexed(Message, "stale", "+inf", limit, "surface", now, "ready")

    async def save_message(self, message: Message, event: AuditEvent | None = None) -> Message:
        saved = replace(message, revision=message.revision + 1)
        guard = ["revision", self._key("surface", message.id), str(message.revision)]
        told = [] if event is None else [self._event(event)]
        if await self._change([guard, *told, *self._surface(saved)]) is False:
            raise Conflict(message.id)
        return saved

    async def message_at(self, ref: MessageRef) -> Message | None:
        with _reachable():
            id = cast("str | None", await self._redis.get(self._key("at", f"{ref.channel}:{ref.ts}")))
        body = None if id is None else await self._body("surface", id)
        return None if body is None else decode(Message, body)

    # --- Audit ----------------------------------------------------------------------------------

    async def record(self, event: AuditEvent) -> None:
        await self._change([self._event(event)])

    async def history(self, task_id: TaskId, request_id: RequestId | None = None) -> tuple[AuditEvent, ...]:
        with _reachable():
            bodies = await cast("Awaitable[list[str]]", self._redis.lrange(self._key("history", task_id), 0, -1))
        events = (decode(AuditEvent, body) for body in bodies if body)
        return tuple(event for event in events if request_id is None or event.request_id == request_id)

    async def trail(self, after: int, limit: int) -> tuple[Entry, ...]:
        found = await self._raw(scripts.TRAIL, after, limit)
        return tuple(_entry(number, linked, body) for number, (linked, body) in enumerate(found, start=after + 1))

    async def head(self) -> Head:
        counted, last = await self._raw(scripts.HEAD)
        return Head(number=int(counted or 0), link=GENESIS if last is None else _entry(0, last, None).link)

    async def is_purged(self, task_id: TaskId) -> bool:
        with _reachable():
            key, as_stored = self._key("history", task_id), {"NEVER_DECODE": True}
            bodies = await self._redis.execute_command("LRANGE", key, 0, -1, **as_stored)  # type: ignore[no-untyped-call]
        return any(codec.tells_of_purge(body) for body in bodies)

    async def _raw(self, script: str, *arguments: int) -> list[Any]:
        """What a script returns, as bytes: what was tampered with need not be text."""
        with _reachable():
            found: list[Any] = await self._redis.execute_command(  # type: ignore[no-untyped-call]
                "EVAL", script, 1, self._prefix, *arguments, NEVER_DECODE=True
            )
        return found

    # --- Leases ---------------------------------------------------------------------------------

    async def lease(self, thread_id: ThreadId, ttl: timedelta, now: datetime) -> Lease | None:
        until = now + ttl
        with _reachable():
            arguments = [thread_id, _moment(until), _moment(now), secrets.token_hex(8)]
            token = int(await self._lease(keys=[self._prefix], args=arguments))
        return Lease(thread_id=thread_id, token=token, until=until) if token else None

    def renew(self, lease: Lease, ttl: timedelta, now: datetime) -> Lease | None:
        renewed = replace(lease, until=now + ttl)
        with _reachable():
            arguments = [lease.thread_id, str(lease.token), _moment(now), _moment(renewed.until)]
            held = self._renew(keys=[self._prefix], args=arguments)
        return renewed if held else None

    async def release(self, lease: Lease) -> None:
        await self._holding(lease, lease.until, "release")

    async def holds(self, lease: Lease, now: datetime) -> bool:
        return await self._holding(lease, now, "")

    async def _holding(self, lease: Lease, now: datetime, then: str) -> bool:
        with _reachable():
            arguments = [lease.thread_id, str(lease.token), _moment(now), then]
            return bool(await self._held(keys=[self._prefix], args=arguments))

    # --- Steps of a change ----------------------------------------------------------------------

    def _key(self, kind: str, id: str) -> str:
        return f"{self._prefix}{kind}:{id}"

    def _event(self, event: AuditEvent) -> Step:
        body = encode(event)
        return ["event", self._key("history", event.task_id), body, digest_of(body.encode()), event.task_id]

    def _task(self, task: Task) -> list[Step]:
        key = self._key("task", task.id)
        at_work = self._prefix + "at_work"
        indexed = (
            ["number", at_work, task.id]
            if isinstance(task.state, Starting | Running)
            else ["call", "ZREM", at_work, task.id]
        )
        fields = ["revision", str(task.revision), "thread", task.thread_id, "body", encode(task)]
        return [["call", "HSET", key, *fields], indexed, self._at("ended", task.id, task.ended_at)]

    def _request(self, request: Request) -> list[Step]:
        key, state = self._key("request", request.id), request.state
        fields = ["revision", str(request.revision), "thread", request.thread_id, "body", encode(request)]
        return [
            ["call", "HSET", key, *fields],
            self._at("due", request.id, state.due_at if isinstance(state, Pending) else None),
            self._at("undelivered", request.id, state.next_try if isinstance(state, Decided) else None),
            self._at("unsettled", request.id, request.opened_at if isinstance(state, Pending | Decided) else None),
            ["listed", key, request.id, json.dumps(lists.of(request))],
        ]

    def _at(self, index: str, id: str, at: datetime | None) -> Step:
        key = self._prefix + index
        return ["call", "ZREM", key, id] if at is None else ["call", "ZADD", key, _moment(at), id]

    def _absent(self, messages: Sequence[Message]) -> list[Step]:
        return [["absent", self._key("surface", message.id)] for message in messages]

    def _messages(self, messages: Sequence[Message]) -> Iterator[Step]:
        for message in messages:
            yield from self._surface(replace(message, revision=0))
            yield ["call", "SADD", self._key("surfaces_by", _owner(message)), message.id]
            yield ["call", "RPUSH", self._key("surfaces_of", message.task_id), message.id]

    def _surface(self, message: Message) -> list[Step]:
        fields = {
            "revision": str(message.revision),
            "owner": _owner(message),
            "shown": str(message.shown),
            "abandoned": "1" if message.abandoned else "0",
            "not_before": _moment(message.not_before) if message.not_before else "",
            "body": encode(message),
        }
        place = f"{message.ref.channel}:{message.ref.ts}" if message.ref else ""
        return [
            ["call", "HSET", self._key("surface", message.id), *(word for pair in fields.items() for word in pair)],
            ["place", message.id, place],
            ["level", message.id],
        ]

    # --- Calls ----------------------------------------------------------------------------------

    async def _change(self, steps: Sequence[Step]) -> bool | str:
        """True where the change was made, False where a guard failed, or the text of the request already there."""
        change = secrets.token_hex(8)
        guarded = [step[1] for step in steps if step[0] in ("absent", "revision")]
        marks = [["call", "HSET", key, "change", change] for key in guarded]
        with _reachable():
            done = await self._commit(keys=[self._prefix], args=[json.dumps([*steps, *marks]), change])
        match done:
            case ["found", str(body)]:
                return body
            case _:
                return bool(done == ["ok"])

    async def _body(self, kind: str, id: str) -> str | None:
        with _reachable():
            return await cast("Awaitable[str | None]", self._redis.hget(self._key(kind, id), "body"))

    async def _records(self, cls: type[Found], kind: str, ids: Sequence[str]) -> tuple[Found, ...]:
        if not ids:
            return ()
        with _reachable():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for id in ids:
                    pipeline.hget(self._key(kind, id), "body")
                bodies = await pipeline.execute()
        return tuple(decode(cls, body) for body in bodies if body is not None)

    async def _all_of(self, cls: type[Found], index: str, kind: str) -> tuple[Found, ...]:
        with _reachable():
            bodies = await self._related(keys=[self._prefix], args=[index, kind])
        return tuple(decode(cls, body) for body in bodies)

    async def _indexed(
        self, cls: type[Found], index: str, most: str, limit: int, kind: str, now: datetime, wanted: str
    ) -> tuple[Found, ...]:
        with _reachable():
            arguments: list[Any] = [index, most, limit, kind, _moment(now), wanted]
            bodies = await self._select(keys=[self._prefix], args=arguments)
        return tuple(decode(cls, body) for body in bodies)


def _literal(text: str) -> str:
    """The text, as a pattern that matches it alone."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)


def _requester(task: Task) -> str:
    return _account(task.requester)


def _thread(task: Task) -> str:
    """The Slack thread that it was started in; empty where it opens one."""
    return f"{task.channel}:{task.thread_ts}" if task.thread_ts else ""


def _account(person: Person) -> str:
    return f"{person.team_id}:{person.user_id}"


def _owner(message: Message) -> str:
    """The record whose revision the surface shows."""
    return f"task:{message.task_id}" if message.shows is None else f"request:{message.shows}"


_LINKED: Final = re.compile(rb"([0-9a-f]{64}) ([0-9a-f]{64}) (?:0|[1-9][0-9]*) (.*)", re.DOTALL)
"""An entry of the chain: digest, link, its place in the history of its task, and the task."""


def _entry(number: int, linked: bytes, body: bytes | None) -> Entry:
    found = _LINKED.fullmatch(linked)
    digest, link, task_id = found.groups() if found else (b"", b"", b"")
    return Entry(
        number=number,
        task_id=task_id.decode(errors="replace"),
        body=body,
        digest=digest.decode(),
        link=link.decode(),
    )


@contextmanager
def _reachable() -> Iterator[None]:
    """Whatever Redis refuses or does not answer is `Unreachable`: it is down, full, read-only, or loading."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise Unreachable from error


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(at: datetime) -> str:
    return str((at - _EPOCH) // timedelta(microseconds=1))
