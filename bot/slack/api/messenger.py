"""The Messenger port: records' drawings as Slack's messages, paced, and never posted twice by ourselves."""

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
from bot.approvals.ports.slack import Drawing, FileRefused, MessageGone, NotNow, OutcomeUnknown, PlaceGone, View
from bot.approvals.services.messages.masked import Masking
from bot.slack import blocks, text
from bot.slack.api import files
from bot.slack.api.calls import Done, Limited, NotSent, Refused, Result, Unknown, call
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
"""Of the metadata that a message's opaque id travels in."""
SECONDS: Final = 10.0
"""For one call."""
FIND_SECONDS: Final = 15.0
"""For a whole search, within a surface's claim."""
FIND_PAGES: Final = 10
PAGE: Final = 200
SLACK_BEFORE: Final = timedelta(minutes=1)
"""How much earlier than Slack's time, as we know it, a message is sought."""
EMPTIED: Final = "This is a second copy of another message here, so there is nothing to press."
SOON: Final = 5.0
LATER: Final = 60.0

_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "hash_conflict"})
_TOO_LONG = frozenset({"msg_too_long", "msg_blocks_too_long", "invalid_blocks"})
_NO_PLACE = frozenset(
    {
        *("channel_not_found", "thread_not_found", "invalid_thread_ts", "invalid_ts_oldest", "cannot_reply_to_message"),
        *("user_not_found", "user_not_visible", "user_disabled", "users_not_found", "cannot_dm_bot", "invalid_users"),
        *("method_not_supported_for_channel_type", "as_user_not_supported"),
    }
)
_UNTIL_MENDED = frozenset(
    {
        *("is_archived", "not_in_channel", "missing_scope", "account_inactive", "token_revoked", "is_inactive"),
        *("invalid_auth", "not_authed", "token_expired", "no_permission", "access_denied", "ekm_access_denied"),
        *("org_login_required", "team_access_not_granted", "not_allowed_token_type", "messages_tab_disabled"),
        *("not_authorized",),
    }
)
"""What somebody can undo: the message waits for that, however long it takes."""
MENDING = 300.0
"""Seconds between two looks at whether it has been undone."""


