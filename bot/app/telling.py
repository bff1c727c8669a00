"""What each process of the bot tells its operator, put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot import __version__
from bot.approvals.model.facts import ProcessDraining, ProcessEnded, ProcessStarted
from bot.approvals.ports.telemetry import Telemetry
from bot.settings import RoleSettings
from bot.telemetry.lines import Lines
from bot.telemetry.spans import Spans
from bot.telemetry.stream import Stream


def telemetry_of(settings: RoleSettings, role: str) -> Telemetry:  # noqa: ARG001
    """The telemetry of a process with this role."""
    spans = Spans()
    return Stream(sinks=[Lines(spans.here)], tracing=spans)


@dataclass(slots=True, kw_only=True)
class Life:
    """Tells of the life of one process."""

    telemetry: Telemetry
    settings: RoleSettings
    role: str
    owner: str
    _began: bool = False

    def began(self) -> None:
        """It is ready for work."""
        self._began = True
        store: Literal["sqlite", "redis"] = "sqlite" if self.settings.redis_url is None else "redis"
        self.telemetry.tell(ProcessStarted(role=self.role, owner=self.owner, version=__version__, store=store))

    def drains(self) -> None:
        """It takes on nothing more."""
        self.telemetry.tell(ProcessDraining(role=self.role, owner=self.owner, seconds=self.settings.shutdown_grace))

    def ended(self) -> None:
        """It has drained. Tells nothing of a process that could not start, which says so itself."""
        if self._began:
            self.telemetry.tell(ProcessEnded(role=self.role, owner=self.owner))
