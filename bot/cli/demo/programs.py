"""Other programs in the demo: a token, a line of curl that asks, and the panel that shows what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shlex
import socket
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from bot.approvals.model.errors import SettingsError
from bot.cli.demo.receiver import Received, Receiver, receiving
from bot.cli.demo.stage import ELSEWHERE

if TYPE_CHECKING:
    from simulator.client import Simulator

Json = dict[str, Any]

TOKEN: Final = "demo"  # noqa: S105 - the name of a token
SOURCE: Final = "billing-service"
KEY: Final = "demo-refund-4711"
QUESTION: Final[Json] = {"action": "refund_order", "arguments": {"order": "4711", "amount": "99.00 EUR"}}
SHOWN: Final = 20
"""Requests and webhooks that the panel shows."""
SECONDS_TOGETHER: Final = 0.1
"""Changes within this time are shown together."""
STATES: Final = {
    "approve": ("approved", "good"),
    "edit": ("approved, edited", "good"),
    "respond": ("answered", "good"),
    "choose": ("answered", "good"),
    "mixed": ("approved in part", "bad"),
    "reject": ("rejected", "bad"),
    "undo": ("to be undone", "bad"),
    "keep": ("kept", "good"),
    "closed": ("stays", "good"),
}
"""What a decision's verdict is called, and how it is coloured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """What other programs need to ask the demo's bot."""

    url: str
    """The address of the bot's API."""
    secret: str
    """What webhooks are signed with."""
    receiver: Receiver
    token: str = ""
    """What the API is called with; empty until there are records to keep it in."""

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings that make the bot serve its API and send webhooks to the demo's receiver."""
        return {
            "HTTP_BIND": self.url.removeprefix("http://"),
            "WEBHOOK_SECRET": self.secret,
            "WEBHOOK_ALLOW": self.receiver.host,
        }

    @property
    def curl(self) -> str:
        """A command for a terminal that asks. A second time it finds the same request, because its key is the same."""
        body = {"question": QUESTION, "channel": "#ops", "callback_url": self.receiver.url}
        return " \\\n  ".join(
            [
                f"curl {self.url}/v1/requests",
                f"-H 'Authorization: Bearer {self.token}'",
                f"-H 'Idempotency-Key: {KEY}'",
                "-H 'Content-Type: application/json'",
                f"-d {shlex.quote(json.dumps(body))}",
            ]
        )

    @asynccontextmanager
    async def shown(self, simulator: Simulator, folder: Path) -> AsyncIterator[Programs]:
        """Makes a token in the records of the running bot, and keeps the page's panel up to date while the block
        runs. Yields itself with the token."""
        known = replace(self, token=await _new_token(folder))
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {known.token}"}) as session:
            panel = _Panel(programs=known, simulator=simulator, session=session)
            await panel.show()
            following = asyncio.create_task(panel.follow())
            try:
                yield known
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)


@asynccontextmanager
async def opened() -> AsyncIterator[Programs]:
    """An address for the API of a bot that is to start, and a receiver of webhooks that runs while the block does."""
    secret = f"whsec_{b64encode(secrets.token_bytes(24)).decode()}"
    async with receiving(secret) as receiver:
        yield Programs(url=f"http://127.0.0.1:{_free_port()}", secret=secret, receiver=receiver)


@dataclass(slots=True, kw_only=True)
class _Panel:
    """What the page shows of other programs."""

    programs: Programs
    simulator: Simulator
    session: aiohttp.ClientSession
    last: Json = field(default_factory=dict)

    async def follow(self) -> None:
        """Shows it again after each change in the workspace and each webhook, until it is cancelled."""
        seq = 0
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                seq = await self._changed(seq)
                await self.show()
            await asyncio.sleep(SECONDS_TOGETHER)

    async def _changed(self, seq: int) -> int:
        changes = asyncio.ensure_future(self.simulator.events(seq))
        webhook = asyncio.ensure_future(self.programs.receiver.wait())
        try:
            await asyncio.wait([changes, webhook], return_when=asyncio.FIRST_COMPLETED)
            return int(changes.result()["seq"]) if changes.done() else seq
        finally:
            changes.cancel()
            webhook.cancel()

    async def show(self) -> None:
        """Shows what the API and the receiver know now."""
        async with self.session.get(f"{self.programs.url}/v1/requests", params={"limit": SHOWN}) as response:
            requests: list[Json] = (await response.json())["data"] if response.ok else []
        ahead = await self.simulator.skipped()
        webhooks = [_received(one, ahead) for one in reversed(self.programs.receiver.received)]
        lists = [
            {"title": "Asked", "empty": "Nothing yet. Run the command.", "entries": [_asked(one) for one in requests]},
            {
                "title": "Webhooks",
                "empty": "None yet. One comes once a request is settled.",
                "entries": webhooks[:SHOWN],
            },
        ]
        panel = {"title": "Programs", "text": _text(), "command": self.programs.curl, "lists": lists}
        if panel != self.last:
            await self.simulator.show_panel(panel)
            self.last = panel


def _text() -> str:
    return (
        f"*Any program can ask.* Paste this into a terminal. It asks as `{SOURCE}`, and the card appears in #ops. "
        "Decide it as Bob: the webhook arrives here. Its signature is checked. The same command finds the same request "
        "again; for another one, change its `Idempotency-Key`."
    )


def _asked(request: Json) -> Json:
    """A request, as an entry of the panel."""
    state, tone = request["status"], "wait" if request["status"] == "pending" else "bad"
    if request["status"] == "decided":
        state, tone = STATES.get(request["decision"]["verdict"], (state, "bad"))
    elif request["status"] == "pending":
        state = "waiting"
    return {
        "key": request["id"],
        "at": datetime.fromisoformat(request["created_at"]).timestamp(),
        **_words(request["question"]),
        "state": state,
        "tone": tone,
        "link": request["permalink"],
        "link_words": "Show the card",
        "detail": request,
    }


def _received(webhook: Received, ahead: float) -> Json:
    """A webhook, as an entry of the panel."""
    body = webhook.body if isinstance(webhook.body, dict) else {}
    return {
        "key": f"{webhook.number}",
        "at": webhook.at + ahead,
        "title": body.get("type", "not a webhook"),
        "about": " ".join(_words(body.get("data", {}).get("question", "")).values()),
        "state": "signature verified" if webhook.verified else "signature not valid",
        "tone": "good" if webhook.verified else "bad",
        "detail": {"headers": webhook.headers, "body": webhook.body},
    }


def _words(question: Any) -> dict[str, str]:
    """What an entry says of a question."""
    if not isinstance(question, dict):
        return {"title": str(question), "about": ""}
    arguments = question.get("arguments")
    named = ", ".join(f"{name} {value}" for name, value in arguments.items()) if isinstance(arguments, dict) else ""
    return {"title": str(question.get("action", "a question")), "about": named}


async def _new_token(folder: Path) -> str:
    command = [sys.executable, "-m", "bot", "tokens", "add", TOKEN, "--source", SOURCE, "--env-file", os.devnull]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ELSEWHERE)}
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**kept, "STATE_DIR": str(folder / "state")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, complaint = await process.communicate()
    if process.returncode:
        raise SettingsError(f"The demo's token could not be made: {complaint.decode(errors='replace').strip()}")
    return told.decode().strip()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
