"""The Events API: sends the events that the app subscribed to, with Slack's retries (Slack: "Events API")."""

import asyncio
import uuid
from dataclasses import replace
from typing import Any

from simulator import limits
from simulator.channels import Channel
from simulator.messages import Message
from simulator.outcomes import Acknowledged, Failed, Late, Outcome, Unconnected
from simulator.people import APP_ID, BOT_USER_ID, Person
from simulator.world import World


class Events:
    """Sends events to the app in background tasks. `close` ends them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: set[asyncio.Task[None]] = set()

    def home_opened(self, user_id: str, tab: str = "home") -> None:
        """app_home_opened, with the view if one was published."""
        channel = self._world.direct(user_id, BOT_USER_ID)
        event: dict[str, Any] = {"type": "app_home_opened", "user": user_id, "channel": channel.id, "tab": tab}
        if view := self._world.views.home(user_id):
            event["view"] = view.as_slack()
        self._emit("app_home_opened", event)

    def post_scheduled(self, message: Message) -> None:
        """Posts a scheduled message. Does nothing if the app may no longer post there."""
        channel = self._heard(message)
        if channel is None or channel.is_archived:
            return
        message = replace(message, ts=self._world.messages.next_ts(self._world.clock.now()))
        self._world.messages.add(message)
        self.posted(message)

    def posted(self, message: Message) -> None:
        """message.*, and app_mention if the app is mentioned. Only in conversations that have the app as a member."""
        channel = self._heard(message)
        if channel is None:
            return
        body = {**_shown(message), "channel": message.channel}
        self._emit(f"message.{_suffix(channel)}", {**body, "channel_type": channel.kind}, channel)
        self.mentioned(message)

    def mentioned(self, message: Message) -> None:
        """app_mention, if the app is mentioned. Slack sends it for edited messages too; those have `edited`."""
        channel = self._heard(message)
        named = f"<@{BOT_USER_ID}>" in message.text and message.user != BOT_USER_ID
        if channel is not None and named and not channel.is_im:
            self._emit("app_mention", {**_shown(message), "channel": message.channel, "type": "app_mention"}, channel)

    def changed(self, message: Message, before: Message) -> None:
        """message_changed: Slack sends it for the app's own edits too."""
        self._hidden("message_changed", message, message=_shown(message), previous_message=_shown(before))

    def deleted(self, message: Message) -> None:
        """message_deleted."""
        self._hidden("message_deleted", message, deleted_ts=message.ts, previous_message=_shown(message))

    def joined(self, channel: Channel, user_id: str, inviter: str | None) -> None:
        """member_joined_channel. Only in conversations that have the app as a member."""
        if BOT_USER_ID not in channel.members:
            return
        event = {**self._member("member_joined_channel", channel, user_id), "inviter": inviter}
        self._emit("member_joined_channel", {k: v for k, v in event.items() if v is not None}, channel)

    def left(self, channel: Channel, user_id: str) -> None:
        """member_left_channel; if the app itself was removed, channel_left or group_left instead."""
        if user_id == BOT_USER_ID:
            kind = f"{channel.kind}_left"
            self._emit(kind, {"type": kind, "channel": channel.id}, channel)
        elif BOT_USER_ID in channel.members:
            self._emit("member_left_channel", self._member("member_left_channel", channel, user_id), channel)

    def archived(self, channel: Channel, by: str) -> None:
        """channel_archive and channel_unarchive, or group_*. Only in conversations that have the app as a member."""
        kind = f"{channel.kind}_{'archive' if channel.is_archived else 'unarchive'}"
        if BOT_USER_ID in channel.members:
            self._emit(kind, {"type": kind, "channel": channel.id, "user": by, "is_moved": 0}, channel)

    def reacted(self, message: Message, user_id: str, name: str, *, added: bool) -> None:
        """reaction_added and reaction_removed."""
        channel = self._heard(message)
        kind = "reaction_added" if added else "reaction_removed"
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        if channel is not None:
            event = {"type": kind, "user": user_id, "reaction": name, "item": item, "item_user": message.user}
            self._emit(kind, event, channel)

    def user_changed(self, person: Person) -> None:
        """user_change, with the current flags."""
        with_email = "users:read.email" in self._world.manifest.scopes
        now = self._world.clock.now()
        shown = person.as_slack(with_email=with_email, now=now)
        event = {"type": "user_change", "user": shown, "cache_ts": int(now)}
        self._emit("user_change", event)

    async def close(self) -> None:
        """Cancels all deliveries that have not ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _hidden(self, subtype: str, subject: Message, /, **fields: Any) -> None:
        channel = self._heard(subject)
        if channel is None:
            return
        now = self._world.messages.next_ts(self._world.clock.now())
        event = {"type": "message", "subtype": subtype, "hidden": True, "channel": channel.id, "ts": now, **fields}
        self._emit(f"message.{_suffix(channel)}", {**event, "channel_type": channel.kind}, channel)

    def _heard(self, message: Message) -> Channel | None:
        channel = self._world.channels.get(message.channel)
        if channel is None or message.only_for is not None or BOT_USER_ID not in channel.members:
            return None
        return channel

    def _member(self, kind: str, channel: Channel, user_id: str) -> dict[str, Any]:
        place = "C" if channel.kind == "channel" else "G"
        team = self._world.people.find(user_id).team_id
        return {"type": kind, "user": user_id, "channel": channel.id, "channel_type": place, "team": team}

    def _emit(self, name: str, event: dict[str, Any], channel: Channel | None = None) -> None:
        manifest = self._world.manifest
        needed = _scopes(name, channel)
        if name not in manifest.events or (needed and needed not in manifest.scopes):
            return
        now = self._world.clock.now()
        team_id = self._world.team.id
        payload = {
            "token": self._world.verification_token,
            "team_id": team_id,
            "context_team_id": team_id,
            "context_enterprise_id": None,
            "api_app_id": APP_ID,
            "event": {**event, "event_ts": event.get("ts") or self._world.messages.next_ts(now)},
            "type": "event_callback",
            "event_id": f"Ev{uuid.uuid4().hex[:10].upper()}",
            "event_time": int(now),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": team_id,
                    "user_id": BOT_USER_ID,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": bool(channel and channel.is_shared),
            "event_context": uuid.uuid4().hex,
        }
        task = asyncio.get_running_loop().create_task(self._deliver(payload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, payload: dict[str, Any]) -> None:
        reason = ""
        for attempt, delay in enumerate((None, *limits.EVENT_RETRY_DELAYS_SECONDS)):
            if delay is not None:
                await self._world.clock.sleep(delay)
            outcome = await self._world.deliver(
                "events_api", payload, accepts_response=False, attempt=attempt, reason=reason
            )
            again = _reason(outcome, over_http=self._world.request_urls.used)
            if again is None:
                return
            reason = again


def _reason(outcome: Outcome, *, over_http: bool) -> str | None:
    """The reason that Slack gives for sending an event again. None if it does not send it again."""
    match outcome:
        case Acknowledged():
            return None
        case Failed(_, may_retry):
            return "http_error" if may_retry else None
        case Late():
            return "http_timeout" if over_http else "timeout"
        case Unconnected():
            return "connection_failed"


def _shown(message: Message) -> dict[str, Any]:
    return message.as_slack(replies=[], with_metadata=False)


def _suffix(channel: Channel) -> str:
    return {"channel": "channels", "group": "groups"}.get(channel.kind, channel.kind)


def _scopes(event: str, channel: Channel | None) -> str | None:
    """The scope that the app needs to get this event (Slack: the references of the events)."""
    family, _, place = event.partition(".")
    match family:
        case "app_mention":
            return "app_mentions:read"
        case "message":
            return f"{place}:history"
        case "reaction_added" | "reaction_removed":
            return "reactions:read"
        case "user_change":
            return "users:read"
        case "app_home_opened":
            return None
        case _:
            return f"{channel.scope_prefix}:read" if channel else None
