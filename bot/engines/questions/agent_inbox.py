"""Agent Inbox: one or several `HumanInterrupt`s, as `langgraph.prebuilt.interrupt` defines them.

`{"action_request": {"action", "args"}, "config": {"allow_accept", "allow_edit", "allow_respond", "allow_ignore"},
"description"}` is always answered by a list with a response for each: `[{"type": "accept", "args": action_request}]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Choose,
    Decision,
    Expired,
    ItemVerdict,
    Keep,
    Reject,
    Respond,
    Undo,
    WindowClosed,
)
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question, Verdict, title_of
from bot.engines.questions import conventions
from bot.engines.questions.plain import SUMMARY, is_edited, summary_of, text_of

NAME = "agent_inbox"

_ALLOWS: Final[Mapping[str, Verdict]] = {
    "allow_accept": Verdict.APPROVE,
    "allow_edit": Verdict.EDIT,
    "allow_ignore": Verdict.REJECT,
    "allow_respond": Verdict.RESPOND,
}
_LABELS: Final = {Verdict.APPROVE.value: "Accept", Verdict.REJECT.value: "Ignore"}


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """An item per interrupt, with the verdicts that its config allows."""
    interrupts = value if isinstance(value, list) else [value]
    items = [_item(each) for each in interrupts]
    whole = [item for item in items if item is not None]
    if not whole or len(whole) < len(items):
        return None
    described = [text_of(each.get("description")).strip() for each in interrupts if isinstance(each, dict)]
    return Question(
        shape=NAME,
        title=title_of(whole, "actions"),
        text="\n\n".join(dict.fromkeys(words for words in described if words)),
        items=tuple(whole),
        labels=_LABELS,
        summary=tuple(dict.fromkeys(name for each in interrupts for name in _summary(each))),
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """A response per interrupt."""
    match decision:
        case Answered(verdicts=verdicts) if len(verdicts) == len(question.items):
            triples = zip(question.items, proposed.items, verdicts, strict=True)
            return [_response(item, before, verdict) for item, before, verdict in triples]
        case Expired():
            return [_unanswered(item) for item in question.items]
        case Answered() | Cancelled() | WindowClosed():
            raise InvalidAnswer("Answer this question with a response for each of its actions.")


def _item(value: JSON) -> Item | None:
    if not isinstance(value, dict):
        return None
    request, config = value.get("action_request"), value.get("config")
    if not isinstance(request, dict) or not isinstance(config, dict):
        return None
    action, arguments = request.get("action"), request.get("args")
    verdicts = tuple(verdict for key, verdict in _ALLOWS.items() if config.get(key) is True)
    if not isinstance(action, str) or not isinstance(arguments, dict) or not verdicts:
        return None
    return Item(name=action, arguments=arguments, verdicts=verdicts)


def _summary(value: JSON) -> tuple[str, ...]:
    """The names of the arguments to show first, from the interrupt or its config."""
    given = value if isinstance(value, dict) else {}
    request, config = given.get("action_request"), given.get("config")
    arguments = request.get("args") if isinstance(request, dict) else None
    named = given.get(SUMMARY) or (config.get(SUMMARY) if isinstance(config, dict) else None)
    return summary_of(named, arguments if isinstance(arguments, dict) else {})


def _response(item: Item, proposed: Item, verdict: ItemVerdict) -> JSON:
    edited = is_edited(item, proposed)
    action: JSON = {"action": item.name, "args": dict(item.arguments)}
    match verdict:
        case Approve() if Verdict.APPROVE in item.verdicts and not edited:
            return {"type": "accept", "args": action}
        case Approve() if Verdict.EDIT in item.verdicts:
            return {"type": "edit", "args": action}
        case Reject() if Verdict.REJECT in item.verdicts:
            return {"type": "ignore", "args": None}
        case Respond(value=str(words)) if Verdict.RESPOND in item.verdicts:
            return {"type": "response", "args": words}
        case Approve() | Reject() | Respond() | Choose() | Undo() | Keep():
            raise InvalidAnswer(f"{item.name} is not answered so.")


def _unanswered(item: Item) -> JSON:
    if Verdict.REJECT not in item.verdicts:
        raise conventions.unsaid()
    return {"type": "ignore", "args": None}
