"""*Reveal*: what a request hides, for those who may answer it and for nobody else. Each look is recorded first."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bot.approvals.model.request import Request
from bot.approvals.rules.masking import Hidden
from bot.slack import actions, blocks, text
from bot.slack.actions import RequestTarget
from bot.slack.cards.vote_buttons import hidden_of
from bot.slack.listeners.acts import Click
from bot.slack.listeners.context import Parts
from bot.slack.modals.question_pages import PIECES
from bot.slack.modals.views import Modal, modal
from bot.slack.refusals import Refused


class NothingHidden(Refused):
    """The request hides nothing, or no longer."""

    def __init__(self) -> None:
        super().__init__("Nothing is hidden in this request as it stands now. *Details* has everything.")


async def reveal(parts: Parts, click: Click) -> None:
    """Check the person afresh, record the look, then show; the same again for each page."""
    async with click.in_time():
        request = await parts.votes.admit_to_hidden(click.actor, click.request.request)
    masked = await parts.shown(request)
    hidden = hidden_of(masked)
    if not hidden:
        raise NothingHidden
    turned = ":" in click.action_id
    page = actions.index(click.action_id)
    on_page = _pieces(hidden)[page * PIECES : (page + 1) * PIECES]
    keys = tuple(dict.fromkeys(each.place for each, _ in on_page))
    await parts.votes.revealed(click.actor, request, keys)
    view = draw(masked, hidden, page)
    if turned:
        await click.turn(view)
    else:
        await click.open(view)


def draw(request: Request, hidden: Sequence[Hidden], page: int = 0) -> Modal:
    """One page of hidden values: where each stands, how it is shown there, and what it is."""
    every = _pieces(hidden)
    pages = -(-len(every) // PIECES)
    where = f"Page {page + 1} of {pages}" if pages > 1 else ""
    words = (where, text.counted(len(hidden), "hidden value"), f"version {request.version}", "This look is recorded")
    drawn = [blocks.context(" · ".join(word for word in words if word))]
    before: Hidden | None = None
    for each, piece in every[page * PIECES : (page + 1) * PIECES]:
        if each is not before:
            label = blocks.run(text.label(each.place or "a value", 150), "bold")
            drawn.append(blocks.rich(blocks.line(label, blocks.run(f"  shown as {text.label(each.mask, 150)}"))))
        drawn.append(blocks.rich(blocks.code(piece)))
        before = each
    value = RequestTarget.of(request).encoded()
    turns = [("Previous", page - 1), ("Next", page + 1)]
    buttons = [
        blocks.button(words, actions.indexed(actions.REVEAL, to), value) for words, to in turns if 0 <= to < pages
    ]
    return modal("Hidden values", actions.NOTICE, [*drawn, *blocks.actions(buttons)], metadata=value)


def _pieces(hidden: Sequence[Hidden]) -> list[tuple[Hidden, str]]:
    return [(each, piece) for each in hidden for piece in blocks.split(_written(each))]


def _written(hidden: Hidden) -> str:
    value = hidden.value
    return text.visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
