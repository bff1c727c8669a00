"""What one process left, which did everything and was killed at work, opens and goes on with several processes."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from redis import Redis

from bot.approvals.inbox.queries import Inboxes
from bot.approvals.inbox.summaries import Summaries
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.catalog import Catalog
from bot.approvals.model.ids import JSON, MessageId, RequestId, TaskId, Ts
from bot.approvals.model.inbox import Inbox
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.request import Decided, Delivered, Pending, Request
from bot.approvals.model.task import Ended, Failed, Lease, Running, Starting, Task, Waiting
from bot.approvals.services import claims
from bot.approvals.services.audit.proof import Intact, verify
from bot.approvals.services.audit.retention import Retention
from bot.storage.codec import encode
from bot.storage.redis.store import PREFIX
from bot.storage.sqlite.database import is_of_this_version
from tests.support.agent_stage import Stage
from tests.support.fakes import messenger
from tests.support.fakes.clock import MORNING
from tests.support.fakes.front import FakeFront
from tests.support.fakes.messenger import FakeDrawing
from tests.support.fakes.world import ALICE, CHANNEL, RITA
from tests.upgrade.left import ONE_PROCESS, on_redis, on_sqlite, stage_of
from tests.upgrade.one_process_agents import BUILDERS

SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=30)
CLAIM = timedelta(seconds=60)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

Texts: TypeAlias = Mapping[str, dict[str, JSON]]
"""Each record's text, by its kind and id as in Redis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A bot on what was left. It has not looked at what waits yet."""

    stage: Stage
    before: Texts
    """As they were written then."""
    now: Callable[[], Texts]

    async def task(self, graph: str) -> Task:
        (task,) = [each for each in await self.stage.storage.tasks_of(RITA, 20) if each.graph == graph]
        return task

    async def request(self, graph: str) -> Request:
        (request,) = await self.stage.storage.requests_of((await self.task(graph)).id)
        return request

    async def card(self, graph: str) -> Message:
        found = await self.stage.storage.messages_of((await self.task(graph)).id)
        (card,) = [message for message in found if message.kind is MessageKind.CARD]
        return card

    async def stands_in_slack(self, graph: str) -> None:
        """What was posted of the task is in Slack."""
        records = await self.stage.storage.records_of((await self.task(graph)).id)
        opening = records.messages[0]
        for each in records.messages:
            if each.ref is not None:
                self.stage.messenger.messages[each.ref] = messenger.Message(
                    channel=each.ref.channel,
                    thread_ts=None if each is opening or opening.ref is None else opening.ref.ts,
                    message_id=each.id,
                    drawing=FakeDrawing(kind=each.kind, words=""),
                )

    async def later(self, by: timedelta) -> None:
        """Time passes, then a sweep and what it wakes."""
        self.stage.clock.advance(by)
        await self.stage.sweeper.sweep(self.stage.clock.now)
        await self.stage.settle()


@pytest.fixture(params=["sqlite", "redis"])
async def left(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Left]:
    if request.param == "sqlite":
        async with on_sqlite(tmp_path, ONE_PROCESS) as (storage, saver, clock):
            stage = stage_of(_agents(saver), storage, saver, clock)
            yield Left(stage=stage, before=_in_file(_copy(tmp_path)), now=lambda: _in_file(tmp_path / "records.sqlite"))
    else:
        server = request.getfixturevalue("redis_server")
        async with on_redis(server, ONE_PROCESS) as (storage, saver, clock):
            stage = stage_of(_agents(saver), storage, saver, clock)
            yield Left(stage=stage, before=_in_redis(server.url), now=lambda: _in_redis(server.url))


# --- Records --------------------------------------------------------------------------------------


async def test_the_file_is_brought_to_this_version(tmp_path: Path) -> None:
    assert not is_of_this_version(_copy(tmp_path))

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


# --- Tasks ----------------------------------------------------------------------------------------


async def test_a_task_that_waits_is_left_alone_and_then_approved(left: Left) -> None:
    await left.stands_in_slack("waits")
    task, asked, card = await left.task("waits"), await left.request("waits"), await left.card("waits")
    assert card.ref is not None
    assert not await left.stage.delivery.look(task.id)

    await left.stage.approve(asked)

    request = await left.request("waits")
    assert isinstance(request.state, Delivered)
    assert (request.version, request.digest) == (asked.version, asked.digest)
    assert await left.stage.outcome(task) == "told True"
    (shown,) = left.stage.messenger.of(MessageKind.CARD)
    assert shown == left.stage.messenger.messages[card.ref]
    assert isinstance(shown.drawing, FakeDrawing)
    assert "Delivered" in shown.drawing.words


async def test_a_decision_is_delivered(left: Left) -> None:
    await left.later(timedelta(0))

    assert isinstance((await left.request("decided")).state, Delivered)
    assert await left.stage.outcome(await left.task("decided")) == "told True"


async def test_a_failed_task_is_retried(left: Left) -> None:
    task = await left.task("fails")

    await left.stage.tasks.retry(left.stage.actor(RITA), task.id)
    await left.stage.settle()

    assert await left.stage.outcome(task) == "acted"


@pytest.mark.parametrize("graph", ["killed", "begun"])
async def test_nobody_extends_or_ends_the_lease_of_the_killed_process(left: Left, graph: str) -> None:
    task, storage, clock = await left.task(graph), left.stage.storage, left.stage.clock
    storage.beat(("worker-1", ""), HOUR, clock.now)
    await claims.void(storage, ("worker-2", ""))
    await claims.void_lapsed(storage, clock.now)

    clock.advance(LEASE - SECOND)
    assert not await left.stage.delivery.drive(task.id)
    assert await storage.orphans(clock.now, 9) == ()

    clock.advance(SECOND)
    assert task in await storage.orphans(clock.now, 9)
    assert await storage.lease(task.thread_id, LEASE, clock.now, "worker-1") is not None


