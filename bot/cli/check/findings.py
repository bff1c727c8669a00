"""What `check` has found, for people and for programs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum

from bot import __version__
from bot.approvals.model.errors import SettingsError
from bot.printable import printable


class Level(StrEnum):
    OK = "ok"
    RISKY = "risky"
    """It works now, but may cause trouble later."""
    WRONG = "wrong"
    """It keeps the bot from starting or from doing what its files say, or it misleads whoever reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    level: Level
    area: str
    """What was looked at, in one word for programs."""
    text: str


@dataclass(slots=True)
class Findings:
    """Collects what was checked in one area."""

    area: str = "settings"
    found: list[Finding] = field(default_factory=list)
    """Of all areas, in the order in which they were looked at."""

    def about(self, area: str) -> Findings:
        """Collects in another area, into the same list."""
        return Findings(area, self.found)

    def good(self, what: str) -> None:
        self._add(Level.OK, what)

    def bad(self, what: str) -> None:
        """Something is wrong. Each line is a finding of its own."""
        for line in what.splitlines():
            self._add(Level.WRONG, line)

    def risky(self, what: str) -> None:
        self._add(Level.RISKY, what)

    @property
    def lines(self) -> list[str]:
        """One line for each finding."""
        return [f"{each.level:<6} {each.text}" for each in self.found]

    @property
    def wrong(self) -> int:
        """How many findings of all areas are wrong."""
        return sum(each.level is Level.WRONG for each in self.found)

    @contextlib.asynccontextmanager
    async def of(self, good: str) -> AsyncIterator[None]:
        """Collects that it is good, unless the block raises SettingsError."""
        try:
            yield
        except SettingsError as error:
            self.bad(str(error))
        else:
            self.good(good)

    def _add(self, level: Level, text: str) -> None:
        self.found.append(Finding(level=level, area=self.area, text=text))


def as_text(findings: Findings) -> str:
    """For people."""
    return "".join(f"{printable(line)}\n" for line in findings.lines)


def as_json(findings: Findings) -> str:
    """One object. Its keys stay the same from version to version; further ones may be added."""
    listed = [{"level": str(each.level), "area": each.area, "text": printable(each.text)} for each in findings.found]
    told = {"ok": not findings.wrong, "version": __version__, "findings": listed}
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"
