"""Builds the payloads of interactions, with the fields that Slack sends.

Source: Slack, "block_actions", "view_submission", "view_closed", "Shortcuts" and "Slash commands" payload references.
"""

from collections.abc import Iterator
from typing import Any

from simulator import forms
from simulator.channels import Channel
from simulator.manifest import Shortcut
from simulator.messages import Message
from simulator.people import APP_ID, Person
from simulator.views import View
from simulator.world import World

_REPEATED = ("text", "value", "style", "confirm", "placeholder")
_INITIAL = "initial_"


def command(world: World, person: Person, channel: Channel, name: str, text: str) -> dict[str, Any]:
    """A slash command."""
    return {
        "token": world.verification_token,
        "team_id": world.team.id,
        "team_domain": world.team.domain,
        "channel_id": channel.id,
        "channel_name": _channel(channel)["name"],
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": _response_url(world, user_id=person.id, channel=channel.id),
        "trigger_id": world.triggers.make(person.id),
    }


def suggestion(
    world: World, person: Person, where: Message | View, block: dict[str, Any], element: dict[str, Any], typed: str
) -> dict[str, Any]:
    """Text typed into a menu that asks the app for its options."""
    asked = {"block_id": block["block_id"], "action_id": element["action_id"], "value": typed}
    body = {**_common(world, person, "block_suggestion"), **asked}
    if isinstance(where, View):
        return {**body, "container": {"type": "view", "view_id": where.id}, "view": where.as_slack()}
    channel = _channel(world.channels.find(where.channel))
    return {**body, "container": _container(where), "channel": channel, **_message(world, where)}


def message_action(
    world: World, person: Person, message: Message, values: forms.Values, action: dict[str, Any]
) -> dict[str, Any]:
    """A click or a choice in a message."""
    channel = world.channels.find(message.channel)
    return {
        **_common(world, person, "block_actions"),
        "container": _container(message),
        "trigger_id": world.triggers.make(person.id),
        "channel": _channel(channel),
        "state": {"values": values},
        "response_url": _response_url(
            world, user_id=person.id, channel=channel.id, message_ts=message.ts, thread_ts=message.thread_ts
        ),
        "actions": [action],
        **_message(world, message),
    }


def view_action(world: World, person: Person, view: View, action: dict[str, Any]) -> dict[str, Any]:
    """A click or a choice in a modal or a Home tab."""
    return {
        **_common(world, person, "block_actions"),
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": world.triggers.make(person.id, view_id=view.id),
        "view": view.as_slack(),
        "actions": [action],
    }


def view_submission(world: World, person: Person, view: View) -> dict[str, Any]:
    """A submitted modal."""
    return {
        **_common(world, person, "view_submission"),
        "trigger_id": world.triggers.make(person.id, view_id=view.id),
        "view": view.as_slack(),
        "response_urls": list(_response_urls(world, person, view)),
    }


def view_closed(world: World, person: Person, view: View, *, is_cleared: bool) -> dict[str, Any]:
    """A modal that was closed without submitting it."""
    return {**_common(world, person, "view_closed"), "view": view.as_slack(), "is_cleared": is_cleared}


def global_shortcut(world: World, person: Person, shortcut: Shortcut) -> dict[str, Any]:
    """A global shortcut. It has no channel."""
    return {
        **_common(world, person, "shortcut"),
        "action_ts": world.messages.next_ts(world.clock.now()),
        "callback_id": shortcut.callback_id,
        "trigger_id": world.triggers.make(person.id),
    }


def message_shortcut(world: World, person: Person, shortcut: Shortcut, message: Message) -> dict[str, Any]:
    """A shortcut that was run on a message."""
    return {
        **_common(world, person, "message_action"),
        "action_ts": world.messages.next_ts(world.clock.now()),
        "callback_id": shortcut.callback_id,
        "trigger_id": world.triggers.make(person.id),
        "channel": _channel(world.channels.find(message.channel)),
        "message_ts": message.ts,
        **_message(world, message),
        # The message may be anybody's, so an answer never replaces it. It is a new message that only one person sees.
        "response_url": _response_url(world, user_id=person.id, channel=message.channel, thread_ts=message.thread_ts),
    }


def action(block: dict[str, Any], element: dict[str, Any], chosen: dict[str, Any] | None, ts: str) -> dict[str, Any]:
    """One entry of `actions`: a button with its value, or a select with what was chosen."""
    entry: dict[str, Any] = {
        "type": element["type"],
        "block_id": block["block_id"],
        "action_id": element["action_id"],
        "action_ts": ts,
    }
    entry |= {name: element[name] for name in _REPEATED if name in element}
    entry |= {name: value for name, value in element.items() if name.startswith(_INITIAL)}
    return entry | {k: v for k, v in (chosen or {}).items() if k != "type"}


def _common(world: World, person: Person, kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team_id},
        "api_app_id": APP_ID,
        "token": world.verification_token,
        "team": {"id": world.team.id, "domain": world.team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _container(message: Message) -> dict[str, Any]:
    thread = {"thread_ts": message.thread_ts} if message.thread_ts else {}
    return {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.only_for is not None,
        **thread,
    }


def _message(world: World, message: Message) -> dict[str, Any]:
    """The message of an interaction. Slack leaves it out if the message is ephemeral."""
    if message.only_for is not None:
        return {}
    replies = world.messages.replies(message.channel, message.ts)
    return {"message": message.as_slack(replies=replies, with_metadata=False)}


def _response_urls(world: World, person: Person, view: View) -> Iterator[dict[str, str]]:
    """A response_url for the chosen conversation of each menu that asks for one."""
    for block, element in forms.elements(view.blocks):
        state = view.values.get(block["block_id"], {}).get(element["action_id"], {})
        channel = state.get("selected_conversation") or state.get("selected_channel")
        if element.get("response_url_enabled") and channel:
            url = _response_url(world, user_id=person.id, channel=channel)
            where = {"block_id": block["block_id"], "action_id": element["action_id"]}
            yield {**where, "channel_id": channel, "response_url": url}


def _channel(channel: Channel) -> dict[str, Any]:
    return {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name}


def _response_url(world: World, **where: Any) -> str:
    return f"{world.base_url}/response/{world.response_urls.make(**where)}"
