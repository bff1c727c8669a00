"""How a person is told something in private: where they acted, or else in their conversation with the bot."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import ClientError
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.approvals.model.ids import Person
from bot.approvals.ports.slack import NotNow, PlaceGone
from bot.slack.api.messenger import SlackMessenger
from bot.slack.listeners.acts import Body, Place, in_modal, on_home, person_of, place_of
from bot.slack.modals import views

log = logging.getLogger(__name__)

Say: TypeAlias = Callable[[str], Awaitable[None]]
"""Tells one sentence to the person who acted, and to nobody else."""

_TITLE = "About your click"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateWords:
    messenger: SlackMessenger

    def about_click(self, body: Body) -> Say:
        """Tell whoever pressed a button: in the channel, or through the click's own address if the rate of private
        messages is used up; on their Home, in a modal; in a modal, in its place."""
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

    def to(self, person: Person, place: Place | None = None) -> Say:
        """Tell somebody who pressed nothing: there, or in their conversation with the bot."""

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
            if not await self.messenger.put_before(trigger_id, views.notice(_TITLE, sentence)):
                await self.to(person)(sentence)

        return say

    def _within(self, person: Person, view_id: str) -> Say:
        """Tell them in the place of the modal in which they pressed a button; else beside."""

        async def say(sentence: str) -> None:
            if not await self.messenger.put_in(view_id, views.notice(_TITLE, sentence)):
                await self.to(person)(sentence)

        return say


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
