"""A workspace to talk to: the simulator, as the process that it is, shared by these tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.api.calls import web_client
from simulator.client import Simulator

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Slack:
    """The simulator as one test sees it: what was called since the test began, and what shall go wrong."""

    simulator: Simulator
    began: int

    async def calls(self, method: str) -> list[dict[str, Any]]:
        return await self.simulator.traffic(method=method, after=self.began)

    async def fault(self, method: str, kind: str, **how: Any) -> None:
        await self.simulator.fault(method, kind, **how)


@pytest.fixture(scope="session")
def ready() -> Iterator[dict[str, str]]:
    """The ready line of a simulator without rate limits."""
    command = [sys.executable, "-m", "simulator", "--fast", "--manifest", "manifest.yml"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()


@pytest.fixture
async def slack(ready: dict[str, str]) -> AsyncIterator[Slack]:
    async with Simulator.connect(ready["url"]) as simulator:
        earlier = await simulator.traffic()
        yield Slack(simulator, max((entry["seq"] for entry in earlier), default=0))
        await simulator.clear_faults()


@pytest.fixture
def client(ready: dict[str, str]) -> AsyncWebClient:
    return web_client(ready["bot_token"], ready["api_url"])
