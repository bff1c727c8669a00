"""A reminder of a request that still waits, from its policy or from its requester. Pure."""

from __future__ import annotations

from bot.approvals.model.request import Request
from bot.slack import blocks, text
from bot.slack.blocks import Block
from bot.slack.cards import endings, question_blocks, turns


def reminder(request: Request, *, nudged: bool = False) -> list[Block]:
    """Who is still waited for and until when, then the title; `nudged` if the requester asked for it. Once the request
    is settled, only how."""
    if settled := endings.of_request(request):
        return [blocks.context(f"Reminder: {settled}")]
    title = blocks.run(text.label(question_blocks.title(request), 150), "bold")
    return [blocks.section(f"⏰ {waits(request, nudged=nudged)}"), blocks.rich(blocks.line(title))]


def waits(request: Request, *, nudged: bool = False) -> str:
    """As mrkdwn, without a full stop: `Still waiting for @bob and @carol, by tomorrow`."""
    until = turns.by(request)
    who = f"{text.mention(request.requester)} is still waiting for" if nudged else "Still waiting for"
    return f"{who} {turns.people(request, 5)}{f', {until}' if until else ''}"
