"""What a demo needs: old files, a policy with short windows, a local Slack and the bot as processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.approvals.model.errors import SettingsError

if TYPE_CHECKING:
    from simulator.client import Simulator, SimulatorProcess

ROOT = Path(__file__).resolve().parents[3]
"""The checkout, or the folder that the packages are installed into."""
COMMAND = (sys.executable, "-m", "bot.cli.demo.bot")
"""The bot on the environment alone, with Slack's clock: what .env says is for a real workspace."""
DAY = 24 * 60 * 60

LOGS = {
    "access.log": (212, 48_200),
    "core.dump": (140, 1_310_720),
    "web/access-today.log": (0, 22_000),
    "worker/jobs-4.log": (12, 88_600),
    "deploy.log": (5, 7_400),
}
"""Name -> age in days, size in bytes. Two are old enough to be moved, so the card does not fold."""
HOLD = timedelta(seconds=20)
"""How long the agent does not get the answer about a payment: long enough to press *Undo*."""
ELSEWHERE = ("SLACK_", "REDIS_", "HTTP_", "WEBHOOK_")
"""Settings that are for a real workspace, and not for the demo."""
SHIPPED_CLEANUP = "./graphs/cleanup.py:graph"
CUSTOMERS = "name,number\nAda,2041\nGrace,2042\nLinus,2043\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """When what happens, counted from the question."""

    remind: timedelta
    escalate: timedelta
    deadline: timedelta


def prepare(folder: Path, windows: Windows) -> None:
    """Make the demo's files anew; nothing outside the folder is touched."""
    for old in (folder / "state", folder / "logs", folder / ".trash"):
        shutil.rmtree(old, ignore_errors=True)
    (folder / "ledger.db").unlink(missing_ok=True)  # or a payment says that an earlier demo paid the same
    (folder / "state").mkdir(parents=True)
    fill(folder / "logs")
    (folder / "policies.yaml").write_text(
        f"""# Made by the demo, with windows short enough to watch.
defaults:
  approvers: ["@ops-leads"]
  remind_every: {_seconds(windows.remind)}
  escalate: {{after: {_seconds(windows.escalate)}, to: ["@on-call"]}}
  deadline: {_seconds(windows.deadline)}
rules:
  - name: payments
    match: {{graph: payment}}
    hold: {_seconds(HOLD)}    # until then, an answer can be taken back or stopped
"""
    )
    (folder / "batch").mkdir(exist_ok=True)
    (folder / "batch" / "customers.csv").write_text(CUSTOMERS)
    (folder / "langgraph.json").write_text(json.dumps(_configuration(folder), indent=2) + "\n")


def _configuration(folder: Path) -> dict[str, object]:
    """The project's own langgraph.json, so that the graphs you add there are in the demo too.

    What its graphs keep lies below the demo's folder, and each cleanup finds its folder full.
    """
    try:
        named: dict[str, Any] = json.loads(_shipped("langgraph.json").read_text())
        return {
            "dependencies": [str(ROOT / each) for each in named.get("dependencies", [])],
            "graphs": {name: _in_the_demo(entry) for name, entry in named["graphs"].items()},
            "env": {name: re.sub(r"^var/", f"{folder}/", value) for name, value in named.get("env", {}).items()},
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"{_shipped('langgraph.json')}: the demo cannot use it ({error}). `python -m bot check` says more."
        ) from None


def _in_the_demo(entry: Any) -> Any:
    """The entry with its file's whole path; the demo's own cleanup in place of the shipped one."""
    if isinstance(entry, dict):
        return {**entry, "path": _in_the_demo(entry.get("path"))}
    if entry == SHIPPED_CLEANUP:
        return f"{Path(__file__).with_name('cleanup.py')}:graph"
    return str(ROOT / entry) if isinstance(entry, str) and ".py:" in entry else entry


