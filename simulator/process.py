"""Runs the simulator as a child process: starts it, waits until it is ready, and ends it."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


class NotReady(Exception):
    """The simulator ended or did not get ready in time. The message contains what it wrote to stderr."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorProcess:
    """A running simulator. `async with` ends it."""

    process: asyncio.subprocess.Process
    url: str
    api_url: str
    bot_token: str
    app_token: str
    signing_secret: str
    page: str

    @property
    def environment(self) -> dict[str, str]:
        """The settings that make the bot talk to the simulator instead of Slack."""
        return {
            "SLACK_API_URL": self.api_url,
            "SLACK_BOT_TOKEN": self.bot_token,
            "SLACK_APP_TOKEN": self.app_token,
        }

    async def terminate(self, *, grace_seconds: float = 5.0) -> int:
        """Ends the process: asks it first, then kills it. Returns its exit code."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
        try:
            return await asyncio.wait_for(self.process.wait(), grace_seconds)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            return await self.process.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.terminate()


async def spawn(
    manifest: Path | str,
    *,
    workspace: Path | str | None = None,
    port: int = 0,
    seed_user: str | None = None,
    fast: bool = False,
    hint: Mapping[str, Any] | None = None,
    request_url: str | None = None,
    state: Path | str | None = None,
    python: str = sys.executable,
    cwd: Path | str | None = None,
    start_seconds: float = 20.0,
) -> SimulatorProcess:
    """Starts a simulator and waits until it is ready. Raises `NotReady` if it does not get ready.

    `hint` is what the page suggests to do first: a channel's name, a title, and steps in mrkdwn, some with a
    command, or with the words of a link to the panel.
    """
    options: list[str] = ["--manifest", str(manifest), "--port", str(port)]
    options += ["--workspace", str(workspace)] if workspace else []
    options += ["--seed-user", seed_user] if seed_user else []
    options += ["--fast"] if fast else []
    options += ["--hint", json.dumps(hint)] if hint else []
    options += ["--request-url", request_url] if request_url else []
    options += ["--state", str(state)] if state else []
    process = await asyncio.create_subprocess_exec(
        *_command(python, options), cwd=cwd or _root(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    return await _ready(process, start_seconds)


async def _ready(process: asyncio.subprocess.Process, seconds: float) -> SimulatorProcess:
    if process.stdout is None or process.stderr is None:
        raise NotReady("no pipes to the simulator")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise NotReady(f"the simulator was not ready within {seconds} s") from None
    if not line:
        complaint = (await process.stderr.read()).decode(errors="replace")
        await process.wait()
        raise NotReady(f"the simulator ended before it was ready: {complaint.strip()}")
    return SimulatorProcess(process=process, **json.loads(line))


def _command(python: str, options: Sequence[str]) -> list[str]:
    return [python, "-m", "simulator", *options]


def _root() -> Path:
    return Path(__file__).resolve().parents[1]
