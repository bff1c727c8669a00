"""A record -> a Slack message: pure, within Slack's limits whatever the payload, and the same for the same record.

Each kind of message is rendered with as much detail as fits. If Slack still says that it is too long, the messenger
sends its smallest form.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import partial
from typing import Final, assert_never

from bot.approvals.model.ids import MessageId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Pending, Request
from bot.approvals.ports.slack import View
from bot.slack import blocks
from bot.slack.blocks import Block
from bot.slack.cards import notices, notification, privacy, reminder, request_card, task_card
from bot.slack.cards.request_card import Drawn, Sketch
from bot.slack.cards.values import Detail

MAX_CHARACTERS: Final = 10_000
"""Characters of a message's blocks on the wire. Slack's own limit (`msg_blocks_too_long`) is not documented and is near
13,000."""

MAX_LINES: Final = 10
"""Of 60 characters, of a card. A longer request folds: its card shows what fits, and *Review…* opens all of it."""

_WHOLE: Final = Detail(text=2500, value=1500, rows=20, entries=25, items=16)
"""Used only if nothing has to be left out, so that people need no review."""
_LEAST: Final = Detail(text=24, value=50, rows=0, entries=1, items=0, line=56)
"""Of a card that does not show everything, and of a settled one."""
_MORE: Final[tuple[tuple[str, int], ...]] = (
    ("rows", 1),
    ("items", 1),
    ("items", 2),
    ("items", 3),
    ("text", 50),
    ("text", 110),
    ("line", 112),
    ("rows", 2),
    ("rows", 3),
    ("value", 110),
    ("rows", 4),
    ("items", 4),
    ("entries", 2),
    ("rows", 5),
    ("items", 5),
    ("text", 170),
    ("value", 170),
    ("entries", 3),
    ("rows", 6),
    ("items", 6),
    ("rows", 8),
    ("items", 8),
    ("text", 300),
)
"""What such a card shows besides, most telling first. Each is taken if there is room for it beside those before it. Of
what there was no room for, more is not tried."""
_DETAILS: Final = (
    Detail(text=1500, value=800, rows=12, entries=8, items=16),
    Detail(text=700, value=300, rows=8, entries=5, items=16),
    Detail(text=300, value=120, rows=5, entries=3, items=12),
    Detail(text=100, value=50, rows=3, entries=2, items=2),
)
"""For all other messages."""


class Urgency(IntEnum):
    """Which message goes first when Slack's rate limit makes messages wait."""

    DECISION = 0
    QUESTION = 1
    NOTICE = 2
    PASSING = 3
    """It goes only if there is room to spare: soon out of date, or for operators, whom no approval waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A message: its blocks, a text for screen readers and notifications, and a smaller form."""

    text: str
    blocks: tuple[Block, ...]
    shrunk: Callable[[], Sequence[Block]] = field(compare=False, repr=False)
    """Draws the smaller form. Hardly any card needs it, so it is not drawn before."""
    urgency: Urgency
    message_id: MessageId | None = None
    """The record of the message that it is drawn for. Nobody sees it."""

    @property
    def small(self) -> tuple[Block, ...]:
        """The smaller form."""
        return tuple(self.shrunk())

    @property
    def fingerprint(self) -> str:
        canonical = json.dumps([self.text, self.blocks], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def draw(view: View) -> Card:
    """The view with as much detail as fits."""
    best = _card(view) if view.message.kind in (MessageKind.CARD, MessageKind.COPY) else _most(view)
    return Card(
        text=_text(view),
        blocks=tuple(best or render_small(view)),
        shrunk=partial(render_small, view),
        urgency=_urgency(view),
        message_id=view.message.id,
    )


def _most(view: View) -> list[Block] | None:
    """A message other than a card, with as much detail as fits. None if nothing fits."""
    return next((made for detail in _DETAILS if _fits(made := _blocks(view, detail))), None)


def _card(view: View) -> list[Block] | None:
    """A card that shows everything, if it is no higher than a card may be; otherwise one that folds. None if not even
    the least fits."""
    sketch = _sketch(view)
    whole = sketch.drawn(_WHOLE)
    if whole.whole and _stands(whole):
        return list(whole.blocks)
    folded, detail = sketch.drawn(_LEAST), _LEAST
    full: set[str] = set()
    for name, much in _MORE:
        if name in full:
            continue
        larger = replace(detail, **{name: much})
        drawn = sketch.drawn(larger)
        if _stands(drawn):
            folded, detail = drawn, larger
        else:
            full.add(name)
    answered_on = folded.whole and isinstance(_request(view).state, Pending)
    return list(folded.blocks) if _stands(folded) or (_fits(folded.blocks) and not answered_on) else None


def _stands(drawn: Drawn) -> bool:
    return drawn.height <= MAX_LINES and _fits(drawn.blocks)


def _sketch(view: View) -> Sketch:
    """A request's card or copy."""
    if view.message.kind is not MessageKind.COPY:
        return request_card.card(view.task, _request(view))
    return request_card.copy(view.message, view.task, _request(view))


def render_small(view: View) -> list[Block]:
    """Who, what and the buttons, without the payload."""
    return _blocks(view, None)


def _blocks(view: View, detail: Detail | None) -> list[Block]:
    match view.message.kind:
        case MessageKind.OPENING:
            return task_card.opening(view.task, _requests(view), detail, view.doing)
        case MessageKind.CARD | MessageKind.COPY:
            return list(_sketch(view).drawn(detail).blocks)
        case MessageKind.REMINDER | MessageKind.NUDGE:
            nudged = view.message.kind is MessageKind.NUDGE
            return reminder.reminder(_request(view), view.message.created_at, nudged=nudged)
        case MessageKind.COMMENT:
            return notices.comment(_request(view), view.message.number)
        case MessageKind.UNREACHED:
            return notices.unreached(_request(view), view.message.created_at)
        case MessageKind.OUTCOME:
            return task_card.outcome(view.task, _requests(view), detail, current=view.current)
        case MessageKind.FILE:
            return notices.unattached(_request(view), view.message.version, _refusal(view))
        case MessageKind.UNTOLD:
            return notices.untold(view.task, view.message.refused)
        case _ as never:
            assert_never(never)


def _text(view: View) -> str:
    match view.message.kind:
        case MessageKind.OPENING:
            return task_card.opening_text(view.task, _requests(view), view.doing)
        case MessageKind.CARD | MessageKind.COPY:
            return notification.card_text(view.message, view.task, _request(view))
        case MessageKind.REMINDER | MessageKind.NUDGE:
            nudged = view.message.kind is MessageKind.NUDGE
            return notification.reminder_text(_request(view), view.message.created_at, nudged=nudged)
        case MessageKind.COMMENT:
            return notices.comment_text(_request(view), view.message.number)
        case MessageKind.UNREACHED:
            return notices.unreached_text(_request(view), view.message.created_at)
        case MessageKind.OUTCOME:
            return task_card.outcome_text(view.task, _requests(view), current=view.current)
        case MessageKind.FILE:
            return notices.unattached_text(_request(view), view.message.version, _refusal(view))
        case MessageKind.UNTOLD:
            return notices.untold_text(view.task, view.message.refused)
        case _ as never:
            assert_never(never)


def _urgency(view: View) -> Urgency:
    match view.message.kind:
        case MessageKind.CARD | MessageKind.COPY:
            return Urgency.QUESTION if isinstance(_request(view).state, Pending) else Urgency.DECISION
        case MessageKind.OPENING if view.doing and view.message.ref is not None:
            return Urgency.PASSING
        case MessageKind.OPENING | MessageKind.OUTCOME:
            return Urgency.QUESTION
        case MessageKind.REMINDER | MessageKind.NUDGE | MessageKind.COMMENT | MessageKind.UNREACHED | MessageKind.FILE:
            return Urgency.NOTICE
        case MessageKind.UNTOLD:
            return Urgency.NOTICE
        case _ as never:
            assert_never(never)


def _refusal(view: View) -> str:
    assert view.message.refused is not None  # noqa: S101 - a file that Slack took is no card
    return view.message.refused


def _request(view: View) -> Request:
    if view.request is None:
        raise ValueError(f"message {view.message.id} is a {view.message.kind} without its request")
    return privacy.masked(view.request)


def _requests(view: View) -> tuple[Request, ...]:
    """All of the task's requests, as everybody may see them."""
    return tuple(map(privacy.masked, view.requests))


def _fits(rendered: Sequence[Block]) -> bool:
    return len(rendered) <= blocks.MESSAGE_BLOCKS and blocks.size(rendered) <= MAX_CHARACTERS
