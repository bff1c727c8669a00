"""Changes to channels: members and archiving. Each change is sent to the page and to the app."""

from typing import Any

from simulator.channels import Channel
from simulator.events import Events
from simulator.world import World


def join(world: World, events: Events, channel: Channel, user_id: str, *, inviter: str | None = None) -> Channel:
    """Adds a person to the channel. Does nothing if they are already a member."""
    if user_id in channel.members:
        return channel
    changed = change(world, channel, members=(*channel.members, user_id))
    events.joined(changed, user_id, inviter)
    return changed


def leave(world: World, events: Events, channel: Channel, user_id: str) -> Channel:
    """Removes a person from the channel."""
    if user_id not in channel.members:
        return channel
    changed = change(world, channel, members=tuple(member for member in channel.members if member != user_id))
    events.left(changed, user_id)
    return changed


def archive(world: World, events: Events, channel: Channel, by: str, *, archived: bool) -> Channel:
    """Archives or unarchives the channel."""
    changed = change(world, channel, is_archived=archived)
    if archived != channel.is_archived:
        events.archived(changed, by)
    return changed


def change(world: World, channel: Channel, **fields: Any) -> Channel:
    """Sets these fields of the channel. Only the page is told."""
    changed = world.channels.change(channel.id, **fields)
    world.feed.add("channel", channel=channel.id)
    return changed
