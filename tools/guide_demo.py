"""The demo, with the graphs of a guide in it. `make screenshots` runs it: it prints the address of its page."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from bot.cli.demo import programs, stage
from simulator.client import Simulator
from tests.unit.docs.pages import fenced

GUIDE: Final = "docs/guides/after-yes.md"


async def play(folder: Path, windows: stage.Windows) -> None:
    """Runs until the process is told to end."""
    stage.prepare(folder, windows)
    add_graphs(folder)
    async with AsyncExitStack() as held:
        slack = await held.enter_async_context(stage.simulator(0, stage.hint(folder, windows)))
        asking = await held.enter_async_context(programs.opened())
        process = await held.enter_async_context(stage.bot(slack, folder, asking.settings))
        simulator = await held.enter_async_context(Simulator.connect(slack.url))
        await stage.connected(simulator, process, folder)
        await held.enter_async_context(asking.shown(simulator, folder))
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        sys.stdout.write(f"{slack.page}\n")
        sys.stdout.flush()
        await stop.wait()


def add_graphs(folder: Path) -> None:
    """Writes the guide's graphs into the folder, and names each in the demo's langgraph.json."""
    file = folder / "langgraph.json"
    config = json.loads(file.read_text())
    for text in fenced(GUIDE, "python"):
        path = folder / "guide" / Path(text.split()[1]).name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        config["graphs"][path.stem] = f"{path.resolve()}:graph"
    file.write_text(json.dumps(config, indent=2))
