"""What people can do to a request besides answering it: each looks up who they are, applies the rules, and stores what
came of it with the messages that it calls for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.approvals.model.errors import CannotDelegate, NoDelegate, Unreachable
from bot.approvals.model.ids import MessageId, Person, RequestId, UserId
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

    async def check(self, request_id: RequestId, person: Person, now: datetime) -> Request:
        """The request, if this person is one who may answer it: what a click asks before a modal is opened."""
        return await self._admitted(request_id, person, now, counts=False)

    async def check_own(self, request_id: RequestId, person: Person, now: datetime) -> Request:
        """The request, if this person is one who may answer it with a vote of their own, which they have not used."""
        request = await self.check(request_id, person, now)
        side_actions.refuse_used(request, person)
        return request

    async def check_requester(self, request_id: RequestId, person: Person, now: datetime) -> Request:
        """The request, if it is open and this person's."""
        request = await self._sweeper.current(request_id, now)
        side_actions.refuse_others(request, person)
        return request

    async def extend(
        self, request_id: RequestId, by: Person, now: datetime, surface: MessageId | None = None
    ) -> Request:
        """Put the deadline off, once, by the policy's measure."""

        async def once() -> Request:
            request = await self._admitted(request_id, by, now, surface=surface)
            extended = side_actions.extend(request, by, now)
            assert extended.deadline is not None  # noqa: S101 - else it was refused
            return await self._changes.store(
                extended, by, "extended", now, {"deadline": extended.deadline.isoformat()}, surface=surface
            )

        async with unit_of_work.of_request(self.storage, request_id, by, "extend", now, surface):
            return await until_won(once)

    async def delegate(
        self, request_id: RequestId, by: Person, to: UserId, now: datetime, surface: MessageId | None = None
    ) -> Request:
        """Give one's own vote to a colleague, who gets the card by DM."""

        async def once() -> Request:
            request = await self._sweeper.current(request_id, now)
            electorate = await self._admission.admit(
                request, by, request.version, request.digest, now, counts=True, surface=surface
            )
            colleague = await self._colleague(to)
            given = side_actions.delegate(request, by, colleague, electorate, now)
            copy = sync.copy_of(given, colleague.person, now)
            return await self._changes.store(given, by, "delegated", now, {"to": to}, [copy], surface=surface)

        async with unit_of_work.of_request(self.storage, request_id, by, "delegate", now, surface):
            return await until_won(once)

    async def withdraw(
        self, request_id: RequestId, by: Person, now: datetime, surface: MessageId | None = None
    ) -> Request:
        """Take back one's vote, or a delegation that has not been used. Whoever gave one may, also if they are no
        longer one who may answer."""

        async def once() -> Request:
            kept = side_actions.withdraw(await self._sweeper.current(request_id, now), by)
            try:
                electorate = await self._admission.electorate(kept, fresh=False)
            except LookupFailed as failed:
                raise Unreachable("Slack did not say who may answer") from failed
            return await self._changes.store(
                voting.recounted(kept, electorate), by, "withdrawn", now, {}, surface=surface
            )

        async with unit_of_work.of_request(self.storage, request_id, by, "withdraw", now, surface):
            return await until_won(once)

    async def comment(
        self, request_id: RequestId, by: Person, text: str, now: datetime, surface: MessageId | None = None
    ) -> Request:
        """Ask the requester something in the thread, without answering."""

        async def once() -> Request:
            request = await self._admitted(request_id, by, now, surface=surface)
            asked = side_actions.comment(request, by, text, now)
            return await self._changes.store(
                asked, by, "commented", now, {"text": text}, [sync.comment_of(asked, now)], surface=surface
            )

        async with unit_of_work.of_request(self.storage, request_id, by, "comment", now, surface):
            return await until_won(once)

    async def nudge(
        self, request_id: RequestId, by: Person, now: datetime, surface: MessageId | None = None
    ) -> Request:
        """Remind those who have not answered: in the thread, and in the DMs in which they were asked."""

        async def once() -> Request:
            request = await self._sweeper.current(request_id, now)
            nudged = side_actions.nudge(request, by, now)
            reminders = [sync.nudge_of(nudged, now), *await self._in_person(nudged, now)]
            return await self._changes.store(nudged, by, "nudged", now, {}, reminders, surface=surface)

        async with unit_of_work.of_request(self.storage, request_id, by, "nudge", now, surface):
            return await until_won(once)

    # --- Within ---------------------------------------------------------------------------------

    async def _admitted(
        self,
        request_id: RequestId,
        person: Person,
        now: datetime,
        *,
        counts: bool = True,
        surface: MessageId | None = None,
    ) -> Request:
        request = await self._sweeper.current(request_id, now)
        await self._admission.admit(
            request, person, request.version, request.digest, now, counts=counts, surface=surface
        )
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
