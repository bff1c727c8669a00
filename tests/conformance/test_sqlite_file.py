"""What the SQLite store promises of its file: how it is opened, and migrated from earlier versions."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.approvals.model.errors import SettingsError
from bot.approvals.model.facts import Recorded
from bot.approvals.model.ids import ChannelId, MessageRef, Ts
from bot.approvals.model.request import Decided, Pending, Unreached
from bot.approvals.model.task import Failed, Failure
from bot.approvals.services.audit.proof import Intact, verify
from bot.storage.codec import encode
from bot.storage.sqlite import rows, schema
from bot.storage.sqlite.database import Database
from bot.storage.sqlite.store import SqliteStorage
from tests.support.builders import (
    MINUTE,
    NOON,
    a_message,
    a_question,
    a_request,
    a_task,
    a_webhook,
    an_event,
    an_item,
    decided,
    staged,
)
from tests.support.fakes.telemetry import Heard

AT_ONCE = timedelta(0)
LATER = NOON + timedelta(hours=2)


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


async def test_a_store_in_memory_keeps_its_records_until_it_is_closed() -> None:
    task = a_task()
    storage = await SqliteStorage.open(":memory:")
    await storage.create_task(task, an_event("started", task), [a_message("opening", task)])

    found = await storage.task(task.id)
    await storage.close()
    empty = await SqliteStorage.open(":memory:")
    left = await empty.history(task.id)
    await empty.close()

    assert found == task
    assert left == ()


async def test_the_folder_of_a_new_file_is_made(tmp_path: Path) -> None:
    storage = await SqliteStorage.open(tmp_path / "var" / "new" / "records.db")

    await storage.close()

    assert (tmp_path / "var" / "new" / "records.db").exists()


async def test_many_can_open_a_new_file_at_once(path: Path) -> None:
    opened = await asyncio.gather(*(SqliteStorage.open(path) for _ in range(8)))

    await asyncio.gather(*(storage.record(an_event("seen", a_task())) for storage in opened))

    assert len(await opened[0].history(a_task().id)) == 8
    for storage in opened:
        await storage.close()


async def test_the_file_is_in_wal_mode_and_of_the_newest_version(file: sqlite3.Connection) -> None:
    assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert file.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)


async def test_a_commit_is_on_disk_when_it_returns_and_references_are_checked() -> None:
    db = await Database.open(":memory:", AT_ONCE)

    ((synchronous,),) = await db.rows("PRAGMA synchronous", {})
    ((foreign_keys,),) = await db.rows("PRAGMA foreign_keys", {})
    await db.close()

    assert synchronous == 2  # FULL
    assert foreign_keys == 1


async def test_what_cannot_be_committed_is_not_told(path: Path) -> None:
    """Facts are told after the commit, which may still fail."""
    heard = Heard()
    database = await Database.open(path, AT_ONCE, heard)

    def change(db: sqlite3.Connection) -> None:
        rows.add_event(db, an_event("started", a_task()))
        db.execute("PRAGMA defer_foreign_keys = ON")  # so that the commit finds that the request does not exist
        db.execute("INSERT INTO lists (list, place, request_id) VALUES ('waiting:x', 0, 'nobody')")

    with pytest.raises(sqlite3.IntegrityError):
        await database.change(change)
    stored = await database.rows("SELECT COUNT(*) FROM events", {})
    await database.close()

    assert stored == [(0,)]
    assert heard.of(Recorded) == []


async def test_only_what_the_machine_may_forget_with_its_power_waits_for_no_disk() -> None:
    db = await Database.open(":memory:", AT_ONCE)
    waits = []

    for durable in (False, True, True, False, True):
        synchronous = await db.change(
            lambda connection: connection.execute("PRAGMA synchronous").fetchone(), durable=durable
        )
        waits.append(synchronous == (2,))  # FULL
    await db.close()

    assert waits == [False, True, True, False, True]


async def test_a_file_of_a_newer_version_is_refused_in_words_and_left_as_it_is(path: Path) -> None:
    newer = len(schema.MIGRATIONS) + 1
    with closing(sqlite3.connect(path)) as file:
        file.execute(f"PRAGMA user_version = {newer}")

    with pytest.raises(SettingsError, match=f"newer Countersign .version {newer} of the records"):
        await SqliteStorage.open(path)

    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (newer,)
        assert file.execute("SELECT name FROM sqlite_master").fetchall() == []


async def test_a_file_that_is_no_database_is_refused_in_words(path: Path) -> None:
    await asyncio.to_thread(path.write_text, "approvers: [U1]\n" * 100)

    with pytest.raises(SettingsError, match="is not a file of Countersign"):
        await SqliteStorage.open(path)


async def test_a_path_that_cannot_be_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")

    with pytest.raises(SettingsError, match="STATE_DIR must name a folder"):
        await SqliteStorage.open(tmp_path / "taken" / "records.db")
    with pytest.raises(SettingsError, match="STATE_DIR must name a folder"):
        await SqliteStorage.open(tmp_path)


async def test_a_file_of_an_older_version_is_migrated_with_its_records(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = a_task()
    storage = await SqliteStorage.open(path)
    await storage.create_task(task, an_event("started", task))
    await storage.close()
    next_version = ("CREATE TABLE notes (id TEXT)", "INSERT INTO notes SELECT id FROM tasks")
    monkeypatch.setattr("bot.storage.sqlite.database.MIGRATIONS", (*schema.MIGRATIONS, next_version))

    for _ in range(2):
        storage = await SqliteStorage.open(path)
        found = await storage.task(task.id)
        await storage.close()

    assert found == task
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT id FROM notes").fetchall() == [(task.id,)]
        assert file.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS) + 1,)


async def test_a_file_from_before_the_chain_gets_one_in_the_order_of_its_entries(path: Path) -> None:
    task, other = a_task(), a_task("other")
    events = [an_event("started", task), an_event("started", other, data={"ü": "ö"}), an_event("running", task)]
    with closing(sqlite3.connect(path)) as file, file:
        for statement in schema.MIGRATIONS[0]:
            file.execute(statement)
        file.execute("PRAGMA user_version = 1")
        for seq, event in zip((3, 7, 8), events, strict=True):  # what lay between was past its retention
            row = (seq, event.task_id, encode(event))
            file.execute("INSERT INTO events (seq, task_id, body) VALUES (?, ?, ?)", row)

    storage = await SqliteStorage.open(path)
    old = await storage.history(task.id)
    await storage.record(an_event("seen", task))
    proof = await verify(storage)
    numbers = [entry.number for entry in await storage.trail(0, 10)]
    await storage.close()

    assert old == (events[0], events[2])
    assert isinstance(proof, Intact)
    assert numbers == [3, 7, 8, 9]


@pytest.mark.parametrize("odd", [float("nan"), -float("inf"), 10**400, "NaN", "a\0b"])
async def test_what_waits_in_a_file_of_the_first_version_is_found_whatever_its_arguments_are(
    path: Path, odd: object
) -> None:
    """Not every SQLite reads all that a body may hold, and the bot cannot start with a file that is not migrated."""
    task = a_task()
    request = a_request("r1", task, question=a_question(items=(an_item(arguments={"x": [odd]}),)))
    with closing(sqlite3.connect(path)) as file, file:
        for statement in schema.MIGRATIONS[0]:
            file.execute(statement)
        file.execute("PRAGMA user_version = 1")
        file.execute(
            "INSERT INTO tasks (id, thread_id, team_id, user_id, created_at, state, revision, body) "
            "VALUES (?, ?, '', '', 0, 'Running', 0, ?)",
            (task.id, task.thread_id, encode(task)),
        )
        file.execute(
            "INSERT INTO requests (id, task_id, thread_id, interrupt_id, state, revision, body) "
            "VALUES (?, ?, ?, ?, 'Pending', 0, ?)",
            (request.id, task.id, task.thread_id, request.interrupt_id, encode(request)),
        )

    storage = await SqliteStorage.open(path)
    waiting = await storage.waiting_for(request.stage.approvers, 10)
    census = await storage.census(NOON)
    await storage.close()

    assert [each.id for each in waiting] == [request.id]
    assert census.pending[request.graph].since == request.opened_at


async def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await (await SqliteStorage.open(path)).close()
    broken = ("CREATE TABLE notes (id TEXT)", "INSERT INTO nowhere VALUES (1)")
    monkeypatch.setattr("bot.storage.sqlite.database.MIGRATIONS", (*schema.MIGRATIONS, broken))

    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        await SqliteStorage.open(path)

    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)
        assert file.execute("SELECT name FROM sqlite_master WHERE name = 'notes'").fetchall() == []


# --- The power of the machine -------------------------------------------------------------------


Boot = Callable[[str | None], object]
"""Starts the machine: the system tells this id of it from now on. None: it has no file that would tell one."""


@pytest.fixture
def boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Boot:
    file = tmp_path / "boot_id"
    monkeypatch.setattr("bot.storage.sqlite.power.BOOT_ID", file)

    def start(id: str | None) -> None:
        if id is None:
            file.unlink()
        else:
            file.write_text(f"{id}\n")

    start("first")
    return start


async def _attempted(path: Path) -> dict[str, bool]:
    """Of each message, whether it is taken for attempted when the file is opened."""
    storage = await SqliteStorage.open(path)
    messages = await storage.messages_of(a_task().id)
    stale = await storage.out_of_date(NOON, 9)
    await storage.close()
    assert {message.id for message in stale} == {"new", "posted"}
    assert all(message.revision == (message.id != "new") for message in messages)
    return {message.id: message.attempted for message in messages}


@pytest.fixture
async def left(path: Path, boot: Boot) -> Path:
    """A file with a message that was never posted, one that stands in Slack, and one that was given up."""
    task = a_task()
    new, posted, gone = (a_message(id, task) for id in ("new", "posted", "gone"))
    storage = await SqliteStorage.open(path)
    await storage.create_task(task, an_event("started", task), [new, posted, gone])
    await storage.save_message(replace(posted, ref=MessageRef(channel=ChannelId("C1"), ts=Ts("1.1"))))
    await storage.save_message(replace(gone, abandoned="channel_not_found"))
    await storage.close()
    return path


async def test_a_process_that_died_has_lost_no_claim(left: Path) -> None:
    assert await _attempted(left) == {"new": False, "posted": False, "gone": False}


async def test_after_the_machine_was_started_anew_each_unposted_message_may_be_in_slack(left: Path, boot: Boot) -> None:
    """The claim of its post may have been lost with the machine's power, although the post came through."""
    boot("second")

    assert await _attempted(left) == {"new": True, "posted": False, "gone": False}


