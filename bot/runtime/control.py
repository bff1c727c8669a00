"""How a command that runs beside the bot speaks with it: a socket in STATE_DIR at which each supervisor listens.

Both ends send JSON, one object a line. A supervisor first says who it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.runtime.children import Words
from bot.runtime.hints import folder_of

CONNECT_SECONDS: Final = 2.0
MAX_LINE_BYTES: Final = 1 << 20
_NAMES: Final = "run-*.socket"


@dataclass(slots=True)
class Peer:
    """The other end of a connection."""

    socket: socket.socket
    _read: bytes = b""
    gone: bool = False

    def say(self, **words: Any) -> None:
        """Returns at once. The words are lost if the other end is gone."""
        try:
            self.socket.sendall(json.dumps(words).encode() + b"\n")
        except OSError:
            self.gone = True

    def heard(self, seconds: float = 0) -> Words | None:
        """The next words. None if none come within `seconds`."""
        until = time.monotonic() + seconds
        while b"\n" not in self._read:
            if self.gone or not select.select([self.socket], [], [], max(until - time.monotonic(), 0))[0]:
                return None
            try:
                more = self.socket.recv(65536)
            except OSError:
                more = b""
            self._read += more
            self.gone = not more or len(self._read) > MAX_LINE_BYTES
        line, _, self._read = self._read.partition(b"\n")
        try:
            words = json.loads(line)
        except ValueError:
            words = None
        if not isinstance(words, dict):
            self.gone = True
            return None
        return words

    def close(self) -> None:
        self.gone = True
        self.socket.close()


@dataclass(slots=True)
class Control:
    """A supervisor's end: it takes connections, and greets each."""

    path: Path
    about: Mapping[str, Any]
    """Who this supervisor is, as JSON."""
    _listening: socket.socket
    peers: list[Peer] = field(default_factory=list)
    """The commands that are connected."""

    @property
    def descriptors(self) -> list[int]:
        """What can be read when a command says something."""
        return [
            each.fileno() for each in (self._listening, *(peer.socket for peer in self.peers)) if each.fileno() >= 0
        ]

    def look(self) -> None:
        """Take new connections, and forget those that are gone."""
        with contextlib.suppress(OSError):
            while True:
                made, _ = self._listening.accept()
                made.settimeout(CONNECT_SECONDS)
                self.peers.append(peer := Peer(made))
                peer.say(**self.about)
        for peer in [each for each in self.peers if each.gone]:
            peer.close()
            self.peers.remove(peer)

    def close(self) -> None:
        """Close this process's copies. The socket stays for the process that listens at it."""
        for each in (self._listening, *(peer.socket for peer in self.peers)):
            each.close()
        self.peers.clear()


@contextmanager
def listening(state_dir: Path, about: Mapping[str, Any]) -> Iterator[Control]:
    """Takes commands while the block runs. Raises `OSError` if the socket cannot be made."""
    folder = folder_of(state_dir)
    for path in folder.glob(_NAMES):
        if (peer := _connected(path)) is not None:
            peer.close()
            continue
        for left in folder.glob(f"{path.stem}*"):  # of a supervisor that was killed
            left.unlink(missing_ok=True)
    path = folder / f"run-{secrets.token_hex(2)}.socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        made.setblocking(False)
        made.bind(str(path))
        try:
            path.chmod(0o600)
            made.listen()
            control = Control(path, about, made)
            os.register_at_fork(after_in_child=control.close)  # a child that lives on must not seem to be this process
            yield control
        finally:
            path.unlink(missing_ok=True)
            control.close()


@contextmanager
def supervisors(state_dir: Path) -> Iterator[Sequence[tuple[Peer, Words]]]:
    """A connection to each supervisor that runs with this STATE_DIR on this machine, with what it says it is. They are
    closed when the block ends."""
    found = []
    for path in sorted(folder_of(state_dir).glob(_NAMES)):
        if (peer := _connected(path)) is None:
            continue
        if (about := peer.heard(CONNECT_SECONDS)) is None:
            peer.close()
            continue
        found.append((peer, about))
    try:
        yield found
    finally:
        for peer, _ in found:
            peer.close()


def _connected(path: Path) -> Peer | None:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(CONNECT_SECONDS)
    try:
        made.connect(str(path))
    except OSError:
        made.close()
        return None
    return Peer(made)
