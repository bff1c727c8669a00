"""Messages that are posted at a later time (Slack: chat.scheduleMessage)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from simulator.clock import Clock
from simulator.errors import SlackError
from simulator.messages import Message

_PREFIX = "Q0SCHED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """One scheduled message. It gets its final ts when it is posted."""

    id: str
    post_at: int
    made_at: int
    message: Message


class Schedule:
    """All scheduled messages. A background task posts each; `close` ends these tasks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._post: Callable[[Message], None] | None = None
        self._waiting: dict[str, Scheduled] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._made = 0

    def start(self, post: Callable[[Message], None]) -> None:
        """Starts posting with `post`, including restored messages."""
        self._post = post
        for scheduled in self.all():
            self._wait_for(scheduled)

    def restore(self, waiting: list[Scheduled]) -> None:
        """Restores the scheduled messages. Call it before `start`."""
        self._waiting = {scheduled.id: scheduled for scheduled in waiting}
        self._made = max((int(scheduled.id.removeprefix(_PREFIX)) for scheduled in waiting), default=0)

    def add(self, message: Message, post_at: int) -> Scheduled:
        """Schedules a message."""
        self._made += 1
        scheduled_id, now = f"{_PREFIX}{self._made:04}", int(self._clock.now())
        scheduled = Scheduled(id=scheduled_id, post_at=post_at, made_at=now, message=message)
        self._waiting[scheduled.id] = scheduled
        self._wait_for(scheduled)
        return scheduled

    def take_back(self, scheduled_id: str, channel_id: str) -> None:
        """Cancels a scheduled message. Raises invalid_scheduled_message_id if it is not scheduled there."""
        scheduled = self._waiting.get(scheduled_id)
        if scheduled is None or scheduled.message.channel != channel_id:
            raise SlackError("invalid_scheduled_message_id")
        del self._waiting[scheduled_id]
        self._tasks.pop(scheduled_id).cancel()

    def all(self) -> list[Scheduled]:
        """The scheduled messages, earliest first."""
        return sorted(self._waiting.values(), key=lambda scheduled: scheduled.post_at)

    async def close(self) -> None:
        """Stops posting."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _wait_for(self, scheduled: Scheduled) -> None:
        self._tasks[scheduled.id] = asyncio.get_running_loop().create_task(self._wait(scheduled))

    async def _wait(self, scheduled: Scheduled) -> None:
        await self._clock.sleep(scheduled.post_at - self._clock.now())
        del self._waiting[scheduled.id]
        del self._tasks[scheduled.id]
        if self._post is not None:
            self._post(scheduled.message)
