"""Keeps the roles of `countersign run` alive: starts each in a process of its own, and again when it ends.

The supervisor does nothing else: it imports little, opens no store, and has no thread. A role that cannot start because
of a setting (exit code 2) ends them all.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from bot import crash_points
from bot.approvals.model.facts import RoleEnded
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.runtime import logs
from bot.runtime.children import Channel, Child, Children, forget_signals, woken_by_signals
from bot.runtime.reloads import Reloads

Role: TypeAlias = Callable[[Channel], int]
"""Runs a role in a new process, and returns the exit code. It says `ready=True` over the channel when it is, and
`refused` with a sentence if it cannot start before a setting is changed."""

WRONG_SETTINGS: Final = 2
"""The exit code of a role that cannot start before somebody changes a setting."""
FIRST_PAUSE_SECONDS: Final = 0.2
"""Before a role is started again. Doubles each time, up to `MAX_PAUSE_SECONDS`."""
MAX_PAUSE_SECONDS: Final = 30.0
CALM_SECONDS: Final = 60.0
"""A role that ran for so long is started again at once."""
LOOK_SECONDS: Final = 5.0
"""How often to look whether something says that everything has to end."""
EXTRA_SECONDS: Final = 5.0
"""How much longer than its grace a role may take to end before it is killed."""
LAST: Final = "gateway"
"""The role that is told when the others are ready, so that it takes no command before, and when they have ended, so
that it can show what they did last. Where there is no gateway, another one may be it."""


@dataclass(slots=True)
class Backoff:
    """How long to wait before something that keeps ending is started again."""

    _pause: float = 0.0

    def after(self, lived: float) -> float:
        """The seconds to wait now, if it has lived for `lived` seconds."""
        self._pause = (
            0.0 if lived >= CALM_SECONDS else min(max(2 * self._pause, FIRST_PAUSE_SECONDS), MAX_PAUSE_SECONDS)
        )
        return self._pause


@dataclass(slots=True)
class _Kept:
    """One role, and its process if it runs."""

    run: Role
    child: Child | None = None
    start_at: float = 0.0
    ready: bool = False
    told: bool = False
    """Whether it knows that the others are ready."""
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(slots=True)
class Supervisor:
    """Runs roles until SIGTERM or SIGINT."""

    roles: Mapping[str, Role]
    grace: float
    """Seconds that a role may take to end."""
    started: Callable[[], None]
    """Called once when every role is ready."""
    lost: Callable[[], str | None] = lambda: None
    """Why everything has to end, asked every `LOOK_SECONDS`; None if nothing has to."""
    last: str = LAST
    telemetry: Telemetry = SILENT
    reloads: Reloads | None = None
    """What SIGHUP and a command may have read again. None: SIGHUP ends the bot, as it ends any program."""
    _children: Children = field(default_factory=Children)
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _ending: bool = False
    _refused: list[str] = field(default_factory=list)
    """What roles have found wrong. Several may find the same."""
    _had_terminal: bool = field(default_factory=lambda: _has_terminal())

    def run(self) -> int:
        """Returns the exit code: 0 after a signal, or that of a role that could not start."""
        crash_points.be_the_node()
        self._kept = {name: _Kept(run) for name, run in self.roles.items()}
        reloads = self.reloads
        with woken_by_signals(self._end, self._hung_up if reloads is not None else None) as woken:
            told = False
            while not self._ending:
                for name, kept in self._kept.items():
                    if kept.child is None and time.monotonic() >= kept.start_at:
                        kept.child = self._children.fork(name, kept.run)
                self._children.wait(self._next(), woken, *(reloads.descriptors if reloads is not None else ()))
                forget_signals(woken)
                self._hear()
                if not told and all(kept.ready for kept in self._kept.values()):
                    told = True
                    self.started()
                for child in self._children.ended():
                    kept = self._kept[child.name]
                    if reloads is not None:
                        reloads.ended(child)
                    if not kept.ready and child.code == WRONG_SETTINGS:
                        return self._stop(woken, WRONG_SETTINGS)
                    self._again(kept, child)
                if reloads is not None:
                    reloads.go_on(self._children.running.values(), all_run=self._all_run)
                if (why := self.lost()) is not None:
                    logs.say(why)
                    return self._stop(woken, WRONG_SETTINGS)
            return self._stop(woken, 0)

    def _next(self) -> float:
        """Seconds until a role is to be started again, or it is time to look whether all is in its place."""
        due = [kept.start_at for kept in self._kept.values() if kept.child is None]
        reload_in = self.reloads.seconds_left if self.reloads is not None else LOOK_SECONDS
        return min([LOOK_SECONDS, reload_in, *(at - time.monotonic() for at in due)])

    @property
    def _all_run(self) -> bool:
        return all(kept.ready and kept.child is not None for kept in self._kept.values())

    def _hear(self) -> None:
        for kept in self._kept.values():
            for words in kept.child.heard() if kept.child is not None else ():
                kept.ready = kept.ready or bool(words.get("ready"))
                if self.reloads is not None and kept.child is not None:
                    self.reloads.heard(kept.child, words)
                if "refused" in words and words["refused"] not in self._refused:
                    self._refused.append(words["refused"])
        last = self._kept.get(self.last)
        others = [kept for kept in self._kept.values() if kept is not last]
        if last is not None and last.child is not None and not last.told and all(kept.ready for kept in others):
            last.told = True
            last.child.channel.send(others_ready=True)

    def _again(self, kept: _Kept, child: Child) -> None:
        pause = kept.backoff.after(time.monotonic() - child.started)
        self.telemetry.tell(RoleEnded(role=child.name, code=child.code, pause=pause))
        kept.child, kept.told, kept.start_at = None, False, time.monotonic() + pause
        child.channel.socket.close()

    def _end(self) -> None:
        self._ending = True

    def _hung_up(self) -> None:
        """SIGHUP asks for a reload, unless the terminal is gone from which the bot was started: then it is to end."""
        if self.reloads is None or (self._had_terminal and not _has_terminal()):
            self._end()
        else:
            self.reloads.signal()

    def _stop(self, woken: int, code: int) -> int:
        """Asks every role to end, and kills those that take too long."""
        until = time.monotonic() + self.grace + EXTRA_SECONDS
        running = self._children.running
        for child in running.values():
            child.send_signal(signal.SIGTERM)
        told, late = False, set[str]()
        while running:
            if not told and all(child.name == self.last for child in running.values()):
                told = True
                for child in running.values():
                    child.channel.send(alone=True)
            if time.monotonic() > until:
                for child in running.values():
                    if child.name not in late:
                        late.add(child.name)
                        self.telemetry.tell(RoleEnded(role=child.name))
                    child.send_signal(signal.SIGKILL)
                until += EXTRA_SECONDS
            with contextlib.suppress(InterruptedError):
                self._children.wait(min(until - time.monotonic(), 1.0), woken)
            forget_signals(woken)
            self._hear()
            self._children.ended()
        self._hear()
        for sentence in self._refused if code == WRONG_SETTINGS else ():
            logs.say(sentence)
        return code


def _has_terminal() -> bool:
    """Whether this process belongs to a terminal that is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
