"""A task for an operator: a row, a page in words, and JSON. Its records are masked already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from bot.approvals.model.ids import JSON
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.server import full_name
from bot.approvals.model.task import Ended, Failed, Starting, Task, TaskCancelled, in_short
from bot.approvals.model.webhook import Webhook, host_of
from bot.approvals.ports.storage import Records
from bot.approvals.rules.standing import Standing, Stands
from bot.approvals.services.overview import Line
from bot.cli.operator import record_words as words
from bot.cli.operator import tables

HEAD: Final = ("TASK", "STATE", "GRAPH", "AGE", "WHAT IS GOING ON")
_MEANS: Final = {
    Stands.STARTING: "it is about to start",
    Stands.RUNNING: "its agent runs",
    Stands.WAITING: "people are asked",
    Stands.DELIVERING: "people have decided, and the agent is about to be told",
    Stands.RETRYING: "an error stopped it, and it is tried again by itself",
    Stands.STUCK: "it does not go on unless a person does something",
    Stands.LOST: "an error ended it, and it cannot go on",
    Stands.ENDED: "its agent has finished",
    Stands.STOPPED: "it was stopped before its agent had finished",
    Stands.CANCELLED: "it was cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A task with all that belongs to it, at one moment."""

    records: Records
    standing: Standing
    webhooks: Sequence[Webhook]
    now: datetime
    inputs: bool = True
    """Whether it is known what is secret in what it was started with. If not, that is not shown."""
    alone: bool = False
    """Whether it should be running, and no process runs it."""


def graph(task: Task) -> str:
    """`cleanup`, or `prod/cleanup` on a server."""
    return full_name(task.server.name, task.graph) if task.server is not None else task.graph


def row(line: Line, now: datetime) -> tuple[str, ...]:
    task = line.task
    going_on = in_a_line(task, line.requests, line.standing, now)
    return (task.id, line.standing.stands, graph(task), words.age(task.created_at, now), going_on)


def in_a_line(task: Task, requests: Sequence[Request], of: Standing, now: datetime) -> str:
    """What is going on, in short."""
    match task.state:
        case Ended(outcome=outcome):
            return in_short(outcome)
        case TaskCancelled(by=by, reason=reason):
            return f"by {words.who(by)}{f': {reason}' if reason else ''}"
        case Failed(failure=failure):
            again = f", again {words.away(of.next_try, now)}" if of.stands is Stands.RETRYING and of.next_try else ""
            gone = words.missing(of.gone) if of.gone is not None else words.failed(failure)
            return f"{gone}{again}"
        case _:
            if of.gone is not None:
                return words.missing(of.gone)
            open_ones = [each for each in requests if isinstance(each.state, Pending | Decided)]
            return "; ".join(words.stands(each, now) for each in open_ones)


def page(seen: Seen, columns: int) -> str:
    """All that an operator needs to know."""
    task, of, now = seen.records.task, seen.standing, seen.now
    alone = (
        "No process runs it now: the next sweep, or the next start of the bot, goes on with it." if seen.alone else ""
    )
    said = " ".join(each for each in (_said(task, of, now), alone) if each)
    lines = [
        tables.paragraph(f"Task {task.id} is {of.stands}: {_MEANS[of.stands]}.", columns),
        "\n",
        tables.fact("graph", _graph(task), columns),
        tables.fact("asked by", _requester(task), columns),
        tables.fact("channel", task.channel, columns),
        tables.fact("began", f"{words.moment(task.created_at)}, {words.age(task.created_at, now)} ago", columns),
        tables.fact("inputs", _inputs(task) if seen.inputs else _HIDDEN, columns),
        tables.fact("now", said, columns),
        tables.fact("last error", _error(of), columns),
    ]
    if seen.records.requests:
        lines.append("\nIts requests:\n")
        for request in seen.records.requests:
            code = f"; {words.missing(request.gone)}" if request.gone is not None else ""
            lines.append(tables.paragraph(f"{request.id}  {words.stands(request, now)}{code}", columns, "  ", "    "))
    for webhook in seen.webhooks:
        lines.append(tables.fact("webhook", _webhook(webhook, now), columns))
    lines += ["\nWhat you can do:\n", *(tables.offer(*each, columns) for each in _can_do(task))]
    return "".join(lines)


def as_json(line: Line, now: datetime) -> dict[str, JSON]:
    """What lists say of a task."""
    task, of = line.task, line.standing
    return {
        "id": task.id,
        "state": str(of.stands),
        "needs_person": of.needs_person,
        "graph": task.graph,
        "server": task.server.name if task.server is not None else None,
        "source": task.caller.source if task.caller is not None else None,
        "requester": words.who_as_json(task.requester),
        "channel": task.channel or None,
        "created_at": words.moment_as_json(task.created_at),
        "ended_at": words.moment_as_json(task.ended_at),
        "says": in_a_line(task, line.requests, of, now),
        "tries": task.tries,
        "next_try": words.moment_as_json(of.next_try),
        "failure": words.failure_as_json(of.failure),
        "missing": words.gone_as_json(of.gone),
        "retryable": isinstance(task.state, Failed) and task.state.retryable,
        "cancellable": not task.finished,
    }


