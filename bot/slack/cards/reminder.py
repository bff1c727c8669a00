"""A reminder of a request that still waits, from its policy or from its requester. Pure."""

from __future__ import annotations

from bot.approvals.model.request import Request
from bot.approvals.rules import schedule
from bot.slack import blocks, text
from bot.slack.blocks import Block
from bot.slack.cards import outcome_blocks, status_lines
from bot.slack.text import moment


def reminder(request: Request, *, nudged: bool = False) -> list[Block]:
    """A reminder, `nudged` if the requester asked for it. Once the request is settled, it says only that."""
    if settled := outcome_blocks.headline(request):
        return [blocks.context(f"Reminder: {settled}")]
    by = f" {_due(request)} {moment(request.deadline)}" if request.deadline else ""
    title = blocks.run(text.label(request.question.title, 150) or "the question above", "bold")
    asks = f"{text.mention(request.requester)} still waits" if nudged else "Still waiting"
    return [
        blocks.section(f"{asks} for an answer{by}"),
        blocks.rich(blocks.line(title)),
        blocks.context(f"Who may answer: {status_lines.waiting(request)}"),
    ]


def _due(request: Request) -> str:
    return "that was due by" if schedule.is_overdue(request) else "by"
