"""What votes lead to: which verdicts a question takes, and when enough people have agreed. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from bot.approvals.model.decision import Answered, Approve, Choose, ItemVerdict, Keep, Reject, Respond, Undo, Vote
from bot.approvals.model.errors import ReasonMissing, VerdictNotOffered
from bot.approvals.model.ids import Person
from bot.approvals.model.question import Item, Verdict
from bot.approvals.model.request import Decided, Passed, Pending, Request
from bot.approvals.rules import eligible, schedule
from bot.approvals.rules.eligible import EligibleApprovers, counts, missing


def cast(request: Request, vote: Vote, approvers: EligibleApprovers, wait: timedelta | None = None) -> Request:
    """Count a vote. If it was the last one needed, its stage is passed or the request is settled. The answer is then
    kept from the agent for `wait`, or if that is None, for as long as the policy says.

    A person's later vote replaces their earlier one. The caller has checked with `refuse_unless_eligible` that the
    person may vote. Raises `AlreadySettled`, `StaleVersion`, `VerdictNotOffered` or `ReasonMissing`.
    """
    eligible.still_open(request, vote.version, vote.digest)
    check(request, vote.verdicts)
    counted = replace(vote, stage=request.stage_number)
    others = tuple(each for each in request.votes if (each.person, each.stage) != (counted.person, counted.stage))
    cast = settled(replace(request, votes=(*others, counted)), approvers, vote.at)
    return hold(cast, request, request.policy.hold if wait is None else wait, vote.at)


def check(request: Request, verdicts: tuple[ItemVerdict, ...]) -> None:
    """Return if the question takes these verdicts in this stage.

    Raises `VerdictNotOffered` if it does not, or `ReasonMissing` if the policy asks for a reason and none is given.
    """
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
    """Whether the question takes these verdicts if no person gives them, and so nobody gives a reason."""
    try:
        check(replace(request, policy=replace(request.policy, reasons=())), verdicts)
    except VerdictNotOffered:
        return False
    return True


def settled(request: Request, approvers: EligibleApprovers, now: datetime) -> Request:
    """The request, moved on to its next stage or decided if the votes of its stage are enough.

    A stage has agreed as soon as every item is settled: by its quorum of rejections, or by equal verdicts from as many
    people as each group needs. The votes of people who may not answer now do not count.
    """
    votes = [vote for vote in request.stage_votes if counts(request, vote.person, approvers)]
    found = tuple(_settle(request, index, votes, approvers) for index in range(len(request.question.items)))
    verdicts = tuple(verdict for verdict in found if verdict is not None)
    if len(verdicts) < len(found):
        return recounted(request, approvers)
    return agree(request, verdicts, tuple(vote.person for vote in votes if _meant(vote.verdicts, verdicts)), now)


def recounted(request: Request, approvers: EligibleApprovers) -> Request:
    """The request, with how many votes of each group its stage still lacks, for the item that lacks most."""
    votes = [vote for vote in request.stage_votes if counts(request, vote.person, approvers)]
    items = range(len(request.question.items))
    lacking = max((_lacking(request, index, votes, approvers) for index in items), key=sum)
    return replace(request, open=replace(request.open, missing=lacking))


def agree(
    request: Request, verdicts: tuple[ItemVerdict, ...], voters: tuple[Person, ...], now: datetime, *, ruled: str = ""
) -> Request:
    """The request after its stage has agreed on these verdicts: in its next stage, or decided if this was the last
    stage or if every item is rejected."""
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


def hold(request: Request, before: Request, wait: timedelta, now: datetime) -> Request:
    """The request, if an answer has just settled it, with the way back to what it was `before`. The answer is kept from
    the agent for `wait`, and is valid for as long as the policy says after that."""
    state = request.state
    if not isinstance(state, Decided) or not isinstance(before.state, Pending):
        return request
    decision, due = state.decision, now + wait
    if not isinstance(decision, Answered):
        return request
    measure = None if all(isinstance(each, Reject) for each in decision.verdicts) else request.policy.valid_for
    held = replace(
        state,
        next_try=due,
        held=before.state if decision.voters or wait else None,
        held_until=due if wait else None,
        valid_until=due + measure if measure is not None else None,
    )
    return replace(request, state=held, reopened=None)


def objectors(request: Request) -> tuple[Person, ...]:
    """Everybody who has rejected the request or a part of it, in any stage and any version. A rejection that still
    stands can be withdrawn, and then no longer counts. A rejection of an earlier version always counts."""
    votes = (vote.person for vote in request.votes if objects(vote.verdicts))
    agreed = (person for stage in request.passed if objects(stage.verdicts) for person in stage.voters)
    return tuple(dict.fromkeys((*request.objections, *votes, *agreed)))


def objects(verdicts: Sequence[ItemVerdict]) -> bool:
    """Whether one of the verdicts is a rejection."""
    return any(isinstance(verdict, Reject) for verdict in verdicts)


def word(verdict: ItemVerdict) -> str:
    """What the verdict says, to the letter and without the reason. Python takes true, 1 and 1.0 as equal, but they are
    different answers. Two people who give different reasons have said the same."""
    said = {key: value for key, value in asdict(verdict).items() if key != "reason"}
    return f"{type(verdict).__name__} {json.dumps(said, sort_keys=True)}"


# --- Within -------------------------------------------------------------------------------------


_NEEDS: Mapping[type[ItemVerdict], Verdict] = {
    Approve: Verdict.APPROVE,
    Reject: Verdict.REJECT,
    Respond: Verdict.RESPOND,
    Choose: Verdict.CHOOSE,
    Undo: Verdict.UNDO,
    Keep: Verdict.KEEP,
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
    """What the stage has agreed on for one item. Returns None if it has not agreed yet. What an earlier stage rejected
    stays rejected."""
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
    """How many votes of each group one item still lacks for the verdict that has most support; 0 each if it is
    settled."""
    groups = request.stage.groups
    if _settle(request, index, votes, approvers) is not None:
        return tuple(0 for _ in groups)
    said: dict[str, list[Person]] = {}
    for vote in votes:
        if not isinstance(vote.verdicts[index], Reject):
            said.setdefault(word(vote.verdicts[index]), []).append(vote.person)
    return min((missing(groups, approvers, people) for people in (*said.values(), ())), key=sum)


def _meant(said: tuple[ItemVerdict, ...], verdicts: tuple[ItemVerdict, ...]) -> bool:
    """Whether these verdicts agree with the settled ones on any item. Nobody who approved is named as having
    rejected."""
    return any(word(mine) == word(settled) for mine, settled in zip(said, verdicts, strict=True))
