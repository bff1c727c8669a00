"""`/v1/requests/{id}/votes`: a person's vote, given somewhere else than in Slack."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter

from bot.approvals.model import ids
from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.decision import Approve, Choose, ItemVerdict, Reject, Respond
from bot.approvals.model.token import Scope
from bot.http import problems
from bot.http.auth import needs
from bot.http.bodies import given, sent
from bot.http.guarded import GuardedRoute, Held, Speaker
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
    person = await parts.person(new.person, "body.person")
    verdicts = _verdicts(new, len(view.request.question.items))
    actor = Actor(person=person, at=parts.clock(), through=token.name, words=lambda refusal: refused(refusal).detail)
    seen = Shown(request_id=view.request.id, version=new.version, digest=new.digest)
    async with parts.busy():
        await parts.votes.vote(actor, seen, verdicts)
    return await shown(parts, await parts.calls.reading.of(view.id, token.sources))


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
        case "choose" if isinstance(vote.value, str):
            return Choose(choice=vote.value)
        case "choose":
            fault = Fault(path=f"{path}.value", problem="should be the label of a choice, as a text")
            raise Refused(problems.INVALID, "A choice is named by its label. Nothing was counted.", faults=[fault])
