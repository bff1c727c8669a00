"""What happens to a task whose agent runs on a LangGraph Server, as sentences of a history."""

from __future__ import annotations

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.task import Task
from bot.slack import text
from bot.slack.cards import servers


def sentence(event: AuditEvent, task: Task) -> str:
    """What happened, as a mrkdwn sentence. Empty if it is told as for any other task."""
    if task.server is None:
        return ""
    where, who = servers.where(task.id), text.mention(event.person) if event.person else "Somebody"
    match event.kind:
        case "started":
            return f"{who} started *{text.sentence(task.graph, 80)}*{where}."
        case "adopted":
            parent = "".join(f", {each}," for each in servers.parent(task))
            asked = f"{servers.thread(task)}{parent} asked something{servers.for_whom(task)}"
            return f"{text.upper(asked)}, so people here are asked."
        case "task_reopened":
            return f"The thread{where} asked something new, so the task goes on."
        case "cancelled" if task.server.watched:
            return f"{who} ended the request here. The thread{where} was not told."
        case "superseded":
            return f"It was no longer needed: the thread{where} had moved on."
        case "lost":
            return f"The thread was gone from {servers.name(task.id)}, so the task ended."
        case _:
            return ""
