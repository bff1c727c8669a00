"""Applies an operator's correction of the policy file to a request that is already open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.approvals.model.audit import event_of
from bot.approvals.model.errors import NoPolicy, RuleAnswers, Unreachable
from bot.approvals.model.ids import JSON, ChannelId, RequestId
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.request import Request
from bot.approvals.ports.slack import LookupFailed
from bot.approvals.ports.storage import Storage
from bot.approvals.rules import eligible, lifecycle
from bot.approvals.rules.matching import ConditionFailed
from bot.approvals.services.audit.snapshot import full
from bot.approvals.services.messages import wanted
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.unit_of_work import until_won


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """The result for one request."""

    before: Request
    after: Request
    """The same record as `before` if nothing had to be changed."""

    @property
    def changed(self) -> bool:
        return self.after is not self.before

    @property
    def reworded(self) -> bool:
        """Whether only the looks of its card changed."""
        before, after = self.before.policy, self.after.policy
        card_alone = before.card != after.card and replace(before, card=after.card) == after
        return card_alone and self.before.unknown == self.after.unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Amending:
    """Applies corrections while a bot runs: the records decide who was first, and the bot finds the cards that are out
    of date."""

    storage: Storage
    policy_choice: PolicyChoice
    eligibility: Eligibility

    async def apply(self, request_id: RequestId, by: str, now: datetime) -> Amended:
        """Put an open request under the policy that the file has for it now, with the ids that its names resolve to
        now. Nothing is changed if the request has that policy already.

        The request starts again at the policy's first stage. Votes were given on other terms, so they are void; the
        record says who had voted. If only the looks of its card changed (`cards:`), the votes stay: what is asked, who
        may answer and by when are the same.

        Raises `NotFound`, `AlreadySettled`, `NoPolicy`, `RuleAnswers` or `Unreachable`.
        """

        async def once() -> Amended:
            amended = await self.preview(request_id, now)
            if not amended.changed:
                return amended
            request, moved = amended.before, amended.after
            if amended.reworded:
                event, shown = event_of(request, "card_applied", now, data={"by": by}), list[Message]()
            else:
                task = await self.storage.task(request.task_id)
                told = {**full(moved, task), "by": by, **_told(request, moved)}
                event = event_of(moved, "policy_applied", now, data=told)
                shown = [*await self._elsewhere(moved, now), *wanted.files_of(moved, now)]
            return replace(amended, after=await self.storage.save_request(moved, event, shown))

        return await until_won(once)

    async def preview(self, request_id: RequestId, now: datetime) -> Amended:
        """What `apply` would make of the request as it stands. Stores nothing, and raises the same."""
        request = await self.storage.request(request_id)
        eligible.still_open(request, request.version)
        task = await self.storage.task(request.task_id)
        try:
            policy = await self.policy_choice.policy(task, request.question)
            terms = await self.policy_choice.terms(policy)
        except ConditionFailed as failed:
            raise NoPolicy(str(failed)) from failed
        except LookupFailed as failed:
            raise Unreachable("Slack did not say whom the policy means") from failed
        if policy.auto is not None:
            raise RuleAnswers(policy.name)
        if terms.policy == request.policy and terms.unknown == request.unknown:
            return Amended(before=request, after=request)
        asks_the_same = replace(terms.policy, card=request.policy.card) == request.policy
        if asks_the_same and terms.unknown == request.unknown:
            return Amended(before=request, after=replace(request, policy=terms.policy))
        moved = lifecycle.put_under(request, terms.policy, terms.unknown, now)
        return Amended(before=request, after=await self.eligibility.introduced(moved))

    async def _elsewhere(self, request: Request, now: datetime) -> Sequence[Message]:
        """The card for the policy's own channel, if it is not posted there already."""
        channel = ChannelId(request.policy.channel)
        if not channel or channel in request.unknown:
            return []
        copies = [
            each.channel
            for each in await self.storage.messages_of(request.task_id)
            if each.kind is MessageKind.COPY and each.request_id == request.id
        ]
        return [] if channel in copies else [wanted.copy_in(request, channel, now)]


def _told(before: Request, after: Request) -> dict[str, JSON]:
    """What changed, for the record."""
    voters = [*(vote.person for vote in before.votes), *(voter for stage in before.passed for voter in stage.voters)]
    return {
        "was": before.policy.name,
        "asked_before": list[JSON](before.approvers),
        "asks": list[JSON](after.approvers),
        "voided": list[JSON](dict.fromkeys(voter.user_id for voter in voters)),
    }
