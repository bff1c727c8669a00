"""What a supervisor does when an operator has changed the policy file, which all roles have from their start: it reads
the file once, asks every role whether it can use what it says now, and has all of them use it, or none.

Two may ask: SIGHUP, and a command beside the bot (`bot.runtime.control`). A command decides itself when it has heard
that all is well, because it may speak with several supervisors.

    supervisor -> command    fits, with what it is about to use; or problem; at last used, or problem
    command -> supervisor    reload; use; drop
"""

from __future__ import annotations

import enum
import itertools
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot.approvals.model.errors import CountersignError
from bot.runtime.children import Child, Words
from bot.runtime.control import Control, Peer
from bot.runtime.handover import ANSWER_SECONDS, Handover

log = logging.getLogger(__name__)

DECIDE_SECONDS: Final = 30.0
"""How long a command may take to say whether a text that fits here is to be used. It asks other supervisors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a file says now. This process has read it and found nothing wrong with it."""

    file: str
    """Where the roles read it."""
    said: str
    """What is different, as the end of a sentence for the log."""
    told: Mapping[str, Any]
    """The same for a command, as JSON."""
    take: Callable[[], None]
    """Has every role that is started from now on use it."""
    drop: Callable[[], None]
    """Forgets it."""


class _Step(enum.Enum):
    CONSIDERED = enum.auto()
    """The roles say whether they can use it."""
    AGREED = enum.auto()
    """They can, and the command is to decide."""
    USED = enum.auto()
    """They are told to use it."""


@dataclass(slots=True)
class _Round:
    offer: Offer
    handover: Handover
    peer: Peer | None
    """The command that has asked. None if a signal has."""
    step: _Step = _Step.CONSIDERED
    decides_until: float = 0.0

    @property
    def seconds_left(self) -> float:
        if self.step is _Step.AGREED:
            return max(self.decides_until - time.monotonic(), 0.0)
        return self.handover.seconds_left

    @property
    def is_left(self) -> bool:
        """Whether nobody is there any more who could decide."""
        return self.peer is None or self.peer.gone


@dataclass(slots=True, kw_only=True)
class Reloads:
    """At most one reload at a time. Nothing here waits."""

    roles: Collection[str]
    """Those that use the file."""
    read: Callable[[int], Offer]
    """Reads the file; the number is the round's. Raises `CountersignError` if it is wrong."""
    control: Control | None = None
    _signalled: bool = False
    _wanting: list[Peer] = field(default_factory=list)
    """Commands whose turn has not come."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _round: _Round | None = None

    def signal(self) -> None:
        """Note that a signal asks for it. May be called in the middle of anything."""
        self._signalled = True

    @property
    def descriptors(self) -> list[int]:
        """What can be read when a command says something."""
        return self.control.descriptors if self.control is not None else []

    @property
    def seconds_left(self) -> float:
        """When to go on at the latest."""
        return self._round.seconds_left if self._round is not None else 3600.0

    def heard(self, child: Child, words: Words) -> None:
        """Note what a role has said."""
        if self._round is not None:
            self._round.handover.heard(child, words)

    def ended(self, child: Child) -> None:
        """Note that a role has ended."""
        if self._round is not None:
            self._round.handover.ended(child)

    def go_on(self, running: Iterable[Child], *, all_run: bool) -> None:
        """Do what can be done now. `running` are the roles that run. Before `all_run`, nothing is begun."""
        roles = [child for child in running if child.name in self.roles]
        self._hear_commands(roles)
        while self._went_on(roles, all_run):
            pass

    # --- Within ---------------------------------------------------------------------------------

    def _went_on(self, roles: Sequence[Child], all_run: bool) -> bool:
        """Go one step on, if that can be done now."""
        now = self._round
        if now is None and all_run and (self._signalled or self._wanting):
            self._begin(roles)
        elif now is not None and now.step is _Step.CONSIDERED and now.handover.done:
            self._considered(now, roles)
        elif now is not None and now.step is _Step.AGREED and (now.seconds_left <= 0 or now.is_left):
            self._refuse(now, roles, "the command that had them read went away before it had decided.")
        elif now is not None and now.step is _Step.USED and now.handover.done:
            self._used(now)
        else:
            return False
        return True

    def _hear_commands(self, roles: Sequence[Child]) -> None:
        if self.control is None:
            return
        self.control.look()
        for peer in self.control.peers:
            while (words := peer.heard()) is not None:
                now = self._round
                if now is not None and now.peer is peer and now.step is _Step.AGREED:
                    if words.get("use"):
                        self._use(now, roles)
                    else:
                        self._refuse(now, roles, "another bot that the command asked cannot use them.")
                elif words.get("reload"):
                    self._wanting.append(peer)
        self._wanting = [peer for peer in self._wanting if not peer.gone]

    def _begin(self, roles: Sequence[Child]) -> None:
        peer: Peer | None = None
        if self._signalled:
            self._signalled = False
        else:
            peer = self._wanting.pop(0)
        number = next(self._numbers)
        try:
            offer = self.read(number)
        except CountersignError as error:
            self._tell_problem(peer, str(error))
            return
        self._round = _Round(offer, Handover(number, offer.file, 1.5 * ANSWER_SECONDS), peer)
        self._round.handover.offer(roles)

    def _considered(self, now: _Round, roles: Sequence[Child]) -> None:
        if now.handover.problem:
            self._refuse(now, roles, now.handover.problem)
        elif now.peer is None:
            self._use(now, roles)
        else:
            now.step, now.decides_until = _Step.AGREED, time.monotonic() + DECIDE_SECONDS
            now.peer.say(fits=True, **now.offer.told)

    def _use(self, now: _Round, roles: Sequence[Child]) -> None:
        now.offer.take()  # before the roles are told: one that ends now is followed by one that has them
        now.step = _Step.USED
        now.handover.use(roles)

    def _used(self, now: _Round) -> None:
        self._round = None
        log.info("the policies are read again: %s", now.offer.said)
        if now.handover.problem:
            log.error("not every process uses the policies yet: %s", now.handover.problem)
        if now.peer is not None:
            now.peer.say(used=True, late=now.handover.problem)

    def _refuse(self, now: _Round, roles: Sequence[Child], problem: str) -> None:
        self._round = None
        now.handover.drop(roles)
        now.offer.drop()
        self._tell_problem(now.peer, problem)

    def _tell_problem(self, peer: Peer | None, problem: str) -> None:
        log.error("the policies stay as they were, because what the file says now is not used: %s", _line(problem))
        if peer is not None:
            peer.say(problem=problem)


def _line(problem: str) -> str:
    return " ".join(problem.split("\n"))