async def test_what_is_stored_after_a_start_is_in_no_doubt(left: Path, boot: Boot) -> None:
    boot("second")
    storage = await SqliteStorage.open(left)
    later = a_task("later")
    await storage.create_task(later, an_event("started", later), [a_message("later", later)])
    await storage.close()

    storage = await SqliteStorage.open(left)
    (message,) = await storage.messages_of(later.id)
    await storage.close()

    assert not message.attempted


@pytest.mark.parametrize("says", [None, ""], ids=["no file", "nothing"])
async def test_a_system_that_does_not_tell_its_starts_may_have_lost_power_each_time(
    left: Path, boot: Boot, says: str | None
) -> None:
    boot(says)

    for _ in range(2):
        assert await _attempted(left) == {"new": True, "posted": False, "gone": False}


@pytest.mark.parametrize("mark", ["TABLE troubles", "ADD COLUMN graph", "tasks_by_time"])
async def test_troubles_of_a_file_of_before_they_were_told_are_found(
    path: Path, monkeypatch: pytest.MonkeyPatch, mark: str
) -> None:
    """Failed tasks, and requests that not everybody could be asked about, even if a body holds what JSON has not."""
    before = next(number for number, each in enumerate(schema.MIGRATIONS) if mark in each[0])
    with monkeypatch.context() as patched:
        patched.setattr("bot.storage.sqlite.database.MIGRATIONS", schema.MIGRATIONS[:before])
        await (await SqliteStorage.open(path)).close()
    failure = Failure(error_id="e1", summary="ValueError", at=NOON)
    task, well = a_task(state=Failed(failure=failure, retryable=True)), a_task("well")
    unseen = a_request("unseen", well, unreached=(Unreached(name="C1", why="is_archived", asked_at=NOON),))
    nan = a_request("nan", well, question=a_question(items=(an_item(arguments={"x": [float("nan"), -float("inf")]}),)))
    short = staged(a_request("short", well, opened_at=NOON), short=1)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for each in (task, well):
            row = (each.id, each.thread_id, type(each.state).__name__, encode(each))
            file.execute(
                "INSERT INTO tasks (id, thread_id, team_id, user_id, created_at, state, revision, body) "
                "VALUES (?, ?, '', '', 0, ?, 0, ?)",
                row,
            )
        for request in (unseen, a_request("fine", well), nan, short):
            file.execute(
                "INSERT INTO requests (id, task_id, thread_id, interrupt_id, state, revision, body) "
                "VALUES (?, ?, ?, ?, 'Pending', 0, ?)",
                (request.id, well.id, well.thread_id, request.interrupt_id, encode(request)),
            )

    storage = await SqliteStorage.open(path)
    failed, doubtful = await storage.failed_tasks(None, 10), await storage.doubtful(None, 10)
    await storage.close()

    assert failed == (task,)
    assert doubtful == (short, unseen)


