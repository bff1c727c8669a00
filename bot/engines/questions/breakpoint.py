"""A static breakpoint (`interrupt_before`, `interrupt_after`), which is no interrupt and so has no value to read.

`bot.engines.langgraph.breakpoints` makes the question from the thread's state, and `breakpoint_answers` acts on the
answer: what changes in each graph that stands at a breakpoint, or that the thread does not go on.
"""

from __future__ import annotations

from typing import Final

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Decision,
    Expired,
    Reject,
    WindowClosed,
)
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Question
from bot.engines import schemas
from bot.engines.questions import conventions, plain

NAME = "breakpoint"

APPROVED: Final = "changes"
REJECTED: Final = "reason"


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """None: no value is a breakpoint."""
    return None


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """`{"changes": [{key: value}, ...]}`, one per place, or `{"reason": str}` if any of them is rejected."""
    match decision:
        case Expired():
            return {REJECTED: conventions.silence(decision)}
        case Answered(verdicts=verdicts) if len(verdicts) == len(question.items):
            rejected = next((verdict for verdict in verdicts if isinstance(verdict, Reject)), None)
            if rejected is not None:
                return {REJECTED: rejected.reason}
            if not all(isinstance(verdict, Approve) for verdict in verdicts):
                raise InvalidAnswer("Answer this question with an approval or a rejection.")
            changes: list[JSON] = []
            for item, before in zip(question.items, proposed.items, strict=True):
                changed = plain.changed(item.arguments, before.arguments)
                schemas.check(item.schema, changed)
                changes.append(changed)
            return {APPROVED: changes}
        case Answered() | Cancelled() | WindowClosed():
            raise InvalidAnswer("Answer this question with an approval or a rejection.")
