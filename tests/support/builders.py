"""Records for tests: each builder gives a whole, plausible record, and takes whatever the test is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Answered, Approve
from bot.approvals.model.ids import (
    ChannelId,
    InterruptId,
    MessageId,
    Person,
    RequestId,
    TaskId,
    TeamId,
    ThreadId,
    UserId,
)
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.policy import Expire, Policy, Remind, Step, one_stage
from bot.approvals.model.question import Item, Question, Verdict
from bot.approvals.model.request import Decided, OpenStage, Pending, Request
from bot.approvals.model.task import Task
from bot.approvals.model.token import TOKENS, Scope, Token, digest_of
from bot.approvals.model.trouble import About, Trouble, TroubleKind
from bot.approvals.model.webhook import Webhook, WebhookId, WebhookKind

NOON = datetime(2030, 1, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_person(user_id: str = "UREQ", team_id: str = "T1") -> Person:
    return Person(team_id=TeamId(team_id), user_id=UserId(user_id))


def a_task(id: str = "task-1", **changes: Any) -> Task:
    """A task that was just recorded; its thread is named after it."""
    values: dict[str, Any] = {
        "id": TaskId(id),
        "thread_id": ThreadId(f"thread-of-{id}"),
        "graph": "cleanup",
        "inputs": {"bucket": "logs", "days": 30},
        "requester": a_person(),
        "channel": ChannelId("C1"),
        "created_at": NOON,
    }
    return Task(**values | changes)


def an_item(name: str = "delete_files", **changes: Any) -> Item:
    values: dict[str, Any] = {
        "name": name,
        "arguments": {"paths": ["/logs/a", "/logs/ü"], "limit": 310.1},
        "verdicts": (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT),
    }
    return Item(**values | changes)


def a_question(**changes: Any) -> Question:
    values: dict[str, Any] = {"shape": "tool_calls", "title": "Delete old files?", "items": (an_item(),)}
    return Question(**values | changes)


def a_policy(**changes: Any) -> Policy:
    values: dict[str, Any] = {
        "name": "two hours",
        "stages": one_stage(
            ("UAPP", "@operators"),
            steps=(
                Step(after=timedelta(hours=1), action=Remind()),
                Step(after=timedelta(hours=2), action=Expire()),
            ),
        ),
    }
    return Policy(**values | changes)


def a_request(id: str = "request-1", task: Task | None = None, **changes: Any) -> Request:
    """A pending request of the task, opened a minute after it; its interrupt is named after it."""
    task = task or a_task()
    question = changes.get("question") or a_question()
    values: dict[str, Any] = {
        "id": RequestId(id),
        "task_id": task.id,
        "thread_id": task.thread_id,
        "interrupt_id": InterruptId(f"interrupt-of-{id}"),
        "graph": task.graph,
        "requester": task.requester,
        "proposed": question,
        "question": question,
        "policy": a_policy(),
        "opened_at": task.created_at + MINUTE,
        "open": OpenStage(opened_at=task.created_at + MINUTE, asked=(a_person("UAPP"),)),
        "state": Pending(due_at=task.created_at + MINUTE + timedelta(hours=1)),
    }
    return Request(**values | changes)


def staged(request: Request, **changes: Any) -> Request:
    """The request, with another open stage."""
    return replace(request, open=replace(request.open, **changes))


def an_answer(**changes: Any) -> Answered:
    """One approver approved the one item."""
    values: dict[str, Any] = {
        "verdicts": (Approve(),),
        "voters": (a_person("UAPP"),),
        "edited": False,
        "at": NOON + 2 * MINUTE,
    }
    return Answered(**values | changes)


def decided(next_try: datetime | None = NOON, **changes: Any) -> Decided:
    """Approved, and to be delivered from noon on."""
    values: dict[str, Any] = {"decision": an_answer(), "next_try": next_try}
    return Decided(**values | changes)


def a_message(id: str, of: Task | Request, kind: MessageKind | None = None, **changes: Any) -> Message:
    """A surface that shows nothing yet: of a task its opening message, of a request its card."""
    values: dict[str, Any] = {
        "id": MessageId(id),
        "kind": kind or (MessageKind.OPENING if isinstance(of, Task) else MessageKind.CARD),
        "task_id": of.id if isinstance(of, Task) else of.task_id,
        "request_id": None if isinstance(of, Task) else of.id,
        "created_at": NOON,
    }
    return Message(**values | changes)


def an_event(kind: str, of: Task | Request, **changes: Any) -> AuditEvent:
    values: dict[str, Any] = {
        "kind": kind,
        "at": NOON,
        "task_id": of.id if isinstance(of, Task) else of.task_id,
        "request_id": None if isinstance(of, Task) else of.id,
    }
    return AuditEvent(**values | changes)


def a_token(name: str = "billing", **changes: Any) -> Token:
    """A token that speaks for `billing-service`. Its digest is that of `csk_` and its name."""
    values: dict[str, Any] = {
        "name": name,
        "digest": digest_of(f"csk_{name}"),
        "scopes": frozenset({Scope.WRITE_REQUESTS, Scope.READ_REQUESTS}),
        "sources": ("billing-service",),
        "created_at": NOON,
    }
    return Token(**values | changes)


def a_token_event(kind: str, token: Token) -> AuditEvent:
    return AuditEvent(kind=kind, at=NOON, task_id=TOKENS, data={"name": token.name})


def a_webhook(id: str = "msg-1", of: Request | None = None, **changes: Any) -> Webhook:
    """A webhook that tells of a decision, and is due at noon."""
    request = of or a_request()
    values: dict[str, Any] = {
        "id": WebhookId(id),
        "task_id": request.task_id,
        "request_id": request.id,
        "kind": WebhookKind.DECIDED,
        "url": "https://hooks.example.com/approvals",
        "created_at": NOON,
        "next_try": NOON,
    }
    return Webhook(**values | changes)


def a_trouble(subject: str = "task-1", **changes: Any) -> Trouble:
    """A decision that its agent did not take, of which nobody was told yet."""
    values: dict[str, Any] = {
        "id": MessageId(f"message-of-{subject}"),
        "kind": TroubleKind.UNDELIVERED,
        "subject": subject,
        "about": About(task_id=TaskId(subject), name="cleanup", why="ValueError", error_id="e1"),
        "since": NOON,
    }
    return Trouble(**values | changes)
