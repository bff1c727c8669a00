"""Forked processes, each with a channel to the one that forked it. Nothing here runs an event loop or a thread, so it
is safe to fork at any time.

A child dies with its parent, however the parent ends: a lost supervisor leaves nobody behind who works unseen.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from bot.runtime import outlet

log = logging.getLogger(__name__)

Words: TypeAlias = Mapping[str, Any]
"""One message over a channel, as JSON."""

MAX_MESSAGE_BYTES: Final = 65536
"""A larger message is not sent. It could not be received whole."""
_PR_SET_PDEATHSIG: Final = 1
_KIND: Final = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM


@dataclass(slots=True)
class Channel:
    """One end of the line between a child and its parent. Whole messages go over it, or none."""

    socket: socket.socket

    def send(self, **words: Any) -> None:
        """Returns at once. The message is lost if it is too large, or the other end is gone, or does not read."""
        data = json.dumps(words).encode()
        if len(data) > MAX_MESSAGE_BYTES:
            log.warning("a message of %d bytes to another process is too large and is not sent", len(data))
            return
        with contextlib.suppress(OSError):
            self.socket.send(data, socket.MSG_DONTWAIT)

    def received(self, seconds: float = 0) -> Words | None:
        """The next message. None if none comes within `seconds`. Raises `EOFError` if the other end is gone."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return None
        try:
            data = self.socket.recv(MAX_MESSAGE_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError:
            raise EOFError from None
        if not data:
            raise EOFError
        words: Words = json.loads(data)
        return words


@dataclass(slots=True)
class Child:
    """A forked process."""

    pid: int
    name: str
    channel: Channel
    started: float
    """By the monotonic clock."""
    status: int | None = None
    """How it ended, as `os.waitpid` says it. None while it runs."""

    def heard(self) -> Iterator[Words]:
        """What it has said by now."""
        with contextlib.suppress(EOFError):
            while (words := self.channel.received()) is not None:
                yield words

    def send_signal(self, number: signal.Signals) -> None:
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    @property
    def code(self) -> int:
        """Its exit code; negative if a signal killed it."""
        assert self.status is not None  # noqa: S101 - it has ended
        return os.waitstatus_to_exitcode(self.status)

    @property
    def how(self) -> str:
        """How it ended, as the end of a sentence."""
        return ended_by(self.code)


def ended_by(code: int) -> str:
    """An exit code in words: `was killed by SIGSEGV`, `exited with code 3`."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


@dataclass(slots=True)
class Children:
    """The processes that this one has forked and that still run."""

    running: dict[int, Child] = field(default_factory=dict)

    def fork(self, name: str, run: Callable[[Channel], int], own_group: bool = False) -> Child:
        """Runs the function in a new process, with its end of the channel. The process exits with what it returns.

        With `own_group`, what the child forks can be killed together with it.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, _KIND)
        outlet.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._become(run, Channel(theirs), parent, own_group)
        theirs.close()
        child = Child(pid=pid, name=name, channel=Channel(ours), started=time.monotonic())
        self.running[pid] = child
        return child

    def _become(self, run: Callable[[Channel], int], channel: Channel, parent: int, own_group: bool) -> None:
        """Never returns."""
        code = 1
        try:
            for other in self.running.values():
                other.channel.socket.close()
            self.running.clear()
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            # it is for the supervisor, and a terminal that goes away sends it to all; what a child starts has its own
            signal.signal(signal.SIGHUP, lambda _number, _frame: None)
            if own_group:
                os.setpgid(0, 0)
            _die_with(parent)
            gc.collect()
            code = run(channel)
        except BaseException:
            log.critical("a process ends because of an error that nothing caught", exc_info=True)
        finally:
            outlet.flush()
            os._exit(code)

    def ended(self) -> list[Child]:
        """The children that have ended since the last call."""
        found = []
        for pid, child in list(self.running.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                child.status = status
                found.append(child)
                del self.running[pid]
        return found

    def wait(self, seconds: float, *more: int) -> None:
        """Returns when a child says something or ends, a signal arrives (`woken_by_signals`), one of these file
        descriptors can be read, or the seconds are over."""
        descriptors = [child.channel.socket.fileno() for child in self.running.values()]
        select.select([*descriptors, *more], [], [], max(seconds, 0))


@contextlib.contextmanager
def woken_by_signals(heard: Callable[[], None], hung_up: Callable[[], None] | None = None) -> Iterator[int]:
    """A file descriptor that can be read after SIGTERM, SIGINT or SIGCHLD arrived. `heard` is called for the first
    two, and `hung_up` for SIGHUP."""
    read, write = socket.socketpair()
    read.setblocking(False)
    write.setblocking(False)
    signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: heard())
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    if hung_up is not None:
        signal.signal(signal.SIGHUP, lambda _number, _frame: hung_up())
    try:
        yield read.fileno()
    finally:
        signal.set_wakeup_fd(-1)
        read.close()
        write.close()


def forget_signals(descriptor: int) -> None:
    """Reads what signals have written, so that it can be waited for the next ones."""
    with contextlib.suppress(BlockingIOError):
        os.read(descriptor, 4096)


def _die_with(parent: int) -> None:
    """Has the kernel kill this process when its parent ends. Elsewhere than on Linux, the channel's end tells."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before that was set
        os._exit(1)
