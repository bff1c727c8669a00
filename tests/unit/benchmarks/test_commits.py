"""What is noted of SQLite's transactions when the benches count them."""

import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.unpaced import note_commits


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sqlite3, "connect", sqlite3.connect)  # put back afterwards
    note_commits(str(tmp_path / "noted"))
    return tmp_path / "noted"


@pytest.fixture
def connection(noted: Path, tmp_path: Path) -> sqlite3.Connection:
    made = sqlite3.connect(tmp_path / "records.sqlite", isolation_level=None)
    made.execute("CREATE TABLE t (n)")
    noted.write_text("")
    return made


def test_a_change_is_noted_once_with_how_it_waits_for_the_disk(noted: Path, connection: sqlite3.Connection) -> None:
    for level in ("FULL", "NORMAL", "NORMAL"):
        connection.execute(f"PRAGMA synchronous = {level}")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t VALUES (1)")
        connection.execute("UPDATE t SET n = 2")
        connection.commit()
    connection.close()

    assert _of(noted) == {"durable records.sqlite": 1, "other records.sqlite": 2}


def test_what_changes_nothing_is_not_noted(noted: Path, connection: sqlite3.Connection) -> None:
    """It does not wait for the disk either."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("SELECT * FROM t").fetchall()
    connection.commit()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO t VALUES (1)")
    connection.rollback()
    connection.execute("BEGIN")
    connection.execute("INSERT INTO t VALUES (1)")
    connection.execute("ROLLBACK")
    connection.close()

    assert _of(noted) == {}


def test_statements_of_a_cursor_and_commits_by_a_statement_are_noted(
    noted: Path, connection: sqlite3.Connection
) -> None:
    connection.execute("BEGIN")
    connection.cursor().execute("INSERT INTO t VALUES (1)")
    connection.execute("COMMIT")
    connection.cursor().execute("INSERT INTO t VALUES (1)")  # a transaction of its own
    connection.close()

    assert _of(noted) == {"durable records.sqlite": 2}


def _of(noted: Path) -> Counter[str]:
    return Counter(noted.read_text().splitlines())
