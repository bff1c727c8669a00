"""Where a piece of work is found among traces."""

from __future__ import annotations

import re
from typing import Final, NewType

Trace = NewType("Trace", str)
"""A `traceparent` of W3C Trace Context, such as `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`."""
_FORM: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def trace_of(header: str | None) -> Trace | None:
    """The trace that a program's `traceparent` header names. None if there is no header, or if it is malformed: the
    standard says that such a header is ignored."""
    if header is None or not _FORM.fullmatch(header):
        return None
    return Trace(header)
