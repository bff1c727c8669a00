"""The lists on which a request stands: of those whom it waits for, by the name that its policy has for them, and of
those who voted on it. Both stores keep them level with the request, in the same transaction.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.approvals.model import inbox
from bot.approvals.model.ids import Person
from bot.approvals.model.request import Pending, Request
from bot.approvals.rules.matching import ANY_CHANNEL, is_channel

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def waiting_for(ref: str) -> str:
    """The list of what waits for whom a policy names so; Slack ignores the case of handles and addresses."""
    return f"waiting:{ref.lower()}"


def answered_by(person: Person) -> str:
    return f"answered:{person.team_id}:{person.user_id}"


def of(request: Request) -> dict[str, int]:
    """The request's lists, and its place in each, from the smallest on."""
    places = {answered_by(vote.person): -((vote.at - _EPOCH) // timedelta(microseconds=1)) for vote in request.votes}
    if isinstance(request.state, Pending):
        people = [delegation.to.user_id for delegation in request.stage_delegations]
        people += [request.requester.user_id] if request.asks_requester else []
        rooms = [ANY_CHANNEL] if any(map(is_channel, request.approvers)) else []
        places |= {waiting_for(ref): inbox.urgency(request) for ref in (*request.approvers, *people, *rooms)}
    return places
