"""The bot as it is, under OpenTelemetry's SDK, as `opentelemetry-instrument` starts it: its processes are forked later.

Each span is appended to the file that `COUNTERSIGN_TEST_SPANS` names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from bot.__main__ import main

SPANS = "COUNTERSIGN_TEST_SPANS"


class ToFile(SpanExporter):
    def __init__(self, path: Path) -> None:
        self._path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with self._path.open("a") as file:
            file.writelines(f"{span.to_json(indent=None)}\n" for span in spans)
        return SpanExportResult.SUCCESS


if __name__ == "__main__":
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ToFile(Path(os.environ[SPANS]))))
    trace.set_tracer_provider(provider)
    sys.exit(main(["run", "--env-file", os.devnull]))
