"""What `/approvals` answers: the inbox in short, as mrkdwn, and what waits also as rows with buttons. Pure."""

from __future__ import annotations

from typing import Final

from bot.approvals.inbox.queries import Contents, Row
from bot.approvals.model.inbox import Only
from bot.approvals.model.request import Pending
from bot.slack import blocks, links, text
from bot.slack.blocks import Block
from bot.slack.cards import servers
from bot.slack.inbox import request_row, task_list
from bot.slack.text import moment

MAX_OPEN_QUESTIONS: Final = 3
"""Shown for one task."""
_MAX_CHARACTERS: Final = 9_000
"""Of the rows on the wire, like those of a message."""
_MAX_BLOCKS: Final = blocks.MESSAGE_BLOCKS - 5
"""The rest is for the heading and for what is said below the rows."""


def rows(contents: Contents, address: str) -> tuple[Block, ...]:
    """What `waiting` says, as blocks: each request can be answered in its row if the row shows all that it asks, and is
    opened with *Review…* otherwise. No blocks if nothing waits."""
    heading, rendered, shown = _heading(contents), list[Block](), 0
    for row in contents.waiting.rows:
        if row.request is None:
            continue
        more = [blocks.divider(), *request_row.row(row.request, _card(row, address))]
        if len(rendered) + len(more) > _MAX_BLOCKS or blocks.size([*rendered, *more]) > _MAX_CHARACTERS:
            break
        rendered += more
        shown += 1
    undoable = ["\n".join(lines)] if (lines := _undoable(contents, address)) else []
    below = [blocks.context(words) for words in (*undoable, *_below(contents, shown))]
    return (blocks.section(heading), *rendered, *below) if rendered else ()


def waiting(contents: Contents, address: str) -> str:
    """What waits for the person: all of it, or what is overdue if they asked for that."""
    page = contents.waiting
    if not page.rows:
        overdue = contents.look.only is Only.OVERDUE
        nothing = "Nothing that waits for you is overdue." if overdue else "Nothing waits for your answer."
        return "\n".join([nothing, *_undoable(contents, address), *_untold(contents)])
    shown = [f"• {_lines(request_row.line(row.request, _card(row, address)))}" for row in page.rows if row.request]
    return "\n".join([_heading(contents), *shown, *_undoable(contents, address), *_below(contents, len(shown))])


def _heading(contents: Contents) -> str:
    what = "Overdue" if contents.look.only is Only.OVERDUE else "Waiting for you"
    return f"*{what}: {contents.waiting.total:,}*, highest risk first, then earliest deadline"


def _below(contents: Contents, shown: int) -> list[str]:
    """How many more there are, how many are overdue, and what may be missing."""
    rest, overdue = contents.waiting.total - shown, contents.look.only is Only.OVERDUE
    return [
        *([f"… and {text.counted(rest, 'more request')} on my Home"] if rest > 0 else []),
        *([f"{contents.overdue:,} overdue: `/approvals overdue`"] if contents.overdue and not overdue else []),
        *_untold(contents),
    ]


def _undoable(contents: Contents, address: str) -> list[str]:
    """What the person can undo, which waits for nobody. No line if there is nothing."""
    if not contents.undoable.rows or contents.look.only is Only.OVERDUE:
        return []
    rows = [row for row in contents.undoable.rows if row.request]
    lines = [f"• {_lines(request_row.line(row.request, _card(row, address)))}" for row in rows if row.request]
    return [f"*Can be undone: {contents.undoable.total:,}*", *lines]


def _untold(contents: Contents) -> list[str]:
    return [f":warning: {text.escape(sentence)}" for sentence in contents.untold]


def asked(contents: Contents, address: str) -> str:
    """The person's own tasks, and how each stands."""
    page = contents.asked
    if not page.rows:
        return "You have started no task yet. `/task` opens a form to start one."
    lines = ["*What you asked for*, open tasks first"]
    for row in page.rows:
        task = row.records.task
        thread = links.to(row, address, "Open the thread")
        began = f"{task_list.began(task)} {moment(task.created_at)}"
        standing = [task_list.state(task, row.records.requests), began, thread]
        lines.append(
            f"• `{task.id}` *{text.sentence(task.graph, 80)}*{servers.where(task.id)} · "
            f"{' · '.join(word for word in standing if word)}"
        )
        pending = [request for request in row.records.requests if isinstance(request.state, Pending)]
        for request in pending[:MAX_OPEN_QUESTIONS]:
            card = Row(records=row.records, request=request)
            lines.append(f"   ◦ {_lines(request_row.line(request, _card(card, address), mine=True))}")
    if rest := page.total - len(page.rows):
        lines.append(f"… and {text.counted(rest, 'more task')}")
    return "\n".join(lines)


def _card(row: Row, address: str) -> str:
    return links.to(row, address, "Open card")


def _lines(words: str) -> str:
    """Two lines as one."""
    return words.replace("\n", " · ")
