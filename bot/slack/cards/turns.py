"""Whose turn it is: who can still answer an open request, in a few words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.approvals.model.ids import Person
from bot.approvals.model.request import Request
from bot.approvals.rules import eligible, schedule
from bot.slack import text
from bot.slack.text import moment

MAX_NAMES: Final = 3
NOBODY: Final = "nobody can answer it"


def turn(request: Request, limit: int = MAX_NAMES) -> str:
    """As mrkdwn: `@finance` or `2 of @finance`. After a vote, the people who are left: `1 more of @carol`."""
    missing = missing_of(request)
    if request.stage_votes or request.stage_delegations:
        left = people(request, limit)
        return left if request.stage.needed == 1 or left == NOBODY else f"{sum(missing):,} more of {left}"
    names = _names(request)
    if not names:
        return text.mention(request.asked_requester) if request.asked_requester is not None else NOBODY
    if request.stage.needed == 1:
        return text.approvers(names, limit)
    counted = [
        f"{number:,} of {text.approvers(known, limit)}"
        for number, group in zip(missing, request.stage.groups, strict=True)
        if number and (known := request.known(group.approvers))
    ]
    return text.listed(counted) or text.approvers(names, limit)


def people(request: Request, limit: int = MAX_NAMES) -> str:
    """The people who may answer and have not, as mentions, with delegates in place of their delegators; then the names
    that steps of the policy have added."""
    names = [text.mention(person) for person in waiting(request)] + list(map(text.approver, added(request)))
    if not names and not request.open.asked:
        names = list(map(text.approver, _names(request)))
    if not names and request.asked_requester is not None:
        names = [text.mention(request.asked_requester)]
    return text.listed(list(dict.fromkeys(names)), limit) or NOBODY


def waiting(request: Request) -> list[Person]:
    """The people who were asked, may answer and have not; delegates in place of their delegators."""
    answered = {vote.person for vote in request.stage_votes}
    asked = [request.given_to(each) or each for each in request.open.asked if eligible.may_answer(request, each)]
    return [person for person in dict.fromkeys(asked) if person not in answered]


def missing_of(request: Request) -> tuple[int, ...]:
    """How many answers of each group of the stage are missing, as of the last change of votes."""
    groups, votes = request.stage.groups, request.stage_votes
    if votes and len(request.open.missing) == len(groups):
        return request.open.missing
    return tuple(max(group.needed - len(votes), 0) for group in groups)


def added(request: Request) -> list[str]:
    """The names that steps of the policy have added, as the policy writes them."""
    names = request.known(request.open.escalated_to)
    return [name for name in names if name not in request.stage.approvers]


def by(request: Request) -> str:
    """The deadline as the end of a phrase: `by tomorrow`, `overdue since yesterday`. Empty if there is none."""
    if request.deadline is None:
        return ""
    return f"{'overdue since' if schedule.is_overdue(request) else 'by'} {moment(request.deadline)}"


def _names(request: Request) -> Sequence[str]:
    """The policy's names for those who may answer. Of people who were looked up and may not answer, none."""
    nobody = not any(eligible.may_answer(request, person) for person in request.open.asked)
    return added(request) if nobody and (request.open.asked or request.open.short) else request.approvers
