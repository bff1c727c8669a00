"""A rule's `when`: a CEL expression over the question, its arguments, the task and who asked for it.

An expression that cannot be worked out refuses: `ConditionFailed`, on which the task stops and says so.
"""

from __future__ import annotations

from typing import Any

from bot.approvals.question import Item
from bot.approvals.selection import Condition, ConditionFailed, Facts

NAMES = ("question", "arguments", "action", "task", "requester")
"""What an expression may ask about."""


def compiled(expression: str) -> Condition:
    """The condition that the expression says; `ValueError`, with what is wrong, where it says none."""
    import cel  # a quarter of a second, which a file without conditions need not pay

    try:
        program = cel.compile(expression)
    except ValueError as error:
        raise ValueError(f"this is no CEL expression ({_first_line(error)})") from None
    try:
        program.execute({name: {} for name in NAMES})
    except RuntimeError as error:  # a name or function that there is not; what is not in the sample is another error
        names = ", ".join(NAMES)
        raise ValueError(f"{_first_line(error)} An expression may ask about {names}") from None
    except Exception:  # noqa: S110 - the sample is empty, so that most of them fail on it
        pass

    def condition(facts: Facts, item: Item) -> bool:
        try:
            holds = program.execute(_context(facts, item))
        except Exception as error:
            raise ConditionFailed(f"{_first_line(error)} in `{expression}`") from error
        if not isinstance(holds, bool):
            raise ConditionFailed(f"`{expression}` is {holds!r}, which is neither true nor false")
        return holds

    return condition


def _context(facts: Facts, item: Item) -> dict[str, Any]:
    question = facts.question
    return {
        "question": {
            "title": question.title,
            "text": question.text,
            "risk": str(question.risk or ""),
            "choices": list(question.choices),
            "actions": [each.name for each in question.items],
            "payload": question.payload,
        },
        "arguments": dict(item.arguments),
        "action": item.name,
        "task": {"graph": facts.graph, "channel": str(facts.channel), "inputs": dict(facts.inputs)},
        "requester": {"id": str(facts.requester.user_id), "team": str(facts.requester.team_id)},
    }


def _first_line(error: Exception) -> str:
    """CEL's own words, in one line: a key that is missing is named alone."""
    if isinstance(error, KeyError):
        return f"there is no key {error}"
    words = str(error).splitlines()[0] if str(error) else type(error).__name__
    return words if words.endswith(".") else f"{words}."
