"""Messages that their authors edit or delete: an answer that is still held becomes what its message says now, and
whoever changed a message that has had its effect is told that the change has none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bot.approvals.model.actor import Actor
from bot.approvals.model.decision import Respond, Vote
from bot.approvals.model.errors import CountersignError, TooLateToChange
from bot.approvals.model.ids import ChannelId
from bot.approvals.model.request import Request
from bot.approvals.rules import calling_off
from bot.slack import text
from bot.slack.cards import question_blocks
from bot.slack.listeners import replies
from bot.slack.listeners.context import Parts
from bot.slack.listeners.events import Change
from bot.slack.refusals import Refused, worded

_NOT_READ: Final = (
    "I read a message once, when it is sent, so your edit changes nothing. Please send it as a new message."
)


def origin_of(channel: ChannelId, ts: str) -> str:
    """What starts a task that is started by a mention (`Tasks.start`)."""
    return f"mention {channel} {ts}"


async def changed(parts: Parts, actor: Actor, change: Change) -> None:
    """Do what follows from the change, and tell its author."""
    async with parts.wordings.turn(change.ref):
        if not parts.wordings.note(change):
            return
        found = await _answered(parts, change)
        if found is None:
            await _without_effect(parts, change)
        else:
            await _amend(parts, actor, change, *found)


# --- An answer ----------------------------------------------------------------------------------


async def _amend(parts: Parts, actor: Actor, change: Change, request: Request, vote: Vote) -> None:
    before = _said(vote)
    words = await _words(parts, change, request)
    if change.now is not None and words == before:
        return
    say = parts.private.to(change.author, change.place)
    title = text.sentence(question_blocks.title(request), 150)
    voter = replace(actor, person=vote.person)
    try:
        if change.now is None:
            await parts.votes.unsay(voter, request.id, change.ref, "deleted")
            await say(f"You deleted your message, so your answer to *{title}* is taken back. It is open again.")
        elif words is None:
            await parts.votes.unsay(voter, request.id, change.ref, "edited")
            await say(f"Your message no longer answers *{title}*, so your answer is taken back. It is open again.")
        else:
            await _reword(parts, voter, change, request, words)
    except TooLateToChange as late:
        what = "Deleting" if change.now is None else "Editing"
        await say(f"{worded(late)} {what} your message changes nothing. You said: “{text.sentence(before, 300)}”")


async def _reword(parts: Parts, voter: Actor, change: Change, request: Request, words: str) -> None:
    """Answer with the new words; if they are refused, take back the answer that its author no longer gives."""
    try:
        saved = await parts.votes.reword(voter, request.id, change.ref, Respond(value=words), hold=replies.TO_TAKE_BACK)
    except TooLateToChange:
        raise
    except CountersignError as refused:
        await parts.votes.unsay(replace(voter, at=parts.clock()), request.id, change.ref, "edited")
        raise Refused(f"Your answer is taken back, because your edit cannot replace it: {worded(refused)}") from refused
    await replies.tell(parts, change.author, change.place, saved, words, "Your answer is now this.")


async def _answered(parts: Parts, change: Change) -> tuple[Request, Vote] | None:
    """The request that the message answers, and its vote."""
    if change.place.root is None:
        return None
    for request in await parts.reading.asked_in(change.place.root):
        vote = calling_off.given_in(request, change.ref)
        if vote is not None and vote.person.user_id == change.author.user_id:
            return request, vote
    return None


async def _words(parts: Parts, change: Change, request: Request) -> str | None:
    """The answer that the message gives by now; None if it gives none to this request."""
    if change.now is None or change.place.root is None:
        return None
    line = await replies.words_of(parts, change.now, direct=change.direct)
    if replies.names_me(parts, str(change.now.get("text", ""))) and replies.is_command(parts, line):
        return None
    named, words = replies.named_in(await parts.reading.asked_in(change.place.root), line)
    return words.strip() or None if named is None or named.id == request.id else None


def _said(vote: Vote) -> str:
    return next((str(verdict.value) for verdict in vote.verdicts if isinstance(verdict, Respond)), "")


# --- What never was an answer -------------------------------------------------------------------


async def _without_effect(parts: Parts, change: Change) -> None:
    """Tell those who may expect an effect that there is none: the author of what started a task, and of what would be
    an answer or a command if it were new."""
    say = parts.private.to(change.author, change.place)
    task = await parts.reading.started_from(origin_of(change.place.channel, change.ref.ts))
    if task is not None:
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
    root = change.place.root
    return root is not None and await replies.answered_by_words(parts, change.author, root) is not None
