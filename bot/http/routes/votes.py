"""`/v1/requests/{id}/votes`, and beside it `take-back` and `stop`: what people do somewhere else than in Slack."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from fastapi import APIRouter

from bot.approvals.model import ids
from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.decision import Approve, Choose, ItemVerdict, Keep, Reject, Respond, Undo
from bot.approvals.model.request import Request
from bot.approvals.model.token import Scope, Token
from bot.http import problems
from bot.http.auth import needs
from bot.http.bodies import given, sent
from bot.http.guarded import GuardedRoute, Held, Speaker
from bot.http.parts import Parts
from bot.http.problems import Fault, Refused
from bot.http.refusals import refused
from bot.http.routes import fields
from bot.http.routes.requests import shown

router = APIRouter(prefix=fields.PREFIX, route_class=GuardedRoute, tags=["Requests"])


@router.post("/requests/{id}/votes", operation_id="voteOnRequest", summary="Hand in a person's vote")
@needs(Scope.VOTES)
async def vote(parts: Held, token: Speaker, id: fields.RequestId, new: sent.NewVote) -> given.Request:
    """Counts the vote of a named person who answered on a page of your own. You vouch for who they are, so the policy
    that governs the request must list the token's name under `via`; and the person must be eligible exactly as in
    Slack. Cards, history and the audit log name the token."""
    view = await parts.calls.reading.of(ids.RequestId(id), token.sources)
    if view.request is None:
        raise Refused(
            problems.STALE,
            "People have not been asked yet, so nobody can have seen this question. Read the request until `digest` is "
            "there, show it to the person, and send `version` and `digest` with the vote.",
        )
    verdicts = _verdicts(new, len(view.request.question.items))
    actor = await _actor(parts, token, new.person)
    seen = Shown(request_id=view.request.id, version=new.version, digest=new.digest)
    async with parts.busy():
        await parts.votes.vote(actor, seen, verdicts)
    return await shown(parts, await parts.calls.reading.of(view.id, token.sources))


@router.post("/requests/{id}/take-back", operation_id="takeBackAnswer", summary="Take a person's answer back")
@needs(Scope.VOTES)
async def take_back(parts: Held, token: Speaker, id: fields.RequestId, by: sent.OfPerson) -> given.Request:
    """Takes the answer of a named person back, which settled the request and which whoever asked does not have yet.
    The request is open again. As for votes, the policy must list the token's name under `via`."""
    return await _called_off(parts, token, id, by, parts.votes.take_back)


@router.post("/requests/{id}/stop", operation_id="stopDecision", summary="Stop a decision that is held")
@needs(Scope.VOTES)
async def stop(parts: Held, token: Speaker, id: fields.RequestId, by: sent.OfPerson) -> given.Request:
    """Stops a decision while it is held (`hold`), in the name of a person who may answer the request. The request is
    open again. As for votes, the policy must list the token's name under `via`."""
    return await _called_off(parts, token, id, by, parts.votes.stop)


async def _called_off(
    parts: Parts,
    token: Token,
    id: str,
    by: sent.OfPerson,
    call_off: Callable[[Actor, ids.RequestId], Awaitable[Request]],
) -> given.Request:
    view = await parts.calls.reading.of(ids.RequestId(id), token.sources)
    if view.request is None:
        raise Refused(
            problems.NOTHING_TO_CALL_OFF, "People have not been asked yet, so there is no decision to call off."
        )
    actor = await _actor(parts, token, by.person)
    async with parts.busy():
        await call_off(actor, view.request.id)
    return await shown(parts, await parts.calls.reading.of(view.id, token.sources))


async def _actor(parts: Parts, token: Token, person: str) -> Actor:
    """The person, who acts through this token."""
    found = await parts.person(person, "body.person")
    return Actor(person=found, at=parts.clock(), through=token.name, words=lambda refusal: refused(refusal).detail)


def _verdicts(new: sent.NewVote, items: int) -> tuple[ItemVerdict, ...]:
    """One verdict for each item. One that is given alone counts for all."""
    each: Sequence[sent.ItemVote] = new.items if new.items is not None else [new] * items
    if new.items is not None and new.items[0].verdict != new.verdict:
        fault = Fault(path="body.verdict", problem="should be the verdict of the first of `items`")
        raise Refused(problems.INVALID, "`verdict` and `items` disagree. Nothing was counted.", faults=[fault])
    return tuple(_verdict(vote, f"body.items.{n}" if new.items is not None else "body") for n, vote in enumerate(each))


def _verdict(vote: sent.ItemVote, path: str) -> ItemVerdict:
    match vote.verdict:
        case "approve":
            return Approve(reason=vote.reason)
        case "reject":
            return Reject(reason=vote.reason)
        case "respond":
            return Respond(value=vote.value)
        case "undo":
            return Undo()
        case "keep":
            return Keep()
        case "choose" if isinstance(vote.value, str):
            return Choose(choice=vote.value)
        case "choose":
            fault = Fault(path=f"{path}.value", problem="should be the label of a choice, as a text")
            raise Refused(problems.INVALID, "A choice is named by its label. Nothing was counted.", faults=[fault])
