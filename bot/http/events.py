"""A request, followed as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from starlette.responses import StreamingResponse

from bot.approvals.model.errors import CountersignError
from bot.approvals.model.ids import TaskId
from bot.approvals.services.call_reading import CallView
from bot.http.bodies import given
from bot.http.problems import Refused
from bot.http.views import is_settled
from bot.http.waiting import Waiters, revision_of

HEARTBEAT_SECONDS: Final = 15.0
"""Proxies close connections on which nothing was sent for a minute."""
RETRY: Final = b"retry: 2000\n\n"
HEARTBEAT: Final = b": waiting\n\n"


class EventStream(StreamingResponse):
    """A stream that no proxy is to keep back."""

    media_type = "text/event-stream"

    def __init__(self, content: AsyncIterator[bytes]) -> None:
        super().__init__(content, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def stream(
    waiters: Waiters,
    task_id: TaskId,
    read: Callable[[], Awaitable[CallView]],
    show: Callable[[CallView], Awaitable[given.Request]],
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> AsyncIterator[bytes]:
    """An event for the request as it is, and one for each change until it is settled.

    If it cannot be read any more, the stream ends. The client connects again then, and is told why.
    """
    yield RETRY
    told = ""
    with waiters.watching(task_id) as watch:
        while True:
            try:
                view = await read()
                request = await show(view)
            except (CountersignError, Refused):
                return
            if (text := request.model_dump_json()) != told:
                told = text
                yield f"event: {request.status}\ndata: {text}\n\n".encode()
            if is_settled(view) or waiters.draining:
                return
            watch.seen = revision_of(view.task, view.records.requests)
            if not await watch.change(heartbeat_seconds):
                yield HEARTBEAT
