"""Wake-ups between processes that share one machine: datagrams to Unix sockets in STATE_DIR.

A hint is never the truth. It may be lost, come twice, or come to somebody who has nothing to do: what is to be done is
in storage, and a sweep finds it. `bot.storage.redis.hints` does the same for processes that share a Redis.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import socket
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

log = logging.getLogger(__name__)

Hint: TypeAlias = Mapping[str, Any]
"""One hint, as JSON. `bot.app` says which there are."""

GATEWAY: Final = "gateway"
WORKER: Final = "worker"
MAX_HINT_BYTES: Final = 200_000
"""A larger hint is not sent. The system's own limit is a little higher."""
MAX_WAITING: Final = 10_000
"""Hints that wait for those who are behind. The oldest are lost first."""
RETRY_SECONDS: Final = 0.01
_MAX_PATH: Final = 100
"""Bytes. The longest path that every system takes for a socket is 104."""


class Hints(Protocol):
    """Sends hints."""

    def send(self, to: str, **hint: Any) -> None:
        """Tell one process that listens as `to`. Returns at once, and loses the hint if nobody can take it now."""
        ...


@dataclass(slots=True)
class UnixHints:
    """`Hints` through sockets in one folder."""

    folder: Path
    socket: socket.socket
    _unsent: deque[tuple[str, bytes]] = field(default_factory=lambda: deque(maxlen=MAX_WAITING))
    """For those who are behind: the system keeps ten datagrams for each of them."""

    @classmethod
    def to(cls, state_dir: Path) -> UnixHints:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        made.setblocking(False)
        return cls(folder=folder_of(state_dir), socket=made)

    def send(self, to: str, **hint: Any) -> None:
        data = json.dumps(hint).encode()
        if len(data) > MAX_HINT_BYTES:
            return
        self._unsent.append((str(self.folder / f"{to}.socket"), data))
        if len(self._unsent) == 1:
            self._send()

    def _send(self) -> None:
        while self._unsent:
            to, data = self._unsent[0]
            try:
                self.socket.sendto(data, to)
            except BlockingIOError:
                try:
                    asyncio.get_running_loop().call_later(RETRY_SECONDS, self._send)
                except RuntimeError:  # no event loop runs
                    self._unsent.clear()
                return
            except OSError:  # nobody listens
                pass
            self._unsent.popleft()


def folder_of(state_dir: Path) -> Path:
    """Where the sockets are: STATE_DIR, or a private folder of its own if that path is too long for a socket."""
    folder = state_dir.absolute()
    if len(os.fsencode(folder)) + len("/gateway.socket") <= _MAX_PATH:
        return folder
    short = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    private = Path(tempfile.gettempdir()) / f"countersign-{os.getuid()}-{short}"
    private.mkdir(mode=0o700, exist_ok=True)
    if private.stat().st_uid != os.getuid() or private.is_symlink():
        return folder  # somebody else's: then no hint arrives, and the sweep does all
    return private


def bound(state_dir: Path, name: str) -> socket.socket:
    """The socket on which those who listen as `name` take hints. Processes that inherit it share it: each hint comes to
    one that is free."""
    path = folder_of(state_dir) / f"{name}.socket"
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)
    with contextlib.suppress(OSError):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * MAX_HINT_BYTES)
    try:
        made.bind(str(path))
        path.chmod(0o600)
    except OSError as error:
        log.warning("no hints can be taken at %s (%s): the sweep does it all, which is slower", path, error)
    return made


@contextmanager
def listening(own: socket.socket, taken: Callable[[Hint], None]) -> Iterator[None]:
    """Hands each hint to `taken`, in the event loop, while the block runs."""
    loop = asyncio.get_running_loop()

    def ready() -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError):  # another process was faster
            data = own.recv(2 * MAX_HINT_BYTES)
            with contextlib.suppress(ValueError):
                taken(json.loads(data))

    loop.add_reader(own.fileno(), ready)
    try:
        yield
    finally:
        loop.remove_reader(own.fileno())
