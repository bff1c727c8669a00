"""What people do in Slack, each as a small record: a click, a modal that they sent, a command, a message, a shortcut.

A record holds the `Actor` and reads the rest out of what Slack sent. The guard makes it, a listener is handed it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model.actor import Actor
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import ChannelId, MessageRef, Person, TeamId, Ts, UserId
from bot.approvals.model.request import Request
from bot.slack import actions
from bot.slack.actions import RequestTarget, Target
from bot.slack.blocks import Block
from bot.slack.modals.views import Modal

Body: TypeAlias = Mapping[str, Any]
"""What Slack sent, as Bolt hands it on."""

SECONDS_TO_ANSWER: Final = 2.5
"""How long a click or a modal is worked on before it is answered: Slack waits three seconds for that, and the trigger
that opens a modal lives as long (Slack: trigger_id)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody acted, or where they are told something."""

    channel: ChannelId
    message: MessageRef | None
    thread_ts: Ts | None

    @property
    def root(self) -> MessageRef | None:
        """The message that begins the thread; None if this is no thread."""
        return MessageRef(channel=self.channel, ts=self.thread_ts) if self.thread_ts else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A button that somebody pressed, or a menu in which they chose something."""

    actor: Actor
    body: Body
    client: AsyncWebClient
    until: float
    """When it has to be answered, in the event loop's time."""

    @property
    def pressed(self) -> Mapping[str, Any]:
        """The button or the menu."""
        pressed: Mapping[str, Any] = self.body["actions"][0]
        return pressed

    @property
    def action_id(self) -> str:
        return str(self.pressed["action_id"])

    @property
    def option(self) -> str:
        """What was chosen in a menu."""
        return str(self.pressed["selected_option"]["value"])

    @property
    def target(self) -> Target:
        """What the button is about."""
        return actions.target(str(self.pressed["value"]))

    @property
    def request(self) -> RequestTarget:
        """The request that the button is about."""
        return actions.request_target(str(self.pressed["value"]))

    @property
    def view(self) -> Mapping[str, Any]:
        """The modal in which it was pressed."""
        view: Mapping[str, Any] = self.body["view"]
        return view

    @property
    def metadata(self) -> str:
        """That of the modal."""
        return str(self.view["private_metadata"])

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """Raises `Unreachable` once it is too late to open a modal."""
        try:
            async with asyncio.timeout_at(self.until):
                yield
        except TimeoutError:
            raise Unreachable from None

    def remembering(self, view: Modal, request: Request) -> Modal:
        """The modal, which remembers the message from which it is opened, also through another modal."""
        target = replace(RequestTarget.of(request), message=clicked_on(self.body))
        return {**view, "private_metadata": target.encoded()}

    async def open(self, view: Modal) -> None:
        """Open the modal; on top of the one in which the button was pressed, so that closing it leads back there."""
        if in_modal(self.body) is None:
            await self.client.views_open(trigger_id=self.body["trigger_id"], view=view)
        else:
            await self.client.views_push(trigger_id=self.body["trigger_id"], view=view)

    async def turn(self, view: Modal) -> None:
        """Show this modal in the place of the one in which the button was pressed."""
        await self.client.views_update(view_id=self.view["id"], hash=self.view["hash"], view=view)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A modal that somebody sent."""

    actor: Actor
    body: Body

    @property
    def target(self) -> RequestTarget:
        """The request that the modal is about, in the version that it showed."""
        return actions.request_target(self.metadata)

    @property
    def metadata(self) -> str:
        return str(self.body["view"]["private_metadata"])

    @property
    def below(self) -> str:
        """The id of the modal below this one. Empty if there is none."""
        return str(self.body["view"].get("previous_view_id") or "")

    @property
    def state(self) -> Mapping[str, Any]:
        """What the fields hold."""
        state: Mapping[str, Any] = self.body["view"]["state"]
        return state


def origin_of(body: Body) -> str:
    """What starts the task that this command or submission starts (`Tasks.start`): if the same request comes again,
    even to another process, it starts no other one. Slack makes a new trigger id each time that somebody acts."""
    trigger = body.get("trigger_id")
    return f"trigger {trigger}" if trigger else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A slash command that somebody sent."""

    actor: Actor
    body: Body
    client: AsyncWebClient

    @property
    def line(self) -> str:
        """What follows the command."""
        return str(self.body.get("text", ""))

    @property
    def channel(self) -> ChannelId:
        return ChannelId(self.body["channel_id"])

    async def open(self, view: Modal) -> None:
        await self.client.views_open(trigger_id=self.body["trigger_id"], view=view)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a command is answered with, for the person who sent it alone; without blocks, the text in mrkdwn."""

    text: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """A shortcut that somebody chose on a message."""

    actor: Actor
    body: Body
    client: AsyncWebClient

    @property
    def words(self) -> str:
        """What the message says, as Slack marks it up."""
        return str(self.body["message"].get("text") or "")

    @property
    def place(self) -> Place:
        """The thread of the message."""
        message = self.body["message"]
        channel = ChannelId(self.body["channel"]["id"])
        return Place(channel=channel, message=None, thread_ts=Ts(message.get("thread_ts") or message["ts"]))

    async def open(self, view: Modal) -> None:
        await self.client.views_open(trigger_id=self.body["trigger_id"], view=view)


# --- Who, and on what ---------------------------------------------------------------------------


def person_of(body: Body) -> Person:
    """Who acted: out of the body alone. Bolt's own context has the wrong team for a person of another workspace."""
    user = body.get("user")
    if isinstance(user, Mapping):
        team = user.get("team_id") or (body.get("team") or {}).get("id", "")
        return Person(team_id=TeamId(team), user_id=UserId(user["id"]))
    return Person(team_id=TeamId(body["team_id"]), user_id=UserId(body["user_id"]))


