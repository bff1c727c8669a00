"""A reminder of a request that still waits, from its policy or from its requester; or a call to look again at what has
changed since it was approved. Pure."""

from __future__ import annotations

from datetime import datetime

from bot.approvals.model.request import Request
from bot.slack import blocks, text
from bot.slack.blocks import Block
from bot.slack.cards import earlier_words, endings, question_blocks, turns


def reminder(request: Request, sent_at: datetime, *, nudged: bool = False) -> list[Block]:
    """Who is still waited for and until when, then the title; `nudged` if the requester asked for it. Once the request
    is settled, only how."""
    if settled := endings.of_request(request):
        return [blocks.context(f"Reminder: {settled}")]
    title = blocks.run(text.label(question_blocks.title(request), 150), "bold")
    changed = looks_again(request, sent_at)
    said = f"🔔 {changed}" if changed else f"⏰ {waits(request, nudged=nudged)}"
    return [blocks.section(said), blocks.rich(blocks.line(title))]


def looks_again(request: Request, sent_at: datetime) -> str:
    """As mrkdwn, without a full stop: that something changed after the approval, and who is to look again. Empty if the
    message was sent because nobody had answered."""
    changed = earlier_words.look_again(request)
    if not changed or sent_at != request.opened_at:
        return ""
    until = turns.by(request)
    return f"{changed}, {turns.people(request, 5)}{f', {until}' if until else ''}"


def waits(request: Request, *, nudged: bool = False) -> str:
    """As mrkdwn, without a full stop: `Still waiting for @bob and @carol, by tomorrow`."""
    until = turns.by(request)
    who = f"{text.mention(request.requester)} is still waiting for" if nudged else "Still waiting for"
    return f"{who} {turns.people(request, 5)}{f', {until}' if until else ''}"
