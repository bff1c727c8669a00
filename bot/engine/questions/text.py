"""A bare string, and anything that no other shape knows: shown as it is, answered with free text."""

from __future__ import annotations

from bot.approvals.errors import InvalidAnswer
from bot.approvals.model import JSON, Answered, Cancelled, Decision, Expired, Item, Question, Respond, Verdict
from bot.engine.questions import conventions

NAME = "text"

TITLE = "A question"


def read(value: JSON) -> Question | None:
    """A question to be answered in words; takes any value."""
    arguments: dict[str, JSON] = (
        value if isinstance(value, dict) else {} if isinstance(value, str) else {"value": value}
    )
    return Question(
        shape=NAME,
        title=value if isinstance(value, str) else TITLE,
        items=(Item(name="", arguments=arguments, verdicts=(Verdict.RESPOND,)),),
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """The text; where nobody answered, a sentence that says so."""
    match decision:
        case Answered(verdicts=(Respond(value=str(value)),)):
            return value
        case Expired():
            return conventions.silence(decision)
        case Answered() | Cancelled():
            raise InvalidAnswer("This question is answered with a text.")
