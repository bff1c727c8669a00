"""`audit verify --follow` and `audit anchor --every` as processes: what they say arrives at once, and a signal ends
them."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from bot.storage.sqlite.store import SqliteStorage
from tests.support.builders import a_task, an_event
from tests.support.starter import WAIT, start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        (
            ("verify", "--follow"),
            "The audit log is intact: 1 entry. head 1:",
            "Stopped. The log is verified up to head 1:",
        ),
        (("anchor", "--every", "1h"), "Z 1:", ""),
    ],
    ids=["follow", "anchor"],
)
def test_what_is_found_is_said_at_once_and_a_signal_ends_it_well(
    tmp_path: Path, number: signal.Signals, words: tuple[str, ...], first: str, last: str
) -> None:
    asyncio.run(filled(tmp_path / "countersign.sqlite"))
    environment = {
        "PATH": os.environ["PATH"],
        "STATE_DIR": str(tmp_path),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }

    process = start(("bot", "audit", *words), cwd=tmp_path, env=environment, log=tmp_path / "log")
    assert process.stdout is not None
    with process.stdout as out:
        said = out.readline()
        process.send_signal(number)
        rest = out.read()

    assert process.wait(WAIT) == 0
    assert first in said
    assert (last in rest) if last else rest == ""
    assert (tmp_path / "log").read_text() == ""


async def filled(file: Path) -> None:
    storage = await SqliteStorage.open(file)
    await storage.record(an_event("seen", a_task()))
    await storage.close()
