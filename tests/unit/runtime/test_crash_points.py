"""Points at which a test may kill the process: nothing in any real use."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from bot import crash_points

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("chosen", [None, "decided", "decided:1", "leased:0", ""])
def test_a_point_that_is_not_chosen_is_nothing(monkeypatch: pytest.MonkeyPatch, chosen: str | None) -> None:
    monkeypatch.delenv(crash_points.VARIABLE, raising=False)
    if chosen is not None:
        monkeypatch.setenv(crash_points.VARIABLE, chosen)

    crash_points.point("leased")


@pytest.mark.parametrize("chosen", ["leased", "leased:1"])
def test_the_chosen_point_kills_the_process_there_and_then(chosen: str) -> None:
    steps = ("from bot.crash_points import point", "point('decided')", "print('before', flush=True)", "point('leased')")
    program = "; ".join([*steps, "print('after')"])

    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, crash_points.VARIABLE: chosen},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "before\n")


def test_every_point_that_has_a_name_stands_in_the_code_once() -> None:
    source = "\n".join(file.read_text() for file in (ROOT / "bot").rglob("*.py"))

    assert sorted(re.findall(r'crash_points\.point\("([a-z-]+)"\)', source)) == sorted(get_args(crash_points.Point))
