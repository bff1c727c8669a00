"""A real LangGraph Server for the tests: `langgraph dev`, in an environment of its own.

It is a tool of the tests, under a licence of its own (Elastic License 2.0), and no dependency. `make server` makes its
environment. COUNTERSIGN_LANGGRAPH_ENV names another one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from bot.approvals.model.ids import JSON

VARIABLE: Final = "COUNTERSIGN_LANGGRAPH_ENV"
ROOT: Final = Path(__file__).parents[2]
PATIENCE: Final = 60.0
"""Seconds that a server may take to answer for the first time, or to end."""
NAME: Final = "dev"
"""The server's name, as servers.yaml would have it."""
_AGENTS: Final = ROOT / "tests" / "server" / "agents"


class NoServer(Exception):
    """There is no server that these tests could start; says what is missing."""


def program() -> Path:
    """The command line of `langgraph`. Raises `NoServer`."""
    folder = Path(os.environ.get(VARIABLE) or ROOT / ".venv-server")
    found = folder / "bin" / "langgraph"
    if not found.exists():
        raise NoServer(f"no LangGraph Server for the tests: {found} is missing; `make server` installs it")
    return found


@dataclass(slots=True, kw_only=True)
class LangGraphServer:
    """One server over one folder. It may be killed and started again."""

    folder: Path
    agents: Path = _AGENTS
    """What it serves: a copy of this folder, with its langgraph.json."""
    port: int = field(default_factory=lambda: _free_port())
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process that leads its session."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers."""
        langgraph = program()
        shutil.copytree(self.agents, self.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        said = self.folder / "log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "PYTHON"))}
        options = ["--no-browser", "--no-reload", "--allow-blocking", "--n-jobs-per-worker", "10"]
        with said.open("wb") as log:
            self._process = subprocess.Popen(
                [langgraph, "dev", "--host", "127.0.0.1", "--port", str(self.port), *options],
                cwd=self.folder,
                env={
                    **kept,
                    "EFFECTS": str(self.folder),
                    "LANGSMITH_TRACING": "false",
                    "LANGGRAPH_NO_VERSION_CHECK": "true",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"the LangGraph Server did not start: {said.read_text()[-2000:]}")
            time.sleep(0.05)
        # it takes another port if this one is taken, and then somebody else answered
        assert self.url in said.read_text(), said.read_text()[:2000]

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it and wait until it is gone. Does nothing if it does not run."""
        if self._process is None:
            return
        if self._process.poll() is None:
            os.killpg(self._process.pid, how)
            self._process.wait(PATIENCE)
        self._process = None

    def forget(self) -> None:
        """Lose what the server has written to disk, as a machine without a disk does."""
        shutil.rmtree(self.folder / ".langgraph_api", ignore_errors=True)

    def effects(self, agent: str, key: str) -> list[JSON]:
        """What the agents did for this key, in order (`tests/server/agents/graphs.py`)."""
        file = self.folder / "effects"
        lines = [line.split(" ", 2) for line in file.read_text().splitlines()] if file.exists() else []
        return [json.loads(value) for name, about, value in lines if (name, about) == (agent, key)]

    def touch(self, name: str) -> Path:
        """A file that an agent looks for."""
        file = self.folder / name
        file.touch()
        return file

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ok", timeout=1) as answer:  # noqa: S310 - loopback
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _made(factory: pytest.TempPathFactory) -> LangGraphServer:
    try:
        program()
    except NoServer as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    return LangGraphServer(folder=factory.mktemp("langgraph-server"))


@pytest.fixture(scope="session")
def langgraph_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LangGraphServer]:
    """A server for all tests of this worker."""
    server = _made(tmp_path_factory)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LangGraphServer]:
    """A server of this module alone, that may be killed and started again."""
    server = _made(tmp_path_factory)
    try:
        server.start()
        yield server
    finally:
        server.kill()
