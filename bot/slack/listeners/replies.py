"""Messages as answers: which question a message answers, in which words, and what its author is told of that."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.decision import Respond
from bot.approvals.model.errors import CountersignError, StaleVersion
from bot.approvals.model.ids import MessageRef, Person, TaskId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.ports.slack import View
from bot.approvals.rules import lifecycle
from bot.slack import actions, blocks, text
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block
from bot.slack.cards import render, vote_buttons
from bot.slack.listeners.context import Parts, Place

TO_TAKE_BACK: Final = timedelta(minutes=1)
"""How long an answer in words is kept from its graph."""
_IDS: Final = re.compile(r"([0-9a-f]{8,}):?\s+(.+)", re.DOTALL)


class WhichQuestion(CountersignError):
    """More than one question is open where somebody answered in words."""

    def __init__(self, requests: Sequence[Request]) -> None:
        named = ", ".join(f"`{each.id}` ({text.sentence(each.question.title, 60)})" for each in requests[:5])
        super().__init__(
            f"More than one question is open here: {named}. Write the id of yours before the answer: "
            f"`@countersign {requests[0].id} ...`."
        )


class NotByWords(CountersignError):
    """A request that is no question for words was answered in words."""

    def __init__(self) -> None:
        super().__init__("What is asked here is not answered by a message: use the buttons of its card.")


class ReadFirst(CountersignError):
    """A question of which the card shows only a part was answered in words."""

    def __init__(self) -> None:
        super().__init__(
            "The question is longer than its card can show, so a message does not answer it. Press *Review…* on the "
            "card: it shows the whole, and *Answer…* is at its end."
        )


async def asked_in(parts: Parts, root: MessageRef) -> list[Request]:
    """The requests whose thread begins with this message; of the copy of a card, its request."""
    message = await parts.storage.message_at(root)
    if message is not None and message.to is not None and message.request_id is not None:
        return [await parts.storage.request(message.request_id)]
    tasks = [task.id for task in await parts.storage.tasks_in(root.channel, root.ts)]
    return [
        request
        for task_id in ([*tasks, message.task_id] if message else tasks)
        for request in await parts.storage.requests_of(TaskId(task_id))
    ]


async def open_in(parts: Parts, root: MessageRef) -> list[Request]:
    """Those of them that are still open."""
    return [request for request in await asked_in(parts, root) if isinstance(request.state, Pending)]


async def chosen(parts: Parts, asked: Sequence[Request], line: str) -> tuple[Request, str]:
    """Which of the open requests a line answers, and with what; `WhichQuestion` or `NotByWords`."""
    named, words = named_in(asked, line)
    questions = [request for request in ([named] if named else asked) if lifecycle.takes_words(request.question)]
    if not questions:
        raise NotByWords
    if len(questions) > 1:
        raise WhichQuestion([await parts.shown(request) for request in questions])
    return questions[0], words


def named_in(asked: Sequence[Request], line: str) -> tuple[Request | None, str]:
    """The request whose id the line begins with, if it does with one of these, and what follows it."""
    found = _IDS.fullmatch(line.strip())
    named = next((each for each in asked if found and each.id == found[1]), None)
    return (named, found[2]) if named is not None and found else (None, line)


async def answered_by_words(parts: Parts, person: Person, root: MessageRef) -> Request | None:
    """The one question that is open in a thread, if it wants words and waits for this person."""
    asked = await open_in(parts, root)
    if len(asked) != 1 or not lifecycle.takes_words(asked[0].question):
        return None
    return asked[0] if await parts.inboxes.waits(asked[0], person) else None


async def answer(parts: Parts, person: Person, place: Place, request: Request, words: str) -> None:
    """Record the answer, and show what was taken to whoever gave it, with a way back."""
    said = words.strip()
    if not said:
        raise CountersignError("That was no answer: write it behind my name.")
    actor, verdicts = Actor(person=person, at=parts.clock()), (Respond(value=said),)
    shown = await _shown(parts, request, place)
    saved = await parts.answers.vote(actor, shown, verdicts, hold=TO_TAKE_BACK, message=place.message)
    await tell(parts, person, place, saved, said, "Taken as your answer.")


async def _shown(parts: Parts, request: Request, place: Place) -> Shown:
    """What the card shows in whose thread somebody answers; `ReadFirst` if that is not all of it."""
    records = await parts.storage.records_of(request.task_id)
    mine = [each for each in records.messages if each.request_id == request.id and each.digest]
    copies = [each for each in mine if each.kind is MessageKind.COPY and _begins(each.ref, place)]
    card = next(iter([*copies, *(each for each in mine if each.kind is MessageKind.CARD)]), None)
    if card is None:
        raise StaleVersion(request.id)
    masked = await parts.shown(request)
    if not vote_buttons.answerable(render.draw(View(message=card, task=records.task, request=masked)).blocks):
        raise ReadFirst
    version = card.version or request.version  # earlier versions kept the digest alone
    return Shown(request_id=request.id, version=version, digest=card.digest)


def _begins(ref: MessageRef | None, place: Place) -> bool:
    """Whether the message begins the thread in which somebody writes."""
    return ref is not None and (ref.channel, ref.ts) == (place.channel, place.thread_ts)


async def tell(parts: Parts, person: Person, place: Place, saved: Request, said: str, sentence: str) -> None:
    """Show somebody in private what their answer is now, and the button that takes it back while it is held."""
    held = isinstance(saved.state, Decided)
    sentence += f" The agent gets it in {int(TO_TAKE_BACK.total_seconds())} seconds." if held else ""
    title = (await parts.shown(saved)).question.title
    back = blocks.button("Take it back", actions.TAKE_BACK, RequestTarget.of(saved).encoded())
    shown: list[Block] = [
        blocks.section(f"{sentence}\n*{text.sentence(title, 150) or 'A question'}*"),
        blocks.rich(blocks.quote(blocks.run(text.shown(parts.masking.text(said), 1500).text))),
        *(blocks.actions([back]) if held else []),
    ]
    await parts.messenger.tell(person, place.channel, place.thread_ts, sentence, shown)


# --- The words of a message ---------------------------------------------------------------------


def names_me(parts: Parts, written: str) -> bool:
    """Whether the message mentions the bot."""
    return _mention(parts).search(written) is not None


async def line_of(parts: Parts, written: str) -> str:
    """What somebody typed behind the bot's name."""
    found = _mention(parts).search(written)
    return await parts.names.typed(written[found.end() :] if found else written)


async def words_of(parts: Parts, message: Mapping[str, Any], *, direct: bool) -> str:
    """What somebody typed as an answer: behind the bot's name, or all of it; in a conversation with the bot its name
    says nothing."""
    written = str(message.get("text") or "")
    if direct:
        return await parts.names.typed(_mention(parts).sub("", written))
    return await line_of(parts, written)


def is_command(parts: Parts, line: str) -> bool:
    """Whether a line in a question's thread is an order all the same: a graph with inputs, none of them a sentence."""
    words = line.split()
    known = {graph.name for graph in parts.engine.graphs()}
    return len(words) > 1 and words[0] in known and all("=" in word for word in words[1:2])


def _mention(parts: Parts) -> re.Pattern[str]:
    return re.compile(rf"<@{re.escape(parts.me)}(?:\|[^>]*)?>")
