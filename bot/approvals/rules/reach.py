"""Whether anybody who may answer a request has got to see it. Pure functions."""

from __future__ import annotations

from bot.approvals.model.request import Request, Then, Unreached


def nobody_was_reached(request: Request) -> bool:
    """Whether nobody who may answer the present stage got the card: nobody may answer it, everybody whom it was opened
    for could not be asked, or its last escalation asked nobody.

    An undo window needs nobody: if nobody answers, the result stays.
    """
    if request.is_window:
        return False
    missed = missed_in_stage(request)
    if any(each.then is Then.END for each in missed):
        return True
    if request.open.escalated_to:
        return False
    return {each.person for each in missed}.issuperset(request.open.asked)


def missed_in_stage(request: Request) -> tuple[Unreached, ...]:
    """Those who could not be asked since the present stage was opened."""
    return tuple(each for each in request.unreached if each.asked_at >= request.open.opened_at)
