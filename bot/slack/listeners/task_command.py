"""`/task`: what is asked for by a line is answered in private, and what it starts everybody sees."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.approvals.model.actor import COMMAND as COMMAND_SURFACE
from bot.approvals.model.actor import Actor
from bot.approvals.model.agent import Graph
from bot.approvals.model.errors import GraphUnavailable, Unreachable
from bot.approvals.model.ids import ChannelId, TaskId
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.ports.slack import LookupFailed
from bot.slack import markup, quotes
from bot.slack.api.directory import DirectMessage, NotJoined
from bot.slack.inbox import task_list
from bot.slack.listeners.acts import Command, Reply, origin_of
from bot.slack.listeners.context import Parts
from bot.slack.modals import start_modal
from bot.slack.modals.start_modal import Spot
from bot.slack.refusals import Refused, suggestion, worded
from bot.slack.text import literal

COMMAND = "/task"
LISTED = 15
ELSEWHERE = f"Tasks are started in a channel, where approvers can see them. Go to one and type `{COMMAND}` there."


async def typed(parts: Parts, command: Command) -> Reply | None:
    """Do what the line says; without a line, open the form that starts a task."""
    line = await parts.names.typed(command.line) if markup.marked(command.line) else command.line
    spot = Spot(channel=command.channel)
    if words := understood(parts, line):
        said = await obey(parts, words, command.actor, spot, origin_of(command.body))
        return None if said is None else Reply(text=said)
    await refuse_place(parts, spot.channel)
    await command.open(start_modal.start(parts.agents.graphs(), metadata=spot.encoded()))
    return None


def understood(parts: Parts, line: str) -> list[str]:
    """The words of a line; a sentence that a graph takes is one of them."""
    return spoken(parts.known_graphs(), line) or _split(parts, line)


async def obey(parts: Parts, words: Sequence[str], by: Actor, spot: Spot, origin: str = "") -> str | None:
    """Do what the words of a line ask for, which are at least one, and return what is said to the person alone; None
    if everybody sees what came of it. `origin` as in `Tasks.start`."""
    actor = replace(by, surface=COMMAND_SURFACE)
    match words:
        case ["help", *_]:
            return task_list.help_text(parts.agents.graphs(), _examples(parts))
        case ["list"]:
            return task_list.task_list(await _tasks(parts, actor))
        case ["status", id]:
            records = parts.masking.records(await parts.reading.records(actor, TaskId(id)))
            return task_list.task_status(records.task, records.requests)
        case ["cancel", id]:
            task = await parts.tasks.cancel(actor, TaskId(id))
            return f"Task `{task.id}` is cancelled. A step that is running now stops within seconds."
        case [("status" | "cancel") as verb, *_]:
            raise Refused(f"Which task? Try: `{COMMAND} {verb} 1a2b3c4d`. `{COMMAND} list` shows the ids.")
        case ["list", *_]:
            raise Refused(f"`list` takes nothing after it. Try: `{COMMAND} list`.")
        case [graph, *pairs]:
            _refuse_unknown(parts, graph)
            _refuse_unavailable(parts, graph)
            await refuse_place(parts, spot.channel)
            inputs = _pairs(parts, graph, pairs)
            await parts.tasks.start(actor, graph, inputs, spot.channel, thread_ts=spot.thread_ts, origin=origin)
    return None


async def _tasks(parts: Parts, actor: Actor) -> list[tuple[Task, Sequence[Request]]]:
    """The person's newest tasks with their requests, as people may see them."""
    tasks = await parts.reading.tasks_of(actor.person, LISTED)
    listed = [parts.masking.records(await parts.reading.records(actor, task.id)) for task in tasks]
    return [(records.task, records.requests) for records in listed]


