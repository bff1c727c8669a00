"""What people can do to a request besides answering it: each looks up who they are, applies the rules, and stores what
came of it with the messages that it calls for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.errors import CannotDelegate, NoDelegate, Unreachable
from bot.approvals.model.ids import RequestId, UserId
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.people import Member
from bot.approvals.model.request import Request
from bot.approvals.ports.engine import Engine
from bot.approvals.ports.slack import Directory, LookupFailed
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Work
from bot.approvals.rules import side_actions, voting
from bot.approvals.services import unit_of_work
from bot.approvals.services.messages import sync
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.sweep import Sweep
from bot.approvals.services.unit_of_work import Changes, until_won


@dataclass(frozen=True, slots=True, kw_only=True)
class SideActions:
    """Each raises `NotFound`, `AlreadySettled` or `Unreachable`, and what its rule in `besides` raises; what only those
    may do who may answer, `MayNotVote` too, and that refusal is recorded. Nothing is changed then."""

    storage: Storage
    engine: Engine
    directory: Directory
    work: Work

    async def check(self, actor: Actor, request_id: RequestId) -> Request:
        """The request, if this person is one who may answer it: what a click asks before a modal is opened."""
        return await self._admitted(actor, request_id, counts=False)

    async def check_own(self, actor: Actor, request_id: RequestId) -> Request:
        """The request, if this person is one who may answer it with a vote of their own, which they have not used."""
        request = await self.check(actor, request_id)
        side_actions.refuse_used(request, actor.person)
        return request

    async def check_requester(self, actor: Actor, request_id: RequestId) -> Request:
        """The request, if it is open and this person's."""
        request = await self._sweeper.current(request_id, actor.at)
        side_actions.refuse_others(request, actor.person)
        return request

    async def extend(
        self,
        actor: Actor,
        request_id: RequestId,
    ) -> Request:
        """Put the deadline off, once, by the policy's measure."""

        async def once() -> Request:
            request = await self._admitted(actor, request_id)
            extended = side_actions.extend(request, actor.person, actor.at)
            assert extended.deadline is not None  # noqa: S101 - else it was refused
            return await self._changes.store(extended, actor, "extended", {"deadline": extended.deadline.isoformat()})

        async with unit_of_work.of_request(self.storage, request_id, actor, "extend"):
            return await until_won(once)

    async def delegate(self, actor: Actor, request_id: RequestId, to: UserId) -> Request:
        """Give one's own vote to a colleague, who gets the card by DM."""

        async def once() -> Request:
            request = await self._sweeper.current(request_id, actor.at)
            electorate = await self._admission.admit(request, actor, Shown.of(request), counts=True)
            colleague = await self._colleague(to)
            given = side_actions.delegate(request, actor.person, colleague, electorate, actor.at)
            copy = sync.copy_of(given, colleague.person, actor.at)
            return await self._changes.store(given, actor, "delegated", {"to": to}, [copy])

        async with unit_of_work.of_request(self.storage, request_id, actor, "delegate"):
            return await until_won(once)

    async def withdraw(
        self,
        actor: Actor,
        request_id: RequestId,
    ) -> Request:
        """Take back one's vote, or a delegation that has not been used. Whoever gave one may, also if they are no
        longer one who may answer."""

        async def once() -> Request:
            kept = side_actions.withdraw(await self._sweeper.current(request_id, actor.at), actor.person)
            try:
                electorate = await self._admission.electorate(kept, fresh=False)
            except LookupFailed as failed:
                raise Unreachable("Slack did not say who may answer") from failed
            return await self._changes.store(voting.recounted(kept, electorate), actor, "withdrawn", {})

        async with unit_of_work.of_request(self.storage, request_id, actor, "withdraw"):
            return await until_won(once)

    async def comment(self, actor: Actor, request_id: RequestId, text: str) -> Request:
        """Ask the requester something in the thread, without answering."""

        async def once() -> Request:
            request = await self._admitted(actor, request_id)
            asked = side_actions.comment(request, actor.person, text, actor.at)
            question = sync.comment_of(asked, actor.at)
            return await self._changes.store(asked, actor, "commented", {"text": text}, [question])

        async with unit_of_work.of_request(self.storage, request_id, actor, "comment"):
            return await until_won(once)

    async def nudge(
        self,
        actor: Actor,
        request_id: RequestId,
    ) -> Request:
        """Remind those who have not answered: in the thread, and in the DMs in which they were asked."""

        async def once() -> Request:
            request = await self._sweeper.current(request_id, actor.at)
            nudged = side_actions.nudge(request, actor.person, actor.at)
            reminders = [sync.nudge_of(nudged, actor.at), *await self._in_person(nudged, actor.at)]
            return await self._changes.store(nudged, actor, "nudged", {}, reminders)

        async with unit_of_work.of_request(self.storage, request_id, actor, "nudge"):
            return await until_won(once)

    # --- Within ---------------------------------------------------------------------------------

    async def _admitted(self, actor: Actor, request_id: RequestId, *, counts: bool = True) -> Request:
        request = await self._sweeper.current(request_id, actor.at)
        await self._admission.admit(request, actor, Shown.of(request), counts=counts)
        return request

    async def _colleague(self, user_id: UserId) -> Member:
        """The account of this id, in whichever workspace it is; `Unreachable` or `CannotDelegate`."""
        try:
            for person in await self.directory.resolve([user_id]):
                return await self.directory.member(person, fresh=True)
        except LookupFailed as failed:
            raise Unreachable("Slack did not say who your colleague is") from failed
        raise CannotDelegate(NoDelegate.UNKNOWN)

    async def _in_person(self, request: Request, now: datetime) -> list[Message]:
        """A reminder for each who was sent the card by DM and has not answered."""
        answered = {vote.person for vote in request.votes}
        return [
            sync.nudge_of(request, now, each.to)
            for each in await self.storage.messages_of(request.task_id)
            if each.kind is MessageKind.COPY
            and each.request_id == request.id
            and each.to not in answered
            and not each.abandoned
        ]

    @property
    def _sweeper(self) -> Sweep:
        return Sweep(storage=self.storage, engine=self.engine, directory=self.directory, work=self.work)

    @property
    def _admission(self) -> Eligibility:
        return Eligibility(storage=self.storage, directory=self.directory)

    @property
    def _changes(self) -> Changes:
        return Changes(storage=self.storage, engine=self.engine, work=self.work)
