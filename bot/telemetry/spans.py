"""Work as spans of OpenTelemetry. Only its API is needed here: whoever installs the SDK and runs the bot under
`opentelemetry-instrument` gets traces, everybody else pays some microseconds.

A trace lasts as long as work does, and never while people think: a span is exported at its end, and is lost if its
process is killed. So each answer begins a trace of its own, with a link to the one before. Records keep where their
newest trace is found, so that other processes go on in it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import Token
from functools import partial
from threading import Thread
from typing import Final, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Link, Span, SpanContext, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bot import __version__
from bot.approvals.model.facts import named
from bot.approvals.model.trace import Trace

log = logging.getLogger(__name__)

T = TypeVar("T")

SECONDS_TO_EXPORT: Final = 2.0
"""How long a process that ends waits for its last spans to be exported."""
_HEADER: Final = "traceparent"
_FORM: Final = TraceContextTextMapPropagator()


class Spans:
    """Opens spans: through this tracer, or through the tracer provider of this process."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer: Final = tracer or trace.get_tracer("countersign", __version__)
        self._has_failed = False
        self._is_used = tracer is not None
        """Whether there may be any span: the SDK is installed, or somebody else's trace was gone on with."""

    def span(
        self, name: str, *, parent: Trace | None = None, after: Trace | None = None, about: str = ""
    ) -> AbstractContextManager[Trace | None]:
        """A span, as `Telemetry.span` says."""
        if not self._is_used:
            if parent is None and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
                return _NOWHERE
            self._is_used = True
        return self._span(name, parent, after, about)

    def here(self) -> Trace | None:
        """Where the span is found that is open here. None if there is none, or if nobody traces."""
        if not self._is_used or not trace.get_current_span().get_span_context().is_valid:
            return None
        carrier: dict[str, str] = {}
        _FORM.inject(carrier)
        return Trace(carrier[_HEADER])

    @contextmanager
    def _span(self, name: str, parent: Trace | None, after: Trace | None, about: str) -> Iterator[Trace | None]:
        """What the SDK raises disturbs nothing: then there is no span. Of an error the span has the class alone.
        OpenTelemetry would add its words, which may be somebody's, and secret."""
        opened = self._opened(name, parent, after, about)
        if opened is None:
            yield None
            return
        span, token = opened
        try:
            yield self.here()
        except Exception as error:
            self._tried(partial(span.set_status, StatusCode.ERROR, named(error)))
            raise
        finally:
            detach(token)
            self._tried(span.end)

    def _opened(
        self, name: str, parent: Trace | None, after: Trace | None, about: str
    ) -> tuple[Span, Token[Context]] | None:
        before = _read(after) if after is not None else None
        span = self._tried(
            partial(
                self._tracer.start_span,
                f"countersign.{name}",
                context=_context(parent) if parent is not None else (Context() if after is not None else None),
                links=[Link(before)] if before is not None else None,
                attributes={"countersign.task": about} if about else None,
            )
        )
        return None if span is None else (span, attach(trace.set_span_in_context(span)))

    def _tried(self, call: Callable[[], T]) -> T | None:
        """What the SDK returns. None if it raises, which is said once."""
        try:
            return call()
        except Exception:  # an error here would fail what is traced
            if not self._has_failed:
                self._has_failed = True
                log.exception("a span could not be made; this is said once")
            return None


_NOWHERE: Final[AbstractContextManager[None]] = nullcontext()


def export(seconds: float = SECONDS_TO_EXPORT) -> None:
    """Exports what the SDK still holds, before a process ends in a way that leaves it no time for that. Returns after
    `seconds` at the latest."""
    flush = getattr(trace.get_tracer_provider(), "force_flush", None)
    if flush is None:
        return

    def run() -> None:
        try:
            flush()
        except Exception:
            log.exception("the last spans could not be exported")

    thread = Thread(target=run, name="export", daemon=True)
    thread.start()
    thread.join(seconds)


def _context(place: Trace) -> Context:
    carrier: Mapping[str, str] = {_HEADER: place}
    return _FORM.extract(carrier, context=Context())


def _read(place: Trace) -> SpanContext | None:
    found = trace.get_current_span(_context(place)).get_span_context()
    return found if found.is_valid else None