def on_home(body: Body) -> bool:
    """Whether a button of the person's Home was pressed."""
    return bool((body.get("view") or {}).get("type") == "home")


def in_modal(body: Body) -> str | None:
    """The id of the modal in which a button was pressed; None elsewhere."""
    view = body.get("view") or {}
    return str(view["id"]) if view.get("type") == "modal" and body.get("type") == "block_actions" else None


def place_of(body: Body) -> Place | None:
    """Where the message stands whose button was pressed; None in a modal."""
    container = body.get("container") or {}
    channel = container.get("channel_id") or (body.get("channel") or {}).get("id")
    if not channel:
        return None
    ts = container.get("message_ts")
    thread_ts = container.get("thread_ts") or (body.get("message") or {}).get("thread_ts")
    return Place(
        channel=ChannelId(channel),
        message=MessageRef(channel=ChannelId(channel), ts=Ts(ts)) if ts else None,
        thread_ts=Ts(thread_ts) if thread_ts else None,
    )


def about(body: Body) -> RequestTarget | None:
    """The request that a button or a modal is about, as it was shown there. None if it is about none."""
    pressed = (body.get("actions") or [{}])[0]
    for written in (pressed.get("value"), (body.get("view") or {}).get("private_metadata")):
        try:
            return actions.request_target(str(written or ""))
        except ValueError:
            continue
    return None


def address_of(body: Body) -> tuple[MessageRef, str] | None:
    """The message on which a button was pressed, and the address that Slack sent with the click; a secret. None
    elsewhere, and for a message that one person alone sees: such a message is never updated."""
    place, url = place_of(body), body.get("response_url")
    if body.get("type") != "block_actions" or place is None or place.message is None or not url:
        return None
    return None if (body.get("container") or {}).get("is_ephemeral") else (place.message, str(url))


def clicked_on(body: Body) -> MessageRef | None:
    """The message that somebody acted on, or from which they opened the modal that they acted in."""
    place = place_of(body)
    if place is not None:
        return place.message
    metadata = str((body.get("view") or {}).get("private_metadata", ""))
    try:
        target = actions.target(metadata)
    except ValueError:  # a modal that is about no request: it is opened by a command, or on the Home
        return None
    return target.message if isinstance(target, RequestTarget) else None
