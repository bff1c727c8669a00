"""Examples for the documentation."""

from __future__ import annotations

from typing import Final

from pydantic import JsonValue

REQUEST: Final[dict[str, JsonValue]] = {
    "id": "req_5f0c6a1be2d94a7c8e31",
    "status": "decided",
    "source": {"name": "billing-service", "url": "https://billing.example.com/orders/1093", "run": None},
    "requester": "U024BE7LH",
    "question": {
        "action": "refund",
        "arguments": {"order": 1093, "amount": "120.00"},
        "description": "The customer was charged twice.",
    },
    "items": [{"name": "refund", "arguments": {"order": 1093, "amount": "100.00"}}],
    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "version": 2,
    "created_at": "2027-03-01T09:12:00Z",
    "deadline": "2027-03-01T13:12:00Z",
    "settled_at": "2027-03-01T09:30:00Z",
    "consumed_at": None,
    "asked": ["U061F7AUR", "U07QCRPA4"],
    "votes": 1,
    "metadata": {"order": 1093},
    "permalink": "https://acme.slack.com/archives/C0123456789/p1803892320000200",
    "window": None,
    "hold": None,
    "decision": {
        "verdict": "edit",
        "approved": True,
        "items": [
            {
                "name": "refund",
                "verdict": "approve",
                "arguments": {"order": 1093, "amount": "100.00"},
                "reason": "",
                "value": None,
            }
        ],
        "answer": {"type": "edit", "edited_action": {"name": "refund", "args": {"order": 1093, "amount": "100.00"}}},
        "reason": "",
        "by": ["U061F7AUR"],
        "through": [],
        "at": "2027-03-01T09:30:00Z",
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "version": 2,
        "edited": True,
        "ruled": "",
        "valid_until": None,
    },
    "callback": None,
    "failure": None,
}
TASK: Final[dict[str, JsonValue]] = {
    "id": "5f0c6a1b9d3e",
    "graph": "cleanup",
    "status": "ended",
    "inputs": {"bucket": "logs", "days": 30},
    "requester": "U024BE7LH",
    "source": {"name": "nightly-jobs", "url": None, "run": "2027-03-01"},
    "created_at": "2027-03-01T02:00:00Z",
    "ended_at": "2027-03-01T09:31:00Z",
    "outcome": "14 files were deleted.",
    "failure": None,
    "requests": [REQUEST],
    "metadata": {},
    "permalink": "https://acme.slack.com/archives/C0123456789/p1803866400000100",
}
PROBLEM: Final[dict[str, JsonValue]] = {
    "type": "/docs#problem-invalid",
    "title": "What was sent does not fit",
    "status": 422,
    "detail": "Nothing was done, because what was sent does not fit: body.chanel is not known here. Did you mean "
    "`channel`?",
    "errors": [{"path": "body.chanel", "problem": "is not known here. Did you mean `channel`?"}],
}
UNSETTLED: Final[dict[str, JsonValue]] = {
    "status": "pending",
    "items": [],
    "digest": None,
    "version": 1,
    "deadline": None,
    "settled_at": None,
    "asked": [],
    "votes": 0,
    "permalink": None,
    "decision": None,
}
"""What differs in the example of a request that was just made."""
NEW_TASK: Final[dict[str, JsonValue]] = {
    "status": "running",
    "ended_at": None,
    "outcome": None,
    "requests": [],
    "permalink": None,
}
"""What differs in the example of a task that was just made."""
