"""The workspace's conversations: channels, private channels, direct messages."""

from dataclasses import dataclass, replace
from typing import Any

from simulator.errors import UnknownPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One conversation."""

    id: str
    name: str
    members: tuple[str, ...]
    is_private: bool = False
    is_im: bool = False
    is_mpim: bool = False
    is_archived: bool = False
    is_shared: bool = False
    topic: str = ""
    purpose: str = ""
    created: int = 0

    @property
    def kind(self) -> str:
        """`channel`, `group`, `im` or `mpim`, as in Slack's scopes and message events."""
        if self.is_im:
            return "im"
        if self.is_mpim:
            return "mpim"
        return "group" if self.is_private else "channel"

    @property
    def scope_prefix(self) -> str:
        """The first part of its scopes: `channels`, `groups`, `im` or `mpim`."""
        return {"channel": "channels", "group": "groups"}.get(self.kind, self.kind)

    def as_slack(self, viewer: str) -> dict[str, Any]:
        """The conversation object as conversations.info shows it to one member (Slack: "Conversation object")."""
        if self.is_im:
            other = next((member for member in self.members if member != viewer), viewer)
            return {
                "id": self.id,
                "created": self.created,
                "is_im": True,
                "is_archived": self.is_archived,
                "is_org_shared": False,
                "user": other,
                "is_user_deleted": False,
                "is_open": True,
            }
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "created": self.created,
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_im": False,
            "is_mpim": self.is_mpim,
            "is_private": self.is_private or self.is_mpim,
            "is_archived": self.is_archived,
            "is_general": self.name == "general",
            "is_shared": self.is_shared,
            "is_ext_shared": self.is_shared,
            "is_org_shared": False,
            "is_pending_ext_shared": False,
            "is_member": viewer in self.members,
            "num_members": len(self.members),
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": self.purpose, "creator": "", "last_set": 0},
        }


class Channels:
    """All conversations. Direct ones are created at their first use."""

    def __init__(self, channels: tuple[Channel, ...]) -> None:
        self._channels = {channel.id: channel for channel in channels}

    def restore(self, channels: list[Channel]) -> None:
        """Restores all conversations."""
        self._channels = {channel.id: channel for channel in channels}

    def get(self, channel_id: str) -> Channel | None:
        """The conversation with that id."""
        return self._channels.get(channel_id)

    def named(self, name: str) -> Channel | None:
        """The channel with that name, with or without `#`. Direct messages have no name."""
        wanted = name.removeprefix("#")
        return next((c for c in self._channels.values() if c.name == wanted and not c.is_im and not c.is_mpim), None)

    def find(self, id_or_name: str) -> Channel:
        """The conversation with that id or name. Raises `UnknownPlace` if there is none."""
        found = self.get(id_or_name) or self.named(id_or_name)
        if found is None:
            raise UnknownPlace(f"no such channel: {id_or_name}")
        return found

    def all(self) -> list[Channel]:
        """Every conversation, oldest first."""
        return list(self._channels.values())

    def make(self, name: str, *, members: tuple[str, ...], is_private: bool, created: int) -> Channel:
        """Creates a channel."""
        number = len(self._channels) + 1
        made = Channel(
            id=f"{'G' if is_private else 'C'}0MADE{number:04}",
            name=name,
            members=members,
            is_private=is_private,
            created=created,
        )
        self._channels[made.id] = made
        return made

    def direct(self, members: tuple[str, ...], *, now: float) -> tuple[Channel, bool]:
        """The direct conversation of these people, and whether it existed before."""
        wanted = frozenset(members)
        for channel in self._channels.values():
            if (channel.is_im or channel.is_mpim) and frozenset(channel.members) == wanted:
                return channel, True
        number = sum(1 for c in self._channels.values() if c.is_im or c.is_mpim) + 1
        is_im = len(wanted) <= 2
        made = Channel(
            id=f"{'D' if is_im else 'G'}0DIRECT{number:03}",
            name="" if is_im else f"mpdm-{number}",
            members=members,
            is_im=is_im,
            is_mpim=not is_im,
            created=int(now),
        )
        self._channels[made.id] = made
        return made, False

    def change(self, id_or_name: str, **fields: Any) -> Channel:
        """Sets these fields of a conversation and returns it."""
        changed = replace(self.find(id_or_name), **fields)
        self._channels[changed.id] = changed
        return changed
