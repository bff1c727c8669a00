"""How an open request stands: whose turn it is and by when, who has answered, and what happened besides. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from bot.approvals.model.decision import Approve, Choose, ItemVerdict, Keep, Reject, Respond, Undo, Vote
from bot.approvals.model.hours import unknown_zones
from bot.approvals.model.ids import Person
from bot.approvals.model.policy import ONE_PERSON, Consent, Overdue, Pick
from bot.approvals.model.question import Risk
from bot.approvals.model.request import Request
from bot.approvals.rules import eligible, schedule, voting
from bot.slack import actions, blocks, lines, text
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block
from bot.slack.cards import decision_words, turns, undo_words
from bot.slack.text import moment

_RISKS = {
    Risk.MEDIUM: "Medium risk",
    Risk.HIGH: "*High risk*",
    Risk.CRITICAL: "*Critical risk*",
}


_NOBODY: Final = "nobody"
_MAX_VOTES: Final = 5
_MAX_NAMED: Final = 3
"""Of the people who are left of a group, how many are named beside it."""
_MAX_EITHER: Final = 4


def risk(request: Request) -> str:
    """The risk in words. Empty if it is low, or if the question names none."""
    return _RISKS.get(request.question.risk, "") if request.question.risk else ""


def standing(request: Request) -> list[Block]:
    """Whose turn it is, and by when; who has answered, with the button that takes it back; then what else happened, if
    anything did."""
    if request.is_window:
        return undo_words.standing(request)
    value = RequestTarget.of(request).encoded()
    voted, given = _voted(request), _given(request)
    also = [words for words in (*_so_far(request), _later(request), _if_unanswered(request), *_zones(request)) if words]
    first = voted or given[:1]
    said = [" · ".join([*(given if voted else given[1:]), *also]), _asked(request)]
    return [
        blocks.section(needs(request)),
        *([blocks.section(" · ".join(first), blocks.button("Withdraw", actions.WITHDRAW, value))] if first else []),
        *([blocks.context("\n".join(words for words in said if words))] if any(said) else []),
    ]


def needs(request: Request) -> str:
    """Whose turn it is and by when: `Needs 1 more of @finance (dave) by Monday`."""
    wanted = _needs(request)
    nobody = who(request).startswith(_NOBODY)
    stages = request.policy.stages
    if len(stages) > 1:
        name = f", {text.sentence(request.stage.name, 60)}" if request.stage.name else ""
        wanted = f"Stage {request.stage_number + 1} of {len(stages)}{name}: {wanted.replace('Needs', 'needs', 1)}"
    said = [f"{wanted}{'' if nobody else _by(request)}"]
    if nobody and request.deadline:
        said.append(f"deadline {moment(request.deadline)}")
    counted = " · ".join([*said, "0 so far"])
    if request.stage_votes or request.stage.needed == 1 or nobody or lines.height([blocks.section(counted)]) > 1:
        return " · ".join(said)
    return counted


def _voted(request: Request) -> list[str]:
    """The votes so far: `✓ bob Monday 9:00`."""
    votes = request.stage_votes
    said = [f"{_mark(vote)} {_vote(request, vote)} {moment(vote.at)}" for vote in votes[:_MAX_VOTES]]
    return [*said, f"{len(votes) - _MAX_VOTES:,} more"] if len(votes) > _MAX_VOTES else said


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
        return f"{_NOBODY}: see below"
    if request.open.asked:
        return f"{_NOBODY}: {text.mention(request.requester)} asked, and requesters may not answer their own requests"
    return f"{_NOBODY}: the policy `{text.sentence(request.policy.name, 60)}` names no approvers"


def _added(request: Request) -> list[str]:
    return list(map(text.approver, turns.added(request)))


# --- By when ------------------------------------------------------------------------------------


def _by(request: Request) -> str:
    """` by Monday 9:00`. Empty if there is no deadline."""
    if request.deadline is None:
        return ""
    return f"{', was due' if schedule.is_overdue(request) else ''} by {moment(request.deadline)}"


def _later(request: Request) -> str:
    extension = request.open.extension
    if request.deadline is None or extension is None:
        return ""
    return f"{text.span(extension.measure)} more, by {text.mention(extension.by)}"


def _zones(request: Request) -> list[str]:
    """The time zones that are not known here. Says nothing without a deadline."""
    if request.deadline is None:
        return []
    return [
        f"The zone {text.sentence(zone, 40)} is unknown here, so UTC is used"
        for zone in unknown_zones(request.open.zones)[:3]
    ]


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
            return "It keeps waiting" if schedule.is_overdue(request) else "It keeps waiting after that"
        case _:
            return ""


# --- Who has answered ---------------------------------------------------------------------------


def _needs(request: Request) -> str:
    """Whose answers are missing. If nobody may answer, that and why."""
    whose = who(request)
    if whose.startswith(_NOBODY):
        return f"*Nobody may answer*{whose.removeprefix(_NOBODY)}"
    lacking = [
        (number, group) for number, group in zip(turns.missing_of(request), request.stage.groups, strict=True) if number
    ]
    more = "more " if request.stage_votes else ""
    if len(lacking) != 1:
        return f"Needs {_wanted(request, more)}" if lacking else "Needs one more vote to agree"
    ((number, group),) = lacking
    refs, left = request.known(group.approvers), _left(request)
    people = len(request.stage.groups) == 1 and all(ONE_PERSON.fullmatch(ref) for ref in refs)
    if people and number == 1:
        return f"Needs {'1 more: ' if more else ''}{text.either(left, _MAX_EITHER)}"
    if people:
        return f"Needs {number:,} {more}of {text.listed(left)}"
    names = text.listed([*map(text.approver, refs), *_added(request)], 5)
    some = left if more and len(request.stage.groups) == 1 and len(left) <= _MAX_NAMED else []
    return f"Needs {number:,} {more}of {names}{f' ({text.either(some, _MAX_EITHER)})' if some else ''}"


def _left(request: Request) -> list[str]:
    """The people who may answer and have not, as mentions. If it is not known who they are, the policy's names."""
    names = list(map(text.mention, turns.waiting(request)))
    if not any(eligible.may_answer(request, each) for each in request.open.asked):
        names = list(map(text.approver, request.known(request.stage.approvers)))
    return list(dict.fromkeys([*names, *_added(request)]))


