"""Bots, commands and simulators that start in a tenth of the time: each is forked from a process that has imported
them, and nothing else.

To import the bot takes seconds of CPU, and the tests start hundreds. A forked bot has its own folder, environment,
arguments and log, and ends as any process does. What needs a real start (`python -m bot` as people type it) is tested
in `test_the_demo.py`, `test_wrong_settings.py` and `tests/crash`. All bots of one test process hash texts alike, which
separate processes do not; `tests/unit/engines/test_payload.py` tries other seeds.

Run as a program, this is the process that is forked. It reads one request from each connection, tells the new
process's id, and later its exit code. It ends when its standard input does.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Final, Protocol

ROOT = Path(__file__).resolve().parents[2]
FORKS: Final = hasattr(os, "pidfd_open")
"""Whether this machine has what it takes; macOS starts each bot anew."""
OURS: Final = ("bot", "tests", "simulator", "benchmarks")
"""The packages that the process to fork from can run modules of; anything else is started anew."""
IMPORTED: Final = (
    "bot.__main__",
    "bot.app.run",
    "bot.app.gateway",
    "bot.app.workers",
    "bot.storage.redis.store",
    "bot.engines.langgraph.checkpoints.redis",
    "simulator.__main__",
)
"""What the process to fork from imports."""
WAIT: Final = 45.0
"""Seconds that anything may take on a busy machine before the test fails."""


class Process(Protocol):
    """What `subprocess.Popen` offers to a test."""

    pid: int
    stdout: IO[str] | None

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...

    def kill(self) -> None: ...


def start(module: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> Process:
    """Run `python -m` with this module and its arguments. Its errors go to the log."""
    with log.open("ab") as errors:
        if FORKS and module[0].partition(".")[0] in OURS:
            return _Forked.of(module, cwd, env, errors.fileno())
        return subprocess.Popen(
            [sys.executable, "-m", *module], cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=errors, text=True
        )


def ran(module: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What `python -m` with this module and its arguments wrote, once it has ended."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "errors")
        process = start(module, cwd=cwd, env=env, log=log)
        assert process.stdout is not None
        with process.stdout as out:
            written = out.read()
        return subprocess.CompletedProcess([*module], process.wait(WAIT), written, log.read_text())


@dataclass(slots=True)
class _Forked:
    """A child of the process that is forked, which tells over the connection how the child ended."""

    pid: int
    stdout: IO[str] | None
    connection: socket.socket
    answers: IO[str]
    lock: threading.Lock = field(default_factory=threading.Lock)
    returncode: int | None = None

    @classmethod
    def of(cls, module: Sequence[str], cwd: Path, env: Mapping[str, str], errors: int) -> _Forked:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(_source())
        read, write = os.pipe()
        wanted = {"module": list(module), "cwd": str(cwd), "env": dict(env)}
        file = tempfile.TemporaryFile()  # noqa: SIM115  the child reads it
        file.write(json.dumps(wanted).encode())
        file.flush()
        socket.send_fds(connection, [b"."], [write, errors, file.fileno()])
        file.close()
        os.close(write)
        answers = connection.makefile("r")
        return cls(int(answers.readline()), os.fdopen(read), connection, answers)

    def poll(self) -> int | None:
        try:
            return self.wait(timeout=0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        with self.lock:
            if self.returncode is None:
                with selectors.DefaultSelector() as ready:
                    ready.register(self.connection, selectors.EVENT_READ)
                    if not ready.select(timeout):
                        raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
                self.returncode = int(self.answers.readline())
                self.answers.close()
                self.connection.close()
            return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@cache
def _source() -> str:
    """The address of this test process's own process to fork from, which is started when it is first needed."""
    address = str(Path(tempfile.mkdtemp(prefix="starter-")) / "socket")
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SLACK_", "COUNTERSIGN_", "LANGSMITH_", "LANGCHAIN_", "CLEANUP_"))
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.starter", address],
        cwd=ROOT,
        # It writes no bytecode, so that a graph that a test writes twice within a second is read twice.
        env={**clean, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    _KEPT.append(process)
    assert process.stdout is not None
    assert process.stdout.readline(), "the process to fork from did not start"
    return address


_KEPT: Final[list[subprocess.Popen[bytes]]] = []
"""Its standard input closes with this process."""


# --- The process that is forked -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Start:
    """What a child is to run."""

    module: list[str]
    cwd: str
    env: dict[str, str]
    out: int
    errors: int


def _serve(address: str) -> _Start:
    """Fork for each request. Returns only in a child, with what it is to run."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen()
    ready = selectors.DefaultSelector()
    ready.register(listening, selectors.EVENT_READ)
    ready.register(0, selectors.EVENT_READ)
    children: dict[int, tuple[int, socket.socket]] = {}
    os.write(1, b"ready\n")
    while True:
        for key, _ in ready.select():
            if key.fileobj is listening:
                connection, _ = listening.accept()
                _, (out, errors, file), _, _ = socket.recv_fds(connection, 1, 3)
                pid = os.fork()
                if pid == 0:
                    ready.close()
                    listening.close()
                    connection.close()
                    for watch, (_, other) in children.items():
                        os.close(watch)
                        other.close()
                    with os.fdopen(file, "rb") as written:
                        written.seek(0)
                        return _Start(**json.load(written), out=out, errors=errors)
                for each in (out, errors, file):
                    os.close(each)
                watch = os.pidfd_open(pid)
                children[watch] = (pid, connection)
                ready.register(watch, selectors.EVENT_READ)
                connection.sendall(b"%d\n" % pid)
            elif key.fileobj == 0:
                shutil.rmtree(Path(address).parent, ignore_errors=True)
                os._exit(0)
            else:
                pid, connection = children.pop(key.fd)
                ready.unregister(key.fd)
                os.close(key.fd)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with contextlib.suppress(OSError):  # nobody may wait for it any more
                    connection.sendall(b"%d\n" % code)
                connection.close()


def _become(wanted: _Start) -> None:
    """What `python -m` does."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (wanted.out, 1), (wanted.errors, 2)):
        os.dup2(source, target)
        os.close(source)
    os.environ.clear()
    os.environ.update(wanted.env)
    os.chdir(wanted.cwd)
    name, *arguments = wanted.module
    for run in (name, f"{name}.__main__"):
        if run.endswith("__main__") or not hasattr(sys.modules.get(run), "__path__"):
            sys.modules.pop(run, None)
    sys.argv = [name, *arguments]
    sys.path[0] = wanted.cwd
    runpy.run_module(name, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for module in IMPORTED:
        importlib.import_module(module)
    assert threading.active_count() == 1, "a thread would not be there after a fork"
    gc.collect()
    gc.freeze()
    _become(_serve(sys.argv[1]))
