"""Server-sent events: lines -> events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One event as it arrived."""

    kind: str
    data: str
    retry_seconds: float | None = None
    """After how long the server wants to be called again, if it said so before this event."""


def events(lines: Iterable[bytes]) -> Iterator[Sent]:
    """The events of a stream. Comments are heartbeats, and are passed over."""
    kind = ""
    retry: float | None = None
    data: list[str] = []
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not line:
            if data:
                yield Sent(kind=kind or "message", data="\n".join(data), retry_seconds=retry)
            kind, data = "", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif name == "retry" and value.isascii() and value.isdigit():
            retry = float(value) / 1000
