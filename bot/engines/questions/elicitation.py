"""MCP elicitation: a server asks for data in the middle of a tool call (LangChain's MCP adapter).

`{"type": "mcp_elicitation", "tool_name", "requests": [{"key", "message", "mode", "requested_schema" or "url"}]}` is
answered by `{"responses": {key: {"action": "accept", "content": {...}}}}`, with a response for each request. "decline"
lets the call go on. "cancel" is MCP's word for a question that nobody looked at, and accepts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Decision,
    Expired,
    ItemVerdict,
    Reject,
    Respond,
    WindowClosed,
)
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question, Verdict
from bot.engines import schemas
from bot.engines.questions.plain import text_of

NAME = "elicitation"

_OPENED: Final = {Verdict.APPROVE.value: "Done", Verdict.REJECT.value: "Decline"}
_AGREED: Final = {Verdict.APPROVE.value: "Accept", Verdict.REJECT.value: "Decline"}
_WANTED: Final = "Answer each part of this question, or decline it."


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """An item for each request: a form that asks for data, an address to open, or something to agree to."""
    requests = _requests(value)
    if not isinstance(value, dict) or not requests:
        return None
    tool = text_of(value.get("tool_name"))
    only = len(requests) == 1
    asked = text_of(requests[0].get("message")).strip() if only else ""
    by = f"The tool {tool}" if tool else "A tool"
    return Question(
        shape=NAME,
        title=asked or f"{by} asks",
        text=f"{by} asks this." if asked else "",
        items=tuple(_item(tool, request, only=only) for request in requests),
        form=_form(requests[0]) if only and _has_fields(requests[0]) else None,
        labels=_AGREED if any(each["mode"] == "form" and not _has_fields(each) for each in requests) else _OPENED,
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """An action for each request, with the content of its form."""
    requests = _requests(proposed.payload)
    match decision:
        case Answered(verdicts=verdicts) if len(verdicts) == len(question.items) == len(requests):
            pairs = enumerate(zip(requests, verdicts, strict=True))
            return {"responses": {str(each["key"]): _response(n, each, verdict) for n, (each, verdict) in pairs}}
        case Answered(verdicts=(verdict,)) if len(question.items) == 1:
            return {"responses": _together(question, requests, verdict)}
        case Expired():
            return {"responses": {str(each["key"]): {"action": "cancel"} for each in requests}}
        case Answered() | Cancelled() | WindowClosed():
            raise InvalidAnswer(_WANTED)


def _item(tool: str, request: Mapping[str, JSON], *, only: bool) -> Item:
    verdicts = (Verdict.RESPOND if _has_fields(request) else Verdict.APPROVE, Verdict.REJECT)
    address: dict[str, JSON] = {"url": request.get("url")} if request["mode"] == "url" else {}
    if only:
        return Item(name=tool, arguments=address, verdicts=verdicts)
    asked: dict[str, JSON] = {"asks": text_of(request.get("message")), **address}
    return Item(name=tool, arguments=asked, verdicts=verdicts, form=_form(request) if _has_fields(request) else None)


def _response(number: int, request: Mapping[str, JSON], verdict: ItemVerdict) -> JSON:
    match verdict:
        case Reject():
            return {"action": "decline"}
        case Respond(value=value) if request["mode"] == "form":
            return {"action": "accept", "content": _content(_form(request), value, number)}
        case Approve() if not _has_fields(request):
            return {"action": "accept", "content": {}} if request["mode"] == "form" else {"action": "accept"}
        case _:
            raise InvalidAnswer(_WANTED, item=number)


def _requests(value: JSON) -> Sequence[Mapping[str, JSON]]:
    """The requests. Empty if one of them cannot be understood."""
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


def _has_fields(request: Mapping[str, JSON]) -> bool:
    """Whether there is anything to fill in. The fields of MCP's forms are the properties of their schema. A schema that
    cannot be used may require anything."""
    schema = request.get("requested_schema")
    if request["mode"] == "url" or schema is None:
        return False
    named = {key: part for key, part in _form(request).items() if key != "additionalProperties"}
    return schemas.usable(schema) is None or not schemas.is_empty(named)


def _content(form: Mapping[str, JSON], value: JSON, number: int) -> JSON:
    """The content for MCP, which takes plain values and lists of texts. The adapter raises on anything else, and its
    call is lost."""
    try:
        schemas.check(dict(form), value)
    except InvalidAnswer as invalid:
        raise InvalidAnswer(invalid.problem, invalid.field, item=number) from None
    if not isinstance(value, dict):
        raise InvalidAnswer("Answer this question with its form.", item=number)
    for name, each in value.items():
        listed = each if isinstance(each, list) else []
        if isinstance(each, dict) or not all(isinstance(part, str) for part in listed):
            raise InvalidAnswer("MCP takes only plain values and lists of texts here.", name, item=number)
    return value


# --- As the previous version asked ----------------------------------------------------------------


def _together(question: Question, requests: Sequence[Mapping[str, JSON]], verdict: ItemVerdict) -> dict[str, JSON]:
    """The answer to several requests that the previous version asked as one item with one form. Sending the form does
    not accept a web page, because nobody was asked about that alone."""
    forms = [str(each["key"]) for each in requests if each["mode"] == "form"]
    match verdict:
        case Reject():
            return {str(each["key"]): {"action": "decline"} for each in requests}
        case Approve() if not forms:
            return {str(each["key"]): {"action": "accept"} for each in requests}
        case Respond(value=value) if forms:
            schemas.check(question.form, value)
            parts = value if len(forms) > 1 and isinstance(value, dict) else {forms[0]: value}
            accepted: dict[str, JSON] = {
                key: {"action": "accept", "content": _content({}, parts.get(key), 0)} for key in forms
            }
            return {str(each["key"]): accepted.get(str(each["key"]), {"action": "cancel"}) for each in requests}
        case _:
            raise InvalidAnswer(_WANTED)
