"""Slack's messages in memory, behind the `Messenger` port."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime

from bot.approvals.model.ids import ChannelId, MessageId, MessageRef, Person, Ts
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Pending
from bot.approvals.ports.slack import Drawing, MessageGone, View
from tests.support.fakes.pause import Pause


@dataclass(frozen=True)
class FakeDrawing:
    """What a card would say, in a line."""

    kind: MessageKind
    words: str

    @property
    def fingerprint(self) -> str:
        return f"{self.kind}: {self.words}"


@dataclass(frozen=True)
class Message:
    channel: ChannelId
    thread_ts: Ts | None
    message_id: MessageId
    drawing: Drawing


class FakeMessenger:
    def __init__(self) -> None:
        self.messages: dict[MessageRef, Message] = {}
        self.calls: list[str] = []
        self.slack_time: datetime | None = None
        """What Slack's clock says."""
        self.sought_since: list[datetime | None] = []
        self.clicked: set[MessageRef] = set()
        """The messages that can be updated without counting against a limit."""
        self.openings_tell_votes = False
        """Whether an opening looks different after a vote, because it says whose turn it is."""
        self._faults: defaultdict[str, deque[tuple[Exception, bool]]] = defaultdict(deque)
        self._pauses: dict[str, Pause] = {}

    # --- What tests do ----------------------------------------------------------------------------

    def fail(self, call: str, fault: Exception, *, after: bool = False) -> None:
        """The next such call raises; with `after`, once it has done its work."""
        self._faults[call].append((fault, after))

    def pause_at(self, call: str) -> Pause:
        """The next such call waits before it does its work."""
        return self._pauses.setdefault(call, Pause())

    def delete(self, ref: MessageRef) -> None:
        del self.messages[ref]

    def of(self, kind: MessageKind) -> list[Message]:
        return [
            message
            for message in self.messages.values()
            if isinstance(message.drawing, FakeDrawing) and message.drawing.kind is kind
        ]

    # --- The port ---------------------------------------------------------------------------------

    def draw(self, view: View) -> FakeDrawing:
        words = [type(view.task.state).__name__, "current" if view.current else "overtaken"]
        words += [view.doing] if view.doing else []
        if view.request is not None:
            words += [type(view.request.state).__name__, f"v{view.request.version}", f"{len(view.request.votes)} votes"]
        if view.message.kind is MessageKind.OPENING and self.openings_tell_votes:
            asked = [request for request in view.requests if isinstance(request.state, Pending)]
            words += [f"asks with {len(request.votes)} votes" for request in asked]
        return FakeDrawing(kind=view.message.kind, words=", ".join(words))

    async def post(
        self, channel: ChannelId, thread_ts: Ts | None, drawing: Drawing, message_id: MessageId
    ) -> MessageRef:
        late = await self._begin("post")
        ref = MessageRef(channel=channel, ts=Ts(f"1700000000.{len(self.calls):06}"))
        self.messages[ref] = Message(channel=channel, thread_ts=thread_ts, message_id=message_id, drawing=drawing)
        if late is not None:
            raise late
        return ref

    def updates_freely(self, ref: MessageRef) -> bool:
        return ref in self.clicked

    async def update(self, ref: MessageRef, drawing: Drawing) -> None:
        late = await self._begin("update")
        if ref not in self.messages:
            raise MessageGone
        old = self.messages[ref]
        self.messages[ref] = Message(
            channel=old.channel, thread_ts=old.thread_ts, message_id=old.message_id, drawing=drawing
        )
        if late is not None:
            raise late

    async def find(
        self, channel: ChannelId, thread_ts: Ts | None, message_id: MessageId, since: datetime | None
    ) -> tuple[MessageRef, ...]:
        await self._begin("find")
        self.sought_since.append(since)
        return tuple(
            ref
            for ref, message in self.messages.items()
            if (message.channel, message.thread_ts, message.message_id) == (channel, thread_ts, message_id)
        )

    async def close(self, ref: MessageRef) -> None:
        late = await self._begin("close")
        self.messages.pop(ref, None)
        if late is not None:
            raise late

    async def time(self) -> datetime | None:
        return self.slack_time

    async def open_direct(self, person: Person) -> ChannelId:
        await self._begin("open_direct")
        return ChannelId(f"D-{person.user_id}")

    async def _begin(self, call: str) -> Exception | None:
        """Raises an early fault; returns one that is to be raised after the work."""
        self.calls.append(call)
        if (pause := self._pauses.pop(call, None)) is not None:
            await pause.here()
        if not self._faults[call]:
            return None
        fault, after = self._faults[call].popleft()
        if after:
            return fault
        raise fault
