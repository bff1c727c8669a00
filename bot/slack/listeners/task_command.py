"""`/task`: acknowledged at once, answered in private, and what it starts is seen by all."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model import actor
from bot.approvals.model.actor import Actor
from bot.approvals.model.agent import Graph
from bot.approvals.model.errors import CountersignError, GraphUnavailable, Unreachable, literal
from bot.approvals.model.ids import ChannelId, Person, TaskId
from bot.approvals.ports.slack import LookupFailed
from bot.slack import markup, quotes
from bot.slack.api.directory import DirectMessage, NotJoined
from bot.slack.inbox import task_list
from bot.slack.listeners.context import Parts, Say, person_of, told
from bot.slack.modals import start_modal
from bot.slack.modals.start_modal import Spot

COMMAND = "/task"
LISTED = 15
ELSEWHERE = f"Tasks are started in a channel, where approvers can see them. Go to one and type `{COMMAND}` there."


class CommandRefused(CountersignError):
    """The line cannot be understood, or not from here; the sentence shows a right one."""


def register(app: AsyncApp, parts: Parts) -> None:
    @app.command(COMMAND)
    async def task(ack: AsyncAck, respond: AsyncRespond, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()

        async def say(sentence: str) -> None:
            await respond(text=sentence, response_type="ephemeral", unfurl_links=False, unfurl_media=False)

        await told(parts, say, _run(parts, body, client, say))


async def _run(parts: Parts, body: Mapping[str, Any], client: AsyncWebClient, say: Say) -> None:
    person, channel = person_of(body), ChannelId(body["channel_id"])
    text = str(body.get("text", ""))
    words = understood(parts, await parts.names.typed(text) if markup.marked(text) else text)
    if words:
        await obey(parts, words, person, Spot(channel=channel), say)
        return
    await refuse_place(parts, channel)
    view = start_modal.start(parts.engine.graphs(), metadata=Spot(channel=channel).encoded())
    await client.views_open(trigger_id=body["trigger_id"], view=view)


def understood(parts: Parts, line: str) -> list[str]:
    """The words of a line; a sentence that a graph takes is one of them."""
    return spoken(parts.engine.graphs(), line) or _split(line)


async def obey(parts: Parts, words: Sequence[str], person: Person, spot: Spot, say: Say, origin: str = "") -> None:
    """Do what the words of a line ask for, which are at least one; `origin` as in `Tasks.start`."""
    match words:
        case ["help", *_]:
            await say(task_list.help_text(parts.engine.graphs(), _examples(parts)))
        case ["list"]:
            await say(task_list.task_list(await parts.storage.tasks_of(person, LISTED)))
        case ["status", id]:
            await say(await _status(parts, TaskId(id), person))
        case ["cancel", id]:
            task = await parts.tasks.cancel(Actor(person=person, surface=actor.COMMAND, at=parts.clock()), TaskId(id))
            await say(f"Task `{task.id}` is cancelled. A step that is running now stops within seconds.")
        case [("status" | "cancel") as verb, *_]:
            raise CommandRefused(
                f"Which task? A right line: `{COMMAND} {verb} 1a2b3c4d`. `{COMMAND} list` shows the ids."
            )
        case ["list", *_]:
            raise CommandRefused(f"`list` takes nothing after it. A right line: `{COMMAND} list`.")
        case [graph, *pairs]:
            _refuse_unknown(parts, graph)
            _refuse_unavailable(parts, graph)
            await refuse_place(parts, spot.channel)
            inputs = _pairs(parts, graph, pairs)
            by = Actor(person=person, surface=actor.COMMAND, at=parts.clock())
            await parts.tasks.start(by, graph, inputs, spot.channel, thread_ts=spot.thread_ts, origin=origin)


async def _status(parts: Parts, id: TaskId, person: Person) -> str:
    by = Actor(person=person, surface=actor.COMMAND, at=parts.clock())
    task = await parts.tasks.look(by, id)
    records = parts.masking.records(await parts.storage.records_of(task.id))
    return task_list.task_status(records.task, records.requests)


def spoken(graphs: Sequence[Graph], line: str) -> list[str]:
    """The graph and one `key=value`, where the line is a graph's name and a plain sentence that it takes: nothing in a
    sentence is a quote or a key. Empty where it is no such line."""
    name, _, sentence = line.strip().partition(" ")
    graph = next((graph for graph in graphs if graph.name == name), None)
    if graph is None or not graph.spoken or not sentence.strip():
        return []
    known = "|".join(re.escape(each.name) for each in graph.inputs)
    keys = known if graph.spoken == "messages" else r"\S+"  # a key that is misspelt is no name, and may be a sentence
    if re.search(rf"(?:^|\s)(?:{keys})=", sentence):
        return []
    return [name, f"{graph.spoken}={quotes.unquoted(sentence.strip())}"]


def _split(text: str) -> list[str]:
    """The words of the line, without the quotes that hold them together."""
    try:
        return quotes.split(text)
    except quotes.Unbalanced as unbalanced:
        raise CommandRefused(f'{unbalanced} A right line: `{COMMAND} cleanup path="my logs"`.') from None


def _pairs(parts: Parts, graph: str, words: Sequence[str]) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise CommandRefused(
                f"`{literal(word)}` is not `key=value`. A right line: `{literal(_example(parts, graph))}`"
            )
        if key in pairs:
            raise CommandRefused(f"`{literal(key)}` is given twice. A right line: `{literal(_example(parts, graph))}`")
        pairs[key] = value
    return pairs


def _refuse_unknown(parts: Parts, word: str) -> None:
    """A word that is neither a graph nor a subcommand, with what it may have been meant to be."""
    known = [graph.name for graph in parts.engine.graphs()]
    if word in known:
        return
    near = difflib.get_close_matches(word, [*known, *task_list.SUBCOMMANDS], n=1)
    hint = f" Did you mean `{COMMAND} {near[0]}`?" if near else ""
    graphs = ", ".join(f"`{name}`" for name in known)
    raise CommandRefused(
        f"`{literal(word)}` is neither a graph nor a subcommand.{hint} Graphs: {graphs}. "
        f"`{COMMAND} help` shows all that `{COMMAND}` can do."
    )


def _refuse_unavailable(parts: Parts, name: str) -> None:
    """Before anything is said of what follows it: its inputs are not known."""
    graph = next(graph for graph in parts.engine.graphs() if graph.name == name)
    if graph.unavailable:
        raise GraphUnavailable(name, graph.unavailable)


async def refuse_place(parts: Parts, channel: ChannelId) -> None:
    """Tasks live in channels that the bot is in: there their thread can be opened, and approvers can see it."""
    if channel.startswith("D"):  # of two people the bot sees nothing, and cannot be invited there
        raise CommandRefused(ELSEWHERE)
    try:
        place = await parts.directory.may_post(channel)
    except LookupFailed as failed:
        raise Unreachable("Slack did not say whether I am in this channel") from failed
    match place:
        case DirectMessage():
            raise CommandRefused(ELSEWHERE)
        case NotJoined():
            raise CommandRefused(
                "I am not in this channel, so I could not show the task here. Invite me with "
                "`/invite @countersign`, then send the command again."
            )
        case _:
            return


def _examples(parts: Parts) -> list[str]:
    return [_example(parts, graph.name) for graph in parts.engine.graphs() if not graph.unavailable]


def _example(parts: Parts, graph: str) -> str:
    return next((known.example for known in parts.engine.graphs() if known.name == graph), f"{COMMAND} {graph}")
