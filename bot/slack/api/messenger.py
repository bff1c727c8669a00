"""The Messenger port: posts and updates Slack's messages within its rate limits, and never posts twice by itself."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.approvals.inbox.queries import Contents
from bot.approvals.model.ids import ChannelId, MessageId, MessageRef, Person, Ts, UserId
from bot.approvals.model.inbox import Section
from bot.approvals.model.message import MessageKind
from bot.approvals.ports.slack import Drawing, FileRefused, NotNow, OutcomeUnknown, PlaceGone, View
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.services.messages.masked import Masking
from bot.slack import blocks, text
from bot.slack.api import files, refusals
from bot.slack.api.calls import Done, Limited, NotSent, Refused, Result, Unknown, call
from bot.slack.api.click_urls import ClickUrls
from bot.slack.api.files import Whole
from bot.slack.api.rate_limit import POSTS, TIER_3, TIER_4, Monotonic, Pace, Rate, TooLong
from bot.slack.blocks import Block
from bot.slack.cards import render
from bot.slack.cards.render import Card, Urgency
from bot.slack.inbox import home_tab, summary_message
from bot.slack.inbox.home_tab import Home
from bot.slack.modals.views import Modal

log = logging.getLogger(__name__)

EVENT_TYPE: Final = "countersign_surface"
"""Of the metadata that carries the id of a message's record."""
TIMEOUT_SECONDS: Final = 10.0
"""For one call."""
FIND_SECONDS: Final = 15.0
"""For a whole search, so that it ends before the claim on the message does."""
MAX_FIND_PAGES: Final = 10
PAGE_SIZE: Final = 200
"""Messages per call."""
FIND_MARGIN: Final = timedelta(minutes=1)
"""How long before Slack's time, as far as we know it, a search begins."""
EMPTIED: Final = "This is a second copy of another message here, so there is nothing to press."
SOON_SECONDS: Final = 5.0
"""Before the next try, if Slack was not reached or gave no clear answer."""


