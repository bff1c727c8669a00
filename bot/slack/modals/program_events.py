"""What a program did or was told, as sentences of a history: programs ask through the API, and no person acts then."""

from __future__ import annotations

import json
from typing import Final

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.ids import JSON, Person, Program
from bot.approvals.model.task import Task
from bot.slack import text
from bot.slack.cards import servers

UNSAID: Final = frozenset({"delivered", "ended"})
"""Events of a program's request that only say again what another one says."""
_MAX_WORDS_CHARACTERS: Final = 300
"""Of what the program wrote."""


def sentence(event: AuditEvent, task: Task) -> str:
    """What happened, as a mrkdwn sentence. Empty if the event is one that any task may have."""
    if task.caller is None or event.person is not None or "by" in event.data:
        return ""
    name, asks = text.mention(Program(name=task.caller.source)), is_of_caller(task.id)
    match event.kind:
        case "started":
            return f"{name} {'asked' if asks else f'started *{_say(task.graph)}*{servers.where(task.id)}'}{_for(task)}."
        case "cancelled":
            why = _say(event.data.get("reason", ""))
            return f"{name} {'withdrew' if asks else 'cancelled'} it{f': “{why}”' if why else ''}."
        case "retried":
            return f"{name} had it tried again."
        case "consumed":
            execution = _say(event.data.get("execution", ""))
            return f"{name} took the decision{f', for its execution `{execution}`' if execution else ''}."
        case "opened" if asks:
            return "People were asked."
        case "resume_begun" if asks:
            told = event.data.get("told")
            return f"{name} can fetch the decision{f', which is `{_say(told)}`' if told is not None else ''}."
        case "superseded" if asks:
            return "It was no longer needed."
        case _:
            return ""


def _for(task: Task) -> str:
    return f" for {text.mention(task.requester)}" if isinstance(task.requester, Person) else ""


def _say(value: JSON) -> str:
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.sentence(words, _MAX_WORDS_CHARACTERS)
