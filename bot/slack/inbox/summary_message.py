"""The daily summary: what waits for a person, as one message in their DM, with a link to each request's card."""

from __future__ import annotations

from typing import Final

from bot.approvals.inbox.queries import Contents
from bot.slack import blocks, links, text
from bot.slack.blocks import Block
from bot.slack.cards import privacy, question_blocks
from bot.slack.cards.render import Card, Urgency
from bot.slack.inbox import request_row

MAX_ROWS: Final = 10


def draw(contents: Contents, address: str) -> Card:
    """The requests with the highest risk, then the earliest deadline; how many more there are on the person's Home."""
    total = contents.all_waiting
    heading = "1 request waits for you" if total == 1 else f"{total:,} requests wait for you"
    rows: list[Block] = [
        blocks.section(request_row.line(row.request, links.to(row, address, "Open card")))
        for row in contents.waiting.rows
        if row.request is not None
    ]
    rest = total - len(rows)
    more = f"{text.counted(rest, 'more request')} on my Home. " if rest > 0 else ""
    footer = blocks.context(f"{more}You get this at {contents.summary}. `/approvals summary off` stops it.")
    first = next((row.request for row in contents.waiting.rows if row.request is not None), None)
    title = text.sentence(question_blocks.title(privacy.masked(first)), 150) if first else ""
    overdue = f"{contents.overdue:,} overdue." if contents.overdue else ""
    return Card(
        text=text.paragraph([f"{heading}.", overdue, f"First: {text.spoken(title)}" if title else ""]),
        blocks=(blocks.header(heading), *([blocks.context(overdue)] if overdue else []), *rows, footer),
        shrunk=lambda: (blocks.header(heading), footer),
        urgency=Urgency.NOTICE,
    )
