"""`/v1/tasks`: to start a graph, and to follow it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from bot.approvals.model import ids
from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.errors import NotFound
from bot.approvals.model.token import Scope, Token
from bot.approvals.services.call_reading import Records
from bot.http import waiting
from bot.http.auth import needs
from bot.http.bodies import given, sent
from bot.http.guarded import GuardedRoute, Held, Speaker
from bot.http.parts import Parts
from bot.http.routes import fields
from bot.http.views import is_over, status_of

router = APIRouter(prefix=fields.PREFIX, route_class=GuardedRoute, tags=["Tasks"])
MAX_LOOKED_AT: Final = 10
"""How many pages of storage are looked through for one page of a list that is filtered."""


@router.post("/tasks", status_code=201, operation_id="createTask", summary="Start a graph")
@needs(Scope.WRITE_TASKS)
async def create(
    parts: Held, token: Speaker, key: fields.Key, new: sent.NewTask, request: Request, response: Response
) -> given.Task:
    """Starts a graph of the bot with these inputs. What it asks people appears in `requests`. The same key and body
    return the same task (200), whatever became of it."""
    call = fields.call_of(token, key, new, await request.json())
    async with parts.busy():
        made = await parts.calls.start(token, call, new.graph, new.inputs, parts.clock())
    response.status_code = 201 if made.new else 200
    response.headers["Location"] = f"{request.url.path}/{made.task.id}"
    return parts.views.task(await _records(parts, token, made.task.id))


@router.get("/tasks/{id}", operation_id="getTask", summary="Read a task, or wait for it")
@needs(Scope.WRITE_TASKS, Scope.READ_REQUESTS)
async def read(
    parts: Held,
    token: Speaker,
    id: fields.TaskId,
    wait: fields.Wait = 0,
    until: Annotated[
        Literal["over", "asked"],
        Query(description="What `wait` waits for: `over`, or `asked`, which ends the wait also when people are asked."),
    ] = "over",
) -> given.Task:
    """The task as it is now. With `wait`, returns as soon as it has `ended`, `failed` or was `stopped`, or when the
    time is over."""
    enough = is_over if until == "over" else _has_asked
    records = await _records(parts, token, id)
    if wait and not enough(records):
        records = await parts.waiters.until(
            records.task.id,
            lambda: _records(parts, token, id),
            enough,
            lambda found: waiting.revision_of(found.task, found.requests),
            min(wait, fields.MAX_WAIT_SECONDS),
        )
        await parts.guard.renew(token)
    return parts.views.task(records)


@router.get("/tasks", operation_id="listTasks", summary="List tasks")
@needs(Scope.WRITE_TASKS, Scope.READ_REQUESTS)
async def listed(
    parts: Held,
    token: Speaker,
    status: Annotated[given.TaskStatus | None, Query(description="Only tasks that stand like this.")] = None,
    source: fields.Source = None,
    limit: fields.Limit = 20,
    cursor: fields.Cursor = None,
) -> given.Tasks:
    """The tasks that your sources have started, newest first."""
    sources = fields.sources_of(token, source)
    found: list[given.Task] = []
    place = cursor or ""
    for _ in range(MAX_LOOKED_AT):
        page = await parts.calls.reading.tasks(sources, limit - len(found), place, callers=False)
        place = page.cursor
        found += [parts.views.task(records) for records in page.tasks if status in (None, status_of(records))]
        if not place or len(found) >= limit:
            break
    return given.Tasks(data=found, next_cursor=place or None)


@router.post("/tasks/{id}/cancel", operation_id="cancelTask", summary="Stop a task")
@needs(Scope.WRITE_TASKS)
async def cancel(parts: Held, token: Speaker, id: fields.TaskId, why: sent.Cancel | None = None) -> given.Task:
    """Ends the task: its open requests are cancelled, and the graph is not resumed. A step that runs is stopped within
    seconds; what it has done stays. A task that is cancelled already stays as it is."""
    reason = why.reason if why is not None else ""
    async with parts.busy():
        records = await parts.calls.cancel_task(_of_graph(id), token.sources, token, parts.clock(), reason)
    return parts.views.task(records)


def _has_asked(records: Records) -> bool:
    return is_over(records) or status_of(records) == "awaiting_human"


async def _records(parts: Parts, token: Token, id: str) -> Records:
    return await parts.calls.reading.task(_of_graph(id), token.sources)


def _of_graph(id: str) -> ids.TaskId:
    """The id, unless it is that of a request, which other scopes open. Raises `NotFound`."""
    task_id = ids.TaskId(id)
    if is_of_caller(task_id):
        raise NotFound("task", task_id)
    return task_id
