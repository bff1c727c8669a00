"""A private request as everybody may see it: the names of its actions, without their arguments.

Only people who may answer see the arguments; "Details" checks that and shows them.
"""

from __future__ import annotations

from dataclasses import replace

from bot.approvals.model.question import Item, Question
from bot.approvals.model.request import Request
from bot.slack import display

INSTEAD = "Only people who may answer can see what is asked"
INSTEAD_OF_DONE = "Only people who may undo it can see what was done"


def masked(request: Request) -> Request:
    """The request itself, or if it is private, a copy with nothing but the names of its actions."""
    if not request.policy.private:
        return request
    question, before = _masked(request.question, request.graph), request.before
    if before is not None:
        before = replace(before, question=_masked(before.question, request.graph))
    return replace(request, proposed=question, question=question, edits=(), before=before)


def _masked(question: Question, graph: str) -> Question:
    named = () if _is_told(question) else tuple(item.name for item in question.items)
    names = ", ".join(dict.fromkeys(display.label(name) for name in named if name)) or graph
    return replace(
        question,
        title=f"{'Done' if question.window is not None else 'To be approved'}: {names}",
        text=INSTEAD if question.window is None else INSTEAD_OF_DONE,
        items=tuple(
            Item(name=item.name if named else "", arguments={}, verdicts=item.verdicts) for item in question.items
        ),
        choices=(),
        form=None,
        summary=(),
        payload=None,
        window=replace(question.window, how="") if question.window is not None else None,
    )


def _is_told(question: Question) -> bool:
    """Whether the agent says what it has done in a text, which tells all of it, and not by the name of an action."""
    payload = question.payload
    return question.window is not None and isinstance(payload, dict) and isinstance(payload.get("action"), str)