def page_as_json(seen: Seen) -> dict[str, JSON]:
    """What `show` says of a task: what lists say, and all that belongs to it."""
    task, now = seen.records.task, seen.now
    cancelled = task.state if isinstance(task.state, TaskCancelled) else None
    return {
        **as_json(Line(task=task, requests=seen.records.requests, standing=seen.standing), now),
        "thread_id": task.thread_id,
        "inputs": dict(task.inputs) if seen.inputs else None,
        "outcome": task.state.outcome if isinstance(task.state, Ended) else None,
        "cancelled_by": words.who_as_json(cancelled.by) if cancelled is not None else None,
        "reason": (cancelled.reason or None) if cancelled is not None else None,
        "requests": [words.request_in_short_as_json(each, now) for each in seen.records.requests],
        "webhooks": [
            {
                "id": each.id,
                "request": each.request_id,
                "host": host_of(each.url),
                "attempts": each.attempts,
                "next_try": words.moment_as_json(each.next_try),
                "delivered_at": words.moment_as_json(each.delivered_at),
                "given_up": each.given_up,
                "failure": each.failure or None,
            }
            for each in seen.webhooks
        ],
    }


def refusal_to_cancel(task: Task) -> str:
    """Why it cannot be cancelled: it has ended."""
    assert task.ended_at is not None  # noqa: S101 - the refusal says so
    match task.state:
        case TaskCancelled(by=by, at=at):
            how = f"was cancelled already, by {words.who(by)}, {words.moment(at)}"
        case Failed(failure=failure):
            how = f"cannot go on anyway: {words.failed(failure)} ended it, {words.moment(failure.at)}"
        case _:
            how = f"has ended already, {words.moment(task.ended_at)}"
    return f"Task {task.id} {how}. Nothing was changed."


def refusal_to_retry(task: Task, requests: Sequence[Request], of: Standing, now: datetime) -> str:
    """Why nothing can be tried again."""
    match of.stands:
        case Stands.STARTING | Stands.RUNNING:
            why = "is running: no error has stopped it"
        case Stands.WAITING:
            asked = next(each for each in requests if isinstance(each.state, Pending))
            why = f"waits for people: request {asked.id} {words.stands(asked, now)}"
        case Stands.STUCK if of.gone is not None:
            why = f"is not stopped by an error: {words.missing(of.gone)}"
        case Stands.DELIVERING | Stands.RETRYING | Stands.STUCK:
            why = "is not stopped by an error: " + "; ".join(
                words.stands(each, now) for each in requests if isinstance(each.state, Decided | Pending)
            )
        case Stands.LOST:
            why = "cannot go on: the graph's state is gone or broken. It has to be started anew"
        case Stands.ENDED | Stands.STOPPED | Stands.CANCELLED:
            why = f"has ended: {_MEANS[of.stands]}"
        case never:
            assert_never(never)
    return f"Task {task.id} {why.removesuffix(': ')}. Nothing was changed."


# --- Within -------------------------------------------------------------------------------------

_ALONE: Final = "No process runs it now: the next sweep, or the next start of the bot, goes on with it"
_HIDDEN: Final = "not shown, because the policy file cannot be read, which says what of it is secret"


def _graph(task: Task) -> str:
    if task.server is None:
        return task.graph
    watched = ", which somebody else started there" if task.server.watched else ""
    return f"{task.graph}, on the LangGraph Server {task.server.name}{watched} (thread {task.thread_id})"


def _requester(task: Task) -> str:
    through = f", with the token {task.caller.token}" if task.caller is not None else ""
    return f"{words.who(task.requester)}{through}"


def _inputs(task: Task) -> str:
    return ", ".join(f"{name}={words.written(value)}" for name, value in task.inputs.items())


def _said(task: Task, of: Standing, now: datetime) -> str:
    match task.state:
        case Ended(outcome=outcome, at=at):
            return f"{words.moment(at)}: {outcome}"
        case TaskCancelled(by=by, at=at, reason=reason):
            return f"cancelled by {words.who(by)}, {words.moment(at)}{f': {reason}' if reason else ''}"
        case Failed() if of.stands is Stands.RETRYING and of.next_try is not None:
            return f"tried again {words.away(of.next_try, now)}"
        case Failed() if of.stands is Stands.LOST:
            return "the graph's state is gone or broken, so the task has to be started anew"
        case Failed() if of.gone is not None:
            return f"{words.missing(of.gone)}. Put it back where the agent runs, and then retry the task"
        case Failed():
            return "not tried again by itself"
        case _ if of.gone is not None:
            return f"{words.missing(of.gone)}. Answers count, and are delivered once it is back where the agent runs"
        case Starting() if task.tries:
            return f"begun {task.tries} times, and not come to an end yet"
        case _:
            return ""


def _error(of: Standing) -> str:
    if of.failure is None:
        return ""
    again = ". If it runs again, a step that may have acted is run again" if of.failure.unsaved else ""
    log = f"The traceback is in the bot's log, under {of.failure.error_id}"
    return f"{words.failed(of.failure)}, {words.moment(of.failure.at)}. {log}{again}."


def _webhook(webhook: Webhook, now: datetime) -> str:
    host = host_of(webhook.url)
    if webhook.delivered_at is not None:
        return f"{host} was told, {words.moment(webhook.delivered_at)}"
    why = f": {webhook.failure}" if webhook.failure else ""
    if webhook.next_try is None:
        return f"{host} could not be told, and is not any more{why}"
    return f"{host} is to be told {words.away(webhook.next_try, now)}{why}"


def _can_do(task: Task) -> list[tuple[str, str]]:
    """Commands, and what each does."""
    found = []
    if isinstance(task.state, Failed) and task.state.retryable:
        found.append((f"countersign tasks retry {task.id}", "tries it again now"))
    if not task.finished:
        ends = "ends it: its open requests are closed, and its agent is not told"
        found.append((f"countersign tasks cancel {task.id}", ends))
    found.append((f"countersign audit export --task {task.id}", "writes out everything that happened"))
    return found
