"""Messages as answers: which question a message answers, in which words, and what its author is told of that."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.decision import Respond
from bot.approvals.model.errors import StaleVersion
from bot.approvals.model.ids import MessageRef, Person
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.rules import lifecycle
from bot.slack import actions, blocks, text
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block
from bot.slack.cards import programs, question_blocks, render, vote_buttons
from bot.slack.listeners.acts import Place
from bot.slack.listeners.context import Parts
from bot.slack.refusals import Refused

TO_TAKE_BACK: Final = timedelta(minutes=1)
"""How long at least an answer in words is held: for that long its graph does not get it."""
_IDS: Final = re.compile(r"([0-9a-f]{8,}):?\s+(.+)", re.DOTALL)


class WhichQuestion(Refused):
    """Somebody answered in words while more than one question is open there."""

    def __init__(self, requests: Sequence[Request]) -> None:
        named = ", ".join(f"`{each.id}` ({text.sentence(question_blocks.title(each), 60)})" for each in requests[:5])
        super().__init__(
            f"More than one question is open here: {named}. Write the id of yours before the answer: "
            f"`@countersign {requests[0].id} ...`."
        )


class NotByWords(Refused):
    """Somebody answered in words what can only be answered with buttons."""

    def __init__(self) -> None:
        super().__init__("A message does not answer what is asked here: use the buttons of its card.")


class ReadFirst(Refused):
    """Somebody answered in words a question of which the card shows only a part."""

    def __init__(self) -> None:
        super().__init__(
            "The question is longer than its card can show, so a message does not answer it. Press *Review…* on the "
            "card: it shows the whole, and *Answer…* is at its end."
        )


async def open_in(parts: Parts, root: MessageRef) -> list[Request]:
    """The requests whose thread begins with this message and that are still open."""
    return [request for request in await parts.reading.asked_in(root) if isinstance(request.state, Pending)]


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
    """The request whose id begins the line, if it is one of these, and the words that answer it."""
    found = _IDS.fullmatch(line.strip())
    named = next((each for each in asked if found and each.id == found[1]), None)
    return (named, found[2]) if named is not None and found else (None, line)


async def answered_by_words(parts: Parts, person: Person, root: MessageRef) -> Request | None:
    """The one question that is open in a thread, if it wants words and waits for this person; else None."""
    asked = await open_in(parts, root)
    if len(asked) != 1 or not lifecycle.takes_words(asked[0].question):
        return None
    return asked[0] if await parts.inboxes.waits(asked[0], person) else None


async def answer(parts: Parts, actor: Actor, place: Place, request: Request, words: str) -> None:
    """Record the answer, and show whoever gave it what was recorded, with a way back."""
    said = words.strip()
    if not said:
        raise Refused("That was no answer: write it after my name.")
    shown = await _shown(parts, request, place)
    saved = await parts.votes.vote(actor, shown, (Respond(value=said),), hold=TO_TAKE_BACK, message=place.message)
    await tell(parts, actor.person, place, saved, said, "Taken as your answer.")


async def _shown(parts: Parts, request: Request, place: Place) -> Shown:
    """What the card shows in whose thread somebody answers; `ReadFirst` if that is not all of it."""
    view = await parts.reading.card_in(request, place.root)
    if view is None:
        raise StaleVersion(request.id)
    masked = await parts.shown(request)
    if not vote_buttons.answerable(render.draw(replace(view, request=masked)).blocks):
        raise ReadFirst
    version = view.message.version or request.version  # earlier versions kept the digest alone
    return Shown(request_id=request.id, version=version, digest=view.message.digest)


async def tell(parts: Parts, person: Person, place: Place, saved: Request, said: str, sentence: str) -> None:
    """Show somebody in private what their answer is now, with the button that takes it back while that can be done."""
    state = saved.state
    held = isinstance(state, Decided) and state.revocable
    if isinstance(state, Decided) and state.held_until is not None:
        sentence += (
            f" {text.upper(programs.agent(saved))} gets it in {text.span(state.held_until - state.decision.at)}."
        )
    title = question_blocks.title(await parts.shown(saved))
    back = blocks.button("Undo", actions.TAKE_BACK, RequestTarget.of(saved).encoded())
    shown: list[Block] = [
        blocks.section(f"{sentence}\n*{text.sentence(title, 150)}*"),
        blocks.rich(blocks.quote(blocks.run(text.shown(parts.masking.text(said), 1500).text))),
        *(blocks.actions([back]) if held else []),
    ]
    await parts.messenger.tell(person, place.channel, place.thread_ts, sentence, shown)


# --- The words of a message ---------------------------------------------------------------------


def names_me(parts: Parts, written: str) -> bool:
    """Whether the message mentions the bot."""
    return _mention(parts).search(written) is not None


async def line_of(parts: Parts, written: str) -> str:
    """What somebody typed after the bot's name."""
    found = _mention(parts).search(written)
    return await parts.names.typed(written[found.end() :] if found else written)


async def words_of(parts: Parts, message: Mapping[str, Any], *, direct: bool) -> str:
    """What somebody typed as an answer: what follows the bot's name, or all of it if the bot is not named. In a direct
    message the name is left out."""
    written = str(message.get("text") or "")
    if direct:
        return await parts.names.typed(_mention(parts).sub("", written))
    return await line_of(parts, written)


def is_command(parts: Parts, line: str) -> bool:
    """Whether a line in a question's thread is a command: a graph with inputs, none of them a sentence."""
    words = line.split()
    known = {graph.name for graph in parts.known_graphs()}
    return len(words) > 1 and words[0] in known and all("=" in word for word in words[1:2])


def _mention(parts: Parts) -> re.Pattern[str]:
    return re.compile(rf"<@{re.escape(parts.me)}(?:\|[^>]*)?>")
