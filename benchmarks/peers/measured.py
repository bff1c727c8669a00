"""The peers, each in a virtual environment of its own outside the repository, with the same Slack and people."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import stage
from benchmarks.crowd import NAME, Crowd, Seen, crowd
from benchmarks.decisions import Numbers
from benchmarks.processes import Tree
from benchmarks.stage import MARKS, ROOT, Program
from bot.slack.cards.decision_words import APPROVED
from simulator.client import ControlError, Json, Simulator, SimulatorProcess

ENVIRONMENTS: Final = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "countersign-bench"
INSTALLING: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What it is made of, and how people use it."""

    module: str
    packages: tuple[str, ...]
    button: str
    """The action that decides, or opens the form that does."""
    form: Mapping[str, Any] | None = None
    by_command: bool = False
    """Whether a task begins with a command, instead of a mention."""


SERVING: Final = ("aiohttp", "fastapi", "python-multipart", "slack_sdk", "uvicorn")
PEERS: Final = {
    "agno": Peer(
        module="agno_bot.py",
        packages=("agno==3.1.10", "sqlalchemy[asyncio]", "aiosqlite", *SERVING),
        button="row_approve",
    ),
    "awaithumans": Peer(
        module="awaithumans_bot.py",
        packages=("awaithumans[server]==0.1.12", *SERVING),
        button="awaithumans.claim_task",
        form={"approve": "true"},
        by_command=True,
    ),
}


async def measured(folder: Path, ours: Mapping[str, Program], count: int, at_once: int) -> dict[str, Any]:
    """Decisions a second and CPU of each, one after the other, and of our own bots on SQLite at the same load; for one
    that could not be installed or run, why."""
    found: dict[str, Any] = {}
    for name, program in ours.items():
        found[name] = await _ours(folder / name, program, count, at_once)
    for name, peer in PEERS.items():
        try:
            python = await _installed(name, peer)
            (folder / name).mkdir(parents=True)
            found[name] = await _measured(folder / name, peer, python, count, at_once)
        except (OSError, RuntimeError, TimeoutError, ControlError) as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found


async def _installed(name: str, peer: Peer) -> Path:
    """The Python of its environment, which is made if there is none."""
    folder = ENVIRONMENTS / name
    python, done = folder / "bin" / "python", folder / "installed"
    wanted = "\n".join(peer.packages)
    if not done.exists() or done.read_text() != wanted:
        await _run(sys.executable, "-m", "venv", "--clear", str(folder))
        await _run(str(python), "-m", "pip", "install", "--quiet", *peer.packages)
        done.write_text(wanted)
    return python


async def _run(*command: str) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    try:
        said, _ = await asyncio.wait_for(process.communicate(), INSTALLING)
    except TimeoutError:
        process.kill()
        raise
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} ...: {said.decode(errors='replace')[-300:]}")


async def _ours(folder: Path, program: Program, count: int, at_once: int) -> Numbers:
    with stage.backend("sqlite", folder) as store:
        async with (
            stage.slack(folder) as slack,
            stage.bot(store, slack, program) as bot,
            crowd(slack.url) as people,
        ):
            return await _rate(people, bot.tree, count, at_once)


async def _measured(folder: Path, peer: Peer, python: Path, count: int, at_once: int) -> Numbers:
    approvers = [f"approver{number}" for number in range(at_once)]
    async with (
        stage.slack(folder, approvers) as slack,
        _running(folder, peer, python, slack, approvers) as tree,
        Simulator.connect(slack.url) as simulator,
    ):
        return await _rate(Visitors(simulator, peer=peer, approvers=approvers), tree, count, at_once)


async def _rate(people: Crowd, tree: Tree, count: int, at_once: int) -> Numbers:
    async with people.watching():
        await people.several(at_once, at_once)  # warm
        cpu = tree.cpu_seconds
        _, seconds = await people.several(count, at_once)
        return {"per_second": count / seconds, "cpu_ms_each": 1000 * (tree.cpu_seconds - cpu) / count}


@asynccontextmanager
async def _running(
    folder: Path, peer: Peer, python: Path, slack: SimulatorProcess, approvers: Sequence[str]
) -> AsyncIterator[Tree]:
    port = _free_port()
    environment = {
        **stage.inherited(os.environ),
        **slack.environment,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "BENCH_MARKS": str(folder / MARKS),
        "BENCH_PORT": str(port),
        "BENCH_APPROVERS": ",".join(map(stage.user_id, approvers)),
        "BENCH_SIGN": APPROVED,
    }
    environment.pop("PYTHONPATH", None)
    with (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            str(python),
            str(ROOT / "benchmarks" / "peers" / peer.module),
            cwd=folder,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    tree = Tree(process.pid)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(120):
            while (line := await process.stdout.readline()) != b"connected\n":
                if not line:
                    raise RuntimeError(f"it did not start: {(folder / 'log').read_text()[-500:]}")
        async with Simulator.connect(slack.url) as simulator:
            await simulator.send_over_http(f"http://127.0.0.1:{port}/")
        yield tree
    finally:
        tree.kill()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(slots=True, kw_only=True)
class Visitors(Crowd):
    """The same people, at a bot with other commands and buttons."""

    peer: Peer
    approvers: list[str]
    """Those who are not busy. A person has one form open at a time."""

    async def start(self, graph: str = "approval", **_: int) -> str:
        number = next(self._numbers)
        name = f"n{number:06d}"
        loop = asyncio.get_running_loop()
        self.seen[name] = Seen(card=loop.create_future(), outcome=loop.create_future())
        room, seat = f"#room-{number % self.rooms}", self.simulator.seat("alice")
        if self.peer.by_command:
            await seat.command(room, f"/task {graph} name={name}")
        else:
            await seat.send(room, f"@countersign {graph} name={name}")
        return name

    async def click(self, name: str) -> bool:
        approver = self.approvers.pop()
        try:
            seat = self.simulator.seat(approver)
            answer = await seat.press(self.seen[name].card.result(), self.peer.button)
            refused = await seat.submit(self.peer.form) if self.peer.form else {}
            return bool(answer["ok"]) and not refused
        finally:
            self.approvers.append(approver)

    def _posted(self, arguments: Json, answer: Json) -> None:
        said = f"{arguments.get('text', '')} {arguments.get('blocks', '')}"
        if (found := NAME.search(said)) is None:
            return
        seen = self.seen[found[0]]
        if re.search(rf"action_id\W+{re.escape(self.peer.button)}\b", said):
            if not seen.card.done():
                seen.card.set_result({"channel": answer["channel"], "ts": answer["ts"]})
        elif APPROVED in said and not seen.outcome.done():
            seen.outcome.set_result(None)
