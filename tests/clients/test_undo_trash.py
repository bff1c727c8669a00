"""examples/undo_trash as it stands, against the stand-in of the API."""

import asyncio
import os
import runpy
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.stub_api import TOKEN, StubApi

PROGRAM = Path(__file__).parents[2] / "examples" / "undo_trash" / "trash.py"
ANSWER = {"type": "undo", "undo": {"how": "Moves the files back", "trash": "r1"}, "key": "f" * 64}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two old files and a new one."""
    for name in ("a.log", "b.log", "new.log"):
        (tmp_path / name).write_text(name)
    for name in ("a.log", "b.log"):
        os.utime(tmp_path / name, (0, 0))
    return tmp_path


@pytest.fixture
def program(api: StubApi, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("COUNTERSIGN_URL", api.url)
    monkeypatch.setenv("COUNTERSIGN_TOKEN", TOKEN)
    return runpy.run_path(str(PROGRAM))


def files(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if each.is_file())


async def test_what_nobody_undoes_stays_in_the_trash(api: StubApi, program: dict[str, Any], folder: Path) -> None:
    api.on_request = partial(api.decide, verdict="closed", answer={"type": "keep"})

    told = await asyncio.to_thread(program["main"], folder, 30, "r1")

    assert (told, files(folder)) == ("The files stay in the trash (closed).", ["new.log"])
    assert files(folder / ".trash" / "r1") == ["a.log", "b.log"]
    assert api.executions == {}


async def test_an_undo_moves_the_files_back_once_however_often_it_runs(
    api: StubApi, program: dict[str, Any], folder: Path
) -> None:
    api.on_request = partial(api.decide, verdict="undo", answer=ANSWER)

    told = [await asyncio.to_thread(program["main"], folder, 30, "r1") for _ in range(2)]

    assert told == ["The files are back."] * 2
    assert files(folder) == ["a.log", "b.log", "new.log"]
    assert (len(api.requests), set(api.executions.values())) == (1, {"f" * 64})


async def test_if_nothing_is_old_nobody_is_told(api: StubApi, program: dict[str, Any], tmp_path: Path) -> None:
    assert await asyncio.to_thread(program["main"], tmp_path, 30, "r1") == "Nothing is older than 30 days."
    assert api.requests == {}
