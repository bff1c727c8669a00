"""What people write without a command: a mention or a shortcut that starts a task, a reply that answers a question.

A reply is taken for an answer only if it can be nothing else, and never for an approval: it names the bot, or the
question is the only one that is open in its thread; and all that the question wants is words.
"""

from __future__ import annotations

from functools import partial

from bot.approvals.model.ids import ChannelId
from bot.slack.listeners import edited_replies, replies, task_command
from bot.slack.listeners.acts import Place, Shortcut
from bot.slack.listeners.context import Parts
from bot.slack.listeners.events import Event
from bot.slack.modals import start_modal
from bot.slack.modals.start_modal import Spot


async def mentioned(parts: Parts, event: Event) -> None:
    """Somebody named the bot."""
    # Slack tells of a mention again when its message is edited; `message_changed` says the same, and more.
    if not event.told.get("edited"):
        await parts.wordings.as_worded(event, partial(_mentioned, parts))


async def written(parts: Parts, event: Event) -> None:
    """Somebody wrote a message, or changed one."""
    if event.change is not None:
        await edited_replies.changed(parts, event.actor, event.change)
        return
    named = replies.names_me(parts, event.words)
    if event.direct or (event.told.get("thread_ts") and not named):  # a mention comes as an event of its own
        await parts.wordings.as_worded(event, partial(_written, parts))


async def start_from(parts: Parts, shortcut: Shortcut) -> None:
    """Open the form that starts a task in the thread of a message, with its words."""
    spot = Spot(channel=shortcut.place.channel, thread_ts=shortcut.place.thread_ts)
    await task_command.refuse_place(parts, spot.channel)
    quoted = await parts.names.typed(shortcut.words)
    await shortcut.open(start_modal.start(parts.agents.graphs(), metadata=spot.encoded(), quoted=quoted))


async def _mentioned(parts: Parts, event: Event) -> None:
    """A line that starts or manages a task, or, in the thread of a question, answers it."""
    place = _place(event)
    line = await replies.line_of(parts, event.words)
    root = None if replies.is_command(parts, line) else place.root
    if root is not None and (asked := await replies.open_in(parts, root)):
        await replies.answer(parts, event.actor, place, *await replies.chosen(parts, asked, line))
        return
    words = task_command.understood(parts, line) or ["help"]
    spot = Spot(channel=place.channel, thread_ts=place.thread_ts)
    origin = edited_replies.origin_of(ChannelId(event.told["channel"]), event.told["ts"])
    said = await task_command.obey(parts, words, event.actor, spot, origin)
    if said is not None:
        await parts.private.to(event.actor.person, place)(said)


async def _written(parts: Parts, event: Event) -> None:
    """A message that does not name the bot. It answers the one question that is open in its thread, if its author may
    answer that; everybody else only talks."""
    place = _place(event)
    if place.root is None:
        await parts.private.to(event.actor.person, place)(
            f"I can't start tasks in a direct message. {task_command.ELSEWHERE} "
            "`/approvals` shows what waits for you, and so does my Home."
        )
        return
    if (asked := await replies.answered_by_words(parts, event.actor.person, place.root)) is not None:
        words = await replies.words_of(parts, event.told, direct=event.direct)
        await replies.answer(parts, event.actor, place, asked, words)


def _place(event: Event) -> Place:
    if event.place is None:
        raise ValueError("a message stands somewhere")
    return event.place
