"""Takes the steps of a request that are due: a reminder, an escalation, the next stage, or its end."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from bot.approvals.model.audit import event_of
from bot.approvals.model.decision import Answered, WindowClosed
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON, ChannelId, Person, RequestId
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.policy import Via
from bot.approvals.model.request import Decided, Request, Unreached
from bot.approvals.ports.engine import Answers
from bot.approvals.ports.slack import Directory, LookupFailed
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Work
from bot.approvals.rules import eligible, side_actions, timeouts
from bot.approvals.rules.eligible import EligibleApprovers
from bot.approvals.rules.matching import names_one
from bot.approvals.services.audit.snapshot import next_stage
from bot.approvals.services.messages import wanted
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.people.lookup import meant
from bot.approvals.services.unit_of_work import redraw, settled, traced, until_won, wake

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSteps:
    """Takes the steps of requests that are due."""

    storage: Storage
    agents: Answers
    directory: Directory
    eligibility: Eligibility
    work: Work
    telemetry: Telemetry = SILENT

    async def step(self, request_id: RequestId, now: datetime) -> None:
        """Take the steps of this request that are due. Each is taken once, even if other processes sweep too."""

        async def once() -> Request | None:
            request = await self.storage.request(request_id)
            due = self._taken(timeouts.next_step(request, now), now)
            if due.request is request:
                return None
            with self.telemetry.span(_step_kind(due, request), after=request.trace, about=request.task_id):
                return await self._step(request, due, now)

        moved = await until_won(once)
        if moved is not None:
            await self._look_after_card(moved)
            wake(self.work, moved.task_id)

    async def _step(self, request: Request, due: timeouts.Due, now: datetime) -> Request | None:
        """The request as it is stored after these steps. None if Slack does not say whom they ask."""
        try:
            if due.request.stage_number != request.stage_number:
                due = replace(due, request=await self.eligibility.introduced(due.request))
            moved, asked = await self._ask(due, now)
        except LookupFailed as failed:
            log.warning("request %s: its escalation waits for Slack's directory: %s", request.id, failed)
            return None
        reminders = [wanted.reminder_of(request, now)] if due.remind else []
        data: dict[str, JSON] = {**settled(moved), **next_stage(request, moved), **_escalated(moved, due)}
        event = event_of(moved, _step_kind(due, request), now, data=data)
        return await self.storage.save_request(traced(moved, self.telemetry), event, [*reminders, *asked])

    def _taken(self, due: timeouts.Due, now: datetime) -> timeouts.Due:
        """The same, unless the graph would refuse the policy's answer to silence: then the request expires."""
        decision = due.request.decision
        if isinstance(decision, Answered):
            try:
                self.agents.answer(due.request.question, due.request.proposed, decision)
            except InvalidAnswer:
                log.warning("request %s: its graph does not take its policy's answer to silence", due.request.id)
                return timeouts.Due(request=timeouts.expired(due.request, now))
        return due

    async def _look_after_card(self, request: Request) -> None:
        """Have the card rendered again even if nothing on it has changed: the reminder points at it, and somebody may
        have deleted it."""
        for message in await self.storage.messages_of(request.task_id):
            if message.kind is MessageKind.CARD and message.request_id == request.id and message.ref is not None:
                await redraw(self.storage, self.work, message.ref)

    async def _ask(self, due: timeouts.Due, now: datetime) -> tuple[Request, list[Message]]:
        """The request with those whom the escalation cannot ask, and the messages that it calls for: the card for each
        person and channel, and a note in the thread about those who cannot be asked."""
        if not due.escalate:
            return due.request, []
        reached, barred = await self._people(due, now)
        channels, absent = await self._channels(due, now)
        missing = [*barred, *absent]
        sent = [*reached, *channels, *(each.whom for each in missing)]
        copies = [
            *(wanted.copy_of(due.request, person, now) for person in reached),
            *(wanted.copy_in(due.request, channel, now) for channel in channels),
        ]
        said = [wanted.unreached_of(due.request, now)] if missing else []
        return side_actions.missed(due.request, missing, sent), [*copies, *said]

    async def _people(self, due: timeouts.Due, now: datetime) -> tuple[list[Person], list[Unreached]]:
        """The people who get a DM, and those who are named but may not answer. A name may also resolve to nobody."""
        names = _names(due, Via.DM)
        if not names:
            return [], []
        held = {ref for each in due.escalate if each.via is Via.DM for ref in each.held}
        held -= {ref for each in due.escalate if each.via is Via.DM for ref in each.to if ref not in each.held}
        people = await meant(self.directory, due.request.known(names), fresh=True)
        named = await meant(
            self.directory, [ref for ref in due.request.known(names) if names_one(ref) and ref not in held]
        )
        approvers = EligibleApprovers(groups=(), named=named)
        wanted = sorted(
            (each for each in people if eligible.may_answer(due.request, each)), key=lambda each: each.user_id
        )
        if not wanted:
            return [], [Unreached(name=name, why="", asked_at=now) for name in names]
        members = [await self.directory.member(person) for person in wanted]
        barred = [each for each in members if not eligible.is_eligible(each, approvers)]
        missing = [Unreached(person=each.person, why=each.ineligible, asked_at=now) for each in barred]
        return [each.person for each in members if each not in barred], missing

    async def _channels(self, due: timeouts.Due, now: datetime) -> tuple[list[ChannelId], list[Unreached]]:
        """The channels that get the card, and the names that resolve to no channel."""
        names = _names(due, Via.CHANNEL)
        known = due.request.known(names)
        found = {ref: await self.directory.channel(ref) if ref in known else None for ref in names}
        absent = [Unreached(name=ref, why="", asked_at=now) for ref, channel in found.items() if channel is None]
        return [channel for channel in found.values() if channel is not None], absent


def _step_kind(due: timeouts.Due, before: Request) -> str:
    if isinstance(due.request.decision, Answered) or due.request.stage_number != before.stage_number:
        return "ruled"
    if isinstance(due.request.decision, WindowClosed):
        return "window_closed"
    if isinstance(due.request.state, Decided):
        return "expired"
    return "escalated" if due.escalate else "reminded"


def _names(due: timeouts.Due, *via: Via) -> list[str]:
    """The names that the steps ask in one of these ways; in any way if none is given."""
    return [ref for escalation in due.escalate if not via or escalation.via in via for ref in escalation.to]


def _escalated(moved: Request, due: timeouts.Due) -> dict[str, JSON]:
    """The names that a step asked, and which of them it could not ask, with the reason."""
    missing: list[JSON] = [
        {"who": each.person.user_id if each.person else each.name, "why": each.why}
        for each in moved.unreached[len(due.request.unreached) :]
    ]
    return {**({"to": list[JSON](_names(due))} if due.escalate else {}), **({"unreached": missing} if missing else {})}
