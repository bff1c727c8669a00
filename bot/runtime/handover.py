"""A new text that all processes below this one are to use, or none of them.

    parent -> child    consider: its number, with the file that holds it
                       use: its number
                       drop: its number
    child -> parent    considered: its number, with what is wrong with it; empty if nothing is
                       used: its number, with whose word is still missing, if anybody's is

Every child first says whether it can use the text. Only if all can are they told to. A child that ends meanwhile is
forked anew by a parent that has the one text or the other, so it needs no word.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from bot.runtime.children import Child, Words

ANSWER_SECONDS: Final = 10.0
"""How long a child may take to answer. Its own children have to answer it before that."""
MAX_PROBLEM_CHARACTERS: Final = 10_000
"""A longer problem is cut, so that it fits into a message."""


@dataclass(slots=True)
class Handover:
    """One text on its way to the children of this process."""

    number: int
    file: str
    """Where they read it."""
    seconds: float = ANSWER_SECONDS
    """How long they may take to answer."""
    problem: str = ""
    """Why it cannot be used."""
    _waits_for: dict[int, str] = field(default_factory=dict)
    """Those who have not answered, by process id."""
    _until: float = 0.0
    _decided: bool = False
    """Whether it is used. A child that ends from then on is followed by one that uses it."""

    def offer(self, children: Iterable[Child], others: Iterable[Child] = ()) -> None:
        """Ask these children whether they can use it. `others` read it too, and nobody waits for what they say."""
        asked = list(children)
        self._expect(asked)
        for child in (*asked, *others):
            child.channel.send(consider=self.number, file=self.file)

    def use(self, children: Iterable[Child], others: Iterable[Child] = ()) -> None:
        """Have these children use it. `others` do so when they come to it: they are blocked."""
        told = list(children)
        self._expect(told)
        self._decided = True
        for child in (*told, *others):
            child.channel.send(use=self.number)

    def drop(self, children: Iterable[Child]) -> None:
        """Have them forget it."""
        for child in children:
            child.channel.send(drop=self.number)

    def heard(self, child: Child, words: Words) -> None:
        """Note what a child has said."""
        if self.number in (words.get("considered"), words.get("used")):
            self.problem = self.problem or str(words.get("problem", ""))
            self._waits_for.pop(child.pid, None)

    def ended(self, child: Child) -> None:
        """Note that a child has ended."""
        if self._waits_for.pop(child.pid, None) is not None and not self._decided:
            self.problem = self.problem or f"the {child.name} ended before it had answered. Try again."

    @property
    def done(self) -> bool:
        """Whether every child has answered, or the time is over. Then the problem says who has not answered."""
        if self._waits_for and self.seconds_left <= 0:
            late = f"the {' and the '.join(self._waits_for.values())} did not answer in time. Try again."
            self.problem = self.problem or late
            return True
        return not self._waits_for

    @property
    def seconds_left(self) -> float:
        return max(self._until - time.monotonic(), 0.0)

    def _expect(self, children: list[Child]) -> None:
        self._waits_for = {child.pid: child.name for child in children}
        self._until = time.monotonic() + self.seconds
