"""What `/task` answers: help, the person's tasks, one task's status, as mrkdwn. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from bot.approvals.model.agent import Graph
from bot.approvals.model.decision import outcome_of
from bot.approvals.model.request import Decided, Delivered, Pending, Request, Superseded
from bot.approvals.model.task import Ended, Failed, Running, Starting, Task, TaskCancelled, Waiting
from bot.approvals.rules import schedule
from bot.slack.cards import privacy
from bot.slack.text import escape, moment, sentence, shown

SUBCOMMANDS = ("help", "list", "status", "cancel")


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


def task_list(tasks: Sequence[Task]) -> str:
    if not tasks:
        return "You have started no task yet. `/task` opens a form to start one."
    return "\n".join(["*Your tasks*, newest first", *(f"• {_line(task)}" for task in tasks)])


def task_status(task: Task, requests: Sequence[Request]) -> str:
    lines = [f"{_line(task)}, started by <@{task.requester.user_id}> in <#{task.channel}>"]
    lines += [f"• {sentence(privacy.masked(request).question.title, 150)}: {_request(request)}" for request in requests]
    if isinstance(task.state, Ended):
        lines.append(escape(shown(task.state.outcome, 1500).text))
    return "\n".join(lines)


def _line(task: Task) -> str:
    return f"`{task.id}` *{escape(task.graph)}* {state(task)}, started {moment(task.created_at)}"


def state(task: Task) -> str:
    """How the task stands, as the end of a sentence."""
    match task.state:
        case Starting() | Running():
            return "is working"
        case Waiting():
            return "waits for an answer"
        case Ended(stopped=True):
            return "was stopped"
        case Ended():
            return "has finished"
        case Failed(failure=failure):
            return f"was stopped by an error (`{failure.error_id}`)"
        case TaskCancelled():
            return "was cancelled"
        case never:
            assert_never(never)


def _request(request: Request) -> str:
    match request.state:
        case Pending():
            deadline = request.deadline
            if deadline is not None and schedule.is_overdue(request):
                return f"has been overdue since {moment(deadline)} and keeps waiting"
            return "waits for an answer" + (f" until {moment(deadline)}" if deadline else "")
        case Decided(decision=decision) | Delivered(decision=decision):
            return f"{outcome_of(decision)} at {moment(decision.at)}"
        case Superseded(at=at):
            return f"no longer asked since {moment(at)}"
        case state:
            assert_never(state)
