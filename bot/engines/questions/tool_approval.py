"""LangChain's `HumanInTheLoopMiddleware` with `interrupt_mode="per_call"`: asks about one tool call as it starts.

`{"type": "tool_approval", "tool_call_id", "name", "args", "description"}` is answered by a single decision. The
interrupt's `response_schema` says which decisions are allowed and what the arguments look like.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.approvals.model.decision import (
    Answered,
    Cancelled,
    Decision,
    Expired,
    WindowClosed,
)
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question, Verdict, titled
from bot.engines import schemas
from bot.engines.questions import tool_calls

NAME = "tool_approval"


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """One item, with the verdicts for which the schema has a branch."""
    if not isinstance(value, dict) or value.get("type") != "tool_approval" or "tool_call_id" not in value:
        return None
    name, arguments = value.get("name"), value.get("args")
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return None
    branches = _branches(schema)
    verdicts = tuple(verdict for word, verdict in tool_calls.DECISIONS.items() if word in branches)
    item = Item(
        name=name,
        arguments=arguments,
        verdicts=verdicts or (Verdict.APPROVE, Verdict.REJECT),
        schema=_arguments_schema(branches.get("edit", {})),
    )
    return Question(
        shape=NAME,
        title=titled(item),
        text=tool_calls.description(value),
        items=(item,),
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """One decision."""
    match decision:
        case Answered(verdicts=(verdict,)):
            return tool_calls.decided(question.items[0], proposed.items[0], verdict)
        case Expired():
            return tool_calls.unanswered(question.items[0], decision)
        case Answered() | Cancelled() | WindowClosed():
            raise InvalidAnswer("Answer this question with one decision.")


def _branches(schema: JSON) -> Mapping[str, Mapping[str, JSON]]:
    """The decisions that the schema describes, by their type: one object, or a union of several."""
    known = schemas.usable(schema)
    if known is None:
        return {}
    whole = schemas.inlined(known)
    listed = whole.get("oneOf") or whole.get("anyOf")
    found = [each for each in (listed if isinstance(listed, list) else [whole]) if isinstance(each, dict)]
    return {word: branch for branch in found if (word := _type(branch))}


def _type(branch: Mapping[str, JSON]) -> str:
    named = _property(branch, "type")
    const, enum = named.get("const"), named.get("enum")
    word = enum[0] if const is None and isinstance(enum, list) and len(enum) == 1 else const
    return word if isinstance(word, str) else ""


def _arguments_schema(edit: Mapping[str, JSON]) -> JSON:
    """The schema of the arguments in the branch for an edit."""
    schema = _property(_property(edit, "edited_action"), "args")
    return dict(schema) if schemas.usable(dict(schema)) and schema else None


def _property(schema: Mapping[str, JSON], name: str) -> Mapping[str, JSON]:
    properties = schema.get("properties")
    found = properties.get(name) if isinstance(properties, dict) else None
    return found if isinstance(found, dict) else {}
