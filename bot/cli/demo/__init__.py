"""`python -m bot demo`: a local Slack and the bot, each a process of its own, on files and a policy made for it."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from bot.approvals.model.errors import SettingsError
from bot.cli.demo import stage
from bot.durations import duration

NO_SIMULATOR = (
    "The demo needs the local Slack, which is not installed: run `make demo` in a checkout of Countersign, or install "
    "the extra 'demo': pip install 'countersign-bot[demo]'"
)


SAID_EVERY = 3.0
"""Seconds after which a step that is still going on is said again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says."""

    once: bool
    port: int
    folder: Path
    windows: stage.Windows

    @classmethod
    def of(cls, parsed: argparse.Namespace) -> Options:
        """`SettingsError` where the windows are not in their order."""
        windows = stage.Windows(
            remind=parsed.remind or (timedelta(seconds=3) if parsed.once else timedelta(seconds=45)),
            escalate=parsed.escalate or (timedelta(seconds=6) if parsed.once else timedelta(seconds=90)),
            deadline=parsed.deadline or (timedelta(seconds=10) if parsed.once else timedelta(seconds=180)),
        )
        if not windows.remind < windows.escalate < windows.deadline:
            raise SettingsError(
                "The windows are counted from the question: --remind, then --escalate, then --deadline."
            )
        return cls(once=parsed.once, port=parsed.port, folder=parsed.folder, windows=windows)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--once", action="store_true", help="play an approval that is undone, a rejection and an expiry, and exit"
    )
    parser.add_argument("--remind", type=_window, metavar="45s", help="when a reminder comes")
    parser.add_argument("--escalate", type=_window, metavar="90s", help="when others are asked by DM")
    parser.add_argument("--deadline", type=_window, metavar="180s", help="when it expires")
    parser.add_argument("--port", type=int, default=0, help="of the page; any free one if not given")
    parser.add_argument("--folder", type=Path, default=Path("var/demo"), help="where the demo keeps its files")


async def main(options: Options) -> int:
    """Set the stage and play; returns the exit code. Raises SettingsError if the local Slack is not installed."""
    if find_spec("simulator") is None:
        raise SettingsError(NO_SIMULATOR)
    async with AsyncExitStack() as stack:
        async with _said("starting the local Slack"):
            from bot.cli.demo import play, programs
            from simulator.client import Simulator

            stage.prepare(options.folder, options.windows)
            hint = stage.hint(options.folder, options.windows)
            slack = await stack.enter_async_context(stage.simulator(options.port, hint))
            asking = await stack.enter_async_context(programs.opened())
        async with _said("starting the bot"):
            process = await stack.enter_async_context(stage.bot(slack, options.folder, asking.settings))
            simulator = await stack.enter_async_context(Simulator.connect(slack.url))
            await stage.connected(simulator, process, options.folder)
            asking = await stack.enter_async_context(asking.shown(simulator, options.folder))
        if options.once:
            return await play.once(simulator, options.folder, sys.stdout)
        _welcome(slack.page, asking.curl, options)
        return await _until_stopped(process, options.folder)


@asynccontextmanager
async def _said(step: str) -> AsyncIterator[None]:
    """Say that this is being done, and that it still is every few seconds."""
    started = time.monotonic()

    async def say() -> None:
        while True:
            sys.stderr.write(f"== demo: {time.monotonic() - started:3.0f} s  {step}\n")
            sys.stderr.flush()
            await asyncio.sleep(SAID_EVERY)

    saying = asyncio.create_task(say())
    await asyncio.sleep(0)  # so that it is said before anything is imported
    try:
        yield
    finally:
        saying.cancel()


def _welcome(page: str, curl: str, options: Options) -> None:
    windows = options.windows
    sys.stdout.write(
        f"""
Countersign is running, with a local Slack of its own. Open

    {page}

You are alice, in #ops. Type

    /task cleanup path={options.folder}/logs older_than=30d

and press Approve. It is refused: you may not approve your own request. Then take bob's seat, and approve or reject.
What was moved can be undone for ten minutes: press Undo as alice. If nobody answers, a reminder comes after
{stage.words(windows.remind)}, a DM to carol and dave after {stage.words(windows.escalate)}, and the request expires \
after {stage.words(windows.deadline)}.
The folder is full again whenever you start the task again.

Or let a program ask. In another terminal:

{textwrap.indent(curl, "    ")}

The panel "Programs" of the page shows what was asked, and the webhook that comes once it is decided.

`/task help` shows the other graphs, and those that you add to langgraph.json. The bot's log is
{options.folder}/bot.log. Ctrl-C ends the demo.

"""
    )
    sys.stdout.flush()


async def _until_stopped(process: asyncio.subprocess.Process, folder: Path) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stopped, ended = asyncio.create_task(stop.wait()), asyncio.create_task(process.wait())
    await asyncio.wait([stopped, ended], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    ended.cancel()
    if process.returncode is not None and not stop.is_set():
        sys.stderr.write(f"The bot ended by itself (exit code {process.returncode}). {stage.tail(folder)}\n")
        return 1
    return 0


def _window(value: str) -> timedelta:
    try:
        return duration(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
