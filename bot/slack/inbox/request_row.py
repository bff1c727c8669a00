"""A request as part of a list: on somebody's Home, in `/approvals`, in the daily summary. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.approvals.model.request import Request
from bot.slack import blocks, text
from bot.slack.blocks import Block
from bot.slack.cards import outcome_blocks, privacy, question_blocks, status_lines, values, vote_buttons
from bot.slack.cards.values import Detail
from bot.slack.text import moment

MAX_TITLE_CHARACTERS: Final = 150
"""Of a title in a list that links to the card."""
_ROW: Final = Detail(text=300, value=200, rows=8, entries=6, items=1)
_MAX_ROW_TITLE_CHARACTERS: Final = 600
_MAX_ROW_BLOCKS: Final = 3


def row(request: Request, place: str) -> list[Block]:
    """The request in short, as part of a list: what, who, risk, deadline and votes. It can be answered in the list if
    everything that it asks fits in a few lines; otherwise *Review…* opens it. `place` is a mrkdwn link to the card."""
    request = privacy.masked(request)
    about = question_blocks.rendered(request, _ROW)
    whole = about.whole and question_blocks.headed(request.question) and len(about.blocks) <= _MAX_ROW_BLOCKS
    title = text.shown(question_blocks.title(request), _MAX_ROW_TITLE_CHARACTERS).text
    return [
        blocks.rich(blocks.line(blocks.run(title, "bold"))),
        blocks.context(_joined([status_lines.risk(request), _asked_for(request), *_open_for(request, place)])),
        *(about.blocks if whole else _proposed(request)),
        *(
            {**block, "block_id": f"request:{request.id}"}
            for block in blocks.actions(vote_buttons.buttons(request, whole=whole))
        ),
    ]


def line(request: Request, place: str, *, mine: bool = False) -> str:
    """The request in two lines of mrkdwn: what is asked, and how it stands. `mine` words it for its requester."""
    request = privacy.masked(request)
    if settled := outcome_blocks.headline(request):
        return f"*{_title(request)}*\n{_joined([settled, place])}"
    of = f"waits for {status_lines.who(request)}" if mine else _asked_for(request)
    return f"*{_title(request)}*\n{_joined([status_lines.risk(request), of, *_open_for(request, place)])}"


def _asked_for(request: Request) -> str:
    return f"asked by {text.mention(request.requester)} for *{text.sentence(request.graph, 80)}*"


def _open_for(request: Request, place: str) -> list[str]:
    """The deadline, how many have answered, and where the card is."""
    by = f"answer by {moment(request.deadline)}" if request.deadline else "no deadline"
    votes = status_lines.votes(request)
    return [by, f"answers: {votes}" if votes else "", place]


def _joined(words: Sequence[str]) -> str:
    joined = " · ".join(word for word in words if word)
    return joined[:1].upper() + joined[1:]


def _title(request: Request) -> str:
    return text.sentence(request.question.title, MAX_TITLE_CHARACTERS) or "A question"


def _proposed(request: Request) -> list[Block]:
    """What is proposed, in one line. *Review…* shows all of it."""
    items = [item for item in request.question.items if item.arguments or len(request.question.items) > 1]
    if not items:
        return []
    if len(items) > 1:
        return [blocks.context(f"{len(items)} actions: {text.listed([text.sentence(i.name, 60) for i in items], 5)}")]
    return [blocks.rich(blocks.line(*values.inline(items[0].arguments)))]
