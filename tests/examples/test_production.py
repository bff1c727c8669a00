"""The guide "Run it in production", played on a host that is a folder: its commands, the units, and a real bot.

What this machine does not have stands in: a user, systemd (`tests.support.units`), and the packages, which are here.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from simulator.client import Simulator
from tests.scenario import pages
from tests.scenario.pages import Block
from tests.support.stage import ROOT, Room, Slack
from tests.support.units import inside

GUIDE = "docs/guides/production.md"
SHELL = "set -eu -o pipefail\n"
STAND_INS = {
    "useradd": "exit 0",
    "chown": "exit 0",
    "runuser": 'shift 3; exec "$@"',
    "systemctl": f'exec {sys.executable} -m tests.support.units "$HOST" "$@"',
    "python3": """
for venv in "$@"; do :; done
mkdir -p "$venv/bin"
cp "$STAND_INS/of-venv/"* "$venv/bin/"
""",
    "install": """
given=()
while [ $# -gt 0 ]; do
    case $1 in -o|-g) shift ;; *) given+=("$1") ;; esac
    shift
done
exec /usr/bin/install "${given[@]}"
""",
}
OF_VENV = {
    "python": f"""
case "$1" in
    -m|tools/runtime_only.py) echo "$@" >> "$HOST/installed" ;;
    *) exec {sys.executable} "$@" ;;
esac
""",
    "countersign": f'exec {sys.executable} -m bot "$@"',
}


@dataclass(kw_only=True)
class Host:
    """An empty host, and the workspace that its bot is to talk to."""

    folder: Path
    slack: Slack
    port: int
    played: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Path:
        return self.folder / "etc" / "countersign" / "countersign.env"

    @property
    def log(self) -> str:
        return "\n".join(f"{path.name}:\n{path.read_text()}" for path in self.folder.glob("*.log"))

    def section(self, name: str) -> None:
        """Do all that a section says to type, or to write."""
        for step in pages.steps(GUIDE, [name]):
            match step:
                case Block(language="sh"):
                    self._shell(step.text)
                case Block(language="json"):
                    (self.folder / "opt" / "countersign" / "langgraph.json").write_text(step.text)
                case Block(language="ini"):
                    self._write(step.text)
                case _:
                    pass

    def _shell(self, lines: str) -> None:
        self.played.append(lines)
        text = inside(self.folder, lines).replace(":8420", f":{self.port}")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "COUNTERSIGN_"))}
        environment = clean | {
            "PATH": f"{self.folder / 'stand-ins'}:{os.environ['PATH']}",
            "HOST": str(self.folder),
            "STAND_INS": str(self.folder / "stand-ins"),
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            ["bash", "-c", SHELL + text], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90
        )
        assert done.returncode == 0, f"{lines}\n{done.stdout}{done.stderr}\n{self.log}"

    def _write(self, settings: str) -> None:
        """The settings, with the tokens of this workspace and this host's paths and port."""
        lines = [line for line in settings.splitlines() if not line.startswith("SLACK_")]
        lines += [f"{name}={value}" for name, value in self.slack.environment.items()]
        lines += ["SWEEP_INTERVAL=0.2", "LEASE_SECONDS=1"]
        text = inside(self.folder, "\n".join(lines)).replace(":8420", f":{self.port}")
        self.settings.write_text(f"{text}\n")


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\nset -eu\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    slack = Slack.start(tmp_path)
    folder = tmp_path / "host"
    for name, text in STAND_INS.items():
        program(folder / "stand-ins" / name, text)
    for name, text in OF_VENV.items():
        program(folder / "stand-ins" / "of-venv" / name, text)
    (folder / "etc" / "systemd" / "system").mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    host = Host(folder=folder, slack=slack, port=port)
    try:
        yield host
    finally:
        units = [path.name.removesuffix(".pid") for path in folder.glob("*.pid")]
        subprocess.run(
            [str(folder / "stand-ins" / "systemctl"), "stop", *units], env={**os.environ, "HOST": str(folder)}
        )
        slack.stop()


@pytest.fixture
async def room(host: Host) -> AsyncIterator[Room]:
    async with Simulator.connect(host.slack.url) as simulator:
        yield Room(simulator, await simulator.names(), "#ops")


@pytest.mark.heavy
@pytest.mark.timeout(300)  # it starts a dozen processes, one after the other, as an operator does
async def test_the_guide_leads_from_an_empty_host_to_a_bot_that_survives_an_upgrade_and_a_rollback(
    host: Host, room: Room
) -> None:
    """Every command of it is run, in order; people ask and answer meanwhile."""
    for name in ("Install", "Configure", "Start"):
        await asyncio.to_thread(host.section, name)
    thread = await room.start('/task payment payee="ACME Ltd" amount=310.10 purpose="Invoice 2041" risk=low')
    card = await thread.card("ACME Ltd")
    await asyncio.to_thread(host.section, "Keep what it knows")
    await asyncio.to_thread(host.section, "Upgrade")
    await asyncio.to_thread(host.section, "Roll back")
    await room.seat("bob").press(card, "approve")
    await thread.shows("Paid 310.10 EUR")

    typed = "\n".join(
        block.text
        for block in pages.steps(GUIDE, pages.headings(GUIDE))
        if isinstance(block, Block) and block.language == "sh"
    )
    assert "\n".join(host.played) == typed, "a command of the guide was not run"
    installed = (host.folder / "installed").read_text()
    assert installed.count("-m pip install --require-hashes --requirement requirements.lock") == 2
    assert len(list((host.folder / "var" / "lib" / "countersign-backups").iterdir())) == 2
