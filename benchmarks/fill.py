"""Stores with many records. One is made through `Storage`; the rest are stamped from what it left there."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from redis import Redis

from benchmarks.stage import GRAPH, Backend
from bot import stores
from bot.app.worker import saver_of
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Answered, Approve
from bot.approvals.model.ids import (
    ChannelId,
    InterruptId,
    MessageId,
    MessageRef,
    Person,
    RequestId,
    TaskId,
    TeamId,
    ThreadId,
    Ts,
    UserId,
)
from bot.approvals.model.message import Message
from bot.approvals.model.policy import Expire, Policy, Step, one_stage
from bot.approvals.model.question import Item, Question, Verdict
from bot.approvals.model.request import Decided, OpenStage, Pending, Request, RequestState
from bot.approvals.model.task import Task, Waiting
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock
from bot.approvals.services.delivery.leasing import Leases
from bot.approvals.services.messages import wanted
from bot.engines.langgraph.loading import registry
from bot.engines.langgraph.runner import LangGraphEngine
from bot.storage.redis.store import PREFIX

ALICE = Person(team_id=TeamId("T0ACME"), user_id=UserId("U0ALICE"))
BOB = Person(team_id=TeamId("T0ACME"), user_id=UserId("U0BOB"))
WEEK = timedelta(days=7)
WEEKLY = Policy(name="weekly", stages=one_stage(("@ops-leads",), steps=(Step(after=WEEK, action=Expire()),)))
AT_ONCE = 2000
"""Records that one script stamps."""


async def pending(backend: Backend, count: int, *, mark: str = "PPPPPPPP", overdue: bool = False) -> None:
    """So many tasks that wait, their messages posted and level; due in a week, or since a moment."""
    async with stores.opened(backend.settings) as opened:
        now = opened.clock()
        asked_at = now - WEEK - timedelta(seconds=1) if overdue else now
        task = _task(mark, f"thread-{mark}", asked_at)
        request = _request(task, f"interrupt-{mark}", _question(mark), Pending(due_at=asked_at + WEEK), asked_at)
        opening, card = (
            _posted(made, f"{index}{mark}", Ts(f"{mark}.{index}"))
            for index, made in enumerate([wanted.opening_of(task), wanted.card_of(request)])
        )
        await opened.storage.create_task(task, _event(task, "started", asked_at), [opening])
        await opened.storage.open_request(request, _event(task, "opened", asked_at), [card])
    stamp = _stamp_redis if backend.url else _stamp_sqlite
    await asyncio.to_thread(stamp, backend, mark, count - 1)


async def undelivered(backend: Backend, count: int) -> None:
    """So many tasks whose graphs wait and whose requests are decided, as a crash leaves them: nothing is posted."""
    config = backend.folder / "langgraph.json"
    config.write_text(json.dumps({"graphs": {"approval": f"{GRAPH}:graph"}}))
    async with (
        stores.opened(backend.settings) as opened,
        saver_of(backend.settings, _leases(opened).holds) as kept,
        registry.loaded(config, backend.folder, kept) as graphs,
    ):
        engine = LangGraphEngine(registry=graphs)
        slots = asyncio.Semaphore(8)

        async def one(number: int) -> None:
            async with slots:
                await _left_behind(f"u{number:06d}", engine, opened.storage, opened.clock)

        await asyncio.gather(*(one(number) for number in range(count)))


def _leases(opened: stores.Stores) -> Leases:
    return Leases(storage=opened.storage, clock=opened.clock, ttl=timedelta(minutes=1))


async def _left_behind(name: str, engine: LangGraphEngine, storage: Storage, clock: Clock) -> None:
    now = clock()
    task = _task(name, str(uuid.uuid4()), now)
    await storage.create_task(task, _event(task, "started", now), [wanted.opening_of(task)])
    lease = await storage.lease(task.thread_id, timedelta(minutes=1), now)
    assert lease is not None
    (asked,) = (await engine.start(task, lease, now)).asked
    await storage.release(lease)
    answer = Answered(verdicts=(Approve(),), voters=(BOB,), edited=False, at=now)
    request = _request(task, asked.interrupt_id, asked.question, Decided(decision=answer, next_try=now), now)
    await storage.open_request(request, _event(task, "opened", now), [wanted.card_of(request)])


def _task(name: str, thread: str, at: datetime) -> Task:
    return Task(
        id=TaskId(f"task-{name}"),
        thread_id=ThreadId(thread),
        graph="approval",
        inputs={"name": name},
        requester=ALICE,
        channel=ChannelId("C0R0"),
        created_at=at,
        state=Waiting(),
    )


def _request(task: Task, interrupt: str, question: Question, state: RequestState, at: datetime) -> Request:
    return Request(
        id=RequestId(f"request-{interrupt}"),
        task_id=task.id,
        thread_id=task.thread_id,
        interrupt_id=InterruptId(interrupt),
        graph=task.graph,
        requester=task.requester,
        proposed=question,
        question=question,
        policy=WEEKLY,
        opened_at=at,
        state=state,
        open=OpenStage(asked=(BOB,), opened_at=at),
    )


def _question(name: str) -> Question:
    item = Item(name="go on", arguments={"name": name}, verdicts=(Verdict.APPROVE, Verdict.REJECT))
    return Question(shape="conventions", title=f"Go on with {name}?", items=(item,), payload={"name": name})


def _posted(message: Message, id: str, ts: Ts) -> Message:
    at = MessageRef(channel=ChannelId("C0R0"), ts=ts)
    return Message(
        id=MessageId(id),
        kind=message.kind,
        task_id=message.task_id,
        created_at=message.created_at,
        request_id=message.request_id,
        ref=at,
        shown=0,
        fingerprint="drawn",
    )


def _event(task: Task, kind: str, at: datetime) -> AuditEvent:
    return AuditEvent(kind=kind, at=at, task_id=task.id, person=ALICE)


# --- Stamping -----------------------------------------------------------------------------------


def _stamp_sqlite(backend: Backend, mark: str, count: int) -> None:
    connection = sqlite3.connect(backend.folder / "state" / "countersign.sqlite")
    for table in ("tasks", "requests", "surfaces", "events"):
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "seq"]
        names = ", ".join(columns)
        rows = connection.execute(f"SELECT {names} FROM {table} WHERE body LIKE ?", (f"%{mark}%",)).fetchall()  # noqa: S608
        connection.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})",  # noqa: S608
            (
                tuple(each.replace(mark, f"{mark[0]}{number:07d}") if isinstance(each, str) else each for each in row)
                for number in range(count)
                for row in rows
            ),
        )
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


STAMP: Final = """
local commands, mark = cjson.decode(ARGV[1]), ARGV[2]
for number = tonumber(ARGV[3]), tonumber(ARGV[4]) - 1 do
    local id = string.format('%s%07d', string.sub(mark, 1, 1), number)
    for _, command in ipairs(commands) do
        local words = {}
        for index, word in ipairs(command) do words[index] = (string.gsub(word, mark, id)) end
        redis.call(unpack(words))
    end
