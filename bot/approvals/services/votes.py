"""What people can do to a request: answer it, change it, or take that back.

Nothing here calls Slack or runs a graph: the work that follows is woken, and the sweep finds it if the wake-up is lost.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.decision import ItemVerdict, Outcome, Vote
from bot.approvals.model.errors import AnotherRule, TooLateToChange, Unreachable
from bot.approvals.model.ids import JSON, MessageRef, RequestId
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.ports.slack import LookupFailed
from bot.approvals.rules import calling_off, eligible, lifecycle, voting
from bot.approvals.rules.eligible import EligibleApprovers
from bot.approvals.rules.matching import ConditionFailed
from bot.approvals.services import verbs
from bot.approvals.services.audit.snapshot import full, next_stage
from bot.approvals.services.messages import wanted
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.unit_of_work import Changed, UnitOfWork

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    unit: UnitOfWork
    policy_choice: PolicyChoice

    async def check(self, actor: Actor, shown: Shown) -> Request:
        """The request, if this person could answer it now. A click checks this before a modal is opened.

        Raises what `vote` would raise. A refusal of the person is recorded.
        """
        return await self.unit.apply(actor, shown.request_id, verbs.CHECK, shown=shown)

    async def view(self, actor: Actor, request_id: RequestId) -> Request:
        """The request, for a person who may see the whole of it. Anybody may see it, unless it is private. A private
        request may be seen by people who may answer it, have agreed to it, or could answer it if it were open.

        Raises `NotFound`, `MayNotVote` or `Unreachable`.
        """
        request = await self.unit.storage.request(request_id)
        if request.policy.private and not any(actor.person in stage.voters for stage in request.passed):
            return await self.unit.apply(actor, request_id, verbs.VIEW)
        return request

    async def vote(
        self,
        actor: Actor,
        shown: Shown,
        verdicts: tuple[ItemVerdict, ...],
        *,
        hold: timedelta = timedelta(0),
        message: MessageRef | None = None,
    ) -> Request:
        """Count one person's verdicts on what they were shown. The first person to settle the request wins.

        An answer that settles it is kept from the agent for `hold`, or for as long as the policy says if that is more.
        `message` is the message whose text gave the answer: `reword` and `unsay` find the answer by it.

        Raises `NotFound`, `AlreadySettled`, `StaleVersion`, `MayNotVote`, `VerdictNotOffered`, `ReasonMissing`,
        `InvalidAnswer` or `Unreachable`; nothing is changed then.
        """
        vote = Vote(
            person=actor.person,
            verdicts=verdicts,
            version=shown.version,
            digest=shown.digest or "",
            at=actor.at,
            surface=actor.surface,
            message=message,
            through=actor.through,
        )

        async def cast(request: Request, approvers: EligibleApprovers) -> Changed:
            return await self._cast(request, vote, approvers, hold)

        return await self.unit.apply(actor, shown.request_id, verbs.VOTE, cast, shown=shown)

    async def take_back(self, actor: Actor, request_id: RequestId) -> Request:
        """The request, open again without this person's answer, which the agent does not have yet.

        Raises `NotFound`, `NothingToTakeBack`, `NotYourAnswer`, `TooLateToTakeBack` or `Unreachable`.
        """

        async def take_back(request: Request, _: EligibleApprovers) -> Changed:
            reopened = calling_off.take_back(request, actor.person, actor.at)
            return Changed(request=await self._recounted(reopened, request))

        return await self.unit.apply(actor, request_id, verbs.TAKE_BACK, take_back)

    async def stop(self, actor: Actor, request_id: RequestId) -> Request:
        """The request, open again because this eligible approver stopped the decision that was held.

        Raises `NotFound`, `NothingToStop`, `TooLateToTakeBack`, `MayNotVote` or `Unreachable`.
        """

        async def stop(request: Request, _: EligibleApprovers) -> Changed:
            stopped = calling_off.stop_delivery(request, actor.person, actor.at)
            stopped = await self._introduced(stopped, request)
            return Changed(request=stopped, data={"decision": str(_outcome(request))})

        return await self.unit.apply(actor, request_id, verbs.STOP_DELIVERY, stop)

    async def answer_again(self, actor: Actor, request_id: RequestId) -> Request:
        """Reopen a question as a new version, because its answer made the agent fail. A person who may answer it can do
        this.

        Raises `NotFound`, `AlreadySettled`, `MayNotVote` or `Unreachable`.
        """

        def reopened(request: Request) -> Request:
            return lifecycle.answered_differently(request, actor.at)

        async def introduce(request: Request, _: EligibleApprovers) -> Changed:
            request = await self.unit.eligibility.introduced(request)
            return Changed(request=request, data=full(request, await self.unit.storage.task(request.task_id)))

        return await self.unit.apply(actor, request_id, verbs.ANSWER_AGAIN, introduce, reopen=reopened)

    async def reword(
        self, actor: Actor, request_id: RequestId, message: MessageRef, verdict: ItemVerdict, *, hold: timedelta
    ) -> Request:
        """Replace the answer that this message gave with what the message says now.

        Raises `TooLateToChange`, or what `vote` raises; the earlier answer stands then.
        """
        before: list[Vote] = []

        def reopened(request: Request) -> Request:
            before[:] = [_given_in(request, message)]
            (vote,) = before
            request = calling_off.unsaid(request, vote, actor.at)
            eligible.still_open(request, vote.version, vote.digest)
            return request

        async def cast(request: Request, approvers: EligibleApprovers) -> Changed:
            (vote,) = before
            changed = await self._cast(request, replace(vote, verdicts=(verdict,), at=actor.at), approvers, hold)
            return replace(changed, data={**changed.data, "before": said(vote.verdicts)})

        return await self.unit.apply(actor, request_id, verbs.REWORD, cast, reopen=reopened)

    async def unsay(self, actor: Actor, request_id: RequestId, message: MessageRef, why: str) -> Request:
        """The request without the answer that this message gave. `why` is `deleted` or `edited`.

        Raises `TooLateToChange` or `Unreachable`.
        """

        async def unsay(request: Request, _: EligibleApprovers) -> Changed:
            reopened = calling_off.unsaid(request, _given_in(request, message), actor.at)
            return Changed(request=await self._recounted(reopened, request), data={"message": why})

        return await self.unit.apply(actor, request_id, verbs.TAKE_BACK, unsay)

    async def edit(self, actor: Actor, shown: Shown, index: int, arguments: Mapping[str, JSON]) -> Request:
        """Replace the arguments of one item, which the person was shown. All earlier votes are void, and the answer is
        still to be given.

        Raises what `vote` raises, and `AnotherRule` if another policy governs the edited question.
        """

        async def edit(request: Request, _: EligibleApprovers) -> Changed:
            revised = lifecycle.revise(request, actor.person, shown.version, index, arguments, actor.at)
            self.unit.agents.check_edit(revised.question, index)
            task = await self.unit.storage.task(request.task_id)
            await self._refuse_another_rule(task, request, revised)
            if revised.stage_number != request.stage_number:
                revised = await self.unit.eligibility.introduced(revised)
            data = {**full(revised, task), **difference(request, revised, index)}
            return Changed(request=revised, data=data, messages=wanted.files_of(revised, actor.at))

        return await self.unit.apply(actor, shown.request_id, verbs.EDIT, edit, shown=shown)

    async def viewed(self, actor: Actor, request: Request) -> None:
        """Record that somebody was shown all of the request, in this version."""
        await self.unit.note(actor, request, "viewed", {"version": request.version})

    async def admit_to_hidden(self, actor: Actor, request_id: RequestId) -> Request:
        """The request, for a person who may answer it. Slack is asked again, because only such people are shown its
        hidden values.

        Raises `NotFound`, `MayNotVote` or `Unreachable`. A refusal is recorded.
        """
        return await self.unit.apply(actor, request_id, verbs.SEE_HIDDEN)

    async def revealed(self, actor: Actor, request: Request, keys: Sequence[str]) -> None:
        """Record that somebody is about to see hidden values."""
        await self.unit.note(actor, request, "revealed", {"version": request.version, "keys": list(keys)})

    # --- Within ---------------------------------------------------------------------------------

    async def _cast(self, request: Request, vote: Vote, approvers: EligibleApprovers, hold: timedelta) -> Changed:
        """The request after a vote. If the vote settles it, the answer may be held. If a new stage begins, the request
        says whom it asks."""
        wait = max(hold, request.policy.hold)
        cast, data = voting.cast(request, vote, approvers, wait), said(vote.verdicts)
        if cast.stage_number != request.stage_number:
            cast = await self.unit.eligibility.introduced(cast)
            data |= next_stage(request, cast)
        return Changed(request=cast, data=data)

    async def _recounted(self, reopened: Request, before: Request) -> Request:
        """The request that is open again, with how many answers it still lacks."""
        reopened = await self._introduced(reopened, before)
        try:
            approvers = await self.unit.eligibility.approvers(reopened, fresh=False)
        except LookupFailed:
            log.warning("request %s: who else counts could not be looked up", reopened.id)
            return reopened
        return voting.recounted(reopened, approvers)

    async def _introduced(self, reopened: Request, before: Request) -> Request:
        """The request that is open again. If its stage began anew, with whom it asks."""
        if (reopened.stage_number, reopened.open.opened_at) == (before.stage_number, before.open.opened_at):
            return reopened
        return await self.unit.eligibility.introduced(reopened)

    async def _refuse_another_rule(self, task: Task, request: Request, revised: Request) -> None:
        """Refuse an edit if another policy governs the edited question. An edit changes what is asked, but not who is
        asked: one person may be enough to approve the original, and the edited question might need two. The policy file
        as it is now decides on both."""
        try:
            before = await self.policy_choice.policy(task, request.question)
            after = await self.policy_choice.policy(task, revised.question)
        except LookupFailed as failed:
            raise Unreachable("Slack did not say who or where it is") from failed
        except ConditionFailed as failed:
            raise AnotherRule(str(failed)) from failed
        if before != after:
            raise AnotherRule(f"it falls under the policy `{after.name}`, and was asked under `{request.policy.name}`")


def said(verdicts: Sequence[ItemVerdict]) -> dict[str, JSON]:
    """The verdicts of a vote, with the text that came with them."""
    words: list[JSON] = [{key: value for key, value in asdict(each).items() if value != ""} for each in verdicts]
    kinds: list[JSON] = [type(verdict).__name__.lower() for verdict in verdicts]
    return {"verdicts": kinds, "said": words} if any(words) else {"verdicts": kinds}


def difference(before: Request, after: Request, index: int) -> dict[str, JSON]:
    """What an edit changed in one item's arguments, with the digest from before the edit."""
    item = after.question.items[index]
    old, new = before.question.items[index].arguments, item.arguments
    kept = {key for key in old if key in new and _to_the_letter(old[key]) == _to_the_letter(new[key])}
    return {
        "item": index,
        "edited": item.name,
        "was": {key: value for key, value in old.items() if key not in kept},
        "is": {key: value for key, value in new.items() if key not in kept},
        "digest_before": before.digest,
    }


def _to_the_letter(value: JSON) -> str:
    """The value as JSON. Python takes true, 1 and 1.0 as equal, but they are different arguments."""
    return json.dumps(value, sort_keys=True)


def _outcome(request: Request) -> Outcome:
    assert request.decision is not None  # noqa: S101 - the rule refuses a request that is open
    return request.decision.outcome


def _given_in(request: Request, message: MessageRef) -> Vote:
    """The vote that this message gave. Raises `TooLateToChange` if it does not count any more."""
    vote = calling_off.given_in(request, message)
    if vote is None:
        raise TooLateToChange(taken=False)
    return vote
