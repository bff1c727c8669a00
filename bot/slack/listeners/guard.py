"""The one way in for what people do in Slack: around every listener stands this guard.

It acknowledges within Slack's three seconds, says who acts (`Actor`), keeps a shutdown waiting, and words what is
refused where the person sees it. What nobody foresaw is said under an id that the log has too. A listener only does
its one thing, and raises what is to be refused.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from slack_bolt.async_app import AsyncAck, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model.actor import COMMAND, Actor
from bot.approvals.model.errors import (
    AlreadySettled,
    CountersignError,
    DrawnBefore,
    NothingToStop,
    NothingToTakeBack,
    StaleVersion,
    TooLateToTakeBack,
)
from bot.approvals.model.ids import MessageId, Person
from bot.slack import actions, text
from bot.slack.blocks import Block
from bot.slack.listeners.acts import (
    SECONDS_TO_ANSWER,
    Body,
    Click,
    Command,
    Place,
    Reply,
    Shortcut,
    Submission,
    about,
    address_of,
    clicked_on,
    on_home,
    person_of,
)
from bot.slack.listeners.context import Parts
from bot.slack.listeners.events import Event, author_and_place, change_of
from bot.slack.listeners.private_words import Say
from bot.slack.modals import views
from bot.slack.modals.views import Back, Problems
from bot.slack.refusals import worded

log = logging.getLogger(__name__)

ClickHandler: TypeAlias = Callable[[Parts, Click], Awaitable[None]]
SubmissionHandler: TypeAlias = Callable[[Parts, Submission], Awaitable[Problems | Back | None]]
"""Returns what is wrong by field, `Back` if the modal below is seen again, or None if it is done."""
CommandHandler: TypeAlias = Callable[[Parts, Command], Awaitable[Reply | None]]
"""Returns what is said to the person alone, if anything is."""
ShortcutHandler: TypeAlias = Callable[[Parts, Shortcut], Awaitable[None]]
EventHandler: TypeAlias = Callable[[Parts, Event], Awaitable[None]]
NoteHandler: TypeAlias = Callable[[Parts, Body], None]
Listener: TypeAlias = Callable[..., Awaitable[None]]
"""What Bolt calls; it finds out by the names of the parameters what it hands over."""

MAX_EVENTS_REMEMBERED: Final = 1000
"""Events of which a second telling is known."""


class Guard:
    """Makes of each handler what Bolt calls."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._heard: deque[str] = deque(maxlen=MAX_EVENTS_REMEMBERED)

    def vote(self, handler: ClickHandler) -> Listener:
        """For a click that is acknowledged once its answer is stored, or when Slack would wait no longer: a process
        that dies before that has promised nothing, and Slack says so to the person."""

        async def voted(ack: AsyncAck, body: Body, client: AsyncWebClient) -> None:
            until = _deadline()
            say = self._parts.private.about_click(body)
            task = asyncio.create_task(self._told(say, self._clicked(handler, body, client, until)))
            await asyncio.wait([task], timeout=SECONDS_TO_ANSWER)
            await ack()
            if await task:
                await self._assure(body, say)

        return voted

    def click(self, handler: ClickHandler) -> Listener:
        """For a click that is acknowledged at once."""

        async def clicked(ack: AsyncAck, body: Body, client: AsyncWebClient) -> None:
            until = _deadline()
            await ack()
            say = self._parts.private.about_click(body)
            await self._told(say, self._clicked(handler, body, client, until))

        return clicked

    def opening(self, handler: ClickHandler) -> Listener:
        """For a click that is acknowledged at once and opens or turns a modal, if nothing takes too long for that."""

        async def clicked(ack: AsyncAck, body: Body, client: AsyncWebClient) -> None:
            until = _deadline()
            await ack()
            say = self._parts.private.about_click(body)
            await self._told(say, self._clicked(handler, body, client, until, opens=True))

        return clicked

    def submission(self, handler: SubmissionHandler) -> Listener:
        """For a modal that is answered within Slack's patience: errors at their fields, a refusal in its place.

        What takes longer is not cut off: the modal says that it goes on, and the card will show it.
        """

        async def submitted(ack: AsyncAck, body: Body) -> None:
            async with self._parts.busy():
                done = await self._answer(ack, asyncio.create_task(self._submitted(handler, body)))
                if done:
                    await self._assure(body)

        return submitted

    def command(self, handler: CommandHandler) -> Listener:
        """For a slash command, which is acknowledged at once and answered in private."""

        async def sent(ack: AsyncAck, respond: AsyncRespond, body: Body, client: AsyncWebClient) -> None:
            await ack()

            async def show(sentence: str, blocks: tuple[Block, ...] = ()) -> None:
                await respond(
                    text=sentence,
                    blocks=list(blocks) or None,
                    response_type="ephemeral",
                    unfurl_links=False,
                    unfurl_media=False,
                )

            async def run() -> None:
                actor = self._actor(person_of(body), COMMAND)
                reply = await handler(self._parts, Command(actor=actor, body=body, client=client))
                if reply is not None:
                    await show(reply.text, reply.blocks)

            await self._told(show, run())

        return sent

    def shortcut(self, handler: ShortcutHandler) -> Listener:
        """For a shortcut on a message, which is acknowledged at once; what is refused is said in its thread."""

        async def chosen(ack: AsyncAck, body: Body, client: AsyncWebClient) -> None:
            await ack()
            shortcut = Shortcut(actor=self._actor(person_of(body), COMMAND), body=body, client=client)
            say = self._parts.private.to(shortcut.actor.person, shortcut.place)
            await self._told(say, handler(self._parts, shortcut))

        return chosen

    def event(self, handler: EventHandler) -> Listener:
        """For what Slack tells of a person, which Bolt has acknowledged; Slack tells again what it takes for unheard
        (Slack: Events API), and that is heard once."""

        async def told(body: Body) -> None:
            if body["event_id"] in self._heard:
                return
            self._heard.append(body["event_id"])
            if (found := author_and_place(body)) is None:
                return
            person, place = found
            event = Event(actor=self._actor(person), body=body, place=place, change=change_of(body))
            await self._told(self._parts.private.to(person, place), handler(self._parts, event))

        return told

    def note(self, handler: NoteHandler) -> Listener:
        """For what Slack tells of, if nobody is answered and hearing it twice does no harm."""

        async def told(body: Body) -> None:
            handler(self._parts, body)

        return told

    # --- Within ---------------------------------------------------------------------------------

    def _actor(self, person: Person, surface: MessageId | str | None = None) -> Actor:
        return Actor(person=person, surface=surface, at=self._parts.clock(), words=worded)

    async def _actor_on(self, body: Body) -> Actor:
        """Who acted, on which message, and that it is now."""
        message = clicked_on(body)
        if (clicked := address_of(body)) is not None:
            self._parts.messenger.clicked(*clicked)
        surface = await self._parts.reading.message_at(message) if message is not None else None
        return self._actor(person_of(body), surface)

    async def _clicked(
        self, handler: ClickHandler, body: Body, client: AsyncWebClient, until: float, *, opens: bool = False
    ) -> None:
        unknown = Click(actor=self._actor(person_of(body)), body=body, client=client, until=until)
        if opens:
            async with unknown.in_time():
                actor = await self._actor_on(body)
        else:
            actor = await self._actor_on(body)
        try:
            await handler(self._parts, Click(actor=actor, body=body, client=client, until=until))
        except (AlreadySettled, NothingToStop, NothingToTakeBack, TooLateToTakeBack):
            await self._redraw(body)
            raise
        except (DrawnBefore, StaleVersion) as outdated:
            await self._redraw(body)
            await self._explain(outdated, body)
            if (message := clicked_on(body)) is not None:
                outdated.lags = not await self._parts.reading.shows(message)
            raise

    async def _redraw(self, body: Body) -> None:
        """Whoever clicks on a card that is out of date is refused, and it is drawn again, whatever it showed."""
        if (message := clicked_on(body)) is not None:
            await self._parts.tasks.redraw(message)
        if on_home(body):
            self._parts.homes.redraw(person_of(body))

    async def _explain(self, outdated: DrawnBefore | StaleVersion, body: Body) -> None:
        """Add to the refusal what has changed since the button, or the modal, was drawn."""
        if isinstance(outdated, StaleVersion) and (target := about(body)) is not None:
            outdated.changed = await self._parts.changes(target.shown)

    async def _submitted(self, handler: SubmissionHandler, body: Body) -> Problems | Back | None:
        try:
            return await handler(self._parts, Submission(actor=await self._actor_on(body), body=body))
        except (DrawnBefore, StaleVersion) as outdated:
            await self._redraw(body)
            await self._explain(outdated, body)
            raise

    async def _assure(self, body: Body, say: Say | None = None) -> None:
        """If the message on which somebody acted does not show it in a moment, tell them that it counted: otherwise
        they would press again. It has counted in any case, so an outage here is not said."""
        if (message := clicked_on(body)) is None:
            return
        async with self._parts.busy():
            try:
                if await self._parts.reading.shows(message):
                    return
                thread_ts = await self._parts.reading.thread_of(message)
            except CountersignError as outage:
                log.warning("whether a card shows what was done on it is not known: %s", outage)
                return
            place = Place(channel=message.channel, message=message, thread_ts=thread_ts)
            tell = say or self._parts.private.to(person_of(body), place)
            await tell(f"{_counted(body)} The card will show it in a moment.")

    async def _told(self, say: Say, act: Awaitable[None]) -> bool:
        """Do it; a refusal is said to the person, and so is anything unforeseen. Returns whether it was done."""
        async with self._parts.busy():
            try:
                await act
            except CountersignError as refusal:
                await say(self._words(refusal))
            except Exception:
                error_id = uuid.uuid4().hex[:8]
                log.exception("error %s: answering Slack failed", error_id)
                await say(
                    f"Something went wrong here, and your action may not have counted (error `{error_id}`). "
                    "Please look at the card, and try again if it has not changed."
                )
            else:
                return True
        return False

    async def _answer(self, ack: AsyncAck, task: asyncio.Task[Problems | Back | None]) -> bool:
        """Answer the modal. Returns whether what it asks for was done and nothing was said about it yet."""
        done, _ = await asyncio.wait([task], timeout=SECONDS_TO_ANSWER)
        if not done:
            await _replace(ack, "Still at it", "Your answer is being recorded. The card will show it in a moment.")
        try:
            problems = await task
        except CountersignError as refusal:
            if done:
                await _replace(ack, "Not counted", self._words(refusal))
            else:
                refused = type(refusal).__name__
                log.warning("a submission was refused after its modal had to be answered: %s", refused)
        except Exception:
            error_id = uuid.uuid4().hex[:8]
            log.exception("error %s: a submission failed", error_id)
            if done:
                await _replace(
                    ack,
                    "Something went wrong",
                    f"Your answer may not have counted (error `{error_id}`). Please look at the card, and try again "
                    "if it has not changed.",
                )
        else:
            if done and isinstance(problems, Back):
                await ack()
            elif done and isinstance(problems, Problems):
                errors = {block: self._parts.masking.text(words) for block, words in problems.by_block.items()}
                await ack(response_action="errors", errors=errors)
            elif done:
                await ack(response_action="clear")
                return True
        return False

    def _words(self, refusal: CountersignError) -> str:
        return text.visible(self._parts.masking.text(worded(refusal)))


def _deadline() -> float:
    return asyncio.get_running_loop().time() + SECONDS_TO_ANSWER


def _counted(body: Body) -> str:
    """That what somebody did was recorded."""
    pressed = str(body["actions"][0]["action_id"]) if "actions" in body else actions.callback(body["view"])
    match pressed.partition(":")[0]:
        case actions.APPROVE | actions.APPROVE_WHY:
            return "Your approval counted."
        case actions.REJECT:
            return "Your rejection counted."
        case actions.RESPOND | actions.CHOOSE | actions.EACH:
            return "Your answer counted."
        case _:
            return "That is recorded."


async def _replace(ack: AsyncAck, title: str, sentence: str) -> None:
    await ack(response_action="update", view=dict[str, Any](views.notice(title, sentence)))
