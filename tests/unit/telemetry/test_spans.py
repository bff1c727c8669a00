"""Spans, as OpenTelemetry's SDK keeps them in memory."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from bot.approvals.model.trace import Trace, trace_of
from bot.telemetry.spans import Spans, export

CALLER = Trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Spans:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Spans(provider.get_tracer("test"))


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exporter.get_finished_spans()
    return span


def place(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def test_a_span_says_where_it_is_found(spans: Spans, exporter: InMemorySpanExporter) -> None:
    """What is kept on a record leads to the span that was exported."""
    with spans.span("start", about="task-1") as here:
        assert spans.here() == here

    span = only(exporter)
    assert here == place(span) == trace_of(here)
    assert span.name == "countersign.start"
    assert span.attributes == {"countersign.task": "task-1"}


def test_a_span_goes_on_where_another_process_was(spans: Spans, exporter: InMemorySpanExporter) -> None:
    """With a parent, the span is in its trace, whatever is open here."""
    with spans.span("other work"), spans.span("drive", parent=CALLER):
        pass

    drive = exporter.get_finished_spans()[0]
    assert place(drive).split("-")[1] == CALLER.split("-")[1]
    assert drive.parent is not None
    assert f"{drive.parent.span_id:016x}" == CALLER.split("-")[2]


def test_an_answer_begins_a_trace_with_a_link(spans: Spans, exporter: InMemorySpanExporter) -> None:
    """What follows a leg of work is a trace of its own, even within another span, and is linked to that leg."""
    with spans.span("other work") as other, spans.span("voted", after=CALLER):
        pass

    voted = exporter.get_finished_spans()[0]
    assert voted.parent is None
    assert other is not None
    assert place(voted).split("-")[1] not in (other.split("-")[1], CALLER.split("-")[1])
    assert [f"{link.context.trace_id:032x}" for link in voted.links] == [CALLER.split("-")[1]]


def test_what_was_not_traced_has_no_link(spans: Spans, exporter: InMemorySpanExporter) -> None:
    """Without an earlier leg, the span has no link; a record that names no trace harms nothing."""
    with spans.span("voted"), spans.span("voted", after=Trace("of an older version")):
        pass

    assert [len(span.links) for span in exporter.get_finished_spans()] == [0, 0]


def test_without_the_sdk_nothing_is_kept() -> None:
    """Nobody traces, so there is nothing to keep on a record. A caller's own trace is passed on all the same."""
    spans = Spans()

    with spans.span("start") as here:
        assert here is None
    with spans.span("api", parent=CALLER) as here:
        assert here == CALLER
    assert spans.here() is None


# --- Errors -------------------------------------------------------------------------------------


def test_an_error_is_told_by_its_class_alone(spans: Spans, exporter: InMemorySpanExporter) -> None:
    """Its words may be an agent's, and secret."""
    with pytest.raises(ValueError, match="hunter22"), spans.span("run"):
        raise ValueError("password=hunter22") from KeyError("hunter22")

    span = only(exporter)
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError from KeyError")
    assert "hunter22" not in span.to_json()


class Broken(SpanProcessor):
    """Raises at the beginning of a span, or at its end."""

    def __init__(self, *, at_start: bool) -> None:
        self._at_start = at_start

    def on_start(self, span: object, parent_context: object = None) -> None:
        if self._at_start:
            raise RuntimeError("broken")

    def on_end(self, span: object) -> None:
        raise RuntimeError("broken")


@pytest.mark.parametrize("at_start", [True, False])
def test_a_tracer_that_fails_disturbs_nothing(at_start: bool, caplog: pytest.LogCaptureFixture) -> None:
    """What is traced is done, its own errors are raised, and the log says once that there are no spans."""
    provider = TracerProvider()
    provider.add_span_processor(Broken(at_start=at_start))
    spans, done = Spans(provider.get_tracer("test")), []

    for _ in range(2):
        with spans.span("voted", after=CALLER):
            done.append("voted")
    with pytest.raises(ValueError, match="its own") as caught, spans.span("run"):
        raise ValueError("its own")

    assert done == ["voted", "voted"]
    assert caught.value.__context__ is None
    assert spans.here() is None
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_process_that_ends_exports_its_last_spans(
    exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK holds them for some seconds, and exports them as Python ends, which a forked process does not."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=3_600_000))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    with Spans(provider.get_tracer("test")).span("voted"):
        pass
    assert exporter.get_finished_spans() == ()

    export()

    assert len(exporter.get_finished_spans()) == 1
    provider.shutdown()
