"""Messages that their authors edit or delete: an answer that is still held becomes what its message says by then, and
whoever changed a message that has had its effect is told that the change has none.

Slack tells of edits as `message_changed`, and so it does of a link's preview that is added later; of a message with
replies that is deleted, as one that turns into a `tombstone` (Slack: "message_changed", "message_deleted").
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from weakref import WeakValueDictionary

from bot.approvals.model.actor import Actor
from bot.approvals.model.decision import Respond, Vote
from bot.approvals.model.errors import CountersignError, NotFound, TooLateToChange
from bot.approvals.model.ids import ChannelId, MessageRef, Person, Ts
from bot.approvals.model.request import Request
from bot.approvals.rules import lifecycle
from bot.approvals.services.tasks import started_by
from bot.slack import text
from bot.slack.listeners import replies
from bot.slack.listeners.context import Body, Parts, Place, author_of

_SUBTYPES: Final = frozenset({None, "thread_broadcast", "file_share"})
"""Of messages that a person wrote; the others tell of edits, joins and the like."""
_REMEMBERED: Final = 1000
"""Messages of which the latest wording is known."""
_NOT_READ: Final = (
    "I read a message once, when it is sent, so your edit changes nothing. Please send it as a new message."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A person's message that says something else by now, or is gone."""

    author: Person
    place: Place
    ref: MessageRef
    at: Ts
    """When it was changed, in Slack's time."""
    before: Mapping[str, Any]
    now: Mapping[str, Any] | None
    """The message as it stands; None if it was deleted."""
    direct: bool


def by_a_person(event: Mapping[str, Any]) -> bool:
    """Whether somebody wrote it: not an app, and not Slack itself."""
    return event.get("subtype") in _SUBTYPES and not event.get("bot_id") and bool(event.get("user"))


def change_of(body: Body) -> Change | None:
    """The change of a person's words that an event tells of; None if it tells of something else."""
    event = body["event"]
    now, before = event.get("message"), event.get("previous_message") or {}
    if event.get("subtype") == "message_deleted" or (now or {}).get("subtype") == "tombstone":
        now, message = None, before
    elif event.get("subtype") == "message_changed" and now:
        message = now
    else:
        return None
    if not by_a_person(message) or not message.get("ts"):
        return None
    if now is not None:
        edited = now.get("edited") or {}
        if edited.get("user", now["user"]) != now["user"] or before.get("text") == now.get("text"):
            return None
    channel = ChannelId(event["channel"])
    ref = MessageRef(channel=channel, ts=Ts(message["ts"]))
    thread_ts = message.get("thread_ts")
    return Change(
        author=author_of({**body, "event": message}),
        place=Place(channel=channel, message=ref, thread_ts=Ts(thread_ts) if thread_ts else None),
        ref=ref,
        at=Ts(event.get("ts") or event["event_ts"]),
        before=before,
        now=now,
        direct=event.get("channel_type") == "im",
    )


def origin_of(channel: ChannelId, ts: str) -> str:
    """What a task is started by that a mention starts (`Tasks.start`)."""
    return f"mention {channel} {ts}"


