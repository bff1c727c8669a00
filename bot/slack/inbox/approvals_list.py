"""What `/approvals` answers: the inbox in short, as mrkdwn. Pure."""

from __future__ import annotations

from typing import Final

from bot.approvals.inbox.queries import Contents, Row
from bot.approvals.model.inbox import Only
from bot.approvals.model.request import Pending
from bot.slack import links, text
from bot.slack.inbox import request_row, task_list
from bot.slack.text import moment

MAX_OPEN_QUESTIONS: Final = 3
"""Shown for one task."""


def waiting(contents: Contents, address: str) -> str:
    """What waits for the person: all of it, or what is overdue if they asked for that."""
    page = contents.waiting
    overdue = contents.look.only is Only.OVERDUE
    untold = [f":warning: {text.escape(sentence)}" for sentence in contents.untold]
    if not page.rows:
        nothing = "Nothing that waits for you is overdue." if overdue else "Nothing waits for your answer."
        return "\n".join([nothing, *untold])
    what = "Overdue" if overdue else "Waiting for you"
    rows = [f"• {_lines(request_row.line(row.request, _card(row, address)))}" for row in page.rows if row.request]
    rest = page.total - len(rows)
    return "\n".join(
        [
            f"*{what}: {page.total:,}*, highest risk first, then earliest deadline",
            *rows,
            *([f"… and {text.counted(rest, 'more request')}"] if rest else []),
            *([f"{contents.overdue:,} overdue: `/approvals overdue`"] if contents.overdue and not overdue else []),
            *untold,
        ]
    )


def asked(contents: Contents, address: str) -> str:
    """The person's own tasks, and how each stands."""
    page = contents.asked
    if not page.rows:
        return "You have started no task yet. `/task` opens a form to start one."
    lines = ["*What you asked for*, open tasks first"]
    for row in page.rows:
        task = row.records.task
        thread = links.to(row, address, "Open the thread")
        standing = [task_list.state(task), f"started {moment(task.created_at)}", thread]
        lines.append(f"• `{task.id}` *{text.sentence(task.graph, 80)}* {' · '.join(word for word in standing if word)}")
        pending = [request for request in row.records.requests if isinstance(request.state, Pending)]
        for request in pending[:MAX_OPEN_QUESTIONS]:
            card = Row(records=row.records, request=request)
            lines.append(f"   ◦ {_lines(request_row.line(request, _card(card, address), mine=True))}")
    if rest := page.total - len(page.rows):
        lines.append(f"… and {text.counted(rest, 'more task')}")
    return "\n".join(lines)


def _card(row: Row, address: str) -> str:
    return links.to(row, address, "Open the card")


def _lines(words: str) -> str:
    """Two lines as one."""
    return words.replace("\n", " · ")