def _so_far(request: Request) -> list[str]:
    """What happened in this stage apart from votes, and who agreed in the stages before."""
    limit = request.stage.reject_quorum
    rejections = sum(any(isinstance(verdict, Reject) for verdict in vote.verdicts) for vote in request.stage_votes)
    return [
        *([f"{rejections} of {limit} rejections"] if rejections and limit > 1 else []),
        *[f"Agreed before: {text.mentions(stage.voters)}, {moment(stage.at)}" for stage in request.passed],
    ]


def _given(request: Request) -> list[str]:
    """Who answers for whom and has not answered yet."""
    return [_delegated(each.by, each.to) for each in request.stage_delegations if _open(request, each.to)][:5]


def _mark(vote: Vote) -> str:
    return "✗" if any(isinstance(verdict, Reject) for verdict in vote.verdicts) else "✓"


def _wanted(request: Request, more: str = "") -> str:
    counted = zip(turns.missing_of(request), request.stage.groups, strict=True)
    return text.listed(
        [f"{number:,} {more}of {text.approvers(group.approvers, 5)}" for number, group in counted if number]
    )


def _vote(request: Request, vote: Vote) -> str:
    """Who voted and for whom. What they said, unless the mark before it says it."""
    plain = all(isinstance(each, Approve) for each in vote.verdicts) or all(
        isinstance(each, Reject) for each in vote.verdicts
    )
    said = "" if plain or request.policy.private else f" {_said(vote.verdicts)}"
    way = decision_words.through(vote)
    return f"{text.mention(vote.person)}{said}{_in_place(request, vote)}{f' {way}' if way else ''}"


def _in_place(request: Request, vote: Vote) -> str:
    giver = next((each.by for each in request.stage_delegations if each.to == vote.person), None)
    return f" for {text.mention(giver)}" if giver else ""


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
        case Undo():
            return "chose to undo it"
        case Keep():
            return "chose to keep it"
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