async def test_the_lease_of_a_worker_comes_after_the_old_one_which_then_holds_nothing(left: Left) -> None:
    task, storage, now = await left.task("killed"), left.stage.storage, MORNING + LEASE
    old = Lease(thread_id=task.thread_id, token=2, until=now)
    assert await storage.holds(old, MORNING)

    new = await storage.lease(task.thread_id, LEASE, now, "worker-1")
    storage.beat(("worker-1",), HOUR, now)

    assert new == Lease(thread_id=task.thread_id, token=3, until=now + LEASE, owner="worker-1")
    assert await storage.holds(new, now + LEASE)
    assert not await storage.holds(old, now)
    assert storage.renew(old, LEASE, now) is None


async def test_killed_runs_go_on_once_their_leases_ran_out(left: Left) -> None:
    await left.later(LEASE - SECOND)
    assert isinstance((await left.task("killed")).state, Running)
    assert isinstance((await left.task("begun")).state, Starting)

    await left.later(SECOND)

    assert await left.stage.outcome(await left.task("killed")) == "told True"
    assert isinstance((await left.request("killed")).state, Delivered)
    assert await left.stage.outcome(await left.task("begun")) == "acted"


async def test_killed_runs_are_suspects_that_go_on_alone(left: Left) -> None:
    alone: list[TaskId] = []
    delivery = replace(left.stage.delivery, alone=alone.append)
    tasks = [await left.task("killed"), await left.task("begun")]
    left.stage.clock.advance(LEASE)

    for task in tasks:
        assert await delivery.drive(task.id)

    assert alone == [task.id for task in tasks]
    assert [await left.task("killed"), await left.task("begun")] == tasks


# --- Messages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("came_through", [False, True], ids=["lost", "came_through"])
async def test_a_claimed_card_is_searched_for_when_its_claim_ends(left: Left, came_through: bool) -> None:
    await left.stands_in_slack("unposted")
    stage, task, card = left.stage, await left.task("unposted"), await left.card("unposted")
    (opening,) = stage.messenger.messages
    if came_through:
        ref = replace(opening, ts=Ts("1700000001.000000"))
        stage.messenger.messages[ref] = messenger.Message(
            channel=CHANNEL,
            thread_ts=opening.ts,
            message_id=card.id,
            drawing=FakeDrawing(kind=MessageKind.CARD, words=""),
        )
    await claims.void_lapsed(stage.storage, stage.clock.now)

    stage.clock.advance(CLAIM - SECOND)
    await stage.messages.sync_task(task.id)
    assert stage.messenger.calls == []

    stage.clock.advance(SECOND)
    assert card in await stage.storage.out_of_date(stage.clock.now, 20)
    await stage.messages.sync_task(task.id)

    assert stage.messenger.calls == ["find", "update" if came_through else "post"]
    assert stage.messenger.sought_since == [MORNING]
    (shown,) = stage.messenger.of(MessageKind.CARD)
    assert (shown.thread_ts, shown.message_id) == (opening.ts, card.id)
    card = await left.card("unposted")
    assert card.ref is not None
    assert stage.messenger.messages[card.ref] == shown
    assert not card.attempted
    await stage.approve(await left.request("unposted"))
    assert await stage.outcome(task) == "told True"


async def test_a_claimed_summary_is_searched_for_when_its_claim_ends(left: Left) -> None:
    stage = left.stage
    directory = stage.tasks.directory
    summaries = Summaries(
        storage=stage.storage,
        inboxes=Inboxes(storage=stage.storage, directory=directory),
        directory=directory,
        messenger=stage.messenger,
        posting=stage.messages.posting,
        front=FakeFront(),
        work=stage.work,
        clock=stage.clock,
    )
    await summaries.send(ALICE)
    assert stage.messenger.calls == []

    stage.clock.advance(CLAIM)
    await summaries.send(ALICE)

    assert [call for call in stage.messenger.calls if call != "open_direct"] == ["find", "post"]
    ((_, sent),) = stage.messenger.messages.items()
    assert sent.message_id == MessageId("summary")
    summary = (await stage.storage.inbox(ALICE)).summary
    assert summary is not None
    assert (summary.sending, summary.next_at) == (None, MORNING + DAY)


# --- What is stored -------------------------------------------------------------------------------


def _agents(saver: Any) -> Mapping[str, Any]:
    return {name: builder().compile(checkpointer=saver) for name, builder in BUILDERS.items()}


def _copy(folder: Path) -> Path:
    """The file as it was left, which nobody opens with today's code."""
    return Path(shutil.copy(ONE_PROCESS / "records.sqlite", folder / "before.sqlite"))


def _in_file(path: Path) -> Texts:
    query = """
        SELECT 'task:' || id, body FROM tasks UNION ALL SELECT 'request:' || id, body FROM requests
        UNION ALL SELECT 'surface:' || id, body FROM surfaces UNION ALL SELECT 'inbox:' || person, body FROM inboxes
    """
    with closing(sqlite3.connect(path)) as file:
        return {key: json.loads(body) for key, body in file.execute(query)}


def _in_redis(url: str) -> Texts:
    with Redis.from_url(url, decode_responses=True) as redis:
        keys = [key for kind in ("task", "request", "surface", "inbox") for key in redis.scan_iter(f"{PREFIX}{kind}:*")]
        return {key.removeprefix(PREFIX): json.loads(str(redis.hget(key, "body"))) for key in keys}


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
