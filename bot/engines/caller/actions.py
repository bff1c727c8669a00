"""The plainest thing that a program asks about: one action with its arguments.

`{"action": "Refund", "arguments": {"order": "o-1", "amount": 40}, "description": "It came late."}`, of which the
description may be left out. People may approve it, change its arguments and approve that, or reject it. The answer is
one decision in the words of LangChain's middleware, such as `{"type": "reject", "message": "..."}`.

Only callers ask like this. An agent's interrupt that looks the same is read as it always was, because its graph waits
for another answer.
"""

from __future__ import annotations

from typing import Final

from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question, Verdict, titled
from bot.engines.questions import plain, tool_approval

_NEEDED: Final = {"action", "arguments"}
_KEYS: Final = {*_NEEDED, "description"}
_VERDICTS: Final = (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT)


def read(value: JSON) -> Question | None:
    """The question. Returns None if the value does not have exactly this shape."""
    if not isinstance(value, dict) or not _NEEDED <= value.keys() <= _KEYS:
        return None
    name, arguments = plain.text_of(value["action"]).strip(), value["arguments"]
    if not name or not isinstance(arguments, dict):
        return None
    verdicts = _VERDICTS if arguments else (Verdict.APPROVE, Verdict.REJECT)
    item = Item(name=name, arguments=arguments, verdicts=verdicts)
    return Question(
        shape=tool_approval.NAME,
        title=titled(item),
        text=plain.text_of(value.get("description")),
        items=(item,),
        payload=value,
    )
