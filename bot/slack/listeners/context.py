"""What the listeners work with, and how a person gets an answer to each thing they do."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import ClientError
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.approvals.inbox.home import Homes
from bot.approvals.inbox.queries import Inboxes
from bot.approvals.inbox.summaries import Summaries
from bot.approvals.model.actor import Actor
from bot.approvals.model.errors import CountersignError
from bot.approvals.model.ids import ChannelId, MessageId, MessageRef, Person, TeamId, Ts, UserId
from bot.approvals.model.request import Request
from bot.approvals.ports.engine import Engine
from bot.approvals.ports.slack import NotNow, PlaceGone
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock
from bot.approvals.services.messages.masked import Masking
from bot.approvals.services.side_actions import SideActions
from bot.approvals.services.tasks import Tasks
from bot.approvals.services.votes import Votes
from bot.slack import actions, text
from bot.slack.api.directory import SlackDirectory
from bot.slack.api.messenger import SlackMessenger
from bot.slack.api.names import Names
from bot.slack.modals import views
from bot.slack.modals.views import Modal

log = logging.getLogger(__name__)

Body: TypeAlias = Mapping[str, Any]
"""What Slack sent, as Bolt hands it on."""
Say: TypeAlias = Callable[[str], Awaitable[None]]
"""Tells one sentence to the person who acted, and to nobody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    tasks: Tasks
    answers: Votes
    asides: SideActions
    engine: Engine
    storage: Storage
    messenger: SlackMessenger
    masking: Masking
    directory: SlackDirectory
    names: Names
    inboxes: Inboxes
    homes: Homes
    summaries: Summaries
    clock: Clock
    me: UserId
    """Whom people mention when they mean the bot."""
    address: str
    """Of the workspace's pages, for links to messages."""
    busy: Callable[[], AbstractAsyncContextManager[None]]
    """Held while an action is worked on, so that a shutdown waits for it: Bolt itself waits for none."""

    async def shown(self, request: Request) -> Request:
        """The request with its secrets masked, to be drawn: nothing of another one is put before anybody."""
        return self.masking.request(await self.storage.task(request.task_id), request)

    def modal(self, view: Modal) -> Modal:
        """A form whose labels, hints and options hold no secret either. What fields hold is masked when they are
        drawn: a form has to know what was left as it was."""
        shown: Modal = _masked(view, self.masking.text)
        return shown

    def whisper(self, body: Body) -> Say:
        """Tell the person in private, where they acted; through the action's own address where the rate of private
        messages is used up. Where there is no conversation, on their Home, in a modal; what was done in a modal is
        answered in its place."""
        person, place = person_of(body), place_of(body)
        if on_home(body):
            return self._before(person, str(body["trigger_id"]))
        if (view_id := in_modal(body)) is not None:
            return self._within(person, view_id)

        async def say(sentence: str) -> None:
            if place is not None and await self.messenger.tell(person, place.channel, place.thread_ts, sentence):
                return
            if not await _answer_at(str(body.get("response_url") or ""), place, sentence):
                log.warning("%s could not be told, neither in the channel nor at the action's address", person.user_id)

        return say

    def aside(self, person: Person, place: Place | None = None) -> Say:
        """Tell somebody in private who pressed nothing: there, or in their conversation with the bot."""

        async def say(sentence: str) -> None:
            try:
                where = place or Place(channel=await self.messenger.open_direct(person), message=None, thread_ts=None)
            except (NotNow, PlaceGone) as gone:
                log.warning("%s could not be told: %s", person.user_id, gone)
                return
            if not await self.messenger.tell(person, where.channel, where.thread_ts, sentence):
                log.warning("%s could not be told in %s", person.user_id, where.channel)

        return say

    def _before(self, person: Person, trigger_id: str) -> Say:
        """Tell them in a modal, while the trigger of what they pressed lives; else beside."""

        async def say(sentence: str) -> None:
            shown = views.notice("About your click", self.masking.text(sentence))
            if not await self.messenger.put_before(trigger_id, shown):
                await self.aside(person)(sentence)

        return say

    def _within(self, person: Person, view_id: str) -> Say:
        """Tell them in the place of the modal in which they pressed a button; else beside."""

        async def say(sentence: str) -> None:
            if not await self.messenger.put_in(view_id, views.notice("About your click", sentence)):
                await self.aside(person)(sentence)

        return say