async def test_what_an_earlier_version_stored_stands_in_its_place_to_the_microsecond(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list goes on after the moment in the last record's body, so it would skip or repeat whatever stands elsewhere.
    Webhooks that were given up are found, too."""
    before = next(number for number, each in enumerate(schema.MIGRATIONS) if "tasks_by_time" in each[0])
    with monkeypatch.context() as patched:
        patched.setattr("bot.storage.sqlite.database.MIGRATIONS", schema.MIGRATIONS[:before])
        await (await SqliteStorage.open(path)).close()
    at = NOON + timedelta(hours=1, microseconds=30)
    failure = Failure(error_id="e1", summary="ValueError", at=at)
    task = a_task(state=Failed(failure=failure, retryable=True))
    asked = [
        staged(a_request(f"r{tick}", task, opened_at=NOON + timedelta(microseconds=tick)), short=1) for tick in range(3)
    ]
    held = a_request("held", task, opened_at=at, state=decided(next_try=LATER, held=Pending(due_at=None)))
    sent, left = (
        a_webhook(f"w{number}", held, next_try=None, delivered_at=delivered)
        for number, delivered in enumerate((NOON, None))
    )
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute(
            "INSERT INTO tasks (id, thread_id, team_id, user_id, created_at, state, revision, body) "
            "VALUES (?, ?, '', '', 0, 'Failed', 0, ?)",
            (task.id, task.thread_id, encode(task)),
        )
        for request in (*asked, held):
            stored = encode(request).replace('"held_until":null,', "")
            next_try = rows.moment(request.state.next_try) if isinstance(request.state, Decided) else None
            file.execute(
                "INSERT INTO requests (id, task_id, thread_id, interrupt_id, state, next_try, revision, body) "
                "VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
                (
                    *(request.id, task.id, task.thread_id, request.interrupt_id),
                    *(type(request.state).__name__, next_try, stored),
                ),
            )
        for webhook in (sent, left):
            file.execute(
                "INSERT INTO webhooks (id, task_id, revision, body) VALUES (?, ?, 0, ?)",
                (webhook.id, task.id, encode(webhook)),
            )

    storage = await SqliteStorage.open(path)
    listed = await storage.newest_unsettled(2)
    rest = await storage.newest_unsettled(9, before=(listed[-1].opened_at, listed[-1].id))
    doubtful = await storage.doubtful((asked[0].opened_at, asked[0].id), 9)
    failed = await storage.failed_tasks((failure.at, task.id), 9)
    given_up = await storage.webhooks_given_up((NOON - MINUTE, left.id), 9)
    undelivered = [(await storage.census(now)).undelivered.count for now in (LATER - MINUTE, LATER)]
    await storage.close()

    assert [each.id for each in (*listed, *rest)] == ["held", "r2", "r1", "r0"]
    assert [each.id for each in doubtful] == ["r1", "r2"]
    assert failed == ()
    assert [each.id for each in given_up] == [left.id]
    assert undelivered == [0, 1]
