"""How an open request stands: who may answer and by when, who has answered, what is missing, what is next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from bot.approvals.model.decision import Approve, Choose, ItemVerdict, Reject, Respond, Vote
from bot.approvals.model.hours import unknown_zones
from bot.approvals.model.ids import Person
from bot.approvals.model.policy import Consent, Escalate, Expire, Overdue, Pick, Remind, Step, Via, Warn
from bot.approvals.model.question import Risk
from bot.approvals.model.request import Request
from bot.approvals.rules import eligible, schedule, voting
from bot.slack import actions, blocks, text
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block
from bot.slack.text import moment

_RISKS = {
    Risk.LOW: "Low risk",
    Risk.MEDIUM: "Medium risk",
    Risk.HIGH: "*High risk*",
    Risk.CRITICAL: "*Critical risk*",
}


def risk(request: Request) -> str:
    """The risk in words. Empty if the question names none."""
    return _RISKS[request.question.risk] if request.question.risk else ""


def standing(request: Request) -> list[Block]:
    """Who may answer and by when; then answers, questions and the next step, if there are any."""
    fields = [f"*Who may answer*\n{_capital(who(request))}", f"*Answer by*\n{_by(request)}"]
    said = [words for words in (_asked(request), _next(request)) if words]
    return [
        {"type": "section", "fields": [blocks.mrkdwn(field) for field in fields]},
        *_answers(request),
        *([blocks.context("\n".join(said))] if said else []),
    ]


def who(request: Request) -> str:
    """Who may answer, as mentions. If nobody may, it says so and why."""
    people = [person for person in request.open.asked if eligible.may_answer(request, person)]
    names = [text.mention(person) for person in people] or [
        text.approver(name)
        for name in request.known(request.stage.approvers)
        if not (request.open.asked or request.open.short)
    ]
    names += [name for name in _added(request) if name not in names]
    if names:
        return text.listed(names)
    if request.open.short and not request.open.asked:
        return "nobody: see below"
    if request.open.asked:
        return f"nobody: {text.mention(request.requester)} asked, and requesters may not answer their own requests"
    return f"nobody: the policy `{text.sentence(request.policy.name, 60)}` names no approvers"


def waiting(request: Request) -> str:
    """Who may answer and has not, as mentions: delegates in place of their delegators."""
    answered = {vote.person for vote in request.stage_votes}
    people = [
        request.given_to(person) or person for person in request.open.asked if eligible.may_answer(request, person)
    ]
    names = [text.mention(person) for person in people if person not in answered]
    names += [name for name in _added(request) if name not in names]
    return text.listed(list(dict.fromkeys(names))) if names else who(request)


def _added(request: Request) -> list[str]:
    added = request.known(request.open.escalated_to)
    return [text.approver(name) for name in added if name not in request.stage.approvers]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


# --- By when ------------------------------------------------------------------------------------


def _by(request: Request) -> str:
    if request.deadline is None:
        return "No deadline"
    extension = request.open.extension
    later = f"{text.span(extension.measure)} more, by {text.mention(extension.by)}" if extension else ""
    zones = [
        f"The zone {text.sentence(zone, 40)} is unknown here, so UTC is used"
        for zone in unknown_zones(request.open.zones)
    ]
    return "\n".join(words for words in (moment(request.deadline), later, _if_unanswered(request), *zones[:3]) if words)


def _if_unanswered(request: Request) -> str:
    """What happens if nobody answers, unless the request then expires."""
    step = next((step for step in request.stage.steps if step.at_deadline), None)
    match step.action if step else None:
        case Consent() | Pick() if voting.objectors(request):
            return "Silence no longer counts as an answer, because somebody objected"
        case Consent():
            return "Silence approves it"
        case Pick(choice=choice):
            return f"Silence chooses {text.sentence(choice, 60)}"
        case Overdue():
            return "It is overdue and keeps waiting" if schedule.is_overdue(request) else "It keeps waiting after that"
        case _:
            return ""


def _next(request: Request) -> str:
    """The next step and its time. The deadline is no step here, because it has a field of its own."""
    found = schedule.next_moment(request)
    if found is None or found[1].at_deadline:
        return ""
    at, step = found
    return f"Next: {_comes(step)} · {moment(at)}"


def _comes(step: Step) -> str:
    match step.action:
        case Remind():
            return "a reminder"
        case Warn():
            return "a warning that the deadline is near"
        case Escalate(to=to, via=Via.DM):
            return f"{text.approvers(to, 5)} get this by direct message"
        case Escalate(to=to):
            return f"this goes to {text.approvers(to, 5)}"
        case Expire() | Consent() | Pick() | Overdue():
            return "the deadline"
        case _ as never:
            assert_never(never)


# --- Who has answered ---------------------------------------------------------------------------


def _answers(request: Request) -> list[Block]:
    """The votes so far and what is missing, with a button to withdraw one's own vote."""
    votes = request.stage_votes
    delegated = [_delegated(each.by, each.to) for each in request.stage_delegations if _open(request, each.to)][:5]
    if request.stage.needed == 1 and not votes and not delegated and len(request.policy.stages) == 1:
        return []
    rejections = sum(any(isinstance(verdict, Reject) for verdict in vote.verdicts) for vote in votes)
    limit = request.stage.reject_quorum
    lines = [
        f"*{_heading(request)}*",
        _count(request),
        *([f"{rejections} of {limit} rejections"] if rejections and limit > 1 else []),
        *delegated,
        *[f"Agreed before: {text.mentions(stage.voters)} · {moment(stage.at)}" for stage in request.passed],
    ]
    value = RequestTarget.of(request).encoded()
    withdraw = blocks.button("Withdraw", actions.WITHDRAW, value) if votes or request.stage_delegations else None
    return [blocks.section("\n".join(lines), withdraw)]


