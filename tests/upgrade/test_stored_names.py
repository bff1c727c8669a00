"""What is stored keeps its spelling, whatever the code calls it today: it opens, goes on, and is written as before."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.ids import MessageId, TaskId
from bot.approvals.model.inbox import Home, Inbox, Schedule, Sending, Summary
from bot.approvals.ports.storage import Storage
from bot.approvals.services.audit.proof import Intact, verify
from bot.storage.codec import decode, encode
from bot.storage.redis.store import PREFIX
from tests.support.builders import a_person
from tests.support.redis_server import RedisServer
from tests.upgrade.left import on_redis, on_sqlite

NINE = datetime(2030, 1, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
APPROVER = a_person("UAPP")
INBOX_BEFORE = (
    '{"person":{"team_id":"T1","user_id":"UAPP"},"home":{"opened_at":"2030-01-02T07:00:00+00:00","look":{"only":"all",'
    '"graph":"","waiting":0,"asked":0,"decided":0},"fingerprint":"f","hash":"h"},"digest":{"schedule":{"hour":9,'
    '"minute":0,"days":[0,1,2,3,4]},"next_at":"2030-01-03T09:00:00+00:00","sending":{"id":"m1",'
    '"since":"2030-01-02T09:00:00+00:00","not_before":"2030-01-02T09:00:00+00:00","attempted":false,"begun_at":null,'
    '"tries":0}},"revision":3}'
)
"""As the version before wrote it, when a summary was called a digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A store that the version before wrote, and the raw inbox in it."""

    storage: Storage
    write: Callable[[str], object]
    read: Callable[[], str]


@pytest.fixture(params=["sqlite", "redis"])
async def left(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Left]:
    if request.param == "sqlite":
        async with on_sqlite(tmp_path) as (storage, _, _):
            with closing(sqlite3.connect(tmp_path / "records.sqlite", isolation_level=None)) as file:
                yield Left(storage=storage, write=_into(file), read=_from(file))
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        async with on_redis(server) as (storage, _, _):
            with Redis.from_url(server.url, decode_responses=True) as redis:
                yield Left(storage=storage, write=_into_redis(redis), read=_from_redis(redis))


async def test_an_inbox_with_a_digest_is_one_with_a_summary(left: Left) -> None:
    left.write(INBOX_BEFORE)

    inbox = await left.storage.inbox(APPROVER)

    assert inbox == decode(Inbox, INBOX_BEFORE)
    assert inbox.home == Home(opened_at=NINE - 2 * HOUR, hash="h", fingerprint="f")
    assert inbox.summary == Summary(
        schedule=Schedule(hour=9, minute=0, days=(0, 1, 2, 3, 4)),
        next_at=NINE + DAY,
        sending=Sending(id=MessageId("m1"), since=NINE, not_before=NINE),
    )
    assert await left.storage.due_summaries(NINE, 9) == (inbox,)
    assert await left.storage.homes(NINE - DAY, 9) == (inbox,)


async def test_it_goes_on_and_is_stored_as_a_digest_again(left: Left) -> None:
    left.write(INBOX_BEFORE)
    inbox = await left.storage.inbox(APPROVER)
    assert inbox.summary is not None

    saved = await left.storage.save_inbox(replace(inbox, summary=replace(inbox.summary, sending=None)))

    stored = json.loads(left.read())
    assert "summary" not in stored
    assert stored["digest"]["next_at"] == "2030-01-03T09:00:00+00:00"
    assert await left.storage.inbox(APPROVER) == saved
    assert await left.storage.due_summaries(NINE, 9) == ()
    assert await left.storage.due_summaries(NINE + DAY, 9) == (saved,)


def test_an_inbox_is_written_with_the_very_text_of_the_version_before_and_who_claimed_its_summary() -> None:
    since = INBOX_BEFORE.replace('"attempted"', '"claimed_by":null,"attempted"')

    assert encode(decode(Inbox, INBOX_BEFORE)) == since


async def test_the_chain_of_the_version_before_verifies_and_goes_on(left: Left) -> None:
    before = await verify(left.storage)
    noted = await left.storage.head()
    await left.storage.record(AuditEvent(kind="seen", at=NINE, task_id=TaskId("task")))

    after = await verify(left.storage, noted)

    assert isinstance(before, Intact)
    assert isinstance(after, Intact)
    assert before.head == noted
    assert after.entries == before.entries + 1 > 1


def _into(file: sqlite3.Connection) -> Callable[[str], object]:
    def write(text: str) -> object:
        return file.execute(
            "INSERT INTO inboxes (person, opened_at, digest_due_at, revision, body) VALUES (?, ?, ?, ?, ?)",
            ("T1:UAPP", _microseconds(NINE - 2 * HOUR), _microseconds(NINE), 3, text),
        )

    return write


def _from(file: sqlite3.Connection) -> Callable[[], str]:
    return lambda: str(file.execute("SELECT body FROM inboxes WHERE person = 'T1:UAPP'").fetchone()[0])


def _into_redis(redis: Any) -> Callable[[str], object]:
    def write(text: str) -> object:
        redis.zadd(f"{PREFIX}homes", {"T1:UAPP": _microseconds(NINE - 2 * HOUR)})
        redis.zadd(f"{PREFIX}digests", {"T1:UAPP": _microseconds(NINE)})
        return redis.hset(f"{PREFIX}inbox:T1:UAPP", mapping={"revision": "3", "body": text})

    return write


def _from_redis(redis: Any) -> Callable[[], str]:
    return lambda: str(redis.hget(f"{PREFIX}inbox:T1:UAPP", "body"))


def _microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
