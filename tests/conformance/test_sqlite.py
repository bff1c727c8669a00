"""What the SQLite store promises beyond the port: of its constraints, its queries and its outages."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.approvals.model.audit import PURGED
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import RequestId
from bot.approvals.model.policy import one_stage
from bot.approvals.model.task import Ended, Running
from bot.approvals.services.audit.proof import Intact, verify
from bot.storage.codec import encode
from bot.storage.sqlite import schema
from bot.storage.sqlite.database import Database
from bot.storage.sqlite.store import SqliteStorage
from tests.support.builders import (
    MINUTE,
    NOON,
    a_message,
    a_person,
    a_policy,
    a_request,
    a_task,
    an_event,
    decided,
    staged,
)

AT_ONCE = timedelta(0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.db"


@pytest.fixture
async def storage(path: Path) -> AsyncIterator[SqliteStorage]:
    """A store that does not wait for a locked file."""
    storage = await SqliteStorage.open(path, busy_timeout=AT_ONCE)
    yield storage
    await storage.close()


@pytest.fixture
def file(storage: SqliteStorage, path: Path) -> Iterator[sqlite3.Connection]:
    """The file as another program has it open."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


# --- Constraints --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE events SET body = '{}'",
        "UPDATE events SET body = ''",
        "UPDATE events SET task_id = 'gone', body = ''",
        "UPDATE events SET link = zeroblob(32)",
        "DELETE FROM events",
    ],
)
async def test_audit_events_can_only_be_added(storage: SqliteStorage, file: sqlite3.Connection, sql: str) -> None:
    await storage.create_task(a_task(), an_event("started", a_task()))

    with pytest.raises(sqlite3.IntegrityError, match="audit events are"):
        file.execute(sql)

    assert await storage.history(a_task().id) == (an_event("started", a_task()),)


async def test_nothing_can_be_written_in_place_of_a_purged_text(
    storage: SqliteStorage, file: sqlite3.Connection
) -> None:
    task = a_task(state=Ended(outcome="done", at=NOON))
    await storage.create_task(task, an_event("started", task))
    await storage.purge(task.id, an_event(PURGED, task))

    for sql in ("UPDATE events SET body = '{}' WHERE seq = 1", "UPDATE events SET body = '', task_id = 'other'"):
        with pytest.raises(sqlite3.IntegrityError, match="audit events are"):
            file.execute(sql)

    assert isinstance(await verify(storage), Intact)


async def test_a_request_of_no_task_is_refused_as_the_bug_that_it_is(storage: SqliteStorage) -> None:
    request = a_request()

    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        await storage.open_request(request, an_event("opened", request))

    assert await storage.history(request.task_id) == ()


async def test_a_card_of_no_request_is_refused_as_the_bug_that_it_is(storage: SqliteStorage) -> None:
    task = a_task()

    with pytest.raises(ValueError, match="a card of no request"):
        await storage.create_task(task, an_event("started", task), [a_message("card", a_request(), request_id=None)])

    assert await storage.history(task.id) == ()