class SlackMessenger:
    """Slack's messages, through a client that does not retry (`calls.web_client`)."""

    def __init__(
        self,
        client: AsyncWebClient,
        masking: Masking,
        pace: Pace | None = None,
        address: str = "",
        monotonic: Monotonic = time.monotonic,
        shut_out: Callable[[ChannelId], object] = len,
        unbroken: Callable[[], Callable[[], bool]] = lambda: lambda: True,
        telemetry: Telemetry = SILENT,
    ) -> None:
        """`shut_out` is told of each channel that refuses a post, because the bot was removed or it was archived.
        `unbroken` gives a question to ask after a wait: whether the claim that a message is sent under still holds."""
        self._client = client
        self._shut_out = shut_out
        self._unbroken = unbroken
        self._masking = masking
        self._address = address
        self._monotonic = monotonic
        self._told: tuple[datetime, float] | None = None
        self._pace = pace or Pace()
        self._direct: dict[UserId, ChannelId] = {}
        self._telemetry = telemetry
        self._clicks = ClickUrls(monotonic, client.session, telemetry)

    def draw(self, view: View) -> Card | Whole:
        """The view as a message or a file, within Slack's limits whatever it holds, with its secrets masked. Pure."""
        view = self._masking.view(view)
        if view.message.kind is MessageKind.FILE and view.request is not None and not view.message.refused:
            return Whole(request=view.request, version=view.message.version)
        return render.draw(view)

    async def post(
        self, channel: ChannelId, thread_ts: Ts | None, drawing: Drawing, message_id: MessageId
    ) -> MessageRef:
        """Posts once, with the id in the metadata. Raises PlaceGone, FileRefused, OutcomeUnknown or NotNow."""
        if isinstance(drawing, Whole):
            return await self._upload(channel, thread_ts, drawing, message_id)
        card = _card(drawing)

        def sent(blocks: Sequence[Block]) -> Awaitable[AsyncSlackResponse]:
            return self._client.chat_postMessage(
                channel=channel,
                thread_ts=thread_ts,
                text=card.text,
                blocks=list(blocks),
                metadata=_metadata(message_id),
                unfurl_links=False,
                unfurl_media=False,
            )

        body = await self._show("chat.postMessage", POSTS, channel, card, sent)
        return MessageRef(channel=ChannelId(body["channel"]), ts=Ts(body["ts"]))

    async def update(self, ref: MessageRef, drawing: Drawing) -> None:
        """Updates a message. A file never changes. Raises MessageGone, PlaceGone, OutcomeUnknown or NotNow.

        If somebody has just clicked on it, it is updated through the click's address. If that fails, or its outcome is
        unknown, chat.update shows the same again.
        """
        if isinstance(drawing, Whole):
            return
        card = _card(drawing)
        if await self._clicks.replace(ref, _replacement(card)):
            return

        def sent(blocks: Sequence[Block]) -> Awaitable[AsyncSlackResponse]:
            # unlike in chat.postMessage, the default of `parse` is "client" here (Slack: chat.update)
            return self._client.chat_update(
                channel=ref.channel, ts=ref.ts, text=card.text, blocks=list(blocks), parse="none", link_names=False
            )

        await self._show("chat.update", TIER_3, "", card, sent)

    def clicked(self, ref: MessageRef, response_url: str) -> None:
        """Remembers the address that Slack sent with a click on this message, for its next updates."""
        self._clicks.remember(ref, response_url)

    def updates_freely(self, ref: MessageRef) -> bool:
        """Whether an update of this message costs none of Slack's edit quota, because somebody clicked on it a moment
        ago."""
        return self._clicks.has(ref)

    async def find(
        self, channel: ChannelId, thread_ts: Ts | None, message_id: MessageId, since: datetime | None
    ) -> tuple[MessageRef, ...]:
        """The messages that carry the id, oldest first. `since` is in Slack's time. Raises PlaceGone or NotNow."""
        found: list[MessageRef] = []
        try:
            async with asyncio.timeout(FIND_SECONDS):
                await self._search(channel, thread_ts, message_id, since, found)
        except TimeoutError as late:
            if not found:
                raise NotNow("the search took too long", SOON_SECONDS) from late
        return tuple(sorted(found, key=lambda ref: ref.ts))

    async def close(self, ref: MessageRef) -> None:
        """Deletes a message, or removes its buttons if Slack does not let us delete it. Raises NotNow."""
        method = "chat.delete"
        await self._turn(method, TIER_3)
        result = await call(self._client.chat_delete(channel=ref.channel, ts=ref.ts), TIMEOUT_SECONDS)
        if not isinstance(result, Refused):
            self._body(method, result, repeatable=True)
        elif result.error not in refusals.GONE | refusals.NO_PLACE:
            await self._empty(ref, result.error)

    async def time(self) -> datetime | None:
        """Slack's time now, reckoned from its last response. None before the first response."""
        if self._told is None:
            self._note(await call(self._client.auth_test(), TIMEOUT_SECONDS))
        if self._told is None:
            return None
        at, then = self._told
        return at + timedelta(seconds=self._monotonic() - then)

    async def open_direct(self, person: Person) -> ChannelId:
        """The channel of the bot's DM with this person. Raises PlaceGone or NotNow."""
        if person.user_id not in self._direct:
            method = "conversations.open"
            await self._turn(method, TIER_3)
            result = await call(self._client.conversations_open(users=person.user_id), TIMEOUT_SECONDS)
            body = self._body(method, result, repeatable=True)
            self._direct[person.user_id] = ChannelId(body["channel"]["id"])
        return self._direct[person.user_id]

    # --- The inbox ------------------------------------------------------------------------------

    def page_size(self, section: Section) -> int:
        """How many rows of this section a Home shows at once."""
        return home_tab.ROWS[section]

    def summary_size(self, section: Section) -> int:
        """How many rows of this section a summary shows."""
        return summary_message.MAX_ROWS if section is Section.WAITING else 1

    def draw_home(self, contents: Contents) -> Home:
        """The Home, within Slack's limits whatever it holds. Pure."""
        return home_tab.draw(self._masking.contents(contents), self._address)

    def draw_summary(self, contents: Contents) -> Card:
        """What waits, as a message that `post` posts. Pure."""
        return summary_message.draw(self._masking.contents(contents), self._address)

    async def publish(self, person: Person, drawing: Drawing, hash: str) -> str:
        """Shows a Home in place of the one with that hash, or of any if the hash is empty. Returns the new one's hash.

        Raises MessageGone if another Home is there by now, and PlaceGone, OutcomeUnknown or NotNow.
        """
        if not isinstance(drawing, Home):
            raise TypeError("this messenger publishes only what it has rendered")
        method = "views.publish"
        await self._turn(method, TIER_4, urgency=Urgency.NOTICE)
        named = {"hash": hash} if hash else {}
        sent = self._client.views_publish(user_id=person.user_id, view=drawing.view, **named)
        body = self._body(method, await call(sent, TIMEOUT_SECONDS))
        return str(body["view"]["hash"])

    # --- To one person alone --------------------------------------------------------------------

    async def tell(
        self,
        person: Person,
        channel: ChannelId,
        thread_ts: Ts | None,
        words: str,
        blocks: Sequence[Block] | None = None,
    ) -> bool:
        """Tells something to one person alone, in mrkdwn or in blocks. Returns False if Slack did not take it.

        For feedback only: it is gone when they reload, and cannot be changed later (Slack: ephemeral messages).
        """
        said = text.cut(self._masking.text(words), 3000)
        result = await self._now(
            "chat.postEphemeral",
            lambda: self._client.chat_postEphemeral(
                channel=channel, user=person.user_id, thread_ts=thread_ts, text=said, blocks=blocks
            ),
        )
        if not isinstance(result, Done):
            log.warning("%s was not told privately in %s: %s", person.user_id, channel, result)
        return isinstance(result, Done)

    async def put_before(self, trigger_id: str, view: Modal) -> bool:
        """Opens a modal for somebody who has just pressed something. Returns False if Slack did not open it, for
        example because that was more than three seconds ago."""
        opened = await self._now("views.open", lambda: self._client.views_open(trigger_id=trigger_id, view=view))
        return isinstance(opened, Done)

    async def put_in(self, view_id: str, view: Modal) -> bool:
        """Puts a modal in place of one that is open. Returns False if Slack did not, for example because it was
        closed."""
        put = await self._now("views.update", lambda: self._client.views_update(view_id=view_id, view=view))
        return isinstance(put, Done)

    # --- Within ---------------------------------------------------------------------------------

    async def _now(self, method: str, request: Callable[[], Awaitable[AsyncSlackResponse]]) -> Result:
        """What became of a call that is made soon or never. Its method is of tier 4."""
        try:
            await self._turn(method, TIER_4)
        except NotNow as late:
            return Limited(late.retry_after)
        result = await call(request(), TIMEOUT_SECONDS)
        if isinstance(result, Limited):
            self._pace.close(method, result.seconds)
        return result

    async def _upload(
        self, channel: ChannelId, thread_ts: Ts | None, whole: Whole, message_id: MessageId
    ) -> MessageRef:
        """Announces the file, sends it, and shares it. Nobody sees anything of it before the last step."""
        content = await whole.content()
        announced = "files.getUploadURLExternal"
        await self._turn(announced, TIER_4)
        asked = self._client.files_getUploadURLExternal(filename=whole.name, length=len(content))
        body = self._uploaded(announced, await call(asked, TIMEOUT_SECONDS), repeatable=True)
        if (failed := await files.send(body["upload_url"], content, self._telemetry)) is not None:
            self._uploaded("the upload", failed, repeatable=True)
        shared = "files.completeUploadExternal"
        await self._turn(shared, TIER_4)
        said = files.beside(whole, len(content.decode()), message_id)
        sharing = files.share(self._client, body["file_id"], whole.name, channel, thread_ts, said)
        self._uploaded(shared, await call(sharing, TIMEOUT_SECONDS))
        # Slack shares it a moment later and does not say where. Nothing ever changes the file, so its id will do.
        return MessageRef(channel=channel, ts=Ts(body["file_id"]))

    def _uploaded(self, method: str, result: Result, *, repeatable: bool = False) -> Mapping[str, Any]:
        """Like `_body`, but a file that Slack refuses is given up, because *Details* shows what is in it."""
        if isinstance(result, Refused) and result.error not in refusals.GONE | refusals.NO_PLACE:
            raise FileRefused(f"{method}: {result.error}")
        return self._body(method, result, repeatable=repeatable)

    async def _show(
        self,
        method: str,
        rate: Rate,
        channel: str,
        card: Card,
        sent: Callable[[Sequence[Block]], Awaitable[AsyncSlackResponse]],
    ) -> Mapping[str, Any]:
        """Sends the blocks. If Slack says that they are too long, sends the small ones once."""
        holds = self._unbroken()
        await self._turn(method, rate, channel, card.urgency)
        if not holds():
            raise NotNow("this process had stood still", SOON_SECONDS)
        result = await call(sent(card.blocks), TIMEOUT_SECONDS)
        if isinstance(result, Refused) and result.error in refusals.TOO_LONG:
            log.error("%s refused a card with %s; sending its small form", method, result.error)
            await self._turn(method, rate, channel, card.urgency)
            result = await call(sent(card.small), TIMEOUT_SECONDS)
            if isinstance(result, Refused) and result.error in refusals.TOO_LONG:
                raise PlaceGone(f"{result.error}, even for the smallest card")
        if channel and isinstance(result, Refused) and result.error in refusals.SHUT_OUT:
            self._shut_out(ChannelId(channel))
        return self._body(method, result)

    async def _empty(self, ref: MessageRef, why: str) -> None:
        """Removes everything to press from a message that cannot be deleted."""
        log.warning("a second copy of a message cannot be deleted (%s), so it is emptied", why)
        method = "chat.update"
        await self._turn(method, TIER_3)
        said = blocks.section(EMPTIED)
        sent = self._client.chat_update(channel=ref.channel, ts=ref.ts, text=EMPTIED, blocks=[said])
        result = await call(sent, TIMEOUT_SECONDS)
        if isinstance(result, Refused):
            log.error("a second copy of a message could not be emptied either: %s", result.error)
        else:
            self._body(method, result, repeatable=True)

    async def _search(
        self,
        channel: ChannelId,
        thread_ts: Ts | None,
        message_id: MessageId,
        since: datetime | None,
        found: list[MessageRef],
    ) -> None:
        method = "conversations.replies" if thread_ts else "conversations.history"
        oldest = {"oldest": f"{(since - FIND_MARGIN).timestamp():.6f}"} if since is not None else {}
        cursor = ""
        for _ in range(MAX_FIND_PAGES):
            await self._turn(method, TIER_3)
            body = self._body(
                method, await call(self._page(channel, thread_ts, oldest, cursor), TIMEOUT_SECONDS), repeatable=True
            )
            for message in body.get("messages", []):
                if _carries(message, message_id):
                    found.append(MessageRef(channel=channel, ts=Ts(message["ts"])))
            cursor = body.get("response_metadata", {}).get("next_cursor") or ""
            if not cursor:
                return
        searched = MAX_FIND_PAGES * PAGE_SIZE
        log.warning("message %s was searched for only in the last %d messages of %s", message_id, searched, channel)

    def _page(
        self, channel: ChannelId, thread_ts: Ts | None, oldest: Mapping[str, str], cursor: str
    ) -> Awaitable[AsyncSlackResponse]:
        window: dict[str, Any] = {"channel": channel, **oldest, "limit": PAGE_SIZE, "include_all_metadata": True}
        turned = {**window, "cursor": cursor} if cursor else window
        if thread_ts is None:
            return self._client.conversations_history(**turned)
        return self._client.conversations_replies(ts=thread_ts, **turned)

    async def _turn(self, method: str, rate: Rate, channel: str = "", urgency: Urgency = Urgency.DECISION) -> None:
        try:
            spare = rate.burst // 2 if urgency is Urgency.PASSING else 0
            await self._pace.turn(method, rate, channel=channel, urgency=urgency, spare=spare)
        except TooLong as late:
            raise NotNow(f"{method} has used up its rate", late.seconds) from late

    def _note(self, result: Result) -> None:
        """Remembers Slack's time, if the response has it."""
        if isinstance(result, Done) and result.at is not None:
            self._told = result.at, self._monotonic()

    def _body(self, method: str, result: Result, *, repeatable: bool = False) -> Mapping[str, Any]:
        """Slack's answer. Raises the port's exception if there is none. A `repeatable` call, which only reads or may
        be made twice, is tried again if its outcome is unknown."""
        match result:
            case Done(body=body):
                self._note(result)
                return body
            case Limited(seconds=seconds):
                self._pace.close(method, seconds)
                raise NotNow(f"{method} is rate limited", seconds)
            case NotSent(why=why):
                raise NotNow(f"{method} did not reach Slack: {why}", SOON_SECONDS)
            case Unknown(why=why):
                if repeatable:
                    raise NotNow(f"{method}: {why}", SOON_SECONDS)
                raise OutcomeUnknown(f"{method}: {why}")
            case Refused(error=error):
                raise refusals.port_error(method, error)
            case _ as never:
                assert_never(never)


def _carries(message: Mapping[str, Any], message_id: MessageId) -> bool:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") == EVENT_TYPE and metadata.get("event_payload", {}).get("id") == message_id:
        return True
    return files.carries(message, message_id)


def _metadata(message_id: MessageId) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"id": message_id}}


def _replacement(card: Card) -> dict[str, Any]:
    """The card for a click's address. The id is sent again: Slack may forget the message's metadata otherwise."""
    named = {} if card.message_id is None else {"metadata": _metadata(card.message_id)}
    shown = {"text": card.text, "blocks": list(card.blocks), "parse": "none", "link_names": False}
    return {**shown, "unfurl_links": False, "unfurl_media": False, **named}


def _card(drawing: Drawing) -> Card:
    if not isinstance(drawing, Card):
        raise TypeError("this messenger shows only what it has rendered")
    return drawing
