"""The program of the guide runs as it stands."""

from __future__ import annotations

import asyncio

import pytest

from tests.mcp.conftest import Live
from tests.unit.docs.pages import fenced


async def test_the_program_asks_and_prints_the_decision(
    live: Live, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (program,) = fenced("docs/guides/mcp.md", "python")
    monkeypatch.setenv("COUNTERSIGN_URL", live.url)
    monkeypatch.setenv("COUNTERSIGN_TOKEN", await live.own())

    running = asyncio.create_task(asyncio.to_thread(exec, program, {"__name__": "__main__"}))
    await live.vote((await live.asked())["id"])
    await running

    assert "'approved': True" in capsys.readouterr().out
