"""The event stream of a request, opened again each time that it breaks."""

from __future__ import annotations

import time
from collections.abc import Iterator

from countersign import reading
from countersign.records import Event
from countersign.transport import feed, retries
from countersign.transport.blocking import BROKEN, Blocking
from countersign.transport.wire import Call, NoAnswer, Reply

_SILENCE_SECONDS = 60.0
"""A stream that is silent for longer is taken for broken. The server sends heartbeats more often than that."""


def follow(transport: Blocking, id: str, retry_for: float) -> Iterator[Event]:
    """The request each time that it changes, until it is settled. Raises what `get` raises."""
    path = f"/v1/requests/{id}/events"
    call = Call(method="GET", path=path, timeout=_SILENCE_SECONDS, accept="text/event-stream")
    tries, until = 0, time.monotonic() + retry_for
    while True:
        seconds: float | None = None
        with transport.stream(call) as answer:
            if isinstance(answer, (Reply, NoAnswer)):
                if not retries.worth_another(answer) or time.monotonic() > until:
                    raise retries.error_of(answer)
                seconds = retries.asked_for(answer)
            else:
                try:
                    for sent in feed.events(answer):
                        tries, until = 0, time.monotonic() + retry_for
                        seconds = sent.retry_seconds
                        event = _event(sent)
                        yield event
                        if event.request.settled:
                            return
                except BROKEN:
                    pass  # it is opened again below
        tries += 1
        time.sleep(retries.pause(tries, seconds))


def _event(sent: feed.Sent) -> Event:
    return Event(kind=sent.kind, request=reading.request(reading.json_object(sent.data.encode())))