def _masked(drawn: Any, mask: Callable[[str], str]) -> Any:
    match drawn:
        case {"type": "plain_text" | "mrkdwn" | "text", "text": str() as words}:
            return {**drawn, "text": mask(words)}
        case dict():
            return {key: _masked(value, mask) for key, value in drawn.items()}
        case list():
            return [_masked(each, mask) for each in drawn]
        case _:
            return drawn


async def _answer_at(url: str, place: Place | None, sentence: str) -> bool:
    """Say it at the address that came with the action (Slack: five uses within 30 minutes)."""
    if not url:
        return False
    thread = {"thread_ts": place.thread_ts} if place is not None and place.thread_ts else {}
    said = {"text": sentence, "response_type": "ephemeral", "replace_original": False, **thread}
    try:
        return (await AsyncWebhookClient(url, timeout=5, retry_handlers=[]).send_dict(said)).status_code == 200
    except (OSError, TimeoutError, ClientError) as error:
        log.warning("an action's own address did not answer: %s", type(error).__name__)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody pressed a button."""

    channel: ChannelId
    message: MessageRef | None
    thread_ts: Ts | None


def person_of(body: Body) -> Person:
    """Who acted: out of the body alone. Bolt's own context has the wrong team for a person of another workspace."""
    user = body.get("user")
    if isinstance(user, Mapping):
        team = user.get("team_id") or (body.get("team") or {}).get("id", "")
        return Person(team_id=TeamId(team), user_id=UserId(user["id"]))
    return Person(team_id=TeamId(body["team_id"]), user_id=UserId(body["user_id"]))


def author_of(body: Body) -> Person:
    """Whose doing an event is; in a channel that is shared with others, their own workspace counts."""
    event = body["event"]
    team = event.get("user_team") or event.get("team") or body["team_id"]
    return Person(team_id=TeamId(team), user_id=UserId(event["user"]))


def on_home(body: Body) -> bool:
    """Whether a button of the person's Home was pressed."""
    return bool((body.get("view") or {}).get("type") == "home")


def in_modal(body: Body) -> str | None:
    """The id of the modal in which a button was pressed; None elsewhere."""
    view = body.get("view") or {}
    return str(view["id"]) if view.get("type") == "modal" and body.get("type") == "block_actions" else None


def place_of(body: Body) -> Place | None:
    """The message whose button was pressed; None in a modal."""
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


async def message_of(parts: Parts, body: Body) -> MessageId | None:
    """The message that somebody acted on, or from which they opened the modal that they sent."""
    place = place_of(body)
    message = place.message if place is not None else message_behind(body)
    surface = await parts.storage.message_at(message) if message is not None else None
    return surface.id if surface is not None else None


async def actor_of(parts: Parts, body: Body) -> Actor:
    """Who acted, on which message, and that it is now."""
    return Actor(person=person_of(body), surface=await message_of(parts, body), at=parts.clock())


def message_behind(body: Body) -> MessageRef | None:
    """The message from which the modal was opened that somebody sent, or in which they pressed a button."""
    metadata = str((body.get("view") or {}).get("private_metadata", ""))
    match actions.target(metadata) if metadata.startswith("{") else None:
        case actions.RequestTarget(message=message):
            return message
        case _:
            return None


async def told(parts: Parts, say: Say, act: Awaitable[None]) -> None:
    """Do it; a refusal is said to the person, and so is anything unforeseen, under an id that the log has too."""
    async with parts.busy():
        try:
            await act
        except CountersignError as refusal:
            await say(text.visible(parts.masking.text(str(refusal))))
        except Exception:
            error_id = uuid.uuid4().hex[:8]
            log.exception("error %s: answering Slack failed", error_id)
            await say(
                f"Something went wrong here, and your action may not have counted (error `{error_id}`). "
                "Please look at the card, and try again if it has not changed."
            )