class SlackMessenger:
    """Slack's messages through a client that does not retry (`calls.web_client`)."""

    def __init__(
        self,
        client: AsyncWebClient,
        masking: Masking,
        pace: Pace | None = None,
        address: str = "",
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._client = client
        self._masking = masking
        self._address = address
        self._monotonic = monotonic
        self._told: tuple[datetime, float] | None = None
        self._pace = pace or Pace()
        self._direct: dict[UserId, ChannelId] = {}

    def draw(self, view: View) -> Card | Whole:
        """The view as a message within Slack's limits, whatever it holds, with its secrets masked; or as a file.
        Pure."""
        view = self._masking.view(view)
        if view.message.kind is MessageKind.FILE and view.request is not None and not view.message.refused:
            return Whole(request=view.request, version=view.message.version)
        return render.draw(view)

    async def post(
        self, channel: ChannelId, thread_ts: Ts | None, drawing: Drawing, message_id: MessageId
    ) -> MessageRef:
        """Post once, with the id in the metadata; `PlaceGone`, `FileRefused`, `OutcomeUnknown` or `NotNow`."""
        if isinstance(drawing, Whole):
            return await self._upload(channel, thread_ts, drawing, message_id)
        card = _card(drawing)

        def sent(blocks: Sequence[Block]) -> Awaitable[AsyncSlackResponse]:
            return self._client.chat_postMessage(
                channel=channel,
                thread_ts=thread_ts,
                text=card.text,
                blocks=list(blocks),
                metadata={"event_type": EVENT_TYPE, "event_payload": {"id": message_id}},
                unfurl_links=False,
                unfurl_media=False,
            )

        body = await self._show("chat.postMessage", POSTS, channel, card, sent)
        return MessageRef(channel=ChannelId(body["channel"]), ts=Ts(body["ts"]))

    async def update(self, ref: MessageRef, drawing: Drawing) -> None:
        """Bring a message level; `MessageGone`, `PlaceGone`, `OutcomeUnknown` or `NotNow`. A file never changes."""
        if isinstance(drawing, Whole):
            return
        card = _card(drawing)

        def sent(blocks: Sequence[Block]) -> Awaitable[AsyncSlackResponse]:
            # `parse` is "client" here unless one says otherwise, unlike chat.postMessage (Slack: chat.update)
            return self._client.chat_update(
                channel=ref.channel, ts=ref.ts, text=card.text, blocks=list(blocks), parse="none", link_names=False
            )

        await self._show("chat.update", TIER_3, "", card, sent)

    async def find(
        self, channel: ChannelId, thread_ts: Ts | None, message_id: MessageId, since: datetime | None
    ) -> tuple[MessageRef, ...]:
        """The messages that carry the id, the oldest first; `since` is in Slack's time. `PlaceGone` or `NotNow`."""
        found: list[MessageRef] = []
        try:
            async with asyncio.timeout(FIND_SECONDS):
                await self._search(channel, thread_ts, message_id, since, found)
        except TimeoutError as late:
            if not found:
                raise NotNow("the search took too long", SOON) from late
        return tuple(sorted(found, key=lambda ref: ref.ts))

    async def close(self, ref: MessageRef) -> None:
        """Delete a message; where Slack does not let us, take its buttons away. `NotNow`."""
        method = "chat.delete"
        await self._turn(method, TIER_3)
        result = await call(self._client.chat_delete(channel=ref.channel, ts=ref.ts), SECONDS)
        if not isinstance(result, Refused):
            self._body(method, result, repeatable=True)
        elif result.error not in _GONE | _NO_PLACE:
            await self._empty(ref, result.error)

    async def time(self) -> datetime | None:
        """Slack's time, as its last response had it and as much later as it is now; None while there was none."""
        if self._told is None:
            self._note(await call(self._client.auth_test(), SECONDS))
        if self._told is None:
            return None
        at, then = self._told
        return at + timedelta(seconds=self._monotonic() - then)

    async def open_direct(self, person: Person) -> ChannelId:
        """The channel of the bot's DM with this person; `PlaceGone` or `NotNow`."""
        if person.user_id not in self._direct:
            method = "conversations.open"
            await self._turn(method, TIER_3)
            result = await call(self._client.conversations_open(users=person.user_id), SECONDS)
            body = self._body(method, result, repeatable=True)
            self._direct[person.user_id] = ChannelId(body["channel"]["id"])
        return self._direct[person.user_id]

    # --- Inboxes --------------------------------------------------------------------------------

    def page_size(self, section: Section) -> int:
        """How many rows of it a Home shows at once."""
        return home_tab.ROWS[section]

    def summary_size(self, section: Section) -> int:
        """How many rows of it a summary shows."""
        return summary_message.ROWS if section is Section.WAITING else 1

    def draw_home(self, contents: Contents) -> Home:
        """The Home, within Slack's limits whatever it holds. Pure."""
        return home_tab.draw(self._masking.contents(contents), self._address)

    def draw_summary(self, contents: Contents) -> Card:
        """What waits, as a message that `post` posts. Pure."""
        return summary_message.draw(self._masking.contents(contents), self._address)

    async def publish(self, person: Person, drawing: Drawing, hash: str) -> str:
        """Show a Home in the place of the one of that hash, or of any where it is empty; returns its own.

        `MessageGone` where another one stands there now; `PlaceGone`, `OutcomeUnknown` or `NotNow`.
        """
        if not isinstance(drawing, Home):
            raise TypeError("this messenger publishes what it has drawn")
        method = "views.publish"
        await self._turn(method, TIER_4, urgency=Urgency.NOTICE)
        named = {"hash": hash} if hash else {}
        sent = self._client.views_publish(user_id=person.user_id, view=drawing.view, **named)
        body = self._body(method, await call(sent, SECONDS))
        return str(body["view"]["hash"])

    # --- Asides ---------------------------------------------------------------------------------

    async def tell(
        self,
        person: Person,
        channel: ChannelId,
        thread_ts: Ts | None,
        words: str,
        blocks: Sequence[Block] | None = None,
    ) -> bool:
        """Say something to one person alone, in mrkdwn or in blocks; False where Slack did not take it.

        Feedback only: they lose it when they reload, and nobody can change it afterwards (Slack: ephemeral messages).
        """
        method = "chat.postEphemeral"
        try:
            await self._turn(method, TIER_4)
        except NotNow:
            return False
        request = self._client.chat_postEphemeral(
            channel=channel,
            user=person.user_id,
            thread_ts=thread_ts,
            text=text.cut(self._masking.text(words), 3000),
            blocks=blocks,
        )
        result = await call(request, SECONDS)
        if isinstance(result, Limited):
            self._pace.close(method, result.seconds)
        if not isinstance(result, Done):
            log.warning("%s was not told privately in %s: %s", person.user_id, channel, result)
        return isinstance(result, Done)

    async def put_before(self, trigger_id: str, view: Modal) -> bool:
        """Open a modal before somebody who has just pressed something; False where Slack did not, as when that was
        more than three seconds ago."""
        method = "views.open"
        try:
            await self._turn(method, TIER_4)
        except NotNow:
            return False
        result = await call(self._client.views_open(trigger_id=trigger_id, view=view), SECONDS)
        if isinstance(result, Limited):
            self._pace.close(method, result.seconds)
        return isinstance(result, Done)

    async def put_in(self, view_id: str, view: Modal) -> bool:
        """Show a modal in the place of one that is open; False where Slack did not, as when it was closed."""
        method = "views.update"
        try:
            await self._turn(method, TIER_4)
        except NotNow:
            return False
        result = await call(self._client.views_update(view_id=view_id, view=view), SECONDS)
        if isinstance(result, Limited):
            self._pace.close(method, result.seconds)
        return isinstance(result, Done)

    # --- Within ---------------------------------------------------------------------------------

    async def _upload(
        self, channel: ChannelId, thread_ts: Ts | None, whole: Whole, message_id: MessageId
    ) -> MessageRef:
        """Announce the file, send it, and share it; until the last of these nobody sees anything of it."""
        content = await whole.content()
        announced = "files.getUploadURLExternal"
        await self._turn(announced, TIER_4)
        asked = self._client.files_getUploadURLExternal(filename=whole.name, length=len(content))
        body = self._uploaded(announced, await call(asked, SECONDS), repeatable=True)
        if (failed := await files.send(body["upload_url"], content)) is not None:
            self._uploaded("the upload", failed, repeatable=True)
        shared = "files.completeUploadExternal"
        await self._turn(shared, TIER_4)
        said = files.beside(whole, len(content.decode()), message_id)
        sharing = files.share(self._client, body["file_id"], whole.name, channel, thread_ts, said)
        self._uploaded(shared, await call(sharing, SECONDS))
        # Slack shares it a moment later and does not say where. Nothing ever changes it, so its id will do as well.
        return MessageRef(channel=channel, ts=Ts(body["file_id"]))

    def _uploaded(self, method: str, result: Result, *, repeatable: bool = False) -> Mapping[str, Any]:
        """As `_body`; but nobody waits for a file that Slack refuses, as what is in it can be seen without it."""
        if isinstance(result, Refused) and result.error not in _GONE | _NO_PLACE:
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
        """Send the blocks; where Slack says that they are too much, send the small ones, once."""
        await self._turn(method, rate, channel, card.urgency)
        result = await call(sent(card.blocks), SECONDS)
        if isinstance(result, Refused) and result.error in _TOO_LONG:
            log.error("%s refused a card with %s; sending its small form", method, result.error)
            await self._turn(method, rate, channel, card.urgency)
            result = await call(sent(card.small), SECONDS)
            if isinstance(result, Refused) and result.error in _TOO_LONG:
                raise PlaceGone(f"{result.error}, also for the smallest card")
        return self._body(method, result)

    async def _empty(self, ref: MessageRef, why: str) -> None:
        """Leave a message that cannot be deleted without anything to press."""
        log.warning("a second copy of a message cannot be deleted (%s), so it is emptied", why)
        method = "chat.update"
        await self._turn(method, TIER_3)
        said = blocks.section(EMPTIED)
        sent = self._client.chat_update(channel=ref.channel, ts=ref.ts, text=EMPTIED, blocks=[said])
        result = await call(sent, SECONDS)
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
        oldest = {"oldest": f"{(since - SLACK_BEFORE).timestamp():.6f}"} if since is not None else {}
        cursor = ""
        for _ in range(FIND_PAGES):
            await self._turn(method, TIER_3)
            body = self._body(
                method, await call(self._page(channel, thread_ts, oldest, cursor), SECONDS), repeatable=True
            )
            for message in body.get("messages", []):
                if _carries(message, message_id):
                    found.append(MessageRef(channel=channel, ts=Ts(message["ts"])))
            cursor = body.get("response_metadata", {}).get("next_cursor") or ""
            if not cursor:
                return
        log.warning("surface %s was sought in the last %d messages of %s alone", message_id, FIND_PAGES * PAGE, channel)

    def _page(
        self, channel: ChannelId, thread_ts: Ts | None, oldest: Mapping[str, str], cursor: str
    ) -> Awaitable[AsyncSlackResponse]:
        window: dict[str, Any] = {"channel": channel, **oldest, "limit": PAGE, "include_all_metadata": True}
        turned = {**window, "cursor": cursor} if cursor else window
        if thread_ts is None:
            return self._client.conversations_history(**turned)
        return self._client.conversations_replies(ts=thread_ts, **turned)

    async def _turn(self, method: str, rate: Rate, channel: str = "", urgency: Urgency = Urgency.DECISION) -> None:
        try:
            spare = rate.burst // 2 if urgency is Urgency.PASSING else 0
            await self._pace.turn(method, rate, channel=channel, urgency=urgency, spare=spare)
        except TooLong as late:
            raise NotNow(f"{method} is at its pace", late.seconds) from late

    def _note(self, result: Result) -> None:
        """Slack's time, if the response tells it."""
        if isinstance(result, Done) and result.at is not None:
            self._told = result.at, self._monotonic()

    def _body(self, method: str, result: Result, *, repeatable: bool = False) -> Mapping[str, Any]:
        """What Slack answered, or the port's exception for what it did not. What only reads, or may be done twice,
        is worth another try where its outcome is unknown."""
        match result:
            case Done(body=body):
                self._note(result)
                return body
            case Limited(seconds=seconds):
                self._pace.close(method, seconds)
                raise NotNow(f"{method} is rate limited", seconds)
            case NotSent(why=why):
                raise NotNow(f"{method} did not reach Slack: {why}", SOON)
            case Unknown(why=why):
                if repeatable:
                    raise NotNow(f"{method}: {why}", SOON)
                raise OutcomeUnknown(f"{method}: {why}")
            case Refused(error=error):
                raise _refusal(method, error)
            case _ as never:
                assert_never(never)


def _refusal(method: str, error: str) -> Exception:
    if error in _GONE:
        return MessageGone(error)
    if error in _NO_PLACE:
        return PlaceGone(error)
    if error in _UNTIL_MENDED or error.startswith("restricted_action"):
        log.error(
            "%s is refused (%s) until that is mended in Slack: tokens, scopes, the channel, the bot in it",
            method,
            error,
        )
        return NotNow(f"{method}: {error}", MENDING)
    log.error("%s refused with %s, which nothing here expects", method, error)
    return NotNow(f"{method}: {error}", LATER)


def _carries(message: Mapping[str, Any], message_id: MessageId) -> bool:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") == EVENT_TYPE and metadata.get("event_payload", {}).get("id") == message_id:
        return True
    return files.carries(message, message_id)


def _card(drawing: Drawing) -> Card:
    if not isinstance(drawing, Card):
        raise TypeError("this messenger shows what it has drawn")
    return drawing
