"""chat.schedule*: schedules messages (Slack: the references of these methods)."""

from collections.abc import Mapping
from typing import Any, Final

from simulator import limits
from simulator.errors import SlackError
from simulator.pace import Tier
from simulator.webapi.call import Call, Method, page
from simulator.webapi.chat import drafted


async def schedule(call: Call) -> dict[str, Any]:
    """Schedules a message of the app for `post_at`."""
    post_at, now = call.number("post_at", 0), call.world.clock.now()
    if post_at <= now:
        raise SlackError("time_in_past")
    if post_at > now + limits.SCHEDULE_SECONDS:
        raise SlackError("time_too_far")
    draft = drafted(call)
    near = (one for one in call.world.schedule.all() if one.message.channel == draft.channel)
    if sum(abs(one.post_at - post_at) <= limits.SCHEDULE_WINDOW_SECONDS for one in near) >= limits.SCHEDULE_PER_WINDOW:
        raise SlackError("restricted_too_many")
    scheduled = call.world.schedule.add(draft, post_at)
    shown = {"type": "delayed_message", **draft.as_slack(replies=[], with_metadata=False)}
    return {
        "channel": draft.channel,
        "scheduled_message_id": scheduled.id,
        "post_at": post_at,
        "message": {name: value for name, value in shown.items() if name != "ts"},
    }


async def take_back(call: Call) -> dict[str, Any]:
    """Cancels a scheduled message."""
    call.world.schedule.take_back(call.needed("scheduled_message_id"), call.channel().id)
    return {}


async def listing(call: Call) -> dict[str, Any]:
    """The scheduled messages of one channel, or of all."""
    channel = call.channel().id if call.text("channel") else None
    waiting = [one for one in call.world.schedule.all() if channel in (None, one.message.channel)]
    shown, metadata = page(waiting, call, default=100)
    entries = [
        {
            "id": one.id,
            "channel_id": one.message.channel,
            "post_at": one.post_at,
            "date_created": one.made_at,
            "text": one.message.text,
        }
        for one in shown
    ]
    return {"scheduled_messages": entries, "response_metadata": metadata}


METHODS: Final[Mapping[str, Method]] = {
    "chat.scheduleMessage": Method(schedule, Tier.THREE, ("chat:write",)),
    "chat.deleteScheduledMessage": Method(take_back, Tier.THREE, ("chat:write",)),
    "chat.scheduledMessages.list": Method(listing, Tier.THREE),
}