def votes(request: Request) -> str:
    """The votes in one line. Empty if one answer is enough and nobody has answered."""
    return _count(request) if request.stage.needed > 1 or request.stage_votes else ""


def _count(request: Request) -> str:
    """`2 of @finance have to agree`; then `1 of 2: bob approved, 1 more of @finance`."""
    votes, needed = request.stage_votes, request.stage.needed
    if not votes:
        return f"{_wanted(request)} {'has' if needed == 1 else 'have'} to agree"
    given = text.listed([_vote(request, vote) for vote in votes])
    more = f", {wanted}" if (wanted := _wanted(request, "more ")) else ""
    return f"{needed - sum(_missing(request))} of {needed}: {given}{more}"


def _heading(request: Request) -> str:
    stages = request.policy.stages
    if len(stages) == 1:
        return "Answers"
    name = f", {text.sentence(request.stage.name, 60)}" if request.stage.name else ""
    return f"Answers, stage {request.stage_number + 1} of {len(stages)}{name}"


def _missing(request: Request) -> tuple[int, ...]:
    """How many answers of each group are missing, as of the last change of votes."""
    groups, votes = request.stage.groups, request.stage_votes
    if votes and len(request.open.missing) == len(groups):
        return request.open.missing
    return tuple(max(group.needed - len(votes), 0) for group in groups)


def _wanted(request: Request, more: str = "") -> str:
    counted = zip(_missing(request), request.stage.groups, strict=True)
    return text.listed(
        [f"{number:,} {more}of {text.approvers(group.approvers, 5)}" for number, group in counted if number]
    )


def _vote(request: Request, vote: Vote) -> str:
    giver = next((each.by for each in request.stage_delegations if each.to == vote.person), None)
    place = f" for {text.mention(giver)}" if giver else ""
    said = "answered" if request.policy.private else _said(vote.verdicts)
    return f"{text.mention(vote.person)} {said}{place}"


def _said(verdicts: Sequence[ItemVerdict]) -> str:
    if len({type(verdict) for verdict in verdicts}) > 1:
        return "answered one by one"
    match verdicts[0]:
        case Approve():
            return "approved"
        case Reject():
            return "rejected"
        case Respond():
            return "answered"
        case Choose(choice=choice):
            return f"chose {text.sentence(choice, 60)}"
        case _ as never:
            assert_never(never)


def _open(request: Request, delegate: Person) -> bool:
    """Whether this delegate has not answered yet. (An answer of theirs says whom it was for.)"""
    return all(vote.person != delegate for vote in request.stage_votes)


def _delegated(by: Person, to: Person) -> str:
    return f"{text.mention(to)} answers for {text.mention(by)}"


# --- What was asked -----------------------------------------------------------------------------


def _asked(request: Request) -> str:
    """The last question to the requester, and how many came before it."""
    if not request.comments:
        return ""
    last, earlier = request.comments[-1], len(request.comments) - 1
    more = f" ({text.counted(earlier, 'earlier question')} in the thread)" if earlier else ""
    return f"{text.mention(last.by)} asked: {text.sentence(last.text, 150)}{more}"