def hint(folder: Path, windows: Windows) -> dict[str, Any]:
    """What the page's first screen says to do."""
    return {
        "channel": "ops",
        "title": "Your first approval, step by step",
        "steps": [
            {
                "text": "*Start a task* as Alice: send this command here.",
                "command": f"/task cleanup path={folder}/logs older_than=30d",
            },
            {
                "text": "*Open its thread and press Approve.* It is refused, in private: "
                "your own request is not yours to approve."
            },
            {
                "text": "*Take Bob's seat* in the bar above, and press Approve again. "
                "The files move to a trash folder, and the thread says so."
            },
            {"text": "*Press Undo* as Alice, within ten minutes: the files are back. If nobody does, they stay moved."},
            {"text": "*Start the task again, and press Reject* as Bob: you are asked why. The folder is full again."},
            {
                "text": f"Or do nothing: a reminder comes after {words(windows.remind)}, a DM to Carol and Dave after "
                f"{words(windows.escalate)}, and the request expires after {words(windows.deadline)}."
            },
            {
                "text": f"*Or pay*, and approve as Bob: the agent gets the answer after {words(HOLD)}. "
                "Until then Bob can take it back with Undo, and Carol can Stop it.",
                "command": '/task payment payee="Harbour Print" amount=310.10 purpose="Invoice 2041"',
            },
            {
                "text": "*Or let a program ask.* One command in a terminal asks, and a webhook says what you decide.",
                "panel": "Programs",
            },
        ],
    }


def words(window: timedelta) -> str:
    """A window as people say it."""
    seconds = int(window.total_seconds())
    if seconds < 120 or seconds % 60:
        return f"{seconds} seconds"
    if seconds % 3600:
        return f"{seconds // 60} minutes"
    return "an hour" if seconds == 3600 else f"{seconds // 3600} hours"


def fill(logs: Path) -> None:
    """Write the log files that are missing, each of its age. The others stay: somebody may be asked about them."""
    now = time.time()
    for name, (days, size) in LOGS.items():
        file = logs / name
        if file.exists():
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        line = f"{name}: a line of the demo's log\n".encode()
        file.write_bytes((line * (size // len(line) + 1))[:size])
        os.utime(file, (now - days * DAY, now - days * DAY))


@asynccontextmanager
async def simulator(port: int, hint: Mapping[str, Any] | None = None) -> AsyncIterator[SimulatorProcess]:
    """The local Slack, as a process of its own, ended with the block; its page says the hint first."""
    from simulator.client import spawn  # an installation may be without it

    async with await spawn(_shipped("manifest.yml"), port=port, seed_user="alice", hint=hint) as process:
        yield process


@asynccontextmanager
async def bot(
    slack: SimulatorProcess, folder: Path, settings: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The bot on that Slack, as a process of its own, ended with the block; its log goes to bot.log."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(ELSEWHERE)},
        **slack.environment,
        "STATE_DIR": str(folder / "state"),
        "POLICY_FILE": str(folder / "policies.yaml"),
        "LANGGRAPH_CONFIG": str(folder / "langgraph.json"),
        "CLEANUP_ROOT": str(folder),
        "SWEEP_INTERVAL": "0.5",
        **(settings or {}),
    }
    with (folder / "bot.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(30):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def connected(simulator: Simulator, process: asyncio.subprocess.Process, folder: Path) -> None:
    """Wait until the bot has opened its socket; `SettingsError` with the end of its log where it ended instead."""
    opened = asyncio.create_task(simulator.wait_connected(timeout=60))
    ended = asyncio.create_task(process.wait())
    await asyncio.wait([opened, ended], return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if not opened.done():
        opened.cancel()
        raise SettingsError(f"The bot did not start. {tail(folder)}")
    await opened


def tail(folder: Path) -> str:
    """The end of the bot's log, for a person."""
    lines = (folder / "bot.log").read_text(errors="replace").splitlines()
    return "\n".join([f"The end of {folder}/bot.log:", *lines[-20:]])


def _shipped(name: str) -> Path:
    """The checkout's own file; without a checkout, the copy that the wheel has beside this module."""
    return ROOT / name if (ROOT / name).exists() else Path(__file__).with_name(name)


def _seconds(window: timedelta) -> str:
    return f"{max(int(window.total_seconds()), 1)}s"
