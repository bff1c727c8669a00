"""reactions.*: emoji at messages (Slack: reactions.add, reactions.get)."""

from collections.abc import Mapping
from typing import Any, Final

from bot.simulator.errors import SlackError
from bot.simulator.messages import Message
from bot.simulator.pace import Tier
from bot.simulator.people import BOT_USER_ID
from bot.simulator.webapi.call import Call, Method


async def add(call: Call) -> dict[str, Any]:
    """The app's emoji at a message."""
    message = _message(call)
    name = call.needed("name").strip(":")
    reactions = dict(message.reactions)
    if BOT_USER_ID in reactions.get(name, ()):
        raise SlackError("already_reacted")
    reactions[name] = (*reactions.get(name, ()), BOT_USER_ID)
    call.world.messages.change(message, reactions=tuple(reactions.items()))
    return {}


async def get(call: Call) -> dict[str, Any]:
    """A message with its emoji."""
    message = _message(call)
    shown = message.as_slack(replies=[], with_metadata=False)
    return {"type": "message", "channel": message.channel, "message": shown}


METHODS: Final[Mapping[str, Method]] = {
    "reactions.add": Method(add, Tier.THREE, ("reactions:write",)),
    "reactions.get": Method(get, Tier.THREE, ("reactions:read",)),
}


def _message(call: Call) -> Message:
    channel = call.joined()
    message = call.world.messages.get(channel.id, call.needed("timestamp"))
    if message is None or message.only_for:
        raise SlackError("message_not_found")
    return message
