"""The messages that a change calls for: each is stored together with the change, and posted afterwards."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime

from bot.approvals.model.ids import ChannelId, MessageId, Person, RequestId, TaskId
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.model.webhook import Webhook

MAX_MODAL_CHARS = 100_000
"""A longer question is attached to its thread as a file, because it would take more than ten pages of a modal."""


def opening_of(task: Task) -> Message:
    """The message that will open the task's Slack thread."""
    return _new(MessageKind.OPENING, task.id, task.created_at)


def card_of(request: Request) -> Message:
    """The request's card in the task's Slack thread."""
    return _new(MessageKind.CARD, request.task_id, request.opened_at, request.id)


def reminder_of(request: Request, now: datetime) -> Message:
    """The policy's reminder, in the task's Slack thread."""
    return _new(MessageKind.REMINDER, request.task_id, now, request.id)


def nudge_of(request: Request, now: datetime, to: Person | None = None) -> Message:
    """A reminder that the requester sends, in the task's Slack thread or in somebody's DM."""
    return replace(_new(MessageKind.NUDGE, request.task_id, now, request.id), to=to)


def copy_of(request: Request, to: Person, now: datetime) -> Message:
    """The card again, in somebody's DM."""
    return replace(_new(MessageKind.COPY, request.task_id, now, request.id), to=to)


def copy_in(request: Request, channel: ChannelId, now: datetime) -> Message:
    """The card again, in a channel of its own."""
    return replace(_new(MessageKind.COPY, request.task_id, now, request.id), channel=channel)


def comment_of(request: Request, now: datetime) -> Message:
    """The last comment, in the task's Slack thread."""
    return replace(_new(MessageKind.COMMENT, request.task_id, now, request.id), number=len(request.comments) - 1)


def unreached_of(request: Request, asked_at: datetime) -> Message:
    """The names of those who could not be asked by DM at that time, in the task's Slack thread."""
    return _new(MessageKind.UNREACHED, request.task_id, asked_at, request.id)


def files_of(request: Request, now: datetime) -> list[Message]:
    """The file with everything that this version asks, if it is too long for a modal. A private question has no file,
    as everybody can read the thread."""
    if request.policy.private or len(request.question.canonical) <= MAX_MODAL_CHARS:
        return []
    return [replace(_new(MessageKind.FILE, request.task_id, now, request.id), version=request.version)]


def outcome_of(task: Task, now: datetime) -> Message:
    """How the task ended or why it stopped, in its Slack thread."""
    return _new(MessageKind.OUTCOME, task.id, now)


def untold_of(webhook: Webhook, now: datetime) -> Message:
    """That the program could not be told at its address, in the task's Slack thread."""
    return replace(_new(MessageKind.UNTOLD, webhook.task_id, now), refused=webhook.failure)


def _new(kind: MessageKind, task_id: TaskId, at: datetime, request_id: RequestId | None = None) -> Message:
    id = MessageId(uuid.uuid4().hex)
    return Message(id=id, kind=kind, task_id=task_id, request_id=request_id, created_at=at)
