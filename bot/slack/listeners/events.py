"""What Slack tells of by itself: messages, mentions, edits, and Homes that are opened.

Slack tells of edits as `message_changed`, and so it does of a link's preview that is added later; of a message with
replies that is deleted, as one that turns into a `tombstone` (Slack: "message_changed", "message_deleted").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.approvals.model.actor import Actor
from bot.approvals.model.ids import ChannelId, MessageRef, Person, TeamId, Ts, UserId
from bot.slack.listeners.acts import Body, Place

_SUBTYPES: Final = frozenset({None, "thread_broadcast", "file_share"})
"""Of messages that a person wrote; the others tell of edits, joins and the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A person's message that says something else now, or is gone."""

    author: Person
    place: Place
    ref: MessageRef
    at: Ts
    """When it was changed, in Slack's time."""
    before: Mapping[str, Any]
    now: Mapping[str, Any] | None
    """The message as it stands; None if it was deleted."""
    direct: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a person did that Slack tells of: they wrote or changed a message, or opened their Home."""

    actor: Actor
    body: Body
    place: Place | None
    """Where they wrote; None if they opened their Home."""
    change: Change | None = None

    @property
    def told(self) -> Mapping[str, Any]:
        """The event itself."""
        told: Mapping[str, Any] = self.body["event"]
        return told

    @property
    def words(self) -> str:
        """What the message says, as Slack marks it up."""
        return str(self.told.get("text") or "")

    @property
    def direct(self) -> bool:
        """Whether it was written in the person's conversation with the bot."""
        return bool(self.told.get("channel_type") == "im")


def channel_of(body: Body) -> ChannelId:
    """The channel that an event about a channel or its members is about."""
    return ChannelId(body["event"]["channel"])


def author_of(body: Body) -> Person:
    """Whose doing an event is; in a channel that is shared with others, their own workspace counts."""
    event = body["event"]
    team = event.get("user_team") or event.get("team") or body["team_id"]
    return Person(team_id=TeamId(team), user_id=UserId(event["user"]))


def author_and_place(body: Body) -> tuple[Person, Place | None] | None:
    """Who did what an event tells of, and where; None if no person did."""
    event = body["event"]
    if (change := change_of(body)) is not None:
        return change.author, change.place
    if not _by_a_person(event):
        return None
    if not event.get("ts"):
        return author_of(body), None
    channel, thread_ts = ChannelId(event["channel"]), event.get("thread_ts")
    message = MessageRef(channel=channel, ts=Ts(event["ts"]))
    return author_of(body), Place(channel=channel, message=message, thread_ts=Ts(thread_ts) if thread_ts else None)


def change_of(body: Body) -> Change | None:
    """The change of a person's words that an event tells of; None if it tells of something else."""
    event = body["event"]
    now, before = event.get("message"), event.get("previous_message") or {}
    if event.get("subtype") == "message_deleted" or (now or {}).get("subtype") == "tombstone":
        now, message = None, before
    elif event.get("subtype") == "message_changed" and now:
        message = now
    else:
        return None
    if not _by_a_person(message) or not message.get("ts"):
        return None
    if now is not None:
        edited = now.get("edited") or {}
        if edited.get("user", now["user"]) != now["user"] or before.get("text") == now.get("text"):
            return None
    channel = ChannelId(event["channel"])
    ref = MessageRef(channel=channel, ts=Ts(message["ts"]))
    thread_ts = message.get("thread_ts")
    return Change(
        author=author_of({**body, "event": message}),
        place=Place(channel=channel, message=ref, thread_ts=Ts(thread_ts) if thread_ts else None),
        ref=ref,
        at=Ts(event.get("ts") or event["event_ts"]),
        before=before,
        now=now,
        direct=event.get("channel_type") == "im",
    )


def _by_a_person(event: Mapping[str, Any]) -> bool:
    """Whether somebody did it: not an app, and not Slack itself."""
    return event.get("subtype") in _SUBTYPES and not event.get("bot_id") and bool(event.get("user"))
