"""More starts and answers than Slack's rate limits let through in a minute: they queue, and nothing is refused or lost.

The limits are on. Their minutes are short in the default suite; `slow` has one of sixty seconds.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from simulator.client import Simulator
from tests.support.short_minute import MINUTE
from tests.support.stage import Bot, Message, Slack

APPROVE = re.compile(r"action_id\W+approve\b")


@dataclass
class Office:
    """People who start tasks in a few rooms, and a Slack that counts."""

    simulator: Simulator
    folder: Path
    minute: float
    rooms: int
    names: list[str] = field(default_factory=list)

    @property
    def patience(self) -> float:
        """Seconds for three of its minutes, and for a machine that does something else too."""
        return 3 * self.minute + 60

    async def start(self) -> None:
        """Alice starts one more task; Slack says that the command has arrived."""
        self.names.append(f"n{len(self.names):03d}")
        line = f"/task action journal={self.folder / self.names[-1]}"
        answer = await self.simulator.seat("alice").command(f"#room-{len(self.names) % self.rooms}", line)
        assert answer["ok"], answer

    async def cards(self, count: int) -> dict[str, Message]:
        """The cards that were posted, by their tasks' names, once there are so many."""

        async def posted() -> dict[str, Message] | None:
            found: dict[str, Message] = {}
            for call in await self.simulator.traffic(method="chat.postMessage"):
                blocks = str(call["arguments"].get("blocks"))
                if call.get("ok") and APPROVE.search(blocks) and (name := re.search(r"n\d{3}", blocks)):
                    assert name[0] not in found, f"{name[0]} has two cards"
                    found[name[0]] = {**call["answer"], "seq": call["seq"]}
            return found if len(found) >= count else None

        return await self.simulator.wait_for(posted, timeout=self.patience, what=f"{count} cards")

    async def approve(self, card: Message) -> None:
        answer = await self.simulator.seat("bob").press(card, "approve")
        assert answer["ok"], answer

    async def settled(self) -> bool:
        """Whether every task's action was done, and no card offers to approve any more."""
        if not all(self._done(name) for name in self.names):
            return False
        bob = self.simulator.seat("bob")
        for number in range(self.rooms):
            for opening in await bob.messages(f"#room-{number}"):
                thread = await bob.thread(f"#room-{number}", opening["ts"])
                if len(thread) < 3:  # the opening, the card and what became of it
                    return False
                for message in thread:
                    if APPROVE.search(str(message.get("blocks"))):
                        return False
        return True

    def _done(self, name: str) -> bool:
        journal = self.folder / name
        return journal.exists() and journal.read_text().count("done") == 1

    async def all_settled(self) -> None:
        await self.simulator.wait_for(
            lambda: self.settled(), timeout=self.patience, what="the end of all tasks, as people see it"
        )

    async def refused(self) -> int:
        """How many calls Slack answered with 429."""
        return sum(call.get("status") == 429 for call in await self.simulator.traffic())

    async def told(self) -> list[str]:
        """What anybody was told in private."""
        seats = map(self.simulator.seat, ("alice", "bob"))
        return [str(notice["text"]) for seat in seats for notice in await seat.notices()]


@asynccontextmanager
async def an_office(folder: Path, *, minute: float, rooms: int) -> AsyncIterator[Office]:
    slack = Slack.start(folder, limits=("--minute", str(minute)))
    bot = Bot.prepare(folder / "bot", slack.environment, graphs=("action",))
    bot.module = ("tests.support.short_minute",)
    try:
        bot.start(**{MINUTE: str(minute)})
        async with Simulator.connect(slack.url) as simulator:
            yield Office(simulator, folder, minute, rooms)
    finally:
        bot.kill()
        slack.stop()


async def a_busy_minute(office: Office, count: int) -> None:
    """One task waits; then so many are started in one minute, and the first is answered while they queue."""
    await office.start()
    (early,) = (await office.cards(1)).values()
    starts = [office.start() for _ in range(count)]
    for start in starts:
        await start
    await office.approve(early)

    cards = await office.cards(count + 1)

    edits = [
        call["seq"]
        for method in ("response_url", "chat.update")
        for call in await office.simulator.traffic(method=method)
        if call["ok"] and call["answer"].get("ts") == early["ts"]
    ]
    assert min(edits) < max(card["seq"] for card in cards.values()), "a decision waits for the questions before it"
    await asyncio.gather(*(office.approve(card) for name, card in cards.items() if name != office.names[0]))
    await office.all_settled()
    told = await office.told()
    assert all("counted" in words for words in told), "nothing is refused"


@pytest.mark.heavy
async def test_more_starts_than_a_minute_takes_queue_and_none_is_lost(tmp_path: Path) -> None:
    """Three posts for each of them are more than a channel takes."""
    async with an_office(tmp_path, minute=6.0, rooms=1) as office:
        await a_busy_minute(office, 20)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_eighty_starts_in_a_minute_queue_and_none_is_lost(tmp_path: Path) -> None:
    """Three posts for each of them are as many as four channels take; so many edits are more than a workspace takes."""
    async with an_office(tmp_path, minute=60.0, rooms=4) as office:
        await a_busy_minute(office, 80)

        assert await office.refused() <= 2
