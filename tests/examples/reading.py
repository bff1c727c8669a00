"""A reader of the guide "Ask from anything", who runs its lines in one shell, and does and sees what it says."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.examples.house import House
from tests.scenario.pages import Block, Sentence, Step
from tests.support.stage import WAIT

API: Final = "http://127.0.0.1:8420"
RECEIVER: Final = "http://127.0.0.1:9000/hooks/countersign"
SHELL: Final = """
set -eo pipefail
countersign() { "$PYTHON" -m bot "$@" --env-file /dev/null 2>/dev/null; }
[ -f "$KEPT" ] && source "$KEPT"
set -a
"""


@dataclass(slots=True, kw_only=True)
class Reader:
    house: House
    folder: Path
    printed: str = ""
    """What the last block printed."""
    running: asyncio.subprocess.Process | None = None
    """The program that waits for people."""

    async def follow(self, step: Step) -> None:
        match step:
            case Block(language="sh"):
                self.printed = await self._shell(step.text)
            case Block(language="json"):
                assert fits(json.loads(step.text), json.loads(self.printed)), self.printed
            case Block(language="python") if "from_environment" in step.text:
                self.running = await self._started("bash", "-c", f'{SHELL} exec "$PYTHON" -c "$0"', step.text)
            case Sentence() if "Press Approve as bob" in step.told:
                await self._approve()
            case Sentence() if "Wait for the card" in step.told:
                await self.house.card("[Approve")
            case _:
                pass

    async def _approve(self) -> None:
        await self.house.presses("approve", "Refund order")
        await self.house.card("Approved by @bob", "Refund order")
        if self.running is not None:
            self.printed, self.running = await _output(self.running), None

    async def _shell(self, lines: str) -> str:
        lines = lines.replace(API, self.house.url).replace(RECEIVER, self.house.receiver.url)
        return await _output(await self._started("bash", "-c", f'{SHELL} {lines}\nexport -p > "$KEPT"'))

    async def _started(self, *command: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        environment: Mapping[str, str] = {
            **self.house.environment,
            "PYTHON": sys.executable,
            "KEPT": str(self.folder / "kept"),
        }
        return await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)


async def _output(process: asyncio.subprocess.Process) -> str:
    async with asyncio.timeout(WAIT):
        told, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return told.decode()


def fits(shown: Any, real: Any) -> bool:
    """Whether something real has all that a page shows of it. `...` in a text stands for anything."""
    if isinstance(shown, dict):
        return isinstance(real, dict) and all(name in real and fits(each, real[name]) for name, each in shown.items())
    if isinstance(shown, list):
        return isinstance(real, list) and len(shown) == len(real) and all(map(fits, shown, real))
    if isinstance(shown, str) and "..." in shown:
        return isinstance(real, str) and bool(re.fullmatch(".*".join(map(re.escape, shown.split("..."))), real))
    return bool(shown == real)
