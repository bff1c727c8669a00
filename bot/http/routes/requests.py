"""`/v1/requests`: to ask people, to wait for what they decide, and to take the decision."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bot.approvals.inbox.queries import waits_for
from bot.approvals.model import ids
from bot.approvals.model.caller import request_id_of
from bot.approvals.model.errors import AlreadySettled
from bot.approvals.model.token import Scope, Token
from bot.approvals.services.call_reading import CallView
from bot.approvals.services.call_reading import views as views_of
from bot.approvals.services.calls import Call
from bot.http import events, problems, waiting
from bot.http.auth import needs
from bot.http.bodies import given, sent, undo_window
from bot.http.guarded import GuardedRoute, Held, Speaker
from bot.http.parts import Parts
from bot.http.problems import Fault, Refused
from bot.http.routes import fields
from bot.http.views import is_settled

router = APIRouter(prefix=fields.PREFIX, route_class=GuardedRoute, tags=["Requests"])
_SETTLED: Final = (
    "It is settled, so it cannot be withdrawn any more, and nothing was changed. Read it again to see how it ended; "
    "while it is pending, people may still call their decision off."
)
MAX_LOOKED_AT: Final = 10
"""How many pages of storage are looked through for one page of a list that is filtered."""


@router.post("/requests", status_code=201, operation_id="createRequest", summary="Ask people")
@needs(Scope.WRITE_REQUESTS)
async def create(
    parts: Held, token: Speaker, key: fields.Key, new: sent.NewRequest, request: Request, response: Response
) -> given.Request:
    """Puts a question to people in Slack, as the policies say. Returns at once; wait for the decision with `wait`,
    with events, or with a webhook. The same key and body return the same request (200), whatever became of it."""
    _refuse_wrong_window(new)
    call = fields.call_of(token, key, new, await request.json())
    await _refuse_callback(parts, token, call)
    async with parts.busy():
        made = await parts.calls.ask(token, call, new.question, new.response_schema, parts.clock())
    view = await parts.calls.reading.of(request_id_of(made.task.id), token.sources)
    response.status_code = 201 if made.new else 200
    response.headers["Location"] = f"{request.url.path}/{view.id}"
    return await shown(parts, view)


@router.get("/requests/{id}", operation_id="getRequest", summary="Read a request, or wait for its decision")
@needs(Scope.READ_REQUESTS)
async def read(parts: Held, token: Speaker, id: fields.RequestId, wait: fields.Wait = 0) -> given.Request:
    """The request as it is now. With `wait`, returns as soon as it is settled, or when the time is over."""
    view = await _view(parts, token, id)
    if wait and not is_settled(view):
        seconds = min(wait, fields.MAX_WAIT_SECONDS)
        view = await parts.waiters.until(view.task.id, lambda: _view(parts, token, id), is_settled, revision, seconds)
        await parts.guard.renew(token)
    return await shown(parts, view)


@router.get(
    "/requests/{id}/events",
    status_code=200,
    operation_id="streamRequest",
    summary="Follow a request",
    response_class=events.EventStream,
)
@needs(Scope.READ_REQUESTS)
async def follow(parts: Held, token: Speaker, id: fields.RequestId) -> StreamingResponse:
    """Server-sent events. Each event is named by the request's status and holds the request as JSON. The first one
    comes at once, the last one when the request is settled; then the stream ends. Lines that begin with a colon say
    that the connection lives."""
    view = await _view(parts, token, id)

    async def read() -> CallView:
        await parts.guard.renew(token)
        return await _view(parts, token, id)

    async def show(view: CallView) -> given.Request:
        return await shown(parts, view)

    return events.EventStream(events.stream(parts.waiters, view.task.id, read, show))


@router.get("/requests", operation_id="listRequests", summary="List requests")
@needs(Scope.READ_REQUESTS)
async def listed(
    parts: Held,
    token: Speaker,
    status: Annotated[given.Status | None, Query(description="Only requests that stand like this.")] = None,
    source: fields.Source = None,
    approver: Annotated[
        str | None,
        Query(
            max_length=200,
            description="Only requests that wait for this person's answer, by Slack's id or e-mail address; the most "
            "urgent first, and all on one page.",
            examples=["bob@example.com"],
        ),
    ] = None,
    limit: fields.Limit = 20,
    cursor: fields.Cursor = None,
) -> given.Requests:
    """What waits and what was decided, newest first."""
    sources = fields.sources_of(token, source)
    if approver is not None:
        return await _waiting_for(parts, approver, sources, status, limit, cursor)
    found: list[given.Request] = []
    place = cursor or ""
    ended = False if status == "pending" else None
    for _ in range(MAX_LOOKED_AT):
        page = await parts.calls.reading.tasks(sources, limit - len(found), place, callers=True, ended=ended)
        place = page.cursor
        views = [view for records in page.tasks for view in views_of(records)]
        found += [await shown(parts, view) for view in views if status in (None, view.status)]
        if not place or len(found) >= limit:
            break
    return given.Requests(data=found, next_cursor=place or None)


@router.post("/requests/{id}/cancel", operation_id="cancelRequest", summary="Withdraw a request")
@needs(Scope.WRITE_REQUESTS)
async def cancel(parts: Held, token: Speaker, id: fields.RequestId, why: sent.Cancel | None = None) -> given.Request:
    """Nobody can answer it any more, and its cards say so. A request that is cancelled already stays as it is."""
    reason = why.reason if why is not None else ""
    async with parts.busy():
        try:
            view = await parts.calls.cancel(ids.RequestId(id), token.sources, token, parts.clock(), reason)
        except AlreadySettled:  # what was decided is told where it is handed over, and nowhere else
            raise Refused(problems.ALREADY_SETTLED, _SETTLED) from None
    return await shown(parts, view)


@router.post("/requests/{id}/consume", operation_id="consumeRequest", summary="Take the decision, once")
@needs(Scope.WRITE_REQUESTS)
async def consume(parts: Held, token: Speaker, id: fields.RequestId, taken: sent.Consume) -> given.Consumed:
    """Hands the decision to the one execution that may act on it. Call this before you act: a saved run that is resumed
    twice then acts once. Any other execution is refused."""
    async with parts.busy():
        view = await parts.calls.consume(ids.RequestId(id), token.sources, token, taken.execution, parts.clock())
    request = await shown(parts, view)
    if request.decision is None:
        raise AssertionError(f"request {id} was consumed without a decision")
    return given.Consumed(request=request, decision=request.decision)


@router.get("/requests/{id}/audit", operation_id="auditRequest", summary="Read what happened to a request")
@needs(Scope.READ_REQUESTS)
async def audit(parts: Held, token: Speaker, id: fields.RequestId) -> given.AuditEvents:
    """Its audit events, oldest first: what was asked in full, who was shown what, and who decided."""
    view = await _view(parts, token, id)
    return parts.views.events(view, await parts.calls.reading.history(view.id, token.sources))


def _refuse_wrong_window(new: sent.NewRequest) -> None:
    faults = undo_window.faults_of(new.question, has_schema=new.response_schema is not None)
    if faults:
        told = "; ".join(f"{fault.path} {fault.problem}" for fault in faults)
        detail = f"Nothing was done, because the offer to undo does not fit: {told}."
        raise Refused(problems.INVALID, detail, faults=faults)


async def shown(parts: Parts, view: CallView) -> given.Request:
    """The request as callers get it, with how its webhook fares."""
    return parts.views.request(view, await parts.calls.reading.webhook(view))


def revision(view: CallView) -> int:
    return waiting.revision_of(view.task, view.records.requests)


async def _view(parts: Parts, token: Token, id: str) -> CallView:
    return await parts.calls.reading.of(ids.RequestId(id), token.sources)


async def _waiting_for(
    parts: Parts, approver: str, sources: tuple[str, ...], status: str | None, limit: int, cursor: str | None
) -> given.Requests:
    if status not in (None, "pending") or cursor:
        fault = Fault(path="query.approver", problem="goes with status=pending, and without cursor")
        raise Refused(problems.INVALID, "approver lists what waits for a person, and nothing else.", faults=[fault])
    person = await parts.person(approver, "query.approver")
    known = await parts.inboxes.known(person)
    views = await parts.calls.reading.waiting_for(known.names, sources)
    mine = [view for view in views if view.request is not None and waits_for(view.request, person, known)]
    return given.Requests(data=[await shown(parts, view) for view in mine[:limit]], next_cursor=None)


async def _refuse_callback(parts: Parts, token: Token, call: Call) -> None:
    """Refuse an address that may not be called, unless the request is there already: it may have been allowed then."""
    problem = parts.callback_problem(call.callback_url) if call.callback_url else ""
    if problem and not await parts.calls.has_asked(token, call):
        fault = Fault(path="body.callback_url", problem=problem)
        raise Refused(problems.INVALID, f"Nothing was done, because the callback_url {problem}.", faults=[fault])
