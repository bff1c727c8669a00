"""Who will read the reason that somebody gives for an answer. Pure.

Slack knows no engines, so a table says which shapes pass a rejection's reason on. `tests/shapes/test_reasons.py` holds
it against the answers that the shapes really give.
"""

from __future__ import annotations

from typing import Final

from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.ids import Person
from bot.approvals.model.question import Question, Verdict
from bot.approvals.model.request import Request
from bot.slack import text

TELLING: Final = frozenset({("tool_calls", ""), ("tool_approval", ""), ("*", "object")})
"""Shapes and conventions whose answer holds the reason of a rejection. `*` is any shape."""
UNCERTAIN: Final = frozenset({"breakpoint"})
"""Shapes whose graph may be told, if its entry in policies.yaml says how it continues after a rejection."""


def reaches_agent(question: Question, verdict: Verdict) -> bool | None:
    """Whether the agent is told the reason of this answer. None if that is not known. No shape has a place for the
    reason of an approval."""
    if verdict is not Verdict.REJECT:
        return False
    if question.shape in UNCERTAIN:
        return None
    return bool({(question.shape, question.convention), ("*", question.convention)} & TELLING)


def is_asked(request: Request, verdict: Verdict) -> bool:
    """Whether to ask for a reason: if the policy wants one, or if anybody will read it."""
    told = is_of_caller(request.task_id) or reaches_agent(request.question, verdict) is not False
    read = told or not request.policy.private
    return verdict in request.policy.reasons or (verdict is Verdict.REJECT and read)


def readers(request: Request, verdict: Verdict) -> str:
    """A sentence that says who will read the reason."""
    if is_of_caller(request.task_id):
        return _readers_of_call(request)
    here = "The requester reads it here" if isinstance(request.requester, Person) else "It is shown here"
    match request.policy.private, reaches_agent(request.question, verdict):
        case False, True:
            return f"{here}, and the agent is told it."
        case False, False:
            return f"{here}; the agent is not told it."
        case False, None:
            return f"{here}."
        case True, True:
            return "The agent is told it. It is not shown in Slack, as this request is private."
        case True, None:
            return "It is not shown in Slack, as this request is private. The agent may be told it."
        case _:
            return (
                "The policy asks for it. It is kept in the audit log and not shown in Slack; the agent is not told it."
            )


def _readers_of_call(request: Request) -> str:
    """A program is told every reason, whatever it asked."""
    program = text.label(request.graph, text.MAX_NAME_CHARACTERS)
    if request.policy.private:
        return f"{program} is told it. It is not shown in Slack, as this request is private."
    if isinstance(request.requester, Person):
        return f"The requester reads it here, and {program} is told it."
    return f"It is shown here, and {program} is told it."
