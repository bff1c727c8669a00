"""reactions.*: emoji on messages (Slack: reactions.add, reactions.remove, reactions.get, reactions.list)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from simulator import limits
from simulator.errors import SlackError
from simulator.messages import Message
from simulator.pace import Tier
from simulator.people import BOT_USER_ID
from simulator.webapi.call import Call, Method, page

_EMOJI: Final = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


async def add(call: Call) -> dict[str, Any]:
    """Adds the app's emoji to a message."""
    message, name = _message(call), _name(call)
    reactions = dict(message.reactions)
    if BOT_USER_ID in reactions.get(name, ()):
        raise SlackError("already_reacted")
    if name not in reactions and len(reactions) >= limits.EMOJI_PER_MESSAGE:
        raise SlackError("too_many_emoji")
    changed = call.world.messages.react(message, BOT_USER_ID, name, added=True)
    call.events.reacted(changed, BOT_USER_ID, name, added=True)
    return {}


async def remove(call: Call) -> dict[str, Any]:
    """Removes the app's emoji from a message."""
    message, name = _message(call), _name(call)
    if BOT_USER_ID not in dict(message.reactions).get(name, ()):
        raise SlackError("no_reaction")
    changed = call.world.messages.react(message, BOT_USER_ID, name, added=False)
    call.events.reacted(changed, BOT_USER_ID, name, added=False)
    return {}


async def listing(call: Call) -> dict[str, Any]:
    """The messages with an emoji by this person, or by the app, newest first."""
    user_id = call.person().id if call.text("user") else BOT_USER_ID
    channels = [channel for channel in call.world.channels.all() if BOT_USER_ID in channel.members]
    reacted = [
        message
        for channel in channels
        for message in call.world.messages.all(channel.id)
        if any(user_id in users for _, users in message.reactions)
    ]
    shown, metadata = page(sorted(reacted, key=lambda message: message.ts, reverse=True), call, default=100)
    items = [
        {"type": "message", "channel": m.channel, "message": m.as_slack(replies=[], with_metadata=False)} for m in shown
    ]
    return {"items": items, "response_metadata": metadata}


async def get(call: Call) -> dict[str, Any]:
    """A message with its emoji."""
    message = _message(call)
    shown = message.as_slack(replies=[], with_metadata=False)
    return {"type": "message", "channel": message.channel, "message": shown}


METHODS: Final[Mapping[str, Method]] = {
    "reactions.add": Method(add, Tier.THREE, ("reactions:write",)),
    "reactions.remove": Method(remove, Tier.TWO, ("reactions:write",)),
    "reactions.list": Method(listing, Tier.TWO, ("reactions:read",)),
    "reactions.get": Method(get, Tier.THREE, ("reactions:read",)),
}


def _name(call: Call) -> str:
    name = (call.text("name") or "").strip(":")
    if not _EMOJI.fullmatch(name):
        raise SlackError("invalid_name")
    return name


def _message(call: Call) -> Message:
    channel = call.joined()
    message = call.world.messages.get(channel.id, call.needed("timestamp"))
    if message is None or message.only_for:
        raise SlackError("message_not_found")
    return message
