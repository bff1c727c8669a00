"""An interrupt -> the request that puts its question to people, under the policy that governs it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot import crash_points
from bot.approvals.model.agent import Asked
from bot.approvals.model.audit import event_of
from bot.approvals.model.caller import is_of_caller, request_id_of
from bot.approvals.model.decision import Answered, Approve, Reject, WindowClosed, outcome_of
from bot.approvals.model.errors import InvalidAnswer, Unreachable
from bot.approvals.model.facts import RuleChosen
from bot.approvals.model.ids import JSON, ChannelId, RequestId
from bot.approvals.model.message import Message
from bot.approvals.model.policy import Policy, one_stage
from bot.approvals.model.question import Question, payload_digest
from bot.approvals.model.request import Before, Decided, Delivered, OpenStage, Pending, Request, Superseded
from bot.approvals.model.task import Task
from bot.approvals.ports.engine import Engine
from bot.approvals.ports.slack import LookupFailed
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Clock
from bot.approvals.rules import lifecycle, schedule, voting, windows
from bot.approvals.rules.matching import ConditionFailed
from bot.approvals.services.audit.snapshot import full
from bot.approvals.services.delivery.batch import Batch
from bot.approvals.services.messages import wanted
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.choice import PolicyChoice, Terms

log = logging.getLogger(__name__)


class AskedTooOften(Exception):
    """The policy does not let this place of the graph ask again; `str()` says so."""

    def __init__(self, place: str, rounds: int) -> None:
        where = f" at {place}" if place else ""
        super().__init__(f"It has asked{where} {rounds} times, which is as often as its policy allows.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Puts what agents ask to people. Only adds to a batch: whoever has it stores it."""

    engine: Engine
    policy_choice: PolicyChoice
    eligibility: Eligibility
    clock: Clock
    telemetry: Telemetry = SILENT

    async def ask(self, batch: Batch, task: Task, requests: Sequence[Request], asked: Asked) -> None:
        """Open the request of this interrupt, or renew it if the graph asks something else by now. Adds that to the
        batch: `Batch.latest` has the requests as they will be stored.

        Raises `AskedTooOften`, `ConditionFailed` if nobody can say which policy governs (a renewed request then has
        nobody who may answer), or `Unreachable` if Slack does not say what a rule needs to know.
        """
        known = next((request for request in requests if request.interrupt_id == asked.interrupt_id), None)
        if known is not None:
            await self._renew(batch, task, known, asked)
            return
        if (approved := _looked_at_again(requests, asked)) is not None:
            await self._look_again(batch, task, approved, asked)
            return
        policy = await self._policy(task, asked.question)
        rounds = sum(request.place == asked.place and not isinstance(request.state, Pending) for request in requests)
        if policy.max_rounds is not None and rounds >= policy.max_rounds:
            raise AskedTooOften(asked.place, rounds)
        opened = await self._open(batch, task, asked, await self._terms(policy), _before(requests, asked))
        approval = windows.approval_of(requests) if windows.can_undo(opened) else None
        if approval is not None:
            batch.request(windows.offered(approval, opened), "undo_offered")

    async def ask_instead(self, batch: Batch, task: Task, request: Request, asked: Asked) -> None:
        """Ask what the agent asks now, instead of what was decided: as a new version, on a new card. Adds that to the
        batch. Raises the same as `ask`."""
        terms, failure = await self._or_nobody(request, self._anew(task, asked.question))
        now = self.clock()
        renewed = lifecycle.ask_instead(request, asked.question, asked.fingerprint, terms.policy, now)
        await self._ask_anew(batch, task, renewed, terms, now, [wanted.card_of(renewed)])
        if failure is not None:
            raise failure

    async def ask_after_stale(self, batch: Batch, task: Task, request: Request) -> None:
        """Ask the same again, because the decision was not delivered as long as it was valid: as a new version, on a
        new card. Adds that to the batch."""
        now = self.clock()
        renewed = await self.eligibility.introduced(lifecycle.ask_after_stale(request, now))
        event = event_of(renewed, "stale", now, data=full(renewed, task))
        batch.noted(renewed, event, [wanted.card_of(renewed), *wanted.files_of(renewed, now)])

    async def _look_again(self, batch: Batch, task: Task, approved: Request, asked: Asked) -> None:
        """Ask what was approved again, as a new version on the same card, because the agent found it changed."""
        terms, failure = await self._or_nobody(approved, self._anew(task, asked.question))
        now = self.clock()
        if isinstance(approved.state, Decided):
            approved = batch.request(lifecycle.delivered(approved, now), "delivered")
        renewed = lifecycle.look_again(approved, asked, terms.policy, now)
        renewed = await self.eligibility.introduced(replace(renewed, unknown=terms.unknown))
        event = event_of(renewed, "asked_anew", now, data=full(renewed, task))
        said = [wanted.reminder_of(renewed, now), *wanted.files_of(renewed, now)]
        batch.noted(renewed, event, said, moves=True)
        if failure is not None:
            raise failure

    async def _anew(self, task: Task, question: Question) -> Terms:
        return await self._terms(await self._policy(task, question))

    async def _or_nobody(self, request: Request, terms: Awaitable[Terms]) -> tuple[Terms, ConditionFailed | None]:
        """The terms. If nobody can say which policy governs: the request's own terms with no approvers, and why."""
        try:
            return await terms, None
        except ConditionFailed as failed:
            return Terms(policy=replace(request.policy, stages=one_stage(())), unknown={}), failed

    async def _ask_anew(
        self, batch: Batch, task: Task, renewed: Request, terms: Terms, now: datetime, new: Sequence[Message] = ()
    ) -> None:
        renewed = await self.eligibility.introduced(replace(renewed, unknown=terms.unknown))
        event = event_of(renewed, "asked_anew", now, data=full(renewed, task))
        batch.noted(renewed, event, [*new, *wanted.files_of(renewed, now)])

    async def _renew(self, batch: Batch, task: Task, known: Request, asked: Asked) -> None:
        question = asked.question
        if not isinstance(known.state, Pending) or known.proposed.asks_as(question):
            return
        if question.payload != known.proposed.payload and known.is_asked_by(question, asked.fingerprint):
            self._note_moment(batch, known, asked)
            return
        terms, failure = await self._or_nobody(known, self._governing(task, known, question))
        now = self.clock()
        renewed = lifecycle.ask_anew(known, question, terms.policy, now, asked.fingerprint)
        await self._ask_anew(batch, task, renewed, terms, now)
        if failure is not None:
            raise failure

    def _note_moment(self, batch: Batch, known: Request, asked: Asked) -> None:
        """Keep the newest moment of asking, as only that differs: the thread says it from now on."""
        before, now = known.fingerprint, asked.fingerprint
        if before is not None and now is not None and before.clocks != now.clocks:
            batch.noted(replace(known, fingerprint=now), event_of(known, "asked_later", self.clock()))

    async def _governing(self, task: Task, known: Request, question: Question) -> Terms:
        """The request's own policy, unless another rule governs what is asked now."""
        policy = await self._policy(task, question)
        if policy == await self._policy(task, known.proposed):
            return Terms(policy=known.policy, unknown=known.unknown)
        return await self._terms(policy)

    async def _terms(self, policy: Policy) -> Terms:
        try:
            return await self.policy_choice.terms(policy)
        except LookupFailed as failed:
            raise Unreachable("Slack did not say whom the policy means") from failed

    async def _policy(self, task: Task, question: Question) -> Policy:
        try:
            policy = await self.policy_choice.policy(task, question)
        except LookupFailed as failed:
            raise Unreachable("Slack did not say who or where it is") from failed
        passed_over = self.policy_choice.now.before(policy.name)
        self.telemetry.tell(RuleChosen(task_id=task.id, rule=policy.name, passed_over=passed_over))
        return policy

    async def _open(self, batch: Batch, task: Task, asked: Asked, terms: Terms, before: Before | None) -> Request:
        crash_points.point("interrupt-reached")
        now = self.clock()
        request = Request(
            id=request_id_of(task.id) if is_of_caller(task.id) else RequestId(secrets.token_hex(8)),
            task_id=task.id,
            thread_id=task.thread_id,
            interrupt_id=asked.interrupt_id,
            place=asked.place,
            fingerprint=asked.fingerprint,
            before=before,
            graph=task.graph,
            requester=task.requester,
            proposed=asked.question,
            question=asked.question,
            policy=terms.policy,
            unknown=terms.unknown,
            opened_at=now,
            trace=self.telemetry.here(),
            state=Pending(due_at=None),
            open=OpenStage(asked=(), opened_at=now),
        )
        request = await self.eligibility.introduced(schedule.enter_stage(windows.begun(request, now), now))
        request = windows.closed(self._ruled(request, now), now)
        event = event_of(request, "opened", now, data={**full(request, task), **_answer(request)})
        shown = [wanted.card_of(request), *self._elsewhere(request), *wanted.files_of(request, now)]
        batch.opened(request, event, shown)
        return request

    def _ruled(self, request: Request, now: datetime) -> Request:
        """The request, answered if its policy answers without a person. If it does not take that answer, people are
        asked after all."""
        auto = request.policy.auto
        if auto is None:
            return request
        verdict = Approve(reason=auto.why) if auto.approve else Reject(reason=auto.why)
        verdicts = tuple(verdict for _ in request.question.items)
        if not voting.takes(request, verdicts):
            return request
        decision = Answered(verdicts=verdicts, voters=(), edited=False, at=now, ruled=auto.why)
        try:
            self.engine.answer(request.question, request.proposed, decision)
        except InvalidAnswer:
            log.warning("request %s is put to people, as its graph does not take its policy's answer", request.id)
            return request
        ruled = replace(request, state=Decided(decision=decision, next_try=now))
        return voting.hold(ruled, request, request.policy.hold, now)

    def _elsewhere(self, request: Request) -> list[Message]:
        """The card in the policy's own channel, if the policy names one and it exists, and if people there can do
        anything: answer, or stop what the policy answered by itself and holds."""
        ref = request.policy.channel
        waits = isinstance(request.state, Pending) or lifecycle.is_held(request, request.opened_at)
        if not ref or not waits:
            return []
        if ref in request.unknown:
            log.warning("request %s: there is no channel %s for its card", request.id, ref)
            return []
        return [wanted.copy_in(request, ChannelId(ref), request.opened_at)]


