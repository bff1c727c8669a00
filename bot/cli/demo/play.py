"""`demo --once`: an approval that is undone, a rejection and an expiry, played on the real parts and told as people see
them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, TypeVar

from bot.cli.demo import stage
from simulator.client import Names, Seat, Simulator, TimedOut, render_text

Message = dict[str, Any]
Found = TypeVar("Found")

WAIT = 30.0
"""Seconds that anything may take before the play is called off."""


class Differs(Exception):
    """What the people saw is not what they should see."""


async def once(simulator: Simulator, folder: Path, out: TextIO) -> int:
    """Play the three; 0, or 1 with the reason when something was not as it should be."""
    play = Play(simulator, await simulator.names(), folder, out)
    try:
        await play.approval()
        await play.rejection()
        await play.expiry()
    except Differs as differs:
        out.write(f"\nThis is not as it should be: {differs}\n{stage.tail(folder)}\n")
        return 1
    out.write("\nAll three went as they should.\n")
    return 0


@dataclass(slots=True)
class Play:
    """One run through the three stories, with what was already told."""

    simulator: Simulator
    names: Names
    folder: Path
    out: TextIO
    told: dict[str, str] = field(default_factory=dict)

    async def approval(self) -> None:
        """alice starts, may not approve, bob approves, the files move; alice undoes it, and they are back."""
        self._title("An approval")
        alice, bob = self.simulator.seat("alice"), self.simulator.seat("bob")
        opening, card = await self._start(alice)
        await self._press(alice, card, "approve", "Approve")
        refusal = await self._refusal(alice, "not yours to approve")
        self._say("only alice sees", refusal)
        await self._press(bob, card, "approve", "Approve")
        await self._see(bob, opening, "Approved by @bob")
        offer = await self._see(bob, opening, "Moved 2 files of logs to the trash")
        left = {file.name for file in (self.folder / "logs").rglob("*.log")}
        if left != {"access-today.log", "jobs-4.log", "deploy.log"}:
            raise Differs(f"other files are left than should be: {sorted(left)}")
        await self._press(alice, offer, "undo", "Undo")
        await self._see(alice, opening, "Undone: moved 2 files")
        if len(list((self.folder / "logs").rglob("*.*"))) != len(stage.LOGS):
            raise Differs("files are missing although their move was undone")

    async def rejection(self) -> None:
        """bob rejects with a reason; nothing moves, and the graph says the reason."""
        self._title("A rejection")
        alice, bob = self.simulator.seat("alice"), self.simulator.seat("bob")
        opening, card = await self._start(alice)
        await self._press(bob, card, "reject", "Reject…")
        modal = await self._until(bob.modal, "the modal for the reason")
        self._say("bob's modal", render_text(modal, self.names))
        reason = "the audit of March still reads these"
        self._say("bob writes", reason)
        errors = await bob.submit({"reason": reason})
        if errors:
            raise Differs(f"the modal refused the reason: {errors}")
        await self._see(bob, opening, "Rejected by @bob")
        await self._see(bob, opening, "Nothing was moved.")
        if len(list((self.folder / "logs").rglob("*.*"))) != len(stage.LOGS):
            raise Differs("files are missing after a rejection")

    async def expiry(self) -> None:
        """Nobody answers: a reminder, a DM, the end; the graph is told that nobody answered."""
        self._title("Nobody answers")
        alice, carol = self.simulator.seat("alice"), self.simulator.seat("carol")
        opening, _ = await self._start(alice)
        await self._see(alice, opening, "Still waiting")
        copy = await self._wait(carol, "@countersign", "Move 2 files", "the DM to carol")
        dm = render_text(copy, self.names)
        self._say("carol's DM", dm)
        await self._see(alice, opening, "Expired")
        copy = await self._wait(carol, "@countersign", "Expired", "carol's copy of the card")
        self._say("carol's DM, updated", _changed(dm, render_text(copy, self.names)))
        await self._see(alice, opening, "nobody answered")
        if len(list((self.folder / "logs").rglob("*.*"))) != len(stage.LOGS):
            raise Differs("files are missing although nobody answered")

    # --- What people do and see -----------------------------------------------------------------

    async def _start(self, seat: Seat) -> tuple[Message, Message]:
        """Type the command; returns the message that opens the thread, and the card in it."""
        before = {message["ts"] for message in await seat.messages("#ops")}
        line = f"/task cleanup path={self.folder}/logs older_than=30d"
        self._say("alice in #ops", line)
        answer = await seat.command("#ops", line)
        if not answer.get("ok", True):
            raise Differs(f"Slack refused the command: {answer}")

        async def opened() -> Message | None:
            new = [message for message in await seat.messages("#ops") if message["ts"] not in before]
            return next((message for message in new if "started" in render_text(message, self.names)), None)

        opening = await self._until(opened, "the message that opens the thread")
        self._say("countersign in #ops", render_text(opening, self.names))
        card = await self._see(seat, opening, "Move 2 files")
        return opening, card

    async def _press(self, seat: Seat, card: Message, action_id: str, label: str) -> None:
        self._say(seat.name, f"presses [{label}]")
        answer = await seat.press(card, action_id)
        if not answer.get("ok", True):
            raise Differs(f"Slack showed an error to {seat.name}: {answer}")

    async def _refusal(self, seat: Seat, containing: str) -> str:
        async def told() -> str | None:
            texts = [render_text(notice, self.names) for notice in await seat.notices()]
            return next((text for text in reversed(texts) if containing in text), None)

        return await self._until(told, f"the private answer to {seat.name}")

    async def _see(self, seat: Seat, opening: Message, containing: str) -> Message:
        """Wait for a message of the thread that says this; tell what is new in the thread on the way."""

        async def seen() -> Message | None:
            thread: Sequence[Message] = await seat.thread("#ops", opening["ts"])
            for message in thread[1:]:
                text = render_text(message, self.names)
                if message.get("is_ephemeral") or self.told.get(message["ts"]) == text:
                    continue
                before = self.told.get(message["ts"])
                self.told[message["ts"]] = text
                if before is None:
                    self._say("in the thread", text)
                else:
                    self._say("in the thread, updated", _changed(before, text))
            return next((each for each in thread[1:] if containing in render_text(each, self.names)), None)

        return await self._until(seen, f'"{containing}" in the thread')

    async def _wait(self, seat: Seat, channel: str, containing: str, what: str) -> Message:
        async def seen() -> Message | None:
            return await seat.message(channel, containing=containing)

        return await self._until(seen, what)

    async def _until(self, predicate: Callable[[], Awaitable[Found | None]], what: str) -> Found:
        """What the predicate finds, in time; `Differs` with what alice was told in private where it finds nothing."""
        try:
            found = await self.simulator.wait_for(predicate, timeout=WAIT, what=what)
        except TimedOut as late:
            notices = await self.simulator.seat("alice").notices()
            told = "\n".join(render_text(notice, self.names) for notice in notices)
            raise Differs(f"{late}. What alice was told in private: {told or 'nothing'}") from None
        if found is None:
            raise Differs(f"{what} did not happen")
        return found

    def _title(self, words: str) -> None:
        self.out.write(f"\n=== {words} {'=' * (92 - len(words))}\n")

    def _say(self, who: str, words: str) -> None:
        lines = words.strip().splitlines() or [""]
        self.out.write(f"\n{who}:\n" + "".join(f"    {line}\n" for line in lines))
        self.out.flush()


def _changed(before: str, now: str) -> str:
    """The lines that were not there before; what stayed has been told."""
    known = set(before.splitlines())
    return "\n".join(["...", *(line for line in now.splitlines() if line not in known)])
