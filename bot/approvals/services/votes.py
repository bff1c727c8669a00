"""What people can do to a request: each looks up who they are, applies the rules, and stores what came of it.

Nothing here calls Slack or runs a graph: what has to follow is woken, and found again by the sweep if it is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.audit import event_of
from bot.approvals.model.decision import ItemVerdict, Vote
from bot.approvals.model.errors import AnotherRule, TooLateToChange, Unreachable
from bot.approvals.model.ids import JSON, MessageRef, RequestId
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.ports.engine import Engine
from bot.approvals.ports.slack import Directory, LookupFailed
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Work
from bot.approvals.rules import lifecycle, voting
from bot.approvals.rules.matching import ConditionFailed, Policies
from bot.approvals.services import unit_of_work
from bot.approvals.services.audit.snapshot import full, next_stage
from bot.approvals.services.messages import sync
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.sweep import Sweep
from bot.approvals.services.unit_of_work import Changes, difference, said, until_won

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    storage: Storage
    engine: Engine
    directory: Directory
    work: Work
    policies: Policies

    async def check(self, actor: Actor, shown: Shown) -> Request:
        """The request, if this person could answer it now: what a click asks before a modal is opened.

        Raises what `vote` would raise; a refusal of the person is recorded.
        """
        async with unit_of_work.of_request(self.storage, shown.request_id, actor, "answer"):
            request = await self._sweeper.current(shown.request_id, actor.at)
            await self._admission.admit(request, actor, shown)
            return request

    async def view(self, actor: Actor, request_id: RequestId) -> Request:
        """The request, for one who may see the whole of it: anybody, and where it is private those alone who may
        answer it, have agreed to it, or might answer if it were open. `NotFound`, `MayNotVote`, or `Unreachable`."""
        request = await self.storage.request(request_id)
        if request.policy.private and not any(actor.person in stage.voters for stage in request.passed):
            await self._admission.recognise(request, actor)
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
        """Count one person's verdicts on what they were shown; the first to settle it wins.

        What settles it is kept from the graph for as long as `hold` says, and may be taken back until then.
        `message` is the one whose words it was given in: `reword` and `unsay` know the answer by it.

        Raises `NotFound`, `AlreadySettled`, `StaleVersion`, `MayNotVote`, `VerdictNotOffered`, `ReasonMissing`,
        `InvalidAnswer`, or `Unreachable`; nothing is changed then.
        """

        async def once() -> Request:
            request = await self._sweeper.current(shown.request_id, actor.at)
            electorate = await self._admission.admit(request, actor, shown, counts=True)
            cast = lifecycle.cast(
                request,
                Vote(
                    person=actor.person,
                    verdicts=verdicts,
                    version=shown.version,
                    digest=shown.digest or "",
                    at=actor.at,
                    surface=actor.surface,
                    message=message,
                ),
                electorate,
            )
            cast = await self._cast(request, cast, hold, actor.at)
            data = {**said(verdicts), **next_stage(request, cast)}
            return await self._changes.store(cast, actor, "voted", data)

        async with unit_of_work.of_request(self.storage, shown.request_id, actor, "vote"):
            return await until_won(once)

    async def take_back(self, actor: Actor, request_id: RequestId) -> Request:
        """The request, open again as it stood before this person's answer; `NotFound` or `NothingToTakeBack`."""

        async def once() -> Request:
            request = await self.storage.request(request_id)
            open_again = lifecycle.take_back(request, actor.person, actor.at)
            return await self._changes.store(open_again, actor, "taken_back", {})

        async with unit_of_work.of_request(self.storage, request_id, actor, "take back"):
            return await until_won(once)

    async def answer_again(self, actor: Actor, request_id: RequestId) -> Request:
        """Open a question again whose answer made the agent fail, as a new version, for one who may answer it.

        Raises `NotFound`, `AlreadySettled`, `MayNotVote` or `Unreachable`.
        """

        async def once() -> Request:
            request = await self.storage.request(request_id)
            reopened = lifecycle.answered_differently(request, actor.at)
            await self._admission.recognise(reopened, actor, fresh=True)
            reopened = await self._admission.introduced(reopened)
            data = full(reopened, await self.storage.task(request.task_id))
            return await self._changes.store(reopened, actor, "reopened", data)

        async with unit_of_work.of_request(self.storage, request_id, actor, "answer differently"):
            return await until_won(once)

    async def reword(
        self, actor: Actor, request_id: RequestId, message: MessageRef, verdict: ItemVerdict, *, hold: timedelta
    ) -> Request:
        """The request, answered with what the message says by now in the place of what it said before.

        Raises `TooLateToChange`, or what `vote` raises; the earlier answer stands then.
        """

        async def once() -> Request:
            request, before = await self._given_in(request_id, message)
            reopened = lifecycle.unsaid(request, before, actor.at)
            author = replace(actor, person=before.person)
            shown = Shown(request_id=request_id, version=before.version, digest=before.digest)
            electorate = await self._admission.admit(reopened, author, shown, counts=True)
            cast = lifecycle.cast(reopened, replace(before, verdicts=(verdict,), at=actor.at), electorate)
            cast = await self._cast(reopened, cast, hold, actor.at)
            data = {**said((verdict,)), **next_stage(request, cast), "before": said(before.verdicts)}
            return await self._changes.store(cast, author, "reworded", data)

        async with unit_of_work.of_request(self.storage, request_id, actor, "reword"):
            return await until_won(once)

    async def unsay(self, actor: Actor, request_id: RequestId, message: MessageRef, why: str) -> Request:
        """The request, without the answer that was given in this message; `why` is `deleted` or `edited`.

        Raises `TooLateToChange`, or `Unreachable`.
        """

        async def once() -> Request:
            request, before = await self._given_in(request_id, message)
            reopened = lifecycle.unsaid(request, before, actor.at)
            try:
                electorate = await self._admission.electorate(reopened, fresh=False)
            except LookupFailed:
                log.warning("request %s: who else counts could not be looked up", request_id)
            else:
                reopened = voting.recounted(reopened, electorate)
            author = replace(actor, person=before.person)
            return await self._changes.store(reopened, author, "taken_back", {"message": why})

        async with unit_of_work.of_request(self.storage, request_id, actor, "take back"):
            return await until_won(once)

    async def edit(
        self,
        actor: Actor,
        shown: Shown,
        index: int,
        arguments: Mapping[str, JSON],
    ) -> Request:
        """Replace one item's arguments, which were shown so; everybody's earlier votes are void, and the
        answer is still to be given.

        Raises what `vote` raises, and `AnotherRule` where what it would be is governed by another policy.
        """

        async def once() -> Request:
            request = await self._sweeper.current(shown.request_id, actor.at)
            await self._admission.admit(request, actor, shown, counts=True)
            revised = lifecycle.revise(request, actor.person, shown.version, index, arguments, actor.at)
            self.engine.check_edit(revised.question, index)
            task = await self.storage.task(request.task_id)
            await self._refuse_another_rule(task, request, revised)
            if revised.stage_number != request.stage_number:
                revised = await self._admission.introduced(revised)
            data = {**full(revised, task), **difference(request, revised, index)}
            new = sync.files_of(revised, actor.at)
            return await self._changes.store(revised, actor, "edited", data, new)

        async with unit_of_work.of_request(self.storage, shown.request_id, actor, "edit"):
            return await until_won(once)

    async def viewed(self, actor: Actor, request: Request) -> None:
        """Record that somebody was shown all of the request, as it stood."""
        data = {"version": request.version}
        event = event_of(request, "viewed", actor.at, person=actor.person, surface=actor.surface, data=data)
        await self.storage.record(event)

    async def admit_to_hidden(self, actor: Actor, request_id: RequestId) -> Request:
        """The request, for one who may answer it, looked up afresh: those alone are shown its hidden values.
        `NotFound`, `MayNotVote`, or `Unreachable`; a refusal is recorded."""
        request = await self.storage.request(request_id)
        await self._admission.recognise(request, actor, fresh=True)
        return request

    async def revealed(self, actor: Actor, request: Request, keys: Sequence[str]) -> None:
        """Record that somebody looks at hidden values, before they see them."""
        data: dict[str, JSON] = {"version": request.version, "keys": list(keys)}
        event = event_of(request, "revealed", actor.at, person=actor.person, surface=actor.surface, data=data)
        await self.storage.record(event)

    # --- Within ---------------------------------------------------------------------------------

    async def _cast(self, before: Request, cast: Request, hold: timedelta, now: datetime) -> Request:
        """The request after a vote, with what settles it held, and with those whom its next stage asks."""
        held = lifecycle.hold(cast, before, hold, now) if hold else cast
        return held if held.stage_number == before.stage_number else await self._admission.introduced(held)

    async def _given_in(self, request_id: RequestId, message: MessageRef) -> tuple[Request, Vote]:
        """The request, and its vote that was given in this message; `TooLateToChange` if it does not count any more."""
        request = await self.storage.request(request_id)
        vote = lifecycle.given_in(request, message)
        if vote is None:
            raise TooLateToChange(taken=False)
        return request, vote

    @property
    def _sweeper(self) -> Sweep:
        return Sweep(storage=self.storage, engine=self.engine, directory=self.directory, work=self.work)

    async def _refuse_another_rule(self, task: Task, request: Request, revised: Request) -> None:
        """An edit changes what is asked, and not who is to be asked for it: what one may approve as it was proposed,
        it might take two to approve as it would be. The file is asked as it is now, of both."""
        chooser = PolicyChoice(policies=self.policies, directory=self.directory)
        try:
            before, after = await chooser.policy(task, request.question), await chooser.policy(task, revised.question)
        except LookupFailed as failed:
            raise Unreachable("Slack did not say who or where it is") from failed
        except ConditionFailed as failed:
            raise AnotherRule(str(failed)) from failed
        if before != after:
            raise AnotherRule(f"it falls under the policy `{after.name}`, and was asked under `{request.policy.name}`")

    @property
    def _admission(self) -> Eligibility:
        return Eligibility(storage=self.storage, directory=self.directory)

    @property
    def _changes(self) -> Changes:
        return Changes(storage=self.storage, engine=self.engine, work=self.work)
