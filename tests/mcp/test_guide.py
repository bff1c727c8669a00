"""The program of the guide runs as it stands."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from tests.mcp.conftest import Live
from tests.unit.docs.pages import ROOT, fenced


@pytest.mark.heavy
async def test_the_program_asks_and_prints_the_decision(live: Live) -> None:
    (program,) = fenced("docs/guides/mcp.md", "python")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        env={"PATH": os.environ["PATH"], "COUNTERSIGN_URL": live.url, "COUNTERSIGN_TOKEN": await live.own()},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    await live.vote((await live.asked())["id"])
    printed, _ = await process.communicate()

    assert b"'approved': True" in printed
