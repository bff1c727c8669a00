"""A view -> a Slack message: pure, within Slack's limits whatever the payload, and the same for the same record.

Each kind of surface is drawn with as much detail as fits; `messenger` falls back to the smallest form where Slack
still says that it is too long.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, assert_never

from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Pending, Request
from bot.approvals.ports.slack import View
from bot.slack import blocks
from bot.slack.blocks import Block
from bot.slack.cards import notices, privacy, request_card, task_card, vote_buttons
from bot.slack.cards.values import Detail

BUDGET: Final = 10_000
"""Characters of blocks on the wire; Slack's `msg_blocks_too_long` is not documented and comes near 13,000."""

_SETTLED: Final = Detail(text=500, value=200, rows=12, entries=3, items=8)
"""Of a request that nobody is asked any more."""
_WHOLE: Final = Detail(text=2500, value=1500, rows=20, entries=25, items=16)
"""Taken only if nothing is left out then: it saves people a review, and a sample needs no such length."""
_DETAILS: Final = (
    Detail(text=1500, value=800, rows=12, entries=8, items=16),
    Detail(text=700, value=300, rows=8, entries=5, items=16),
    Detail(text=300, value=120, rows=5, entries=3, items=12),
    Detail(text=100, value=50, rows=3, entries=2, items=2),
)


class Urgency(IntEnum):
    """Who goes first when Slack's pace makes messages wait."""

    DECISION = 0
    QUESTION = 1
    NOTICE = 2
    PASSING = 3
    """What is soon out of date: it is dropped rather than made to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A message: its blocks, the same in one sentence for screen readers and notifications, and a smaller form."""

    text: str
    blocks: tuple[Block, ...]
    small: tuple[Block, ...]
    urgency: Urgency

    @property
    def fingerprint(self) -> str:
        canonical = json.dumps([self.text, self.blocks], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def draw(view: View) -> Card:
    """The view with as much detail as fits."""
    small = draw_small(view)
    details = _DETAILS if _urgency(view) is not Urgency.DECISION else (_SETTLED, *_DETAILS[2:])
    fitting = (drawn for detail in details if _fits(drawn := _blocks(view, detail)))
    best = _whole(view) or next(fitting, small)
    return Card(text=_text(view), blocks=tuple(best), small=tuple(small), urgency=_urgency(view))


def _whole(view: View) -> list[Block] | None:
    """An open question with all that it asks; None if that takes a review, or is no question."""
    if view.message.kind not in (MessageKind.CARD, MessageKind.COPY) or _urgency(view) is Urgency.DECISION:
        return None
    drawn = _blocks(view, _WHOLE)
    return drawn if _fits(drawn) and vote_buttons.answerable(drawn) else None


def draw_small(view: View) -> list[Block]:
    """Who, what and the buttons, without the payload."""
    return _blocks(view, None)


def _blocks(view: View, detail: Detail | None) -> list[Block]:
    match view.message.kind:
        case MessageKind.OPENING:
            return task_card.opening(view.task, detail, view.doing)
        case MessageKind.CARD:
            return request_card.card(view.task, _request(view), detail)
        case MessageKind.COPY:
            return request_card.copy(view.task, _request(view), detail)
        case MessageKind.REMINDER | MessageKind.NUDGE:
            return request_card.reminder(_request(view), nudged=view.message.kind is MessageKind.NUDGE)
        case MessageKind.COMMENT:
            return notices.comment(_request(view), view.message.number)
        case MessageKind.UNREACHED:
            return notices.unreached(_request(view), view.message.created_at)
        case MessageKind.OUTCOME:
            return task_card.outcome(view.task, detail, current=view.current)
        case MessageKind.FILE:
            return notices.unattached(_request(view), view.message.version, _refusal(view))
        case _ as never:
            assert_never(never)


def _text(view: View) -> str:
    match view.message.kind:
        case MessageKind.OPENING:
            return task_card.opening_text(view.task, view.doing)
        case MessageKind.CARD | MessageKind.COPY:
            return request_card.card_text(view.task, _request(view))
        case MessageKind.REMINDER | MessageKind.NUDGE:
            return request_card.reminder_text(_request(view), nudged=view.message.kind is MessageKind.NUDGE)
        case MessageKind.COMMENT:
            return notices.comment_text(_request(view), view.message.number)
        case MessageKind.UNREACHED:
            return notices.unreached_text(_request(view), view.message.created_at)
        case MessageKind.OUTCOME:
            return task_card.outcome_text(view.task, current=view.current)
        case MessageKind.FILE:
            return notices.unattached_text(_request(view), view.message.version, _refusal(view))
        case _ as never:
            assert_never(never)


def _urgency(view: View) -> Urgency:
    match view.message.kind:
        case MessageKind.CARD | MessageKind.COPY:
            return Urgency.QUESTION if isinstance(_request(view).state, Pending) else Urgency.DECISION
        case MessageKind.OPENING if view.doing:
            return Urgency.PASSING
        case MessageKind.OPENING | MessageKind.OUTCOME:
            return Urgency.QUESTION
        case MessageKind.REMINDER | MessageKind.NUDGE | MessageKind.COMMENT | MessageKind.UNREACHED | MessageKind.FILE:
            return Urgency.NOTICE
        case _ as never:
            assert_never(never)


def _refusal(view: View) -> str:
    assert view.message.refused is not None  # noqa: S101 - a file that Slack took is no card
    return view.message.refused


def _request(view: View) -> Request:
    if view.request is None:
        raise ValueError(f"surface {view.message.id} is a {view.message.kind} without its request")
    return privacy.masked(view.request)


def _fits(drawn: list[Block]) -> bool:
    return len(drawn) <= blocks.MESSAGE_BLOCKS and blocks.size(drawn) <= BUDGET
