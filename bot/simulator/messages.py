"""Messages: what was posted where, who sees it, in which thread."""

from dataclasses import dataclass, field, replace
from typing import Any

from bot.simulator.feed import Feed
from bot.simulator.people import APP_ID, BOT_ID, BOT_USER_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it stands now."""

    channel: str
    ts: str
    user: str
    team: str
    text: str
    blocks: list[dict[str, Any]] | None = None
    attachments: list[dict[str, Any]] | None = None
    thread_ts: str | None = None
    metadata: dict[str, Any] | None = None
    only_for: str | None = None
    edited: str | None = None
    broadcast: bool = False
    reactions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    files: tuple[dict[str, Any], ...] = ()
    name: str | None = None

    @property
    def is_reply(self) -> bool:
        """Whether it belongs in a thread rather than in the channel."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    def as_slack(self, *, replies: "list[Message]", with_metadata: bool) -> dict[str, Any]:
        """The message object of conversations.history (Slack: "Message payloads")."""
        shown: dict[str, Any] = {
            "type": "message",
            "user": self.user,
            "ts": self.ts,
            "text": self.text,
            "team": self.team,
        }
        if self.user == BOT_USER_ID:
            shown |= {"bot_id": BOT_ID, "app_id": APP_ID, "bot_profile": {"id": BOT_ID, "app_id": APP_ID}}
        for name in ("blocks", "attachments", "thread_ts"):
            if (value := getattr(self, name)) is not None:
                shown[name] = value
        if self.name:
            shown["username"] = self.name
        if self.files:
            shown["files"] = list(self.files)
        if self.edited:
            shown["edited"] = {"user": self.user, "ts": self.edited}
        if self.reactions:
            shown["reactions"] = [{"name": n, "users": list(u), "count": len(u)} for n, u in self.reactions]
        if self.broadcast:
            shown["subtype"] = "thread_broadcast"
        if replies:
            shown |= {
                "thread_ts": self.ts,
                "reply_count": len(replies),
                "reply_users": list(dict.fromkeys(reply.user for reply in replies)),
                "reply_users_count": len({reply.user for reply in replies}),
                "latest_reply": replies[-1].ts,
            }
        if with_metadata and self.metadata:
            shown["metadata"] = self.metadata
        return shown


@dataclass(slots=True)
class _Shelf:
    messages: dict[str, Message] = field(default_factory=dict)


class Messages:
    """All messages, each change told to the feed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._channels: dict[str, _Shelf] = {}
        self._last_ts = 0.0

    def next_ts(self, now: float) -> str:
        """A ts of its own, later than all before it."""
        self._last_ts = max(round(now, 6), round(self._last_ts + 0.000001, 6))
        return f"{self._last_ts:.6f}"

    def add(self, message: Message) -> None:
        """Posts a message."""
        self._shelf(message.channel)[message.ts] = message
        self._tell("message", message)

    def get(self, channel_id: str, ts: str) -> Message | None:
        """The message with that ts."""
        return self._shelf(channel_id).get(ts)

    def change(self, message: Message, **fields: Any) -> Message:
        """The message with these fields changed."""
        changed = replace(message, **fields)
        self._shelf(changed.channel)[changed.ts] = changed
        self._tell("message_changed", changed)
        return changed

    def remove(self, message: Message) -> None:
        """Deletes a message."""
        del self._shelf(message.channel)[message.ts]
        self._tell("message_deleted", message)

    def all(self, channel_id: str) -> list[Message]:
        """Every message of a channel, the oldest first, replies and ephemeral ones too."""
        return sorted(self._shelf(channel_id).values(), key=lambda message: message.ts)

    def everywhere(self) -> list[Message]:
        """Every message of every conversation."""
        return [message for channel_id in self._channels for message in self.all(channel_id)]

    def restore(self, messages: list[Message]) -> None:
        """Every message as it was; new ones come after them."""
        for message in messages:
            self._shelf(message.channel)[message.ts] = message
            self._last_ts = max(self._last_ts, float(message.ts))

    def replies(self, channel_id: str, thread_ts: str) -> list[Message]:
        """The replies that everybody sees, the oldest first."""
        return [m for m in self.all(channel_id) if m.is_reply and m.thread_ts == thread_ts and m.only_for is None]

    def _shelf(self, channel_id: str) -> dict[str, Message]:
        return self._channels.setdefault(channel_id, _Shelf()).messages

    def _tell(self, kind: str, message: Message) -> None:
        self._feed.add(
            kind,
            channel=message.channel,
            ts=message.ts,
            thread_ts=message.thread_ts,
            user=message.user,
            only_for=message.only_for,
        )
