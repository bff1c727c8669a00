"""What people can do to a request besides answering it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.approvals.model.actor import Actor
from bot.approvals.model.errors import CannotDelegate, NoDelegate, Unreachable
from bot.approvals.model.ids import RequestId, UserId
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.people import Member
from bot.approvals.model.request import Request
from bot.approvals.ports.slack import Directory, LookupFailed
from bot.approvals.rules import side_actions, voting
from bot.approvals.rules.eligible import EligibleApprovers
from bot.approvals.services import verbs
from bot.approvals.services.messages import wanted
from bot.approvals.services.unit_of_work import Changed, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class SideActions:
    """Each method raises `NotFound`, `AlreadySettled` or `Unreachable`, and what its rule in `rules.side_actions`
    raises. Methods that only eligible approvers may use also raise `MayNotVote`, and record that refusal. If a method
    raises, nothing is changed."""

    unit: UnitOfWork
    directory: Directory

    async def check(self, actor: Actor, request_id: RequestId) -> Request:
        """The request, if this person may answer it. A click checks this before a modal is opened."""
        return await self.unit.apply(actor, request_id, verbs.CHECK_SIDE_ACTION)

    async def check_own(self, actor: Actor, request_id: RequestId) -> Request:
        """The request, if this person may answer it with a vote of their own and has not used it."""
        request = await self.check(actor, request_id)
        side_actions.refuse_used(request, actor.person)
        return request

    async def check_requester(self, actor: Actor, request_id: RequestId) -> Request:
        """The request, if it is open and this person is its requester."""
        return await self.unit.apply(actor, request_id, verbs.CHECK_REQUESTER)

    async def extend(self, actor: Actor, request_id: RequestId) -> Request:
        """Extend the deadline once, by the extra time that the policy allows."""

        async def extend(request: Request, _: EligibleApprovers) -> Changed:
            extended = side_actions.extend(request, actor.person, actor.at)
            assert extended.deadline is not None  # noqa: S101 - the rule refuses if there is no deadline
            return Changed(request=extended, data={"deadline": extended.deadline.isoformat()})

        return await self.unit.apply(actor, request_id, verbs.EXTEND, extend)

    async def delegate(self, actor: Actor, request_id: RequestId, to: UserId) -> Request:
        """Give one's own vote to a colleague, who gets the card by DM."""

        async def delegate(request: Request, approvers: EligibleApprovers) -> Changed:
            colleague = await self._colleague(to)
            given = side_actions.delegate(request, actor.person, colleague, approvers, actor.at)
            copy = wanted.copy_of(given, colleague.person, actor.at)
            return Changed(request=given, data={"to": to}, messages=[copy])

        return await self.unit.apply(actor, request_id, verbs.DELEGATE, delegate)

    async def withdraw(self, actor: Actor, request_id: RequestId) -> Request:
        """Take back one's vote, or a delegation that has not been used. People can do so even if they may no longer
        answer."""

        async def withdraw(request: Request, _: EligibleApprovers) -> Changed:
            kept = side_actions.withdraw(request, actor.person)
            try:
                approvers = await self.unit.eligibility.approvers(kept, fresh=False)
            except LookupFailed as failed:
                raise Unreachable("Slack did not say who may answer") from failed
            return Changed(request=voting.recounted(kept, approvers))

        return await self.unit.apply(actor, request_id, verbs.WITHDRAW, withdraw)

    async def comment(self, actor: Actor, request_id: RequestId, text: str) -> Request:
        """Ask the requester something in the thread, without answering."""

        async def comment(request: Request, _: EligibleApprovers) -> Changed:
            asked = side_actions.comment(request, actor.person, text, actor.at)
            return Changed(request=asked, data={"text": text}, messages=[wanted.comment_of(asked, actor.at)])

        return await self.unit.apply(actor, request_id, verbs.COMMENT, comment)

    async def nudge(self, actor: Actor, request_id: RequestId) -> Request:
        """Remind those who have not answered: in the thread, and in the DMs that asked them."""

        async def nudge(request: Request, _: EligibleApprovers) -> Changed:
            nudged = side_actions.nudge(request, actor.person, actor.at)
            reminders = [wanted.nudge_of(nudged, actor.at), *await self._in_person(nudged, actor.at)]
            return Changed(request=nudged, messages=reminders)

        return await self.unit.apply(actor, request_id, verbs.NUDGE, nudge)

    # --- Within ---------------------------------------------------------------------------------

    async def _colleague(self, user_id: UserId) -> Member:
        """The account with this id, in whichever workspace it is.

        Raises `Unreachable` if Slack does not say who it is, or `CannotDelegate` if there is no such account.
        """
        try:
            for person in await self.directory.resolve([user_id]):
                return await self.directory.member(person, fresh=True)
        except LookupFailed as failed:
            raise Unreachable("Slack did not say who your colleague is") from failed
        raise CannotDelegate(NoDelegate.UNKNOWN)

    async def _in_person(self, request: Request, now: datetime) -> list[Message]:
        """A reminder for each person who was sent the card by DM and has not answered."""
        answered = {vote.person for vote in request.votes}
        return [
            wanted.nudge_of(request, now, each.to)
            for each in await self.unit.storage.messages_of(request.task_id)
            if each.kind is MessageKind.COPY
            and each.request_id == request.id
            and each.to not in answered
            and not each.abandoned
        ]
