"""The stream of facts."""

from __future__ import annotations

import pytest

from bot.approvals.model.facts import Fact, SlackDisconnected
from bot.approvals.ports.telemetry import SILENT
from bot.telemetry.stream import Stream


class Kept:
    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def take(self, fact: Fact, at: float | None = None, trace: object = None) -> None:
        self.facts.append(fact)


class Broken:
    def take(self, fact: Fact, at: float | None = None, trace: object = None) -> None:
        raise RuntimeError("no room")


def test_each_fact_goes_to_every_sink() -> None:
    """All sinks are told the same, in order."""
    one, two = Kept(), Kept()

    Stream(sinks=[one, two]).tell(SlackDisconnected())

    assert one.facts == two.facts == [SlackDisconnected()]


def test_a_broken_sink_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The work and the other sinks go on, and the log says it once."""
    kept = Kept()
    stream = Stream(sinks=[Broken(), kept])

    stream.tell(SlackDisconnected())
    stream.tell(SlackDisconnected())

    assert len(kept.facts) == 2
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_without_tracing_a_span_is_nowhere() -> None:
    """Whoever asks where the span is found is told: nowhere."""
    with Stream(sinks=[]).span("work") as trace:
        assert trace is None
    with SILENT.span("work") as trace:
        assert trace is None
    SILENT.tell(SlackDisconnected())
