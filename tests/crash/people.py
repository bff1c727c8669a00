"""Alice starts tasks, Bob approves, Carol rejects: rivals, some at once, some near the deadline, some not at all. What
was done for her, Alice has undone, or keeps it, or wants both."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.approvals.model.ids import Person, TeamId, UserId
from bot.slack.cards.decision_words import WAITING
from simulator.client import ControlError, Simulator

ALICE = Person(team_id=TeamId("T0ACME"), user_id=UserId("U0ALICE"))
ROOMS = 120
PATIENCE = 3.0
"""Seconds after which somebody whose click did nothing clicks again."""

Message = dict[str, Any]

SHOWING = ("chat.postMessage", "chat.update", "response_url")
"""What changes what people see of a message. A response_url that tells somebody something has no message's ts."""


@dataclass(slots=True)
class Card:
    """One message with an Approve button: who will click on it, and when, if anybody."""

    channel: str
    ts: str
    title: str
    approve_at: float | None = None
    reject_at: float | None = None
    undo_at: float | None = None
    keep_at: float | None = None
    open: bool = True


@dataclass(slots=True)
class People:
    """They look at their screens for as long as `at_work` runs."""

    simulator: Simulator
    seed: int
    deadline: float
    prompt: bool = False
    """Whether every card is clicked on at once."""
    agreeable: bool = False
    """Whether most is approved, and soon."""
    acknowledged: list[int] = field(default_factory=list)
    """The numbers of the tasks whose command was taken without an error."""
    sent: int = 0
    cards: dict[tuple[str, str], Card] = field(default_factory=dict)
    _after: int = 0

    async def start(self, folder: str, gates: int) -> None:
        """One more task, in a room of its own. Without gates, one whose action can be undone."""
        number = self.sent
        self.sent += 1
        line = f"/task gates number={number} gates={gates} folder={folder}"
        if not gates:
            line = f"/task undo number={number} window={int(self.deadline)} folder={folder}"
        answer = await self.simulator.seat("alice").command(room(number), line)
        if answer["ok"]:
            self.acknowledged.append(number)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(work()) for work in (self._look, self._alice, self._bob, self._carol)]
            yield
            for task in working:
                task.cancel()

    async def _look(self) -> None:
        """See new cards, and which are settled."""
        while True:
            entries = await self.simulator.traffic(after=self._after)
            unanswered = [entry["seq"] for entry in entries if entry["direction"] == "call" and "status" not in entry]
            for entry in entries:
                if entry.get("method") in SHOWING and entry.get("ok") and "ts" in entry["answer"]:
                    self._see(entry["arguments"], entry["answer"])
            if entries:
                self._after = min([*(seq - 1 for seq in unanswered), entries[-1]["seq"]])
            await asyncio.sleep(0.1)

    def _see(self, shown: Message, answer: Message) -> None:
        place = (answer["channel"], answer["ts"])
        offered = {"approve", "undo"} & {str(element.get("action_id")) for element in _elements(shown)}
        known = self.cards.get(place)
        if known is not None:
            known.open = bool(offered)
        if "approve" in offered and known is None:
            self.cards[place] = self._planned(*place, title=_title(shown))
        if "undo" in offered and (known is None or known.undo_at is None):
            self.cards[place] = self._regretted(*place, title=_title(shown))

    def _planned(self, channel: str, ts: str, title: str) -> Card:
        chance, now = random.Random(f"{self.seed} {title}"), asyncio.get_running_loop().time()
        late = not self.prompt and not self.agreeable and chance.random() < 0.25
        first, last = (self.deadline - 1.5, self.deadline + 0.5) if late else (0.0, 0.6)
        silent = channel.startswith("D") or (not self.prompt and chance.random() < 0.2)
        agrees = self.agreeable and (self.prompt or chance.random() < 0.75)
        return Card(
            channel=channel,
            ts=ts,
            title=title,
            approve_at=None if silent else now + chance.uniform(first, last),
            reject_at=None if silent or agrees else now + chance.uniform(first, last),
        )

    def _regretted(self, channel: str, ts: str, title: str) -> Card:
        """A card that offers to undo something: on it, or beside what had been approved."""
        chance, now = random.Random(f"{self.seed} {title} {ts}"), asyncio.get_running_loop().time()
        wants = "undo" if self.prompt else chance.choice(["undo", "undo", "undo", "keep", "both", "nothing"])
        last = 0.6 if self.prompt else chance.choice([0.6, self.deadline])
        never = float("inf")
        return Card(
            channel=channel,
            ts=ts,
            title=title,
            undo_at=now + chance.uniform(0, last) if wants in ("undo", "both") else never,
            keep_at=now + chance.uniform(0, last) if wants in ("keep", "both") else never,
        )

    async def _alice(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                now = asyncio.get_running_loop().time()
                for card in self.cards.values():
                    if card.open and card.undo_at is not None and card.undo_at <= now:
                        card.undo_at = now + PATIENCE
                        group.create_task(self._press("alice", card, "undo"))
                    if card.open and card.keep_at is not None and card.keep_at <= now:
                        card.keep_at = now + PATIENCE
                        group.create_task(self._press("alice", card, "keep"))
                await asyncio.sleep(0.05)

    async def _bob(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                now = asyncio.get_running_loop().time()
                for card in self.cards.values():
                    if card.open and card.approve_at is not None and card.approve_at <= now:
                        card.approve_at = now + PATIENCE
                        group.create_task(self._press("bob", card, "approve"))
                await asyncio.sleep(0.05)

    async def _carol(self) -> None:
        """One modal at a time; where it does not come in a moment, somebody was first, or nobody was there."""
        seat = self.simulator.seat("carol")
        while True:
            now = asyncio.get_running_loop().time()
            due = [c for c in self.cards.values() if c.open and c.reject_at is not None and c.reject_at <= now]
            for card in due:
                card.reject_at = now + PATIENCE
                if not card.open or not await self._press("carol", card, "reject"):
                    continue
                for _ in range(20):
                    if await seat.modal() is not None:
                        await self._submit(f"not {card.title}")
                        break
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.05)

    async def _submit(self, reason: str) -> None:
        seat = self.simulator.seat("carol")
        try:
            await seat.submit({"reason": reason})
            if await seat.modal() is not None:
                await seat.close_modal(everything=True)
        except ControlError:
            return  # it has been closed, or is a notice that she was late

    async def _press(self, who: str, card: Card, action: str) -> bool:
        try:
            answer = await self.simulator.seat(who).press({"channel": card.channel, "ts": card.ts}, action)
        except ControlError:
            return False  # the button is gone
        return bool(answer["ok"])


def room(number: int) -> str:
    return f"#room-{number % ROOMS}"


async def all_messages(simulator: Simulator, number: int) -> list[Message]:
    """Everything that the bot has posted: in so many rooms, their threads, and people's DMs."""
    found: list[Message] = []
    for place in [room(n) for n in range(min(number, ROOMS))]:
        for message in await simulator.seat("bob").messages(place):
            if not message["is_ephemeral"]:
                found += await simulator.seat("bob").thread(place, message["ts"])
    for who in ("alice", "bob", "carol", "dave"):
        found += await simulator.seat(who).messages("@countersign")
    return [message for message in found if not message["is_ephemeral"] and message.get("bot_id")]


def _title(shown: Message) -> str:
    """What a card asks, without the sign that it waits."""
    header = next(block["text"]["text"] for block in shown["blocks"] if block["type"] == "header")
    return str(header).removeprefix(WAITING).strip()


def _elements(shown: Message) -> list[Message]:
    return [element for block in shown.get("blocks") or [] for element in block.get("elements", [])]
