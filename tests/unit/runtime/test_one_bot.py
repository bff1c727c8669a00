"""What keeps a second bot off the files of the first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.approvals.model.errors import SettingsError
from bot.runtime.one_bot import OF_ROLE, Taken, _Lock


def test_a_disk_that_locks_no_file_is_not_taken_for_another_bot(tmp_path: Path) -> None:
    """Nobody looks for a bot that there is not."""
    file = tmp_path / "gateway.lock"
    file.touch()
    lock = _Lock(tmp_path, "gateway", os.open(file, os.O_RDONLY))  # no system locks it for writing

    with pytest.raises(SettingsError, match="cannot be locked") as raised:
        lock.take(OF_ROLE, 2)
    lock.close()

    assert not isinstance(raised.value, Taken)
