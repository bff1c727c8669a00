"""What the bot keeps is for nobody else on the machine."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest

from bot.app.worker import saver_of
from bot.approvals.model.errors import SettingsError
from bot.approvals.model.ids import ThreadId
from bot.private_files import private_file, private_folder
from bot.settings import Settings
from bot.stores import CHECKPOINTS, opened


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def lax() -> object:
    """The widest umask: nothing here may rely on it."""
    before = os.umask(0)
    yield
    os.umask(before)


async def test_all_that_a_bot_keeps_is_private(tmp_path: Path) -> None:
    """The records, the graphs' state, and what SQLite keeps beside them while they are in use."""
    folder = tmp_path / "state"
    settings = Settings(slack_bot_token="xoxb-1", slack_app_token="xapp-1", state_dir=folder)

    async def fence(_thread: ThreadId, _token: int) -> bool:
        return True

    async with opened(settings), saver_of(settings, fence):
        kept = {path.name: mode(path) for path in folder.iterdir()}

    assert mode(folder) == 0o700
    assert {"countersign.sqlite", "countersign.sqlite-wal", "countersign.sqlite-shm"} <= set(kept)
    assert {CHECKPOINTS, f"{CHECKPOINTS}-wal"} <= set(kept)
    assert set(kept.values()) == {0o600}


async def test_what_an_earlier_version_left_open_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    settings = Settings(slack_bot_token="xoxb-1", slack_app_token="xapp-1", state_dir=folder)
    async with opened(settings):
        pass
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)

    async with opened(settings):
        found = {mode(path) for path in folder.iterdir()}

    assert mode(folder) == 0o700
    assert found == {0o600}


def test_a_file_is_private_from_its_first_moment(tmp_path: Path) -> None:
    private_file(tmp_path / "records")

    assert mode(tmp_path / "records") == 0o600


def test_what_another_process_removes_meanwhile_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two roles may start at once: the journal that one of them sees may be gone when it looks closer."""
    monkeypatch.setattr(Path, "exists", lambda _: True)

    private_file(tmp_path / "records.sqlite")

    assert mode(tmp_path / "records.sqlite") == 0o600


def test_a_stricter_mode_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o500)

    private_folder(folder)

    assert mode(folder) == 0o500


def test_a_folder_of_everybody_is_refused_and_left(tmp_path: Path) -> None:
    """As /tmp is: it is not the bot's to close, and others could put files into it."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)

    with pytest.raises(SettingsError, match="everybody may write"):
        private_folder(folder)
    assert mode(folder) == 0o1777


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError, match="STATE_DIR"):
        private_folder(tmp_path / "file" / "state")


def test_a_volume_of_somebody_else_is_used_and_the_log_says_what_that_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refused)
    with caplog.at_level(logging.WARNING):
        private_folder(folder)

    assert "may read" in caplog.text
