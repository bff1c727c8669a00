"""An agent on a LangGraph Server, in words: where it runs, and which thread asks. Pure.

The operator chose the server's name. What is known of a thread's parent, and what a graph is called, was written by
whoever started the thread, so it is shortened and escaped.
"""

from __future__ import annotations

import re
from typing import Final

from bot.approvals.model.ids import Person, TaskId
from bot.approvals.model.server import server_of
from bot.approvals.model.task import Task
from bot.slack import blocks, text
from bot.slack.blocks import Element

_MAX_GRAPH_CHARACTERS: Final = 80
_MAX_PARENT_CHARACTERS: Final = 60
_PARENT: Final = re.compile(r"(?P<id>[0-9a-f]{8})-[0-9a-f-]{27}(?: \((?P<name>.+)\))?", re.DOTALL)
"""The id of the thread or run that started a thread, and perhaps the name by which that knows this one."""


def name(task_id: TaskId) -> str:
    """The server on which the task's agent runs, as mrkdwn: `*prod*`. Empty if it runs on none."""
    server = server_of(task_id)
    return "" if server is None else f"*{text.program(server)}*"


def where(task_id: TaskId) -> str:
    """Where the task's agent runs, as the end of a mrkdwn phrase: ` on *prod*`. Empty if it runs on no server."""
    server = name(task_id)
    return f" on {server}" if server else ""


def where_runs(task_id: TaskId) -> list[Element]:
    """The same in rich text."""
    server = server_of(task_id)
    return (
        [] if server is None else [blocks.run(" on "), blocks.run(text.label(server, text.MAX_NAME_CHARACTERS), "bold")]
    )


def is_watched(task: Task) -> bool:
    """Whether somebody else started the thread. Then only the questions are ours: we neither stop nor retry its
    agent."""
    return task.server is not None and task.server.watched


def thread(task: Task) -> str:
    """The thread that asks, as mrkdwn: `a thread of *deploy* on *prod*`."""
    return f"a thread of *{text.sentence(task.graph, _MAX_GRAPH_CHARACTERS)}*{where(task.id)}"


def for_whom(task: Task) -> str:
    """The person whom the thread names, as the end of a mrkdwn phrase: ` for @alice`. Empty if it names nobody."""
    return f" for {text.mention(task.requester)}" if isinstance(task.requester, Person) else ""


def asks(task: Task) -> str:
    """That a thread asks, and for whom, as mrkdwn: `a thread of *deploy* on *prod* asks for @alice`."""
    return f"{thread(task)} {_did(task)}{for_whom(task)}"


def asks_runs(task: Task) -> list[Element]:
    """The same in rich text, at the beginning of a line."""
    graph = blocks.run(text.label(task.graph, _MAX_GRAPH_CHARACTERS), "bold")
    whom = [blocks.run(" for "), blocks.who(task.requester)] if isinstance(task.requester, Person) else []
    return [blocks.run("A thread of "), graph, *where_runs(task.id), blocks.run(f" {_did(task)}"), *whom]


def parent(task: Task) -> list[str]:
    """What is known of whatever started the thread, as mrkdwn: `started by the thread 5b1e7c52…`, or if that has a name
    of its own for this one, `subagent researcher of the thread 5b1e7c52…`. Empty if nothing is known."""
    said = _parent(task)
    return [text.sentence(said, len(said))] if said else []


def parent_runs(task: Task) -> list[Element]:
    """The same in rich text, behind a dot."""
    said = _parent(task)
    return [blocks.run(f" · {text.label(said, len(said))}")] if said else []


def _parent(task: Task) -> str:
    told = task.server.parent.strip() if task.server is not None else ""
    if not told:
        return ""
    found = _PARENT.fullmatch(told)
    if found is None:
        return f"started by {text.label(told, _MAX_PARENT_CHARACTERS)}"
    if found["name"] in (None, task.graph):
        return f"started by the thread {found['id']}…"
    return f"subagent {text.label(found['name'], _MAX_PARENT_CHARACTERS)} of the thread {found['id']}…"


def _did(task: Task) -> str:
    return "asked" if task.finished else "asks"
