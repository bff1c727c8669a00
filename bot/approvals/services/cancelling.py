"""The changes that end a task and its open requests at once, because a program or an operator says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.approvals.model.audit import AuditEvent, event_of
from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.ids import JSON
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.task import Task, TaskCancelled
from bot.approvals.ports.storage import Change, Records
from bot.approvals.rules import calls, lifecycle
from bot.approvals.services import verbs
from bot.approvals.services.messages import wanted
from bot.approvals.services.unit_of_work import settled


def changes(
    records: Records, over: TaskCancelled, told: Mapping[str, JSON], *, through: str = "", closes: bool = True
) -> list[Change]:
    """The task is over, and its open requests are cancelled. `told` goes into each event.

    If it `closes` them, the requests are done with. Otherwise whoever drives the task closes them, which the sweep has
    done even if no process is told of it; on a LangGraph Server, that also stops the run.
    """
    task, at = records.task, over.at
    ended = replace(task, state=over)
    event = AuditEvent(kind="cancelled", at=at, task_id=task.id, through=through, data=told)
    outcome = [] if is_of_caller(task.id) else [wanted.outcome_of(task, at)]
    unasked = calls.webhook_of_unasked(ended, at) if is_of_caller(task.id) and not records.requests else None
    found = [Change(record=ended, event=event, messages=outcome, webhooks=[] if unasked is None else [unasked])]
    for request in records.requests:
        match request.state:
            case Pending():
                found.append(_settled(ended, request, over, told, through=through, closes=closes))
            case Decided() as state:  # its delivery may be given up, and then no sweep would come back to it
                found.append(Change(record=replace(request, state=replace(state, next_try=at)), event=None))
            case _:
                pass
    return found


def _settled(
    task: Task, request: Request, over: TaskCancelled, told: Mapping[str, JSON], *, through: str, closes: bool
) -> Change:
    cancelled = lifecycle.cancel(request, over.by, over.at, over.reason)
    after = lifecycle.delivered(cancelled, over.at) if closes else cancelled
    data = {"version": after.version, **settled(after), **told}
    event = replace(event_of(after, verbs.CANCEL.kind, over.at, data=data), through=through)
    webhook = calls.webhook_of(task, request, after, over.at)
    return Change(record=after, event=event, webhooks=[] if webhook is None else [webhook])
