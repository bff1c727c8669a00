"""Every record that one process left, which did everything, is read and kept, on both stores."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.catalog import Catalog
from bot.approvals.model.ids import JSON, RequestId, TaskId
from bot.approvals.model.inbox import Inbox
from bot.approvals.model.message import Message
from bot.approvals.model.request import Decided, Delivered, Pending, Request
from bot.approvals.model.task import Ended, Failed, Running, Starting, Task, Waiting
from bot.approvals.services.audit.proof import Intact, verify
from bot.approvals.services.audit.retention import Retention
from bot.storage.codec import encode
from bot.storage.sqlite.database import is_of_this_version
from tests.support.agent_stage import Stage
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, RITA
from tests.upgrade.left import ONE_PROCESS, on_sqlite
from tests.upgrade.one_process_left import Left, copy, opened

LEASE = timedelta(seconds=30)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(params=["sqlite", "redis"])
async def left(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Left]:
    async with opened(request, tmp_path) as found:
        yield found


async def test_the_file_is_brought_to_this_version(tmp_path: Path) -> None:
    assert not is_of_this_version(copy(tmp_path))

    async with on_sqlite(tmp_path, ONE_PROCESS):
        assert is_of_this_version(tmp_path / "records.sqlite")


async def test_nobody_has_beaten_or_published_agents_and_then_they_do(left: Left) -> None:
    storage = left.stage.storage
    assert await storage.owners() == frozenset()
    assert await storage.published() is None

    catalog = Catalog(agents=(), digest="d", published_at=MORNING)
    storage.beat(("worker-1",), LEASE, MORNING)
    await storage.publish(catalog)

    assert await storage.owners() == {"worker-1"}
    assert await storage.published() == catalog


async def test_every_task_and_request_stands_as_it_stood(left: Left) -> None:
    tasks = {task.graph: task for task in await left.stage.storage.tasks_of(RITA, 20)}
    failed = tasks["fails"].state

    assert {graph: (task.state, task.tries) for graph, task in tasks.items() if graph != "fails"} == {
        "waits": (Waiting(), 0),
        "decided": (Waiting(), 0),
        "unposted": (Waiting(), 0),
        "ended": (Ended(outcome="told True", at=MORNING), 1),
        "killed": (Running(), 1),
        "begun": (Starting(), 1),
    }
    assert isinstance(failed, Failed)
    assert (failed.failure.summary, failed.retryable) == ("OSError", True)
    states = {graph: (await left.request(graph)).state for graph in ("waits", "decided", "unposted", "ended", "killed")}
    assert {graph: type(state) for graph, state in states.items()} == {
        "waits": Pending,
        "decided": Decided,
        "unposted": Pending,
        "ended": Delivered,
        "killed": Decided,
    }
    assert [state.attempts for state in states.values() if isinstance(state, Decided)] == [0, 1]


async def test_every_record_is_read_with_all_that_was_written(left: Left) -> None:
    assert {key.partition(":")[0] for key in left.before} == {"task", "request", "surface", "inbox"}
    for key, text in left.before.items():
        record = await _read(left.stage, key, text)

        assert _lost(text, json.loads(encode(record))) == []
        if isinstance(record, Message):
            assert record.claimed_by is None


async def test_every_record_that_is_saved_today_keeps_what_it_had(left: Left) -> None:
    for key, text in left.before.items():
        await _save(left.stage, await _read(left.stage, key, text))

    now = left.now()
    assert now.keys() == left.before.keys()
    for key, text in left.before.items():
        assert now[key]["revision"] == int(str(text["revision"])) + 1
        assert _lost({**text, "revision": now[key]["revision"]}, now[key]) == []


async def test_the_audit_log_verifies_and_goes_on(left: Left) -> None:
    storage = left.stage.storage
    before = await verify(storage)
    noted = await storage.head()
    await left.stage.approve(await left.request("waits"))
    await left.later(HOUR)

    after = await verify(storage, noted)

    assert isinstance(before, Intact)
    assert isinstance(after, Intact)
    assert before.purged > 0
    assert after.entries > before.entries > before.purged
    assert after.purged == before.purged


async def test_what_ended_then_is_removed_when_its_retention_ends(left: Left) -> None:
    storage = left.stage.storage
    task, noted = await left.task("ended"), await storage.head()
    before = await verify(storage)
    retention = Retention(storage=storage, engine=left.stage.delivery.engine, keep_finished=DAY, keep_records=2 * DAY)
    for _ in range(2):
        left.stage.clock.advance(DAY)
        await retention.sweep(left.stage.clock.now)

    after = await verify(storage, noted)

    assert await storage.is_purged(task.id)
    assert task.graph not in {each.graph for each in await storage.tasks_of(RITA, 20)}
    assert isinstance(before, Intact)
    assert isinstance(after, Intact)
    assert after.purged > before.purged


async def _read(stage: Stage, key: str, text: Mapping[str, JSON]) -> Task | Request | Message | Inbox:
    kind, _, id = key.partition(":")
    match kind:
        case "task":
            return await stage.storage.task(TaskId(id))
        case "request":
            return await stage.storage.request(RequestId(id))
        case "inbox":
            return await stage.storage.inbox(ALICE)
    messages = await stage.storage.messages_of(TaskId(str(text["task_id"])))
    (message,) = [each for each in messages if each.id == id]
    return message


async def _save(stage: Stage, record: Task | Request | Message | Inbox) -> None:
    storage, at = stage.storage, stage.clock.now
    match record:
        case Task():
            await storage.save_task(record, AuditEvent(kind="seen", at=at, task_id=record.id))
        case Request():
            await storage.save_request(record, AuditEvent(kind="seen", at=at, task_id=record.task_id))
        case Message():
            await storage.save_message(record)
        case Inbox():
            await storage.save_inbox(record)


def _lost(before: JSON, now: JSON, where: str = "") -> list[str]:
    """Where `now` lacks something of `before`, or says something else. It may say more."""
    match before, now:
        case dict(), dict():
            gone = [f"{where}.{key}" for key in before if key not in now]
            kept = [key for key in before if key in now]
            return gone + [each for key in kept for each in _lost(before[key], now[key], f"{where}.{key}")]
        case list(), list() if len(before) == len(now):
            return [each for n, value in enumerate(before) for each in _lost(value, now[n], f"{where}.{n}")]
    return [] if before == now else [where]
