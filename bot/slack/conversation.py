"""What people write without a command: a mention or a shortcut that starts a task, a reply that answers a question.

A reply is taken for an answer only where it can be for nothing else, and never for an approval: it names the bot, or
the question is the only one that is open in its thread; and all that the question wants is words.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals import rules
from bot.approvals.decision import Respond
from bot.approvals.errors import CountersignError, StaleVersion
from bot.approvals.ids import ChannelId, MessageRef, Person, TaskId, Ts
from bot.approvals.ports import View
from bot.approvals.request import Decided, Pending, Request
from bot.approvals.surface import SurfaceKind
from bot.slack import actions, blocks, cards, commands, offers, starting, text
from bot.slack.actions import RequestTarget
from bot.slack.parts import Body, Parts, Place, author_of, person_of, told
from bot.slack.starting import Spot

TO_TAKE_BACK: Final = timedelta(minutes=1)
"""How long an answer in words is kept from its graph."""
_SUBTYPES: Final = frozenset({None, "thread_broadcast", "file_share"})
"""Of messages that a person wrote; the others tell of edits, joins and the like."""
_REMEMBERED: Final = 1000
"""Events of which a second telling is known."""
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


def register(app: AsyncApp, parts: Parts) -> None:
    heard: deque[str] = deque(maxlen=_REMEMBERED)

    def new(body: Body) -> bool:
        """Whether it is told of for the first time: Slack tells again what it takes for unheard (Slack: Events API)."""
        again = body["event_id"] in heard
        heard.append(body["event_id"])
        return not again

    @app.event("app_mention")
    async def mention(body: Mapping[str, Any]) -> None:
        if _by_a_person(body["event"]) and new(body):
            await told(parts, parts.aside(author_of(body), _place(body)), _mentioned(parts, body))

    @app.event("message")
    async def message(body: Mapping[str, Any]) -> None:
        event = body["event"]
        if not _by_a_person(event) or not new(body):
            return
        direct, named = event.get("channel_type") == "im", f"<@{parts.me}>" in str(event.get("text", ""))
        if direct or (event.get("thread_ts") and not named):  # a mention comes as an event of its own
            await told(parts, parts.aside(author_of(body), _place(body)), _written(parts, body, direct=direct))

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
    line = text.typed(str(event["text"]).partition(f"<@{parts.me}>")[2])
    if event.get("thread_ts") and not _is_command(parts, line):
        asked = await _open_in(parts, MessageRef(channel=ChannelId(event["channel"]), ts=Ts(event["thread_ts"])))
        if asked:
            await _answer(parts, person, _place(body), *await _chosen(parts, asked, line))
            return
    words = commands.understood(parts, line) or ["help"]
    spot = Spot(channel=ChannelId(event["channel"]), thread_ts=_thread(event))
    origin = f"mention {event['channel']} {event['ts']}"
    await commands.obey(parts, words, person, spot, parts.aside(person, _place(body)), origin)


async def _written(parts: Parts, body: Body, *, direct: bool) -> None:
    """A message that names nobody: the answer to the one question that is open in its thread, if it is one; by
    somebody who may answer, for the others only talk."""
    event, person = body["event"], author_of(body)
    if not event.get("thread_ts"):
        await parts.aside(person, _place(body))(
            f"I take no orders here. {commands.ELSEWHERE} `/approvals` shows what waits for you, and so does my Home."
        )
        return
    asked = await _open_in(parts, MessageRef(channel=ChannelId(event["channel"]), ts=Ts(event["thread_ts"])))
    if len(asked) != 1 or not rules.takes_words(asked[0].question):
        return
    if not await parts.inboxes.waits(asked[0], person):
        return
    said = str(event["text"]).replace(f"<@{parts.me}>", "") if direct else str(event["text"])
    await _answer(parts, person, _place(body), asked[0], text.typed(said))


async def _start_from(parts: Parts, body: Body, spot: Spot, client: AsyncWebClient) -> None:
    await commands.refuse_place(parts, spot.channel)
    quoted = text.typed(str(body["message"].get("text") or ""))
    view = starting.start(parts.engine.graphs(), metadata=spot.encoded(), quoted=quoted)
    await client.views_open(trigger_id=body["trigger_id"], view=view)


# --- Answers in words ---------------------------------------------------------------------------


async def _open_in(parts: Parts, root: MessageRef) -> list[Request]:
    """The open requests whose thread begins with this message; of the copy of a card, its request."""
    surface = await parts.storage.surface_at(root)
    if surface is not None and surface.to is not None and surface.request_id is not None:
        found = [await parts.storage.request(surface.request_id)]
    else:
        tasks = [task.id for task in await parts.storage.tasks_in(root.channel, root.ts)]
        found = [
            request
            for task_id in ([*tasks, surface.task_id] if surface else tasks)
            for request in await parts.storage.requests_of(TaskId(task_id))
        ]
    return [request for request in found if isinstance(request.state, Pending)]


async def _chosen(parts: Parts, asked: Sequence[Request], line: str) -> tuple[Request, str]:
    """Which of the open requests a line answers, and with what; `WhichQuestion` or `NotByWords`."""
    if (found := _IDS.fullmatch(line.strip())) and (named := [each for each in asked if each.id == found[1]]):
        asked, line = named, found[2]
    questions = [request for request in asked if rules.takes_words(request.question)]
    if not questions:
        raise NotByWords
    if len(questions) > 1:
        raise WhichQuestion([await parts.shown(request) for request in questions])
    return questions[0], line


async def _answer(parts: Parts, person: Person, place: Place, request: Request, words: str) -> None:
    """Record the answer, and show what was taken to whoever gave it, with a way back."""
    said = words.strip()
    if not said:
        raise CountersignError("That was no answer: write it behind my name.")
    now = parts.clock()
    version, digest = await _shown(parts, request, place)
    verdicts = (Respond(value=said),)
    saved = await parts.answers.vote(request.id, person, version, verdicts, now, digest=digest, hold=TO_TAKE_BACK)
    held = isinstance(saved.state, Decided)
    seconds = int(TO_TAKE_BACK.total_seconds())
    sentence = f"Taken as your answer. The agent gets it in {seconds} seconds." if held else "Taken as your answer."
    title = (await parts.shown(request)).question.title
    back = blocks.button("Take it back", actions.TAKE_BACK, RequestTarget.of(saved).encoded())
    shown = [
        blocks.section(f"{sentence}\n*{text.sentence(title, 150) or 'A question'}*"),
        blocks.rich(blocks.quote(blocks.run(text.shown(parts.masking.text(said), 1500).text))),
        *(blocks.actions([back]) if held else []),
    ]
    await parts.messenger.tell(person, place.channel, place.thread_ts, sentence, shown)


async def _shown(parts: Parts, request: Request, place: Place) -> tuple[int, str | None]:
    """The version and the digest that the card shows in whose thread somebody answers; `ReadFirst` if that is not all
    of it."""
    records = await parts.storage.records_of(request.task_id)
    mine = [each for each in records.surfaces if each.request_id == request.id and each.digest]
    copies = [each for each in mine if each.kind is SurfaceKind.COPY and _begins(each.ref, place)]
    card = next(iter([*copies, *(each for each in mine if each.kind is SurfaceKind.CARD)]), None)
    if card is None:
        raise StaleVersion(request.id)
    if not offers.answerable(cards.draw(View(surface=card, task=records.task, request=request)).blocks):
        raise ReadFirst
    return card.version or request.version, card.digest  # earlier versions kept the digest alone


def _begins(ref: MessageRef | None, place: Place) -> bool:
    """Whether the message begins the thread in which somebody writes."""
    return ref is not None and (ref.channel, ref.ts) == (place.channel, place.thread_ts)


# --- Events -------------------------------------------------------------------------------------


def _is_command(parts: Parts, line: str) -> bool:
    """Whether a line in a question's thread is an order all the same: a graph with inputs, none of them a sentence."""
    words = line.split()
    known = {graph.name for graph in parts.engine.graphs()}
    return len(words) > 1 and words[0] in known and all("=" in word for word in words[1:2])


def _by_a_person(event: Mapping[str, Any]) -> bool:
    """Whether somebody wrote it: not an app, and not Slack itself."""
    return event.get("subtype") in _SUBTYPES and not event.get("bot_id") and bool(event.get("user"))


def _thread(event: Mapping[str, Any]) -> Ts | None:
    """The thread that it was written in; None in the channel itself."""
    ts = event.get("thread_ts")
    return Ts(ts) if ts else None


def _place(body: Body) -> Place:
    event = body["event"]
    return Place(channel=ChannelId(event["channel"]), message=None, thread_ts=_thread(event))
