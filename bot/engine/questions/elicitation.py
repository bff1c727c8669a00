"""MCP elicitation: a server asks for data in the middle of a tool call (LangChain's MCP adapter).

`{"type": "mcp_elicitation", "tool_name", "requests": [{"key", "message", "mode", "requested_schema" or "url"}]}` is
answered by `{"responses": {key: {"action": "accept", "content": {...}}}}`, one per request. "decline" lets the call go
on; "cancel" is MCP's word for a question that nobody looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bot.approvals.decision import Answered, Approve, Cancelled, Decision, Expired, Reject, Respond
from bot.approvals.errors import InvalidAnswer
from bot.approvals.ids import JSON
from bot.approvals.question import Item, Question, Verdict
from bot.engine import schemas
from bot.engine.questions.plain import text_of

NAME = "elicitation"

_LABELS: Final = {Verdict.APPROVE.value: "Done", Verdict.REJECT.value: "Decline"}


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """A form where data is asked for, of all requests at once; else addresses to be opened."""
    requests = _requests(value)
    if not isinstance(value, dict) or not requests:
        return None
    forms = {str(each["key"]): _form(each) for each in requests if each["mode"] == "form"}
    tool = text_of(value.get("tool_name"))
    return Question(
        shape=NAME,
        title=f"{tool} asks" if tool else "A tool asks",
        text="\n\n".join(text_of(each.get("message")) for each in requests),
        items=(
            Item(
                name=tool,
                arguments=_addresses(requests),
                verdicts=(Verdict.RESPOND if forms else Verdict.APPROVE, Verdict.REJECT),
            ),
        ),
        form=_together(forms),
        labels=_LABELS,
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """The same action for each request, with its part of the form."""
    requests = _requests(proposed.payload)
    keys = [str(each["key"]) for each in requests]
    forms = [str(each["key"]) for each in requests if each["mode"] == "form"]
    match decision:
        case Answered(verdicts=(Respond(value=value),)) if forms:
            return {"responses": _accepted(keys, _contents(question.form, forms, value))}
        case Answered(verdicts=(Approve(),)) if not forms:
            return {"responses": _accepted(keys, {})}
        case Answered(verdicts=(Reject(),)):
            return {"responses": {key: {"action": "decline"} for key in keys}}
        case Expired():
            return {"responses": {key: {"action": "cancel"} for key in keys}}
        case Answered() | Cancelled():
            raise InvalidAnswer("This question is answered with what it asks for, or declined.")


def _requests(value: JSON) -> Sequence[Mapping[str, JSON]]:
    """The requests; none where one of them cannot be understood."""
    if not isinstance(value, dict) or value.get("type") != "mcp_elicitation":
        return []
    given = value.get("requests")
    listed = given if isinstance(given, list) else []
    requests = [each for each in listed if isinstance(each, dict)]
    keys = {each.get("key") for each in requests if isinstance(each.get("key"), str)}
    known = [each for each in requests if each.get("mode") in ("form", "url")]
    return requests if len(keys) == len(known) == len(requests) == len(listed) else []


def _form(request: Mapping[str, JSON]) -> dict[str, JSON]:
    schema = schemas.usable(request.get("requested_schema"))
    return schemas.inlined(schema) if schema is not None else {"type": "object"}


def _together(forms: Mapping[str, dict[str, JSON]]) -> JSON:
    """One form of all: the request's own where there is one, else a part for each."""
    if not forms:
        return None
    if len(forms) == 1:
        return next(iter(forms.values()))
    return {"type": "object", "properties": dict(forms), "required": list(forms)}


def _contents(form: JSON, forms: Sequence[str], value: JSON) -> Mapping[str, JSON]:
    schemas.check(form, value)
    if not isinstance(value, dict):
        raise InvalidAnswer("This question is answered with a form.")
    contents = {forms[0]: value} if len(forms) == 1 else value
    for content in contents.values():
        _refuse_nested(content)
    return contents


def _refuse_nested(content: JSON) -> None:
    """MCP carries plain values and lists of texts; the adapter raises on anything else, and its call is lost."""
    for name, value in content.items() if isinstance(content, dict) else []:
        listed = value if isinstance(value, list) else []
        if isinstance(value, dict) or not all(isinstance(each, str) for each in listed):
            raise InvalidAnswer("MCP takes plain values here, and lists of texts.", name)


def _accepted(keys: Sequence[str], contents: Mapping[str, JSON]) -> dict[str, JSON]:
    return {
        key: {"action": "accept", "content": contents[key]} if key in contents else {"action": "accept"} for key in keys
    }


def _addresses(requests: Sequence[Mapping[str, JSON]]) -> dict[str, JSON]:
    addresses = [each.get("url") for each in requests if each["mode"] == "url"]
    return {"url": addresses[0]} if len(addresses) == 1 else {"urls": addresses} if addresses else {}
