"""What votes come to, pure: which verdicts a question takes, and when enough people have agreed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from bot.approvals.model.decision import Answered, Approve, Choose, ItemVerdict, Reject, Respond, Vote
from bot.approvals.model.errors import ReasonMissing, VerdictNotOffered
from bot.approvals.model.ids import Person
from bot.approvals.model.question import Item, Verdict
from bot.approvals.model.request import Decided, Passed, Request
from bot.approvals.rules import eligible, schedule
from bot.approvals.rules.eligible import EligibleApprovers, counts, missing


def cast(request: Request, vote: Vote, approvers: EligibleApprovers) -> Request:
    """Count a vote; where it was the last one needed, its stage is passed or the request settled.

    A person's later vote takes the place of their earlier one. The caller has asked `may_vote` before.
    Raises `AlreadySettled`, `StaleVersion`, `VerdictNotOffered` or `ReasonMissing`.
    """
    eligible.still_open(request, vote.version, vote.digest)
    check(request, vote.verdicts)
    counted = replace(vote, stage=request.stage_number)
    others = tuple(each for each in request.votes if (each.person, each.stage) != (counted.person, counted.stage))
    return settled(replace(request, votes=(*others, counted)), approvers, vote.at)


def check(request: Request, verdicts: tuple[ItemVerdict, ...]) -> None:
    """Return if the question takes these verdicts in this stage; else `VerdictNotOffered` or `ReasonMissing`."""
    items = request.question.items
    if len(verdicts) != len(items):
        raise VerdictNotOffered(f"it has {len(items)} items, and {len(verdicts)} verdicts were given")
    for index, (item, proposed, verdict) in enumerate(zip(items, request.proposed.items, verdicts, strict=True)):
        _check_item(request, item, verdict, edited=item != proposed)
        before = _settled_before(request, index)
        agreed = None if before is None or isinstance(before, Reject) else word(before)
        if agreed is not None and not isinstance(verdict, Reject) and word(verdict) != agreed:
            raise VerdictNotOffered("an earlier stage has agreed on another; it can be confirmed or rejected")
        needed = _NEEDS[type(verdict)]
        if needed in request.policy.reasons and not getattr(verdict, "reason", "-").strip():
            raise ReasonMissing


def takes(request: Request, verdicts: tuple[ItemVerdict, ...]) -> bool:
    """Whether the question takes these verdicts, given without a person and so without a reason."""
    try:
        check(replace(request, policy=replace(request.policy, reasons=())), verdicts)
    except VerdictNotOffered:
        return False
    return True


def settled(request: Request, approvers: EligibleApprovers, now: datetime) -> Request:
    """The request, moved on to its next stage or decided where the votes of its stage are enough.

    A stage has agreed as soon as every item is settled: by its quorum of rejections, or by equal verdicts of as many
    as each group needs. The votes of those who may not answer at this moment do not count.
    """
    votes = [vote for vote in request.stage_votes if counts(request, vote.person, approvers)]
    found = tuple(_settle(request, index, votes, approvers) for index in range(len(request.question.items)))
    verdicts = tuple(verdict for verdict in found if verdict is not None)
    if len(verdicts) < len(found):
        return recounted(request, approvers)
    return agree(request, verdicts, tuple(vote.person for vote in votes if _meant(vote.verdicts, verdicts)), now)


def recounted(request: Request, approvers: EligibleApprovers) -> Request:
    """The request, with how many of each group its stage still lacks, for the item that lacks most."""
    votes = [vote for vote in request.stage_votes if counts(request, vote.person, approvers)]
    items = range(len(request.question.items))
    lacking = max((_lacking(request, index, votes, approvers) for index in items), key=sum)
    return replace(request, open=replace(request.open, missing=lacking))


def agree(
    request: Request, verdicts: tuple[ItemVerdict, ...], voters: tuple[Person, ...], now: datetime, *, ruled: str = ""
) -> Request:
    """The request after its stage has come to these verdicts: in its next stage, or decided after the last one and
    where nothing is left to agree to."""
    last = request.stage_number + 1 == len(request.policy.stages)
    if not last and not all(isinstance(verdict, Reject) for verdict in verdicts):
        passed = (*request.passed, Passed(verdicts=verdicts, voters=voters, at=now))
        return schedule.enter_stage(replace(request, passed=passed), now)
    before = [person for stage in request.passed if _meant(stage.verdicts, verdicts) for person in stage.voters]
    decision = Answered(
        verdicts=verdicts,
        voters=tuple(dict.fromkeys((*before, *voters))),
        edited=request.edited,
        at=now,
        ruled=ruled,
    )
    return replace(request, state=Decided(decision=decision, next_try=now))


def objectors(request: Request) -> tuple[Person, ...]:
    """Whoever has rejected the request or a part of it, in any stage and any version. A rejection that still stands
    can be withdrawn, and is none then; what was rejected in an earlier version stays a fact."""
    votes = (vote.person for vote in request.votes if objects(vote.verdicts))
    agreed = (person for stage in request.passed if objects(stage.verdicts) for person in stage.voters)
    return tuple(dict.fromkeys((*request.objections, *votes, *agreed)))


def objects(verdicts: Sequence[ItemVerdict]) -> bool:
    """Whether one of the verdicts is a rejection."""
    return any(isinstance(verdict, Reject) for verdict in verdicts)


def word(verdict: ItemVerdict) -> str:
    """What was said, to the letter and without the reason: true, 1 and 1.0 are equal to Python and are not the same
    answer, and two who give different reasons have said the same."""
    said = {key: value for key, value in asdict(verdict).items() if key != "reason"}
    return f"{type(verdict).__name__} {json.dumps(said, sort_keys=True)}"


# --- Within -------------------------------------------------------------------------------------


_NEEDS: Mapping[type[ItemVerdict], Verdict] = {
    Approve: Verdict.APPROVE,
    Reject: Verdict.REJECT,
    Respond: Verdict.RESPOND,
    Choose: Verdict.CHOOSE,
}


def _check_item(request: Request, item: Item, verdict: ItemVerdict, *, edited: bool) -> None:
    needed = _NEEDS[type(verdict)]
    as_edited = isinstance(verdict, Approve) and edited and Verdict.EDIT in item.verdicts
    if needed not in item.verdicts and not as_edited:
        offered = ", ".join(item.verdicts)
        raise VerdictNotOffered(f"`{item.name}` takes {offered}, not {needed}")
    if isinstance(verdict, Choose) and verdict.choice not in request.question.choices:
        raise VerdictNotOffered(f"`{verdict.choice}` is not among its choices")


def _settled_before(request: Request, index: int) -> ItemVerdict | None:
    return request.passed[-1].verdicts[index] if request.passed else None


def _settle(request: Request, index: int, votes: Sequence[Vote], approvers: EligibleApprovers) -> ItemVerdict | None:
    """What the stage has come to on one item; None while it has not. What an earlier stage rejected stays rejected."""
    before = _settled_before(request, index)
    if isinstance(before, Reject):
        return before
    rejections = [verdict for vote in votes if isinstance(verdict := vote.verdicts[index], Reject)]
    if len(rejections) >= request.stage.reject_quorum:
        return rejections[0]
    said: dict[str, list[Vote]] = {}
    for vote in votes:
        if not isinstance(vote.verdicts[index], Reject):
            said.setdefault(word(vote.verdicts[index]), []).append(vote)
    for agreeing in said.values():
        if not any(missing(request.stage.groups, approvers, (vote.person for vote in agreeing))):
            return agreeing[0].verdicts[index]
    return None


def _lacking(request: Request, index: int, votes: Sequence[Vote], approvers: EligibleApprovers) -> tuple[int, ...]:
    """How many of each group one item still lacks for what most of them say of it; none where it is settled."""
    groups = request.stage.groups
    if _settle(request, index, votes, approvers) is not None:
        return tuple(0 for _ in groups)
    said: dict[str, list[Person]] = {}
    for vote in votes:
        if not isinstance(vote.verdicts[index], Reject):
            said.setdefault(word(vote.verdicts[index]), []).append(vote.person)
    return min((missing(groups, approvers, people) for people in (*said.values(), ())), key=sum)


def _meant(said: tuple[ItemVerdict, ...], verdicts: tuple[ItemVerdict, ...]) -> bool:
    """Whether it was their word on any item: a rejection is not laid at the door of one who had approved."""
    return any(word(mine) == word(settled) for mine, settled in zip(said, verdicts, strict=True))
