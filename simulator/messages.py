"""All messages: where they were posted, in which thread, and who sees them."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from simulator import limits
from simulator.errors import SlackError
from simulator.feed import Feed
from simulator.people import APP_ID, BOT_ID, BOT_USER_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message in its current form."""

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
    tombstone: bool = False
    """A placeholder for a deleted message that still has replies."""

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
        if self.user != BOT_USER_ID:
            shown["client_msg_id"] = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.channel}/{self.ts}"))
        else:
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
        if self.tombstone:
            shown |= {"subtype": "tombstone", "hidden": True, "user": "USLACKBOT"}
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


def checked_metadata(metadata: Any) -> dict[str, Any] | None:
    """The metadata that an app sent with a message. Raises `SlackError` if Slack would not take it."""
    if not metadata:
        return None
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(metadata).encode()) > limits.METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return {"event_type": metadata["event_type"], "event_payload": metadata["event_payload"]}


@dataclass(slots=True)
class _Shelf:
    """A channel's messages by ts, in the order of their ts, and the ts of each thread's replies."""

    messages: dict[str, Message] = field(default_factory=dict)
    threads: dict[str, list[str]] = field(default_factory=dict)

    def put(self, message: Message) -> None:
        if message.is_reply and message.ts not in self.messages:
            self.threads.setdefault(str(message.thread_ts), []).append(message.ts)
        self.messages[message.ts] = message

    def replies(self, thread_ts: str) -> list[Message]:
        return [self.messages[ts] for ts in self.threads.get(thread_ts, [])]


class Messages:
    """All messages. Each change is added to the feed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._channels: dict[str, _Shelf] = {}
        self._private: dict[str, list[tuple[str, str]]] = {}
        self._last_ts = 0.0

    def next_ts(self, now: float) -> str:
        """A new ts, later than all earlier ones."""
        self._last_ts = max(round(now, 6), round(self._last_ts + 0.000001, 6))
        return f"{self._last_ts:.6f}"

    def add(self, message: Message) -> None:
        """Posts a message."""
        self._shelf(message.channel).put(message)
        if message.only_for is not None:
            self._private.setdefault(message.only_for, []).append((message.channel, message.ts))
        self._tell("message", message)

    def get(self, channel_id: str, ts: str) -> Message | None:
        """The message with that ts."""
        return self._shelf(channel_id).messages.get(ts)

    def change(self, message: Message, **fields: Any) -> Message:
        """Changes these fields of a message and returns it."""
        changed = replace(message, **fields)
        self._shelf(changed.channel).put(changed)
        self._tell("message_changed", changed)
        return changed

    def react(self, message: Message, user_id: str, name: str, *, added: bool) -> Message:
        """Adds or removes this person's emoji. An emoji that nobody has added any more disappears."""
        reactions = dict(message.reactions)
        others = tuple(user for user in reactions.get(name, ()) if user != user_id)
        reactions[name] = (*others, user_id) if added else others
        return self.change(message, reactions=tuple((name, users) for name, users in reactions.items() if users))

    def remove(self, message: Message) -> None:
        """Deletes a message."""
        shelf = self._shelf(message.channel)
        del shelf.messages[message.ts]
        if message.is_reply:
            shelf.threads[str(message.thread_ts)].remove(message.ts)
        self._tell("message_deleted", message)

    def all(self, channel_id: str) -> list[Message]:
        """Every message of a channel, oldest first, including replies and ephemeral messages."""
        return list(self._shelf(channel_id).messages.values())

    def latest(self, channel_id: str) -> Iterator[Message]:
        """Every message of a channel, newest first."""
        return reversed(self._shelf(channel_id).messages.values())

    def private(self, user_id: str) -> list[Message]:
        """The ephemeral messages to this person in all channels, oldest first."""
        there = [self.get(channel_id, ts) for channel_id, ts in self._private.get(user_id, [])]
        return [message for message in there if message is not None]

    def thread(self, channel_id: str, thread_ts: str) -> list[Message]:
        """A parent (if it exists) and its replies, oldest first, including ephemeral ones."""
        shelf = self._shelf(channel_id)
        parent, replies = shelf.messages.get(thread_ts), shelf.replies(thread_ts)
        return [parent, *replies] if parent is not None else replies

    def everywhere(self) -> list[Message]:
        """Every message of every conversation."""
        return [message for channel_id in self._channels for message in self.all(channel_id)]

    def restore(self, messages: list[Message]) -> None:
        """Restores all messages. New messages get a later ts."""
        for message in sorted(messages, key=lambda message: message.ts):
            self._shelf(message.channel).put(message)
            if message.only_for is not None:
                self._private.setdefault(message.only_for, []).append((message.channel, message.ts))
            self._last_ts = float(message.ts)

    def replies(self, channel_id: str, thread_ts: str) -> list[Message]:
        """The replies that everybody sees, oldest first."""
        return [message for message in self._shelf(channel_id).replies(thread_ts) if message.only_for is None]

    def _shelf(self, channel_id: str) -> _Shelf:
        return self._channels.setdefault(channel_id, _Shelf())

    def _tell(self, kind: str, message: Message) -> None:
        self._feed.add(
            kind,
            channel=message.channel,
            ts=message.ts,
            thread_ts=message.thread_ts,
            user=message.user,
            only_for=message.only_for,
        )
