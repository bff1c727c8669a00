"""What each process of the bot tells its operator, put together."""

from __future__ import annotations

from bot.approvals.ports.telemetry import Telemetry
from bot.settings import RoleSettings
from bot.telemetry.lines import Lines
from bot.telemetry.spans import Spans
from bot.telemetry.stream import Stream


def telemetry_of(settings: RoleSettings, role: str) -> Telemetry:  # noqa: ARG001
    """The telemetry of a process with this role."""
    return Stream(sinks=[Lines()], tracing=Spans())
