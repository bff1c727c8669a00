"""The ids of all records, as types of their own so that none is mistaken for another; a person; a program; an operator;
a message's place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType, TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

TaskId = NewType("TaskId", str)
ThreadId = NewType("ThreadId", str)
"""The id of LangGraph's conversation, a UUID. Each task has one."""
InterruptId = NewType("InterruptId", str)
RequestId = NewType("RequestId", str)
MessageId = NewType("MessageId", str)
TeamId = NewType("TeamId", str)
UserId = NewType("UserId", str)
ChannelId = NewType("ChannelId", str)
Ts = NewType("Ts", str)
"""Slack's timestamp of a message, always a string."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A Slack account. It takes both ids to name one, because a user id is only meaningful within its workspace."""

    team_id: TeamId
    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that asks through the HTTP API and names no person who asked it to."""

    name: str
    """Its source, such as `billing-service`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Somebody who acts by a command on a machine of the bot. They need no account in Slack."""

    login: str
    """The user who ran the command, on that machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRef:
    """The place of one Slack message."""

    channel: ChannelId
    ts: Ts