@dataclass(slots=True, kw_only=True)
class Wordings:
    """How messages read by now, as far as this process was told: events come in any order, and are worked on at the
    same time. Each message is worked on by one at a time."""

    _latest: OrderedDict[MessageRef, Change] = field(default_factory=OrderedDict)
    _turns: WeakValueDictionary[MessageRef, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def turn(self, ref: MessageRef) -> asyncio.Lock:
        turn = self._turns.get(ref)
        if turn is None:
            turn = self._turns[ref] = asyncio.Lock()
        return turn

    def note(self, change: Change) -> bool:
        """Remember it; False if a later one is known."""
        known = self._latest.get(change.ref)
        if known is not None and Decimal(known.at) >= Decimal(change.at):
            return False
        self._latest[change.ref] = change
        self._latest.move_to_end(change.ref)
        while len(self._latest) > _REMEMBERED:
            self._latest.popitem(last=False)
        return True

    async def as_worded(self, body: Body, act: Callable[[Body], Awaitable[None]]) -> None:
        """Act on a new message, as it reads by now if that was told earlier; not at all if it was deleted."""
        event = body["event"]
        ref = MessageRef(channel=ChannelId(event["channel"]), ts=Ts(event["ts"]))
        async with self.turn(ref):
            change = self._latest.get(ref)
            if change is None:
                await act(body)
            elif change.now is not None:
                await act({**body, "event": {**event, "text": change.now.get("text", "")}})


async def changed(parts: Parts, wordings: Wordings, change: Change) -> None:
    """Do what follows from the change, and tell its author."""
    async with wordings.turn(change.ref):
        if not wordings.note(change):
            return
        found = await _answered(parts, change)
        if found is None:
            await _without_effect(parts, change)
        else:
            await _amend(parts, change, *found)


# --- An answer ----------------------------------------------------------------------------------


async def _amend(parts: Parts, change: Change, request: Request, vote: Vote) -> None:
    before = _said(vote)
    words = await _words(parts, change, request)
    if change.now is not None and words == before:
        return
    say = parts.aside(change.author, change.place)
    title = text.sentence(request.question.title, 150) or "the question"
    actor = Actor(person=vote.person, at=parts.clock())
    try:
        if change.now is None:
            await parts.answers.unsay(actor, request.id, change.ref, "deleted")
            await say(f"You deleted your message, so your answer to *{title}* is taken back. It is open again.")
        elif words is None:
            await parts.answers.unsay(actor, request.id, change.ref, "edited")
            await say(f"Your message no longer answers *{title}*, so your answer is taken back. It is open again.")
        else:
            await _reword(parts, change, request, vote, words)
    except TooLateToChange as late:
        what = "Deleting" if change.now is None else "Editing"
        await say(f"{late} {what} your message changes nothing. You said: “{text.sentence(before, 300)}”")


async def _reword(parts: Parts, change: Change, request: Request, vote: Vote, words: str) -> None:
    """Answer with the new words; what is refused leaves no answer behind that its author no longer gives."""
    verdict, actor = Respond(value=words), Actor(person=vote.person, at=parts.clock())
    try:
        saved = await parts.answers.reword(actor, request.id, change.ref, verdict, hold=replies.TO_TAKE_BACK)
    except TooLateToChange:
        raise
    except CountersignError as refused:
        actor = Actor(person=vote.person, at=parts.clock())
        await parts.answers.unsay(actor, request.id, change.ref, "edited")
        raise CountersignError(f"Your answer is taken back, as your edit cannot replace it: {refused}") from refused
    await replies.tell(parts, change.author, change.place, saved, words, "Your answer is now this.")


async def _answered(parts: Parts, change: Change) -> tuple[Request, Vote] | None:
    """The request that the message answers, and its vote."""
    if change.place.thread_ts is None:
        return None
    root = MessageRef(channel=change.place.channel, ts=change.place.thread_ts)
    for request in await replies.asked_in(parts, root):
        vote = lifecycle.given_in(request, change.ref)
        if vote is not None and vote.person.user_id == change.author.user_id:
            return request, vote
    return None


async def _words(parts: Parts, change: Change, request: Request) -> str | None:
    """The answer that the message gives by now; None if it gives none to this request."""
    if change.now is None or change.place.thread_ts is None:
        return None
    line = await replies.words_of(parts, change.now, direct=change.direct)
    if replies.names_me(parts, str(change.now.get("text", ""))) and replies.is_command(parts, line):
        return None
    root = MessageRef(channel=change.place.channel, ts=change.place.thread_ts)
    named, words = replies.named_in(await replies.asked_in(parts, root), line)
    return words.strip() or None if named is None or named.id == request.id else None


def _said(vote: Vote) -> str:
    return next((str(verdict.value) for verdict in vote.verdicts if isinstance(verdict, Respond)), "")


# --- What never was an answer -------------------------------------------------------------------


async def _without_effect(parts: Parts, change: Change) -> None:
    """Tell those who may expect an effect that there is none: the author of what started a task, and of what would be
    an answer, or an order, if it were new."""
    say = parts.aside(change.author, change.place)
    with suppress(NotFound):
        task = await parts.storage.task(started_by(origin_of(change.place.channel, change.ref.ts)))
        if not task.finished:
            await say(
                f"Task `{task.id}` was started by your message as it was, and goes on. "
                f"`/task cancel {task.id}` ends it."
            )
        return
    if change.now is None:
        return
    if replies.names_me(parts, str(change.now.get("text", ""))) or await _might_answer(parts, change):
        await say(_NOT_READ)


async def _might_answer(parts: Parts, change: Change) -> bool:
    if change.place.thread_ts is None:
        return False
    root = MessageRef(channel=change.place.channel, ts=change.place.thread_ts)
    return await replies.answered_by_words(parts, change.author, root) is not None