end
"""


def _stamp_redis(backend: Backend, mark: str, count: int) -> None:
    with Redis.from_url(backend.url, decode_responses=True) as redis:
        indexes = redis.scan_iter(match=f"{PREFIX}*", _type="zset", count=10_000)
        shared = (key for key in indexes if not key.startswith(f"{PREFIX}requests_of:"))
        own = redis.scan_iter(match=f"{PREFIX}*{mark}*", count=10_000)
        commands = [command for key in {*shared, *own} for command in _making(redis, key, mark)]
        for first in range(0, count, AT_ONCE):
            redis.eval(STAMP, 0, json.dumps(commands), mark, first, min(first + AT_ONCE, count))


def _making(redis: Any, key: str, mark: str) -> list[list[str]]:
    """What would make this key, or the members of it, that have the mark."""
    match redis.type(key):
        case "zset":
            wanted = None if mark in key else f"*{mark}*"
            entries = redis.zscan_iter(key, match=wanted, count=10_000)
            return [["ZADD", key, f"{score:.0f}", member] for member, score in entries]
        case "hash":
            return [["HSET", key, *(word for pair in redis.hgetall(key).items() for word in pair)]]
        case "list":
            return [["RPUSH", key, *redis.lrange(key, 0, -1)]]
        case "set":
            return [["SADD", key, *redis.smembers(key)]]
        case _:
            return [["SET", key, redis.get(key)]]
