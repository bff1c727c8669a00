"""What people write without a command: a mention or a shortcut that starts a task, a reply that answers a question.

A reply is taken for an answer only where it can be for nothing else, and never for an approval: it names the bot, or
the question is the only one that is open in its thread; and all that the question wants is words.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model.ids import ChannelId, MessageRef, Ts
from bot.slack import actions
from bot.slack.listeners import edited_replies, replies, task_command
from bot.slack.listeners.context import Body, Parts, Place, author_of, person_of, told
from bot.slack.listeners.edited_replies import Wordings
from bot.slack.modals import start_modal
from bot.slack.modals.start_modal import Spot

_REMEMBERED: Final = 1000
"""Events of which a second telling is known."""


def register(app: AsyncApp, parts: Parts) -> None:
    heard: deque[str] = deque(maxlen=_REMEMBERED)
    wordings = Wordings()

    def new(body: Body) -> bool:
        """Whether it is told of for the first time: Slack tells again what it takes for unheard (Slack: Events API)."""
        again = body["event_id"] in heard
        heard.append(body["event_id"])
        return not again

    @app.event("app_mention")
    async def mention(body: Mapping[str, Any]) -> None:
        event = body["event"]
        # Slack tells of a mention again when its message is edited; `message_changed` says the same, and more.
        if edited_replies.by_a_person(event) and not event.get("edited") and new(body):
            say = parts.aside(author_of(body), _place(body))
            await told(parts, say, wordings.as_worded(body, partial(_mentioned, parts)))

    @app.event("message")
    async def message(body: Mapping[str, Any]) -> None:
        event = body["event"]
        if not new(body):
            return
        if (change := edited_replies.change_of(body)) is not None:
            say = parts.aside(change.author, change.place)
            await told(parts, say, edited_replies.changed(parts, wordings, change))
        elif edited_replies.by_a_person(event):
            direct, named = event.get("channel_type") == "im", replies.names_me(parts, str(event.get("text", "")))
            if direct or (event.get("thread_ts") and not named):  # a mention comes as an event of its own
                say = parts.aside(author_of(body), _place(body))
                await told(parts, say, wordings.as_worded(body, partial(_written, parts, direct=direct)))

    @app.shortcut(actions.FROM_MESSAGE)
    async def from_message(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        shown = body["message"]
        spot = Spot(channel=ChannelId(body["channel"]["id"]), thread_ts=Ts(shown.get("thread_ts") or shown["ts"]))
        say = parts.aside(person_of(body), Place(channel=spot.channel, message=None, thread_ts=spot.thread_ts))
        await told(parts, say, _start_from(parts, body, spot, client))


async def _mentioned(parts: Parts, body: Body) -> None:
    """A line that starts or looks after a task; or, in the thread of a question, its answer."""
    event, person = body["event"], author_of(body)
    line = await replies.line_of(parts, str(event["text"]))
    if event.get("thread_ts") and not replies.is_command(parts, line):
        root = MessageRef(channel=ChannelId(event["channel"]), ts=Ts(event["thread_ts"]))
        if asked := await replies.open_in(parts, root):
            await replies.answer(parts, person, _place(body), *await replies.chosen(parts, asked, line))
            return
    words = task_command.understood(parts, line) or ["help"]
    spot = Spot(channel=ChannelId(event["channel"]), thread_ts=_thread(event))
    origin = edited_replies.origin_of(spot.channel, event["ts"])
    await task_command.obey(parts, words, person, spot, parts.aside(person, _place(body)), origin)


async def _written(parts: Parts, body: Body, *, direct: bool) -> None:
    """A message that names nobody: the answer to the one question that is open in its thread, if it is one; by
    somebody who may answer, for the others only talk."""
    event, person = body["event"], author_of(body)
    if not event.get("thread_ts"):
        await parts.aside(person, _place(body))(
            f"I take no orders here. {task_command.ELSEWHERE} "
            "`/approvals` shows what waits for you, and so does my Home."
        )
        return
    root = MessageRef(channel=ChannelId(event["channel"]), ts=Ts(event["thread_ts"]))
    if (asked := await replies.answered_by_words(parts, person, root)) is not None:
        words = await replies.words_of(parts, event, direct=direct)
        await replies.answer(parts, person, _place(body), asked, words)


async def _start_from(parts: Parts, body: Body, spot: Spot, client: AsyncWebClient) -> None:
    await task_command.refuse_place(parts, spot.channel)
    quoted = await parts.names.typed(str(body["message"].get("text") or ""))
    view = start_modal.start(parts.engine.graphs(), metadata=spot.encoded(), quoted=quoted)
    await client.views_open(trigger_id=body["trigger_id"], view=view)


# --- Events -------------------------------------------------------------------------------------


def _thread(event: Mapping[str, Any]) -> Ts | None:
    """The thread that it was written in; None in the channel itself."""
    ts = event.get("thread_ts")
    return Ts(ts) if ts else None


def _place(body: Body) -> Place:
    event = body["event"]
    channel = ChannelId(event["channel"])
    return Place(channel=channel, message=MessageRef(channel=channel, ts=Ts(event["ts"])), thread_ts=_thread(event))
