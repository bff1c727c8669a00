"""`python -m bot backup`: what the copy of the SQLite files holds, and what is refused."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot import stores
from bot.approvals.model.audit import Head
from bot.approvals.model.errors import SettingsError
from bot.cli import backup
from bot.storage.sqlite.backup import copy_at_one_moment
from bot.storage.sqlite.store import SqliteStorage
from tests.support.builders import a_message, a_task, an_event

COPIES = 25


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("REDIS_URL", "STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
async def head(state: Path) -> Head:
    """The head of the audit log of a store with one task, whose opening was not posted."""
    task = a_task()
    storage = await SqliteStorage.open(state / stores.RECORDS)
    await storage.create_task(task, an_event("started", task), [a_message("opening", task)])
    head = await storage.head()
    await storage.close()
    return head


def backed_up(folder: Path) -> int:
    return backup.main(backup.Options(env_file=folder.with_name("no.env"), folder=folder))


async def test_a_backup_is_a_state_folder_that_opens(
    head: Head, state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says the head that it holds, and nobody else may read it."""
    code = backed_up(tmp_path / "copy")

    storage = await SqliteStorage.open(tmp_path / "copy" / stores.RECORDS)
    (message,) = await storage.messages_of(a_task().id)
    assert await storage.head() == head
    await storage.close()
    assert code == 0
    assert capsys.readouterr().out.endswith(f"\nhead {head}\n")
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o700
    assert message.attempted, "it may have been posted after the backup, so it is searched for before it is posted"
    assert not (tmp_path / "copy.unfinished").exists()


@contextmanager
def counting(*files: Path) -> Iterator[None]:
    """Counts in each of these files, one after the other, as fast as it can."""
    over = threading.Event()
    for path in files:
        with closing(sqlite3.connect(path)) as file, file:
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("CREATE TABLE counter (n INTEGER)")
            file.execute("INSERT INTO counter VALUES (0)")

    def count() -> None:
        connections = [sqlite3.connect(path, isolation_level=None, timeout=30) for path in files]
        for connection in connections:
            connection.execute("PRAGMA synchronous = OFF")
        while not over.is_set():
            for connection in connections:
                connection.execute("UPDATE counter SET n = n + 1")
        for connection in connections:
            connection.close()

    counter = threading.Thread(target=count)
    counter.start()
    try:
        yield
    finally:
        over.set()
        counter.join()


def counted(path: Path) -> int:
    with closing(sqlite3.connect(path)) as file:
        ((n,),) = file.execute("SELECT n FROM counter")
    return int(n)


async def test_both_files_are_of_one_moment(head: Head, state: Path, tmp_path: Path) -> None:
    """Graph state comes after the record that caused it: no copy holds one without the other, whoever writes."""
    records, checkpoints = state / stores.RECORDS, state / stores.CHECKPOINTS
    ahead = []

    with counting(records, checkpoints):
        for number in range(COPIES):
            folder = tmp_path / str(number)
            folder.mkdir()
            copy_at_one_moment(records, [checkpoints], folder)
            ahead.append(counted(folder / records.name) - counted(folder / checkpoints.name))

    assert set(ahead) <= {0, 1}
    assert counted(tmp_path / str(COPIES - 1) / records.name) > 0


async def test_a_folder_that_is_there_is_left_alone(head: Head, tmp_path: Path) -> None:
    """A backup never replaces another one."""
    with pytest.raises(SettingsError, match="is there already"):
        backed_up(tmp_path)


def test_where_no_bot_ever_ran_there_is_nothing_to_back_up(state: Path, tmp_path: Path) -> None:
    """An empty backup would look like a good one."""
    with pytest.raises(SettingsError, match="there are no records in it"):
        backed_up(tmp_path / "copy")

    assert not (tmp_path / "copy").exists()


def test_redis_is_left_to_its_own_backup(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says the command that makes one."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")

    with pytest.raises(SettingsError, match="redis-cli --rdb FILE"):
        backed_up(tmp_path / "copy")
