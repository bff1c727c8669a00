"""The lists that a request is on: one for each name that its policy has for an approver, while it is pending, and one
for each person who voted on it. Both stores update them in the transaction that saves the request.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.approvals.model import inbox
from bot.approvals.model.ids import Person
from bot.approvals.model.request import Pending, Request
from bot.approvals.rules.matching import ANY_CHANNEL, is_channel

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def waiting_for(ref: str) -> str:
    """The list of pending requests that name this approver. Slack ignores the case of handles and addresses."""
    return f"waiting:{ref.lower()}"


def answered_by(person: Person) -> str:
    """The list of requests that this person voted on."""
    return f"answered:{person.team_id}:{person.user_id}"


def of(request: Request) -> dict[str, int]:
    """The lists that the request is on, with its place in each: smaller comes first."""
    places = {answered_by(vote.person): -((vote.at - _EPOCH) // timedelta(microseconds=1)) for vote in request.votes}
    if isinstance(request.state, Pending):
        people = [delegation.to.user_id for delegation in request.stage_delegations]
        people += [request.asked_requester.user_id] if request.asked_requester is not None else []
        rooms = [ANY_CHANNEL] if any(map(is_channel, request.approvers)) else []
        places |= {waiting_for(ref): inbox.urgency(request) for ref in (*request.approvers, *people, *rooms)}
    return places