# --- The sweep's queries ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (schema.ORPHANS, "tasks_at_work"),
        (schema.DUE, "requests_due"),
        (schema.UNDELIVERED, "requests_undelivered"),
        (schema.OUT_OF_DATE, "surfaces_stale"),
        (schema.DUE_WEBHOOKS, "webhooks_due"),
    ],
    ids=["orphans", "due", "undelivered", "out_of_date", "due_webhooks"],
)
async def test_the_sweep_reads_what_is_due_and_not_all_rows(
    storage: SqliteStorage, file: sqlite3.Connection, query: str, index: str
) -> None:
    await _fill(storage)
    file.execute("ANALYZE")

    plan = [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {query}", {"now": 0, "limit": 10, "elsewhere": False})]

    # Each index holds the rows alone that may be due, and in their order: nothing is sorted either.
    assert index in plan[0]
    assert all("USING" in line and "INDEX" in line for line in plan if line.startswith(("SCAN", "SEARCH")))
    assert not any("TEMP B-TREE" in line for line in plan)


@pytest.mark.parametrize(
    ("ended", "index"),
    [(None, "tasks_by_source"), (True, "tasks_by_source"), (False, "open_tasks_by_source")],
    ids=["all", "ended", "open"],
)
async def test_a_list_of_a_source_reads_its_tasks_in_their_order(
    file: sqlite3.Connection, ended: bool | None, index: str
) -> None:
    given = {"source": "shop", "at": 0, "id": "", "callers": None, "limit": 10}

    (plan,) = [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {schema.FROM[ended]}", given)]

    assert plan.startswith(f"SEARCH tasks USING INDEX {index} (source=? AND ")


async def test_the_sweeps_indexes_hold_no_finished_records(storage: SqliteStorage, file: sqlite3.Connection) -> None:
    await _fill(storage)

    counts = {
        index: file.execute(f"SELECT COUNT(*) FROM {table} INDEXED BY {index} WHERE {condition}").fetchone()[0]  # noqa: S608
        for table, index, condition in (
            ("tasks", "tasks_at_work", "state IN ('Starting', 'Running')"),
            ("requests", "requests_due", "due_at IS NOT NULL"),
            ("requests", "requests_undelivered", "next_try IS NOT NULL"),
            ("surfaces", "surfaces_stale", "stale_since IS NOT NULL"),
        )
    }

    assert counts == {"tasks_at_work": 20, "requests_due": 10, "requests_undelivered": 10, "surfaces_stale": 10}


async def _fill(storage: SqliteStorage) -> None:
    """Twenty running tasks, each with a request: half of them pending, with a card that is up to date."""
    for number in range(20):
        task = a_task(f"task-{number}", state=Running())
        await storage.create_task(task, an_event("started", task))
        state = {} if number % 2 else {"state": decided()}
        request = a_request(f"request-{number}", task, **state)
        card = a_message(f"card-{number}", request, shown=0 if number % 2 else -1)
        await storage.open_request(request, an_event("opened", request), [card])


# --- Outages ------------------------------------------------------------------------------------


async def test_a_file_that_another_program_keeps_locked_is_unreachable_and_nothing_is_changed(
    storage: SqliteStorage, file: sqlite3.Connection
) -> None:
    task = a_task()
    await storage.create_task(task, an_event("started", task))

    file.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unreachable, match="database is locked"):
        await storage.save_task(replace(task, state=Running()), an_event("running", task))
    with pytest.raises(Unreachable):
        await storage.lease(task.thread_id, MINUTE, NOON)
    while_locked = await storage.task(task.id)
    file.execute("ROLLBACK")

    assert while_locked == task
    assert await storage.history(task.id) == (an_event("started", task),)
    assert (await storage.save_task(task, an_event("running", task))).revision == 1


async def test_a_new_file_that_another_program_keeps_locked_cannot_be_opened_for_now(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("BEGIN EXCLUSIVE")

        with pytest.raises(Unreachable, match="database is locked"):
            await SqliteStorage.open(path, busy_timeout=timedelta(milliseconds=40))

    await (await SqliteStorage.open(path)).close()


async def test_a_disk_that_is_full_is_unreachable_and_nothing_is_changed() -> None:
    db = await Database.open(":memory:", AT_ONCE)
    storage = SqliteStorage(db)
    ((pages,),) = await db.rows("PRAGMA page_count", {})
    await db.rows(f"PRAGMA max_page_count = {pages}", {})
    task = a_task(inputs={"long": "x" * 100_000})

    with pytest.raises(Unreachable, match="full"):
        await storage.create_task(task, an_event("started", task))

    assert await storage.tasks_of(a_person(), limit=10) == ()
    await storage.close()


async def test_an_error_in_our_own_sql_is_no_outage() -> None:
    db = await Database.open(":memory:", AT_ONCE)

    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        await db.rows("SELECT 1 FROM nowhere", {})

    await db.close()


@pytest.mark.parametrize("turns", range(12))
async def test_a_cancelled_method_has_done_all_or_nothing_and_the_next_one_works(
    storage: SqliteStorage, turns: int
) -> None:
    task = a_task()
    saving = asyncio.create_task(storage.create_task(task, an_event("started", task), [a_message("opening", task)]))

    for _ in range(turns):
        await asyncio.sleep(0)
    saving.cancel()
    await asyncio.gather(saving, return_exceptions=True)

    stored = len(await storage.tasks_of(a_person(), limit=10))
    assert len(await storage.messages_of(task.id)) == stored
    assert len(await storage.history(task.id)) == stored
    await storage.record(an_event("seen", task))
    assert len(await storage.history(task.id)) == stored + 1


async def test_what_waits_in_a_file_from_before_there_were_lists_is_found(path: Path) -> None:
    task, before = (
        a_task(),
        next(n for n, each in enumerate(schema.MIGRATIONS) if "CREATE TABLE lists" in "".join(each)),
    )
    request = staged(
        a_request(task=task, policy=a_policy(stages=one_stage(("UAPP", "@Operators")))), escalated_to=("#on-call",)
    )
    with closing(sqlite3.connect(path)) as file:
        for migration in schema.MIGRATIONS[:before]:
            for statement in migration:
                file.execute(statement)
        file.execute(f"PRAGMA user_version = {before}")
        values = (task.id, task.thread_id, "T1", "UREQ", 0, "Waiting", 0, encode(task))
        file.execute(
            "INSERT INTO tasks (id, thread_id, team_id, user_id, created_at, state, revision, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        for id, state in (("open", "Pending"), ("over", "Delivered")):
            asked = replace(request, id=RequestId(id))
            file.execute(
                "INSERT INTO requests (id, task_id, thread_id, interrupt_id, state, revision, body) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (id, task.id, task.thread_id, id, state, 0, encode(asked)),
            )
        file.commit()

    storage = await SqliteStorage.open(path)
    found = [[each.id for each in await storage.waiting_for([name], 9)] for name in ("UAPP", "@operators", "#on-call")]
    await storage.close()

    assert found == [["open"]] * 3
