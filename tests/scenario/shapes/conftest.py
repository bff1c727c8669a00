"""One bot for all shapes, with one graph that asks whatever its case says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.stage import Bot, Message, Room, Slack, Thread

GRAPH = Path(__file__).resolve().parent / "graphs" / "asking.py"
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 1h
"""


@pytest.fixture(scope="module")
def bot(slack: Slack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    bot = Bot.prepare(tmp_path_factory.mktemp("bot"), slack.environment, policy=POLICY)
    (bot.folder / "langgraph.json").write_text(json.dumps({"graphs": {"asking": f"{GRAPH}:graph"}}))
    bot.start()
    yield bot
    assert bot.stop() == 0, bot.log


@dataclass(slots=True)
class Asked:
    """A graph that has asked, and the card of it."""

    room: Room
    thread: Thread
    card: Message
    file: Path

    async def press(self, action: str, who: str = "bob") -> None:
        await self.room.press(who, await self.thread.again(self.card), action)

    async def submit(self, who: str = "bob", **typed: Any) -> dict[str, str]:
        """Fill the open modal in by the labels of its fields, `_` for a space, and send it; the errors, by label."""
        return await self.room.submit(who, {label.replace("_", " "): value for label, value in typed.items()})

    async def shows(self, *words: str) -> str:
        return self.room.read(await self.thread.shows(*words))

    async def text(self) -> str:
        """The card as it stands now."""
        return self.room.read(await self.thread.again(self.card))

    async def told(self) -> Any:
        """The value that the graph was given."""
        await self.thread.shows("asking finished")
        return json.loads(self.file.read_text())


@pytest.fixture
def asks(bot: Bot, room: Room, tmp_path: Path) -> Any:
    """Starts the graph with a case, and waits for its card."""

    async def started(case: str, *words: str) -> Asked:
        file = tmp_path / "told.json"
        thread = await room.start(f"/task asking case={case} told={file}")
        return Asked(room, thread, await thread.card(*words), file)

    return started
