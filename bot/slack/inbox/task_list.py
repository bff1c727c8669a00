"""What `/task` answers: help, the person's tasks, one task's status, as mrkdwn. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from bot.approvals.model.agent import Graph
from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.request import Pending, Request
from bot.approvals.model.task import Ended, Failed, Running, Starting, Task, TaskCancelled, Waiting
from bot.approvals.rules import windows
from bot.slack.cards import decision_words, endings, privacy, programs, question_blocks, servers, turns, undo_words
from bot.slack.text import escape, mention, moment, sentence, shown

SUBCOMMANDS = ("help", "list", "status", "cancel")
_MAX_REPORT_CHARACTERS: Final = 80
"""Of what an agent reports, in the line of its task."""


def help_text(graphs: Sequence[Graph], examples: Sequence[str]) -> str:
    """How to use the command, with an example for every graph that can run here."""
    lines = [
        "*Start a task*",
        "`/task` opens a form. `/task &lt;graph&gt; key=value ...` starts it at once:",
        *(f"• `{escape(example)}`" for example in examples),
        "*Manage your tasks*",
        "• `/task list` shows your tasks, newest first",
        "• `/task status &lt;id&gt;` shows how one stands",
        "• `/task cancel &lt;id&gt;` ends one and tells the people who were asked",
    ]
    missing = [graph for graph in graphs if graph.unavailable]
    if missing:
        lines.append("*Not available here*")
        lines += [f"• `{escape(graph.name)}`: {sentence(graph.unavailable, 300)}" for graph in missing]
    return "\n".join(lines)


def task_list(tasks: Sequence[tuple[Task, Sequence[Request]]]) -> str:
    """Each task with its requests, in one line."""
    if not tasks:
        return "You have started no task yet. `/task` opens a form to start one."
    return "\n".join(["*Your tasks*, newest first", *(f"• {_line(task, requests)}" for task, requests in tasks)])


def task_status(task: Task, requests: Sequence[Request]) -> str:
    lines = [f"{_line(task, requests)} by {mention(task.requester)}{programs.through(task)} in <#{task.channel}>"]
    lines += [
        f"• {sentence(question_blocks.title(privacy.masked(request)), 150)}: {_request(request)}"
        for request in requests
    ]
    if isinstance(task.state, Ended) and (
        len(task.state.outcome) > _MAX_REPORT_CHARACTERS or "\n" in task.state.outcome
    ):
        lines.append(escape(shown(task.state.outcome, 1500).text))
    return "\n".join(lines)


def _line(task: Task, requests: Sequence[Request]) -> str:
    began_at = f"{began(task)} {moment(task.created_at)}"
    return f"`{task.id}` *{escape(task.graph)}*{servers.where(task.id)} · {state(task, requests)} · {began_at}"


def began(task: Task) -> str:
    """What happened when it began: `started`, or `asked` for a program's request and for a thread that somebody else
    started."""
    return "asked" if is_of_caller(task.id) or servers.is_watched(task) else "started"


def state(task: Task, requests: Sequence[Request]) -> str:
    """How the task stands, with its sign first. `requests` are all of the task's."""
    ending = endings.of_task(task, tuple(map(privacy.masked, requests)))
    pending = [request for request in requests if isinstance(request.state, Pending)]
    match task.state:
        case Starting() | Running():
            return f"{decision_words.WORKING} working"
        case Waiting() if pending and all(request.is_window for request in pending):
            undoable = any(windows.can_undo(request) for request in pending)
            return f"{decision_words.DONE} {'done, and can be undone' if undoable else 'done'}"
        case Waiting():
            return f"{decision_words.WAITING} waits for an answer"
        case Failed(failure=failure):
            return f"{decision_words.FAILED} stopped by an error (`{failure.error_id}`)"
        case Ended() | TaskCancelled():
            assert ending is not None  # noqa: S101 - it has ended
            return ending.line(_MAX_REPORT_CHARACTERS)
        case never:
            assert_never(never)


def _request(request: Request) -> str:
    if settled := endings.of_request(request):
        return settled
    if request.is_window:
        return f"{decision_words.DONE} {undo_words.offer(request)}"
    until = turns.by(request)
    return f"{decision_words.WAITING} waits for {turns.turn(request)}{f', {until}' if until else ''}"
