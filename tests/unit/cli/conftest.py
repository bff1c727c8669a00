"""A terminal beside a filled store."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.storage.sqlite.store import SqliteStorage
from tests.unit.cli.operator_store import Terminal, fill


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a task of each kind. It is copied for each test, as filling it takes longer."""
    file = tmp_path_factory.mktemp("filled") / "countersign.sqlite"

    async def there() -> None:
        storage = await SqliteStorage.open(file)
        await fill(storage)
        await storage.close()

    asyncio.run(there())
    return file


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the bot keeps its files, and who is at the terminal."""
    for name in ("REDIS_URL", "STATE_DIR", "POLICY_FILE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("bot.cli.operator_name.getpass.getuser", lambda: "ölga")
    return tmp_path


@pytest.fixture
def desk(
    folder: Path, filled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    """On SQLite, with the file open in another process's stead."""
    file = folder / "countersign.sqlite"
    shutil.copy(filled, file)
    (folder / ".env").write_text(f"STATE_DIR={folder}\nPOLICY_FILE={folder}/policies.yaml\n")
    (folder / "policies.yaml").write_text("defaults: {approvers: [U0BOB], mask: [iban]}\n")
    with closing(sqlite3.connect(file)):
        yield Terminal(folder / ".env", lambda: SqliteStorage.open(file), capsys, monkeypatch)
