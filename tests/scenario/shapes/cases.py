"""What the graph of these tests asks, by name: the interrupt's value, and the schema of its answer where it has one."""

from __future__ import annotations

from typing import Any

HOSTILE = "<!channel> <@U0BOB> <https://evil.example|click here> *bold* ```code``` \u202egnp.exe"
PAGED = "\n".join(f"line {number}: nothing of note" for number in range(1200))
LONG = "\n".join(f"line {number}: nothing of note" for number in range(9000))

_ADDRESS: dict[str, Any] = {
    "type": "object",
    "properties": {"street": {"type": "string", "minLength": 3}, "floor": {"type": "integer", "default": 0}},
    "required": ["street"],
}
TRIP: dict[str, Any] = {
    "type": "object",
    "properties": {
        "traveller": {"type": "string", "description": "As in the passport"},
        "nights": {"type": "integer", "minimum": 1, "maximum": 30},
        "budget": {"type": "number", "default": 500},
        "refundable": {"type": "boolean"},
        "class": {"enum": ["economy", "business"], "default": "economy"},
        "on": {"type": "string", "format": "date"},
        "meals": {"type": "array", "items": {"enum": ["breakfast", "lunch", "dinner"]}},
        "hotel": _ADDRESS,
        "note": {"anyOf": [{"type": "string", "maxLength": 2000}, {"type": "null"}]},
        "leaves": {"type": "string", "format": "date-time"},
        "class of tickets": {"oneOf": [{"const": 1, "title": "First"}, {"const": 2, "title": "Second"}]},
    },
    "required": ["traveller", "nights", "budget", "refundable", "on", "meals", "hotel", "leaves", "class of tickets"],
}
EITHER: dict[str, Any] = {
    "oneOf": [
        {"type": "object", "properties": {"by": {"const": "mail"}, "to": {"type": "string"}}, "required": ["by", "to"]},
        {"type": "object", "properties": {"by": {"const": "post"}, "zip": {"type": "integer"}}, "required": ["zip"]},
    ]
}

_SEAT: dict[str, Any] = {"type": "object", "properties": {"row": {"type": "integer"}}, "required": ["row"]}
_WHICH_SEAT = {"key": "seat", "message": "Which seat?", "mode": "form", "requested_schema": _SEAT}
_LOG_IN = {"key": "login", "message": "Please log in", "mode": "url", "url": "https://rail.example/login"}


def _calls(*calls: tuple[str, dict[str, Any], list[str]]) -> dict[str, Any]:
    """What LangChain's middleware asks of these tool calls."""
    return {
        "action_requests": [{"name": name, "args": args, "description": f"Run {name}"} for name, args, _ in calls],
        "review_configs": [{"action_name": name, "allowed_decisions": allowed} for name, _, allowed in calls],
    }


def _elicitation(*requests: dict[str, Any]) -> dict[str, Any]:
    """What LangChain's MCP adapter asks when a server needs something in the middle of a call."""
    return {"type": "mcp_elicitation", "tool_name": "book", "requests": list(requests)}


def _inbox(**allowed: bool) -> dict[str, Any]:
    config = {f"allow_{name}": allowed.get(name, False) for name in ("accept", "edit", "respond", "ignore")}
    return {"action_request": {"action": "send_email", "args": {"to": "ann@x.example"}}, "config": config}


_REFUND = (
    "refund",
    {"order": "A-1", "amount": 129.5, "note": "First line.\nSecond line."},
    ["approve", "edit", "reject"],
)
_MAIL = ("send_mail", {"to": "ann@x.example", "body": "Sorry!"}, ["approve", "reject", "respond"])
CASES: dict[str, tuple[Any, Any]] = {
    "calls": (_calls(_REFUND, _MAIL), None),
    "call": (_calls(_REFUND), None),
    "structure": (_calls(("plan", {"steps": [{"do": "drain", "in": 5}], "dry": False}, ["approve", "edit"])), None),
    "mixed": (_calls(_REFUND, ("wipe", {"disk": "sda"}, ["reject", "respond"])), None),
    "inbox": (_inbox(accept=True, respond=True, ignore=True), None),
    "boolean": ({"question": "Deploy?", "version": "1.2"}, {"type": "boolean"}),
    "trip": ({"question": "Where to?"}, TRIP),
    "either": ({"question": "How shall it be sent?"}, EITHER),
    "few": ({"question": "Which region?", "options": ["eu", "us", "asia"]}, None),
    "many": ({"question": "Which month?", "options": [f"month {number}" for number in range(1, 8)]}, None),
    "content": ({"instruction": "Review the post", "content": "Helo\nworld"}, None),
    "vague": (
        {
            "type": "clarification_needed",
            "questions": ["Which bucket?", {"id": "age", "question": "How old?", "options": ["7d", "30d"]}],
        },
        None,
    ),
    "sample": ({"type": "quality_check", "samples": [{"row": 1, "label": "cat"}], "message": "Rows 1 to 10"}, None),
    "words": ("What is the cost centre?", None),
    "mcp": (_elicitation(_WHICH_SEAT), None),
    "mcp url": (_elicitation(_LOG_IN), None),
    "mcp both": (_elicitation(_WHICH_SEAT, _LOG_IN), None),
    "details": (
        {
            "question": "Deploy 1.2 to production?",
            "details": {"changes": 14, "owner": "ann"},
            "plan": ["drain", "switch"],
            "risk_level": "high",
            "reason": "All checks are green.",
        },
        None,
    ),
    "object": ({"question": "Send the newsletter?", "details": {"to": 1200}, "answer": "object"}, None),
    "tool": ({"action": "send_email", "to": "ann@x.example", "copies": 2, "message": "Send it?"}, None),
    "review": ({"message": "Please review the summary", "instructions": "One line will do", "summary": "Fine."}, None),
    "number": (42, None),
    "list": (["first", {"second": [1, 2]}], None),
    "nothing": (None, None),
    "other": ({"weather": {"wind": "strong"}, "boats": ["one", "two"]}, None),
    "labelled": (
        {"question": "Which?", "choices": [{"label": "Blue", "value": 1}, {"label": "Red", "value": 2}]},
        None,
    ),
    "enumeration": ("Which plan?", {"enum": ["basic", "plus"]}),
    "inboxes": (
        [
            _inbox(accept=True, edit=True, ignore=True),
            _inbox(accept=True, edit=True, ignore=True, respond=True),
        ],
        None,
    ),
    "paged": ({"question": "Publish it?", "details": {"text": PAGED}}, None),
    "hostile": (_calls((HOSTILE, {HOSTILE: HOSTILE, "safe": 1}, ["approve", "edit", "reject"])), None),
    "long": ({"question": "Publish it?", "details": {"text": LONG}}, None),
}
