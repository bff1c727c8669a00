"""A version of a request as the audit log holds it: what was asked, of whom, and on which terms."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.approvals.model.ids import JSON
from bot.approvals.model.policy import Policy, Stage
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.rules import eligible


def full(request: Request, task: Task) -> dict[str, JSON]:
    """Everything that a version of the request asks, of whom, and on which terms. This is the data of the event that
    begins the version: a reader who has only that event can tell what was approved.

    `docs/reference/audit-events.md` names the keys. The event's digest is that of the question.
    """
    return {
        "version": request.version,
        "question": plain(request.question),
        "task": {
            "graph": task.graph,
            "inputs": dict(task.inputs),
            "place": request.place,
            "requester": plain(task.requester),
            "source": _source(task),
            "server": plain(task.server) if task.server is not None else None,
        },
        "eligible": _eligible(request),
        "policy": {
            "rule": request.policy.name,
            "stages": [_stage(stage) for stage in request.policy.stages],
            "self_approval": request.policy.self_approval,
            "reasons": [str(verdict) for verdict in request.policy.reasons],
            "private": request.policy.private,
            "via": list(request.policy.via),
            **_afterwards(request.policy),
        },
        "deadline": request.deadline.isoformat() if request.deadline is not None else None,
    }


def next_stage(before: Request, after: Request) -> dict[str, JSON]:
    """Who may answer from now on, if the change moved the request to another stage; otherwise nothing."""
    return {"eligible": _eligible(after)} if after.stage_number != before.stage_number else {}


def _eligible(request: Request) -> list[JSON]:
    """Who may answer the present stage, as it was when the stage was opened."""
    before = {voter for stage in request.passed for voter in stage.voters}
    able = (person for person in request.open.asked if eligible.may_answer(request, person) and person not in before)
    return [plain(person) for person in able]


def plain(value: object) -> Any:
    """A record with all its fields, as JSON: a span of time in seconds. What graphs gave is JSON already."""
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    match value:
        case tuple():
            return [plain(each) for each in value]
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case _:
            return str(value) if isinstance(value, StrEnum) else value


def _source(task: Task) -> JSON:
    """What the program that asks said about itself. None if a person started the task in Slack."""
    return {"name": task.caller.source, "url": task.caller.url, "run": task.caller.run} if task.caller else None


def _afterwards(policy: Policy) -> dict[str, JSON]:
    """What holds once a decision is made."""
    return {
        "hold_seconds": policy.hold.total_seconds(),
        "valid_for_seconds": policy.valid_for.total_seconds() if policy.valid_for is not None else None,
        "on_stale": str(policy.on_stale),
        "undo": {"approvers": list(policy.undo.approvers), "requester": policy.undo.requester},
    }


def _stage(stage: Stage) -> JSON:
    return {
        "name": stage.name,
        "groups": [{"approvers": list(group.approvers), "needed": group.needed} for group in stage.groups],
        "reject_quorum": stage.reject_quorum,
        "deadline_seconds": stage.deadline.total_seconds() if stage.deadline is not None else None,
    }