def spoken(graphs: Sequence[Graph], line: str) -> list[str]:
    """The graph and one `key=value`, if the line is a graph's name and a plain sentence that it takes: nothing in a
    sentence is a quote or a key. Empty if it is no such line."""
    name, _, sentence = line.strip().partition(" ")
    graph = next((graph for graph in graphs if graph.name == name), None)
    if graph is None or not graph.spoken or not sentence.strip():
        return []
    known = "|".join(re.escape(each.name) for each in graph.inputs)
    keys = known if graph.spoken == "messages" else r"\S+"  # a key that is misspelt is no name, and may be a sentence
    if re.search(rf"(?:^|\s)(?:{keys})=", sentence):
        return []
    return [name, f"{graph.spoken}={quotes.unquoted(sentence.strip())}"]


def _split(parts: Parts, text: str) -> list[str]:
    """The words of the line, without the quotes that hold them together."""
    try:
        return quotes.split(text)
    except quotes.Unbalanced as unbalanced:
        raise Refused(f"{worded(unbalanced)} {_try(parts, text.split()[0])}") from None


def _pairs(parts: Parts, graph: str, words: Sequence[str]) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise Refused(f"`{literal(word)}` is not `key=value`. {_try(parts, graph)}")
        if key in pairs:
            raise Refused(f"`{literal(key)}` is given twice. {_try(parts, graph)}")
        pairs[key] = value
    return pairs


def _refuse_unknown(parts: Parts, word: str) -> None:
    """Refuse a word that is neither a graph nor a subcommand, and name the one that may have been meant."""
    known = [graph.name for graph in parts.agents.graphs()]
    if word in known:
        return
    near = difflib.get_close_matches(word, [*known, *task_list.SUBCOMMANDS], n=1)
    meant = _example(parts, near[0]) if near else ""
    hint = f" Did you mean `{literal(meant)}`?" if meant else ""
    graphs = ", ".join(f"`{name}`" for name in known)
    raise Refused(
        f"`{literal(word)}` is neither a graph nor a subcommand.{hint} Graphs: {graphs}. "
        f"`{COMMAND} help` shows all that `{COMMAND}` can do."
    )


def _refuse_unavailable(parts: Parts, name: str) -> None:
    """Refuse a graph that cannot run, before anything is said of what follows it: its inputs are not known."""
    graph = next(graph for graph in parts.agents.graphs() if graph.name == name)
    if graph.unavailable:
        raise GraphUnavailable(name, graph.unavailable)


async def refuse_place(parts: Parts, channel: ChannelId) -> None:
    """Refuse a place where no task can live: it needs a channel that the bot is in, where it can open its thread and
    approvers can see it."""
    if channel.startswith("D"):  # a conversation of two people, which the bot cannot see or be invited to
        raise Refused(ELSEWHERE)
    try:
        place = await parts.directory.may_post(channel)
    except LookupFailed as failed:
        raise Unreachable("Slack did not say whether I am in this channel") from failed
    match place:
        case DirectMessage():
            raise Refused(ELSEWHERE)
        case NotJoined():
            raise Refused(
                "I am not in this channel, so I could not show the task here. Invite me with "
                "`/invite @countersign`, then send the command again."
            )
        case _:
            return


def _examples(parts: Parts) -> list[str]:
    return [_example(parts, graph.name) for graph in parts.agents.graphs() if not graph.unavailable]


def _try(parts: Parts, word: str) -> str:
    """A line that starts the graph of this name, or the first graph that can run if there is none of this name."""
    runnable = [graph for graph in parts.known_graphs() if not graph.unavailable]
    graph = next((each for each in runnable if each.name == word), next(iter(runnable), None))
    if graph is None:
        return f"`{COMMAND} help` shows what it knows."
    return suggestion(graph.example or f"{COMMAND} {graph.name}", {each.name: each.choices for each in graph.inputs})


def _example(parts: Parts, name: str) -> str:
    """A line that begins with this graph or subcommand and is right."""
    known = (each.example for each in parts.agents.graphs() if each.name == name and not each.unavailable)
    return next(known, "") or f"{COMMAND} {name}"
