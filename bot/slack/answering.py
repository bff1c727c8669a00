"""Messages as answers: which question a message answers, in which words, and what its author is told of that."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from bot.approvals import rules
from bot.approvals.decision import Respond
from bot.approvals.errors import CountersignError
from bot.approvals.ids import MessageRef, Person, TaskId
from bot.approvals.inboxes import waits_for
from bot.approvals.request import Decided, Pending, Request
from bot.slack import actions, blocks, text
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block
from bot.slack.parts import Parts, Place

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


async def asked_in(parts: Parts, root: MessageRef) -> list[Request]:
    """The requests whose thread begins with this message; of the copy of a card, its request."""
    surface = await parts.storage.surface_at(root)
    if surface is not None and surface.to is not None and surface.request_id is not None:
        return [await parts.storage.request(surface.request_id)]
    tasks = [task.id for task in await parts.storage.tasks_in(root.channel, root.ts)]
    return [
        request
        for task_id in ([*tasks, surface.task_id] if surface else tasks)
        for request in await parts.storage.requests_of(TaskId(task_id))
    ]


async def open_in(parts: Parts, root: MessageRef) -> list[Request]:
    """Those of them that are still open."""
    return [request for request in await asked_in(parts, root) if isinstance(request.state, Pending)]


def chosen(asked: Sequence[Request], line: str) -> tuple[Request, str]:
    """Which of the open requests a line answers, and with what; `WhichQuestion` or `NotByWords`."""
    named, words = named_in(asked, line)
    questions = [request for request in ([named] if named else asked) if rules.takes_words(request.question)]
    if not questions:
        raise NotByWords
    if len(questions) > 1:
        raise WhichQuestion(questions)
    return questions[0], words


def named_in(asked: Sequence[Request], line: str) -> tuple[Request | None, str]:
    """The request whose id the line begins with, if it does with one of these, and what follows it."""
    found = _IDS.fullmatch(line.strip())
    named = next((each for each in asked if found and each.id == found[1]), None)
    return (named, found[2]) if named is not None and found else (None, line)


async def answered_by_words(parts: Parts, person: Person, root: MessageRef) -> Request | None:
    """The one question that is open in a thread, if it wants words and waits for this person."""
    asked = await open_in(parts, root)
    if len(asked) != 1 or not rules.takes_words(asked[0].question):
        return None
    return asked[0] if waits_for(asked[0], person, await parts.inboxes.names(person)) else None


async def answer(parts: Parts, person: Person, place: Place, request: Request, words: str) -> None:
    """Record the answer, and show what was taken to whoever gave it, with a way back."""
    said = words.strip()
    if not said:
        raise CountersignError("That was no answer: write it behind my name.")
    now, verdicts = parts.clock(), (Respond(value=said),)
    saved = await parts.answers.vote(
        request.id, person, request.version, verdicts, now, hold=TO_TAKE_BACK, message=place.message
    )
    await tell(parts, person, place, saved, said, "Taken as your answer.")


async def tell(parts: Parts, person: Person, place: Place, saved: Request, said: str, sentence: str) -> None:
    """Show somebody in private what their answer is now, and the button that takes it back while it is held."""
    held = isinstance(saved.state, Decided)
    sentence += f" The agent gets it in {int(TO_TAKE_BACK.total_seconds())} seconds." if held else ""
    back = blocks.button("Take it back", actions.TAKE_BACK, RequestTarget.of(saved).encoded())
    shown: list[Block] = [
        blocks.section(f"{sentence}\n*{text.sentence(saved.question.title, 150) or 'A question'}*"),
        blocks.rich(blocks.quote(blocks.run(text.shown(said, 1500).text))),
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
