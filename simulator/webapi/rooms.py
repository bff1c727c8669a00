"""conversations.*: the methods that change channels (Slack: the references of these methods)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from simulator import limits, membership
from simulator.channels import Channel
from simulator.errors import SlackError
from simulator.pace import Tier
from simulator.people import BOT_USER_ID
from simulator.webapi.call import Call, Method

_NAME: Final = re.compile(r"[a-z0-9_-]+")
_MANAGE: Final = {"channel": "channels:manage", "group": "groups:write", "im": "im:write", "mpim": "mpim:write"}


async def create(call: Call) -> dict[str, Any]:
    """Creates a channel with the app as a member."""
    private = call.flag("is_private")
    call.need_scope("groups:write" if private else "channels:manage")
    name = _name(call)
    channel = call.world.channels.make(
        name, members=(BOT_USER_ID,), is_private=private, created=int(call.world.clock.now())
    )
    call.world.feed.add("channel", channel=channel.id)
    return _shown(channel)


async def join(call: Call) -> dict[str, Any]:
    """The app joins a public channel."""
    channel = call.channel()
    if channel.kind != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    if BOT_USER_ID in channel.members:
        return {**_shown(channel), "warning": "already_in_channel"}
    return _shown(membership.join(call.world, call.events, channel, BOT_USER_ID))


async def invite(call: Call) -> dict[str, Any]:
    """Invites people to a channel."""
    channel = _managed(call, "channels:write.invites", "groups:write.invites")
    users = call.listed("users")
    if not users:
        raise SlackError("no_user")
    for user_id in users:
        person = call.world.people.get(user_id)
        if person is None or person.deleted:
            raise SlackError("user_not_found")
        if person.id == BOT_USER_ID:
            raise SlackError("cant_invite_self")
        if person.id in channel.members:
            raise SlackError("already_in_channel")
    for user_id in users:
        channel = membership.join(call.world, call.events, channel, user_id, inviter=BOT_USER_ID)
    return _shown(channel)


async def kick(call: Call) -> dict[str, Any]:
    """Removes a person from a channel."""
    channel = _managed(call)
    person = call.person()
    if person.id == BOT_USER_ID:
        raise SlackError("cant_kick_self")
    if channel.name == "general":
        raise SlackError("cant_kick_from_general")
    if person.id not in channel.members:
        raise SlackError("not_in_channel")
    membership.leave(call.world, call.events, channel, person.id)
    return {}


async def leave(call: Call) -> dict[str, Any]:
    """The app leaves a channel."""
    channel = call.channel()
    call.need_scope(_MANAGE[channel.kind])
    if channel.name == "general":
        raise SlackError("cant_leave_general")
    if BOT_USER_ID not in channel.members:
        return {"not_in_channel": True}
    membership.leave(call.world, call.events, channel, BOT_USER_ID)
    return {}


async def archive(call: Call) -> dict[str, Any]:
    """Archives a channel."""
    channel = call.joined()
    call.need_scope(_MANAGE[channel.kind])
    if channel.name == "general":
        raise SlackError("cant_archive_general")
    if channel.is_archived:
        raise SlackError("already_archived")
    membership.archive(call.world, call.events, channel, BOT_USER_ID, archived=True)
    return {}


async def unarchive(call: Call) -> dict[str, Any]:
    """Unarchives a channel."""
    channel = call.joined()
    call.need_scope(_MANAGE[channel.kind])
    if not channel.is_archived:
        raise SlackError("not_archived")
    membership.archive(call.world, call.events, channel, BOT_USER_ID, archived=False)
    return {}


async def rename(call: Call) -> dict[str, Any]:
    """Renames a channel."""
    channel = _managed(call)
    return _shown(membership.change(call.world, channel, name=_name(call)))


async def set_topic(call: Call) -> dict[str, Any]:
    """Sets a channel's topic."""
    channel = _managed(call, "channels:write.topic", "groups:write.topic")
    return _shown(membership.change(call.world, channel, topic=_words(call, "topic")))


async def set_purpose(call: Call) -> dict[str, Any]:
    """Sets a channel's purpose."""
    channel = _managed(call, "channels:write.topic", "groups:write.topic")
    return _shown(membership.change(call.world, channel, purpose=_words(call, "purpose")))


METHODS: Final[Mapping[str, Method]] = {
    "conversations.create": Method(create, Tier.TWO),
    "conversations.join": Method(join, Tier.THREE, ("channels:join",)),
    "conversations.invite": Method(invite, Tier.THREE),
    "conversations.kick": Method(kick, Tier.THREE),
    "conversations.leave": Method(leave, Tier.THREE),
    "conversations.archive": Method(archive, Tier.TWO),
    "conversations.unarchive": Method(unarchive, Tier.TWO),
    "conversations.rename": Method(rename, Tier.TWO),
    "conversations.setTopic": Method(set_topic, Tier.TWO),
    "conversations.setPurpose": Method(set_purpose, Tier.TWO),
}


def _managed(call: Call, *narrower: str) -> Channel:
    """The channel, if it is not archived, the app is a member, and the app has a scope that allows the change."""
    channel = call.joined()
    if channel.is_im or channel.is_mpim:
        raise SlackError("method_not_supported_for_channel_type")
    call.need_scope(_MANAGE[channel.kind], *(scope for scope in narrower if scope.startswith(channel.scope_prefix)))
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def _name(call: Call) -> str:
    name = call.text("name")
    if name is None:
        raise SlackError("invalid_name_required")
    if len(name) > limits.CHANNEL_NAME:
        raise SlackError("invalid_name_maxlength")
    if not _NAME.fullmatch(name):
        raise SlackError("invalid_name_specials")
    if not name.strip("_-"):
        raise SlackError("invalid_name_punctuation")
    if call.world.channels.named(name) is not None:
        raise SlackError("name_taken")
    return name


def _words(call: Call, name: str) -> str:
    words = call.text(name) or ""
    if len(words) > limits.CHANNEL_TOPIC:
        raise SlackError("too_long")
    return words


def _shown(channel: Channel) -> dict[str, Any]:
    return {"channel": channel.as_slack(BOT_USER_ID)}
