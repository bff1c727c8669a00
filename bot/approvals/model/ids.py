"""What everything is known by: ids that are never swapped, a person, a place of a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType, TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

TaskId = NewType("TaskId", str)
ThreadId = NewType("ThreadId", str)
"""LangGraph's conversation, a UUID; one per task."""
InterruptId = NewType("InterruptId", str)
RequestId = NewType("RequestId", str)
MessageId = NewType("MessageId", str)
TeamId = NewType("TeamId", str)
UserId = NewType("UserId", str)
ChannelId = NewType("ChannelId", str)
Ts = NewType("Ts", str)
"""Slack's time stamp of a message, always a string."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A Slack account. Both ids count: a user id alone says nothing across workspaces."""

    team_id: TeamId
    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRef:
    """Where one Slack message stands."""

    channel: ChannelId
    ts: Ts
