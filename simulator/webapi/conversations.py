"""conversations.*: lists conversations, their members and their messages (Slack: "Conversations API")."""

from collections.abc import Mapping
from typing import Any, Final

from simulator import limits
from simulator.errors import SlackError
from simulator.messages import Message
from simulator.pace import Tier
from simulator.people import BOT_USER_ID
from simulator.webapi.call import Call, Method, page

_PREFIX: Final = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}
_KIND: Final = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}


async def open_direct(call: Call) -> dict[str, Any]:
    """Opens, or finds, the direct conversation with one or more people."""
    if call.text("channel"):
        return {"channel": call.channel().as_slack(BOT_USER_ID)}
    users = call.listed("users")
    if not users:
        raise SlackError("users_list_not_supplied")
    if len(users) > limits.DIRECT_PEOPLE:
        raise SlackError("too_many_users")
    call.need_scope("im:write" if len(users) == 1 else "mpim:write")
    for user_id in users:
        person = call.world.people.get(user_id)
        if person is None:
            raise SlackError("user_not_found")
        if person.deleted:
            raise SlackError("user_disabled")
        if person.id == BOT_USER_ID:
            raise SlackError("cannot_dm_bot")
    channel, was_there = call.world.channels.direct((*users, BOT_USER_ID), now=call.world.clock.now())
    if not was_there:
        call.world.feed.add("channel", channel=channel.id)
    shown = channel.as_slack(BOT_USER_ID) if call.flag("return_im") else {"id": channel.id}
    return {"channel": shown, **({"no_op": True, "already_open": True} if was_there else {})}


async def info(call: Call) -> dict[str, Any]:
    """One conversation."""
    channel = call.channel()
    call.need_scope(f"{channel.scope_prefix}:read")
    shown = channel.as_slack(BOT_USER_ID)
    if not call.flag("include_num_members"):
        shown.pop("num_members", None)
    return {"channel": shown}


async def listing(call: Call) -> dict[str, Any]:
    """All conversations of the requested kinds."""
    return _listed(call, member=None)


async def of_user(call: Call) -> dict[str, Any]:
    """The conversations of a person, or of the app."""
    return _listed(call, member=call.person().id if call.text("user") else BOT_USER_ID)


async def mark(call: Call) -> dict[str, Any]:
    """Sets how far the app has read, which nobody sees."""
    call.joined()
    call.needed("ts")
    return {}


def _listed(call: Call, *, member: str | None) -> dict[str, Any]:
    kinds = call.listed("types") or ["public_channel"]
    if not set(kinds) <= _PREFIX.keys():
        raise SlackError("invalid_types")
    for kind in kinds:
        call.need_scope(f"{_PREFIX[kind]}:read")
    wanted = {_KIND[kind] for kind in kinds}
    visible = [
        channel
        for channel in call.world.channels.all()
        if channel.kind in wanted
        and (channel.kind == "channel" or BOT_USER_ID in channel.members)
        and (member is None or member in channel.members)
        and not (call.flag("exclude_archived") and channel.is_archived)
    ]
    shown, metadata = page(visible, call, default=100)
    return {"channels": [channel.as_slack(BOT_USER_ID) for channel in shown], "response_metadata": metadata}


async def members(call: Call) -> dict[str, Any]:
    """The ids of a conversation's members."""
    channel = call.channel()
    call.need_scope(f"{channel.scope_prefix}:read")
    shown, metadata = page(list(channel.members), call, default=100)
    return {"members": shown, "response_metadata": metadata}


async def history(call: Call) -> dict[str, Any]:
    """The messages of a conversation without replies, newest first."""
    channel = call.channel()
    call.need_scope(f"{channel.scope_prefix}:history")
    call.joined()
    posted = [m for m in call.world.messages.all(channel.id) if (not m.is_reply or m.broadcast) and not m.only_for]
    shown, metadata = page([m for m in reversed(posted) if _within(call, m)], call, default=100)
    return {
        "messages": [_shown(call, message) for message in shown],
        "has_more": bool(metadata["next_cursor"]),
        "response_metadata": metadata,
    }


async def replies(call: Call) -> dict[str, Any]:
    """A parent and its replies, oldest first. The parent comes first on every page."""
    channel = call.channel()
    call.need_scope(f"{channel.scope_prefix}:history")
    call.joined()
    asked = call.world.messages.get(channel.id, call.needed("ts"))
    parent = call.world.messages.get(channel.id, asked.thread_ts or asked.ts) if asked else None
    if parent is None or parent.only_for:
        raise SlackError("thread_not_found")
    inside = [m for m in call.world.messages.replies(channel.id, parent.ts) if _within(call, m)]
    shown, metadata = page(inside, call, default=1000)
    return {
        "messages": [_shown(call, message) for message in (parent, *shown)],
        "has_more": bool(metadata["next_cursor"]),
        "response_metadata": metadata,
    }


METHODS: Final[Mapping[str, Method]] = {
    "conversations.open": Method(
        open_direct, Tier.THREE, ("im:write", "mpim:write", "channels:manage", "groups:write")
    ),
    "conversations.info": Method(info, Tier.THREE),
    "conversations.list": Method(listing, Tier.TWO),
    "users.conversations": Method(of_user, Tier.THREE),
    "conversations.mark": Method(mark, Tier.THREE, ("channels:manage", "groups:write", "im:write", "mpim:write")),
    "conversations.members": Method(members, Tier.FOUR),
    "conversations.history": Method(history, Tier.THREE),
    "conversations.replies": Method(replies, Tier.THREE),
}


def _within(call: Call, message: Message) -> bool:
    oldest, latest = call.text("oldest"), call.text("latest")
    if call.flag("inclusive") and message.ts in (oldest, latest):
        return True
    after = oldest is None or float(message.ts) > float(oldest)
    return after and (latest is None or float(message.ts) < float(latest))


def _shown(call: Call, message: Message) -> dict[str, Any]:
    under = call.world.messages.replies(message.channel, message.ts) if not message.is_reply else []
    shown = message.as_slack(replies=under, with_metadata=call.flag("include_all_metadata"))
    if message.is_reply and message.thread_ts:
        parent = call.world.messages.get(message.channel, message.thread_ts)
        shown["parent_user_id"] = parent.user if parent else None
    return shown
