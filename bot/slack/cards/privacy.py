"""A private request as everybody may see it: what it would run, and nothing of what with.

Its policy has the arguments shown to those alone who may answer; they open them with "View all", which looks them up.
"""

from __future__ import annotations

from dataclasses import replace

from bot.approvals.model.question import Item, Question
from bot.approvals.model.request import Request

INSTEAD = "What exactly is asked is shown only to those who may answer: open it with the button below."


def masked(request: Request) -> Request:
    """The request itself, or, where it is private, one that says nothing but its actions' names."""
    if not request.policy.private:
        return request
    question = _masked(request.question, request.graph)
    return replace(request, proposed=question, question=question, edits=())


def _masked(question: Question, graph: str) -> Question:
    names = ", ".join(dict.fromkeys(item.name for item in question.items if item.name)) or graph
    return replace(
        question,
        title=f"To be approved: {names}",
        text=INSTEAD,
        items=tuple(Item(name=item.name, arguments={}, verdicts=item.verdicts) for item in question.items),
        choices=(),
        form=None,
        payload=None,
    )
