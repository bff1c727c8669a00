"""One bot for all shapes: a graph that asks whatever its case says, and graphs of other people's making."""

from __future__ import annotations

import itertools
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.support.stage import UNPACED, Bot, Message, Room, Slack, Thread

FOLDER = Path(__file__).resolve().parent / "graphs"
GRAPHS = {
    "asking": "asking.py:graph",
    "wording": "asking.py:graph",
    "paired": "asking.py:graph",
    "batched": "agents.py:batched",
    "per_call": "agents.py:per_call",
    "deep": "agents.py:deep",
    "before": "stopping.py:before",
    "after": "stopping.py:after",
    "routed": "stopping.py:before",
    "changing": "again.py:changing",
    "insisting": "again.py:insisting",
    "revising": "again.py:revising",
    "fanned": "again.py:fanned",
    "typed": "forms.py:typed",
    "modelled": "forms.py:modelled",
    "plain": "forms.py:plain",
    "nested": "forms.py:nested",
    "talking": "forms.py:talking",
    "functional": "forms.py:functional",
}
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 1h
rules:
  - name: a few rounds
    match: {graph: revising}
    max_rounds: 2
    reason_required: never
  - name: two of them
    match: {graph: changing}
    quorum: 2
  - name: two of them again
    match: {graph: paired}
    quorum: 2
approvals:
  wording: {answer: go/stop}
  routed:
    reject: {as_node: act, values: {approved: false, notes: ["not acted: {reason}"]}}
"""


@pytest.fixture(scope="session")
def slack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slack]:
    """A local Slack for these tests alone: their bot stays while those of other tests come and go."""
    slack = Slack.start(tmp_path_factory.mktemp("slack"))
    yield slack
    slack.stop()


@pytest.fixture(scope="session")
def room_numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture(scope="session")
def bot(slack: Slack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    bot = Bot.prepare(tmp_path_factory.mktemp("bot"), slack.environment, policy=POLICY)
    graphs = {name: f"{FOLDER}/{spec}" for name, spec in GRAPHS.items()}
    (bot.folder / "langgraph.json").write_text(json.dumps({"graphs": graphs}))
    bot.module = UNPACED
    bot.start()
    yield bot
    assert bot.stop() == 0, bot.log


@dataclass(slots=True)
class Asked:
    """A graph that has asked, and a card of it."""

    room: Room
    thread: Thread
    card: Message
    graph: str
    file: Path | None = None

    async def press(self, action: str, who: str = "bob") -> None:
        """Press a button of the card, or at the end of its review if the card is too long to be answered on."""
        card = await self.thread.again(self.card)
        if "[Review…]" in self.room.read(card):
            await self.room.review(who, card)
            await self.room.answer(who, action)
        else:
            await self.room.press(who, card, action)

    async def submit(self, who: str = "bob", **typed: Any) -> dict[str, str]:
        """Fill the open modal in by the labels of its fields, `_` for a space, and send it; the errors, by label."""
        return await self.room.submit(who, {label.replace("_", " "): value for label, value in typed.items()})

    async def says(self, action: str, words: str, who: str = "bob") -> None:
        """Press the button, and write the one text that its modal asks for."""
        await self.press(action, who)

        async def fields() -> list[str] | None:
            view = await self.room.seat(who).modal()
            return [block["block_id"] for block in view["blocks"] if block["type"] == "input"] if view else None

        (field,) = await self.room.until(fields, f"the field of {action}")
        assert await self.room.seat(who).submit({field: words}) == {}

    async def shows(self, *words: str) -> str:
        return self.room.read(await self.thread.shows(*words))

    async def settled(self, *words: str) -> str:
        return self.room.read(await self.thread.settled(*words))

    async def text(self) -> str:
        """The card as it stands now."""
        return self.room.read(await self.thread.again(self.card))

    async def told(self) -> Any:
        """The value that the graph was given."""
        assert self.file is not None
        await self.ended()
        return json.loads(self.file.read_text())

    async def ended(self) -> str:
        """What the graph says in the end."""
        said = await self.thread.reported()
        assert "🛑" not in await self.outcome()
        return said

    async def stopped(self) -> str:
        """Why the task was stopped before the graph came to its end."""
        return await self.thread.reported("🛑")

    async def outcome(self) -> str:
        """How the task ended, and who decided it."""
        return self.room.read(await self.thread.ended("@alice"))


Asks: TypeAlias = Callable[..., Awaitable[Asked]]


@pytest.fixture
def asks(bot: Bot, room: Room, tmp_path: Path) -> Asks:
    """Starts the graph with a case, and waits for its card."""

    async def started(case: str, *words: str, graph: str = "asking") -> Asked:
        file = tmp_path / "told.json"
        thread = await room.start(f'/task {graph} case="{case}" told={file}')
        return Asked(room, thread, await _card(thread, words), graph, file)

    return started


@pytest.fixture
def starts(bot: Bot, room: Room) -> Asks:
    """Starts any graph with what follows its name, and waits for its card."""

    async def started(graph: str, line: str, *words: str) -> Asked:
        thread = await room.start(f"/task {graph} {line}")
        return Asked(room, thread, await _card(thread, words), graph)

    return started


async def _card(thread: Thread, words: Sequence[str]) -> Message:
    """The card with these words. Those in brackets are what people can press on it, or choose in its menu."""
    card = await thread.card(*(each for each in words if not each.startswith("[")))
    offered = thread.room.offered(card)
    assert [each for each in words if each.startswith("[") and each.strip("[]") not in offered] == [], offered
    return card
