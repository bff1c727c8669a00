"""Work as spans of OpenTelemetry. Only its API is needed here: whoever installs the SDK and runs the bot under
`opentelemetry-instrument` gets traces, everybody else pays some microseconds.

A trace lasts as long as work does, and never while people think: a span is exported at its end, and is lost if its
process is killed. So each answer begins a trace of its own, with a link to the one before. Records keep where their
newest trace is found, so that other processes go on in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanContext, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bot import __version__
from bot.approvals.model.trace import Trace

_HEADER: Final = "traceparent"
_FORM: Final = TraceContextTextMapPropagator()


class Spans:
    """Opens spans: through this tracer, or through the tracer provider of this process."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer: Final = tracer or trace.get_tracer("countersign", __version__)

    @contextmanager
    def span(
        self, name: str, *, parent: Trace | None = None, after: Trace | None = None, about: str = ""
    ) -> Iterator[Trace | None]:
        """A span, as `Telemetry.span` says."""
        before = _read(after) if after is not None else None
        with self._tracer.start_as_current_span(
            f"countersign.{name}",
            context=_context(parent) if parent is not None else (Context() if after is not None else None),
            links=[Link(before)] if before is not None else None,
            attributes={"countersign.task": about} if about else None,
        ):
            yield self.here()

    def here(self) -> Trace | None:
        """Where the span is found that is open here. None if there is none, or if nobody traces."""
        if not trace.get_current_span().get_span_context().is_valid:
            return None
        carrier: dict[str, str] = {}
        _FORM.inject(carrier)
        return Trace(carrier[_HEADER])


def _context(place: Trace) -> Context:
    carrier: Mapping[str, str] = {_HEADER: place}
    return _FORM.extract(carrier, context=Context())


def _read(place: Trace) -> SpanContext | None:
    found = trace.get_current_span(_context(place)).get_span_context()
    return found if found.is_valid else None
