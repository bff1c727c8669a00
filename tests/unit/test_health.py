"""`python -m bot healthy` says whether a bot on this machine has been well of late."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from bot import health
from bot.__main__ import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let so many seconds pass."""
    now = time.time() + seconds
    monkeypatch.setattr(time, "time", lambda: now)


def test_a_bot_that_never_ran_is_not_well() -> None:
    assert main(["healthy"]) == 1


def test_a_bot_is_well_after_a_beat() -> None:
    health.beat(5)

    assert main(["healthy"]) == 0


@pytest.mark.parametrize(
    ("interval", "silence", "well"), [(5, 25, True), (5, 31, False), (60, 150, True), (60, 200, False)]
)
def test_a_bot_that_has_been_silent_for_long_is_not_well(
    monkeypatch: pytest.MonkeyPatch, interval: float, silence: float, well: bool
) -> None:
    health.beat(interval)

    later(monkeypatch, silence)

    assert health.is_well() is well


def test_each_beat_counts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    health.beat(5)
    later(monkeypatch, 31)

    health.beat(5)

    assert health.is_well()


def test_the_containers_check_says_the_same(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "bot.health"]

    before = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    health.beat(5)
    after = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode

    assert (before, after) == (1, 0)
