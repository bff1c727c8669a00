"""The real bot with its HTTP API, a local Slack, and people who answer what programs ask there."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.cli.demo.receiver import Received, Receiver, receiving
from simulator.client import Names, Simulator, TimedOut, render_text
from tests.support.stage import PATIENT_POLICY, ROOT, WAIT, Bot, Slack

SECRET: Final = "whsec_" + "c2VjcmV0" * 5
CLIENT: Final = ROOT / "clients" / "python" / "src"
PATHS: Final = os.pathsep.join([str(ROOT), str(CLIENT)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class House:
    bot: Bot
    url: str
    simulator: Simulator
    names: Names
    receiver: Receiver

    @property
    def environment(self) -> Mapping[str, str]:
        """What programs and operators have in their environment."""
        return {**self.bot.environment, "PYTHONPATH": PATHS, "COUNTERSIGN_URL": self.url}

    def token(self, name: str, *options: str) -> str:
        """A new token, made as an operator makes it."""
        command = [sys.executable, "-m", "bot", "tokens", "add", name, *options, "--env-file", os.devnull]
        return subprocess.run(
            command, env=self.environment, cwd=self.bot.folder, capture_output=True, text=True, check=True, timeout=WAIT
        ).stdout.strip()

    async def presses(self, deed: str, words: str, *, who: str = "bob") -> None:
        """Press `approve` or `reject` on the card with these words, once it is there."""
        await self.simulator.seat(who).press(await self.card(words, "[Approve"), deed)

    async def rejects(self, words: str, reason: str, *, who: str = "bob") -> None:
        """Reject what the card with these words asks, with this reason."""
        seat = self.simulator.seat(who)
        await seat.press(await self.card(words, "[Approve"), "reject")
        await self.simulator.wait_for(seat.modal, timeout=WAIT, what="the modal for the reason")
        assert await seat.submit({"reason": reason}) == {}

    async def webhook(self, words: str) -> Received:
        """The webhook with these words, once it came."""
        while True:
            for each in self.receiver.received:
                if words in each.raw.decode():
                    return each
            async with asyncio.timeout(WAIT):
                await self.receiver.wait()

    async def card(self, *words: str) -> dict[str, Any]:
        """The message in a thread of #ops that has all of these words."""
        seat = self.simulator.seat("bob")

        async def found() -> dict[str, Any] | None:
            for opening in reversed(await seat.messages("#ops")):
                for message in (await seat.thread("#ops", opening["ts"]))[1:]:
                    text = render_text(message, self.names)
                    if all(each in text for each in words):
                        return message
            return None

        try:
            return await self.simulator.wait_for(found, timeout=WAIT, what=f"a card with {words}")
        except TimedOut as error:
            shown = [render_text(one, self.names) for one in await seat.messages("#ops")]
            raise AssertionError(f"{error}; #ops shows {shown}; the bot's log:\n{self.bot.log}") from error


@asynccontextmanager
async def house(folder: Path, rules: str) -> AsyncIterator[House]:
    """All of it, with these rules in its policies, ended with the block."""
    slack = await asyncio.to_thread(Slack.start, folder)
    try:
        async with receiving(SECRET) as receiver, Simulator.connect(slack.url) as simulator:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                bind = f"127.0.0.1:{free.getsockname()[1]}"
            settings = {"HTTP_BIND": bind, "WEBHOOK_SECRET": SECRET, "WEBHOOK_ALLOW": receiver.host}
            bot = Bot.prepare(folder / "bot", slack.environment, policy=PATIENT_POLICY + rules, **settings)
            await asyncio.to_thread(bot.start)
            try:
                yield House(
                    bot=bot,
                    url=f"http://{bind}",
                    simulator=simulator,
                    names=await simulator.names(),
                    receiver=receiver,
                )
            finally:
                await asyncio.to_thread(bot.stop)
    finally:
        await asyncio.to_thread(slack.stop)
