"""What each process of the bot tells its operator, put together."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot import __version__
from bot.approvals.model.facts import Fact, ProcessDraining, ProcessEnded, ProcessStarted, SweepEnded
from bot.approvals.model.trace import Trace
from bot.runtime import health, logs
from bot.runtime.hints import GATEWAY, WORKER
from bot.settings import RoleSettings
from bot.telemetry.lines import Lines
from bot.telemetry.spans import Spans
from bot.telemetry.stream import Sink, Stream

log = logging.getLogger(__name__)


def telemetry_of(settings: RoleSettings, role: str) -> Stream:
    """The telemetry of a process with this role."""
    spans = Spans()
    sinks: list[Sink] = [Lines()]
    if role in (GATEWAY, WORKER):
        sinks.append(Sweeps(settings.state_dir, role))
        if settings.http_bind is not None:
            from bot.telemetry.metrics import Metrics  # finds the folder of all processes as it is imported

            try:
                sinks.append(Metrics())
            except OSError as error:  # to work without metrics is better than not to work
                log.warning("this process keeps no figures (%s), so /metrics is without them", error)
    return Stream(sinks=sinks, tracing=spans)


@dataclass(frozen=True, slots=True)
class Sweeps:
    """Notes in the state folder that a sweep has ended, for whoever asks for the bot's health."""

    state_dir: Path
    role: str

    def take(self, fact: Fact, at: float | None = None, trace: Trace | None = None) -> None:  # noqa: ARG002
        if type(fact) is SweepEnded:
            health.swept(self.state_dir, self.role)


@dataclass(slots=True, kw_only=True)
class Life:
    """Tells of the life of one process, which does not fork. While it works, facts are shown in batches."""

    telemetry: Stream
    settings: RoleSettings
    role: str
    owner: str
    _began: bool = False

    def began(self) -> None:
        """It is ready for work."""
        self._began = True
        store: Literal["sqlite", "redis"] = "sqlite" if self.settings.redis_url is None else "redis"
        self.telemetry.tell(ProcessStarted(role=self.role, owner=self.owner, version=__version__, store=store))
        self.telemetry.batch()
        logs.before_others(self.telemetry.flush)

    def drains(self) -> None:
        """It takes on nothing more."""
        self.telemetry.unbatch()
        self.telemetry.tell(ProcessDraining(role=self.role, owner=self.owner, seconds=self.settings.shutdown_grace))

    def ended(self) -> None:
        """It has drained. Tells nothing of a process that could not start, which says so itself."""
        self.telemetry.unbatch()
        if self._began:
            self.telemetry.tell(ProcessEnded(role=self.role, owner=self.owner))
