"""Ask people for approval in Slack, from any program, through a Countersign bot.

from countersign import Countersign

client = Countersign("https://approvals.example.com", token)
decision = client.approve_or_raise("refund_order", {"order": "4711", "amount": "99.00"}, key="refund-order-4711")
refund(**decision.arguments)
"""

from countersign.approval import requires_approval
from countersign.async_client import AsyncCountersign
from countersign.client import Countersign
from countersign.errors import (
    AlreadyConsumed,
    Cancelled,
    CountersignError,
    DecisionStale,
    EditRefused,
    Expired,
    FieldError,
    Forbidden,
    InvalidRequest,
    InvalidWebhook,
    KeyAlreadyUsed,
    NotApproved,
    NotAsked,
    NotFound,
    NotSettled,
    Problem,
    Refused,
    Rejected,
    StillPending,
    Superseded,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from countersign.given import undo_window
from countersign.records import (
    AskedItem,
    AuditEntry,
    Callback,
    Decision,
    Event,
    Failure,
    Item,
    Page,
    Request,
    Source,
    Task,
    WebhookEvent,
    Window,
)
from countersign.webhooks import verify

__version__ = "0.1.0"

__all__ = [
    "AlreadyConsumed",
    "AskedItem",
    "AsyncCountersign",
    "AuditEntry",
    "Callback",
    "Cancelled",
    "Countersign",
    "CountersignError",
    "Decision",
    "DecisionStale",
    "EditRefused",
    "Event",
    "Expired",
    "Failure",
    "FieldError",
    "Forbidden",
    "InvalidRequest",
    "InvalidWebhook",
    "Item",
    "KeyAlreadyUsed",
    "NotApproved",
    "NotAsked",
    "NotFound",
    "NotSettled",
    "Page",
    "Problem",
    "Refused",
    "Rejected",
    "Request",
    "Source",
    "StillPending",
    "Superseded",
    "Task",
    "Unauthorized",
    "Unavailable",
    "UnexpectedAnswer",
    "Unreachable",
    "WebhookEvent",
    "Window",
    "requires_approval",
    "undo_window",
    "verify",
]