def _looked_at_again(requests: Sequence[Request], asked: Asked) -> Request | None:
    """The request that was approved and whose question this one takes the place of. None if this one is no such
    question, or if nobody approved what it names: then it is a question like any other."""
    digest = asked.question.look_again
    if not digest:
        return None
    taken = (request for request in reversed(requests) if _was_approved(request))
    return next((each for each in taken if digest in _approved_digests(each)), None)


def _approved_digests(request: Request) -> tuple[str, str]:
    """What an agent that looks again calls the approval by: what it asked first, and what it asked since."""
    return payload_digest(request.proposed.payload), request.proposed.look_again


def _was_approved(request: Request) -> bool:
    """Whether the agent has an answer that lets it act; or had one, and looked again once more instead of taking the
    answer to what it had found before."""
    match request.state:
        case Superseded(changed=True):
            return windows.lets_act(request) or bool(request.earlier)
        case Delivered(stopped=False):
            return windows.lets_act(request)
        case Decided(attempts=attempts):
            return attempts > 0 and windows.lets_act(request)
        case _:
            return False


def _before(requests: Sequence[Request], asked: Asked) -> Before | None:
    """The last decision at this place of the graph, if the agent did not take it."""
    last = next((request for request in reversed(requests) if request.place == asked.place), None)
    untaken = last is not None and isinstance(last.state, Superseded) and last.state.changed
    return lifecycle.before_asking(last) if last is not None and untaken else None


def _answer(request: Request) -> dict[str, JSON]:
    """For the record: the answer that the policy gave without a person, and why; or that the time to undo was over."""
    match request.decision:
        case Answered(ruled=why) as decision:
            return {"outcome": str(outcome_of(decision)), "why": why}
        case WindowClosed() as decision:
            return {"outcome": str(outcome_of(decision))}
        case _:
            return {}
