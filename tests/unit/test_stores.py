"""One gateway and one worker role for each STATE_DIR, if the records are in SQLite."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.approvals.model.errors import SettingsError
from bot.settings import Settings
from bot.stores import one_of_its_kind

HOLDER = """
import os, sys, time
from pathlib import Path
from types import SimpleNamespace
from bot.stores import one_of_its_kind

with one_of_its_kind(SimpleNamespace(redis_url=None, state_dir=Path(sys.argv[1])), "worker"):
    forked = os.fork()
    if forked:
        print(forked, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_construct(redis_url=None, state_dir=tmp_path)


def test_there_is_one_of_each_role_until_it_dies_whatever_it_has_forked(settings: Settings, tmp_path: Path) -> None:
    """What a graph forks may outlive the worker for as long as it likes."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    forked = int(holder.stdout.readline())
    try:
        with (
            pytest.raises(SettingsError, match="another worker works with these files"),
            one_of_its_kind(settings, "worker"),
        ):
            pass
        with one_of_its_kind(settings, "gateway"):
            pass

        holder.kill()
        holder.wait()
        os.kill(forked, 0)
        with one_of_its_kind(settings, "worker"):
            pass
    finally:
        holder.kill()
        os.kill(forked, signal.SIGKILL)
        holder.stdout.close()
