"""Records -> what callers get. A caller's own question comes back as it was sent; of what a graph asks, secrets are
masked, as they are in Slack."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, Literal, TypeAlias, assert_never

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.caller import Caller, is_of_caller
from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Choose,
    ItemVerdict,
    Keep,
    Reject,
    Respond,
    Undo,
    WindowClosed,
)
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON, MessageRef, Person, Program, RequestId, Ts
from bot.approvals.model.message import MessageKind
from bot.approvals.model.question import Item, Verdict
from bot.approvals.model.request import Decided, Delivered, Pending, Request, Superseded
from bot.approvals.model.task import Ended, Failed, Running, Starting, Task, TaskCancelled, Waiting
from bot.approvals.model.webhook import Webhook
from bot.approvals.ports.engine import Answers
from bot.approvals.rules import lifecycle
from bot.approvals.rules.calls import CallStatus
from bot.approvals.rules.masking import Masker
from bot.approvals.services.call_reading import CallView, Records, views
from bot.approvals.services.messages.masked import Masking, masked_event
from bot.http.bodies import given

Unmade: TypeAlias = Literal["closed", "expired", "cancelled", "superseded"]
_OF_DECISION: Final = ("outcome", "verdicts", "said", "before", "why")
"""What the event that settles a request says of the decision."""
QUESTION: Final = "question"
"""The input of a caller's task that holds what was asked."""


class Views:
    """Shows records to callers."""

    def __init__(self, *, answers: Answers, masking: Masking, address: str) -> None:
        self._answers = answers
        self._masking = masking
        self._address = address

    def request(self, view: CallView, webhook: Webhook | None = None) -> given.Request:
        """A request, and what became of it. Nothing of an answer that people may still take back."""
        task, caller = view.task, _caller(view.task)
        request = self._shown(view)
        return given.Request(
            id=view.id,
            status=view.status.value,
            source=_source(caller),
            server=_server(task),
            requester=_person(task.requester),
            question=self._question(view),
            items=[] if request is None else [_asked(each) for each in request.question.items],
            digest=request.digest if request is not None else None,
            version=request.version if request is not None else 1,
            created_at=task.created_at if request is None or is_of_caller(task.id) else request.opened_at,
            deadline=request.deadline if request is not None else None,
            settled_at=_settled_at(view),
            consumed_at=caller.consumed.at if caller.consumed is not None else None,
            asked=[] if request is None else [person.user_id for person in request.open.asked],
            votes=0 if request is None else sum(vote.version == request.version for vote in request.stage_votes),
            metadata=dict(caller.metadata),
            permalink=self._link(view.records, MessageKind.CARD, view.id),
            window=_window(request),
            hold=_hold(view),
            decision=self._decision(view, request),
            callback=_callback(webhook),
            failure=_failure(task, self._masking.masker(view.records)) if not_asked(view) else None,
        )

    def task(self, records: Records) -> given.Task:
        """A run of a graph, with what it has asked."""
        task, caller, masker = records.task, _caller(records.task), self._masking.masker(records)
        return given.Task(
            id=task.id,
            graph=task.graph,
            status=status_of(records),
            inputs=dict(task.inputs),
            requester=_person(task.requester),
            source=_source(caller),
            server=_server(task),
            created_at=task.created_at,
            ended_at=task.ended_at,
            outcome=masker.text(task.state.outcome, "outcome") if isinstance(task.state, Ended) else None,
            failure=_failure(task, masker),
            requests=[self.request(each) for each in views(records)],
            metadata=dict(caller.metadata),
            permalink=self._link(records, MessageKind.OPENING),
        )

    def events(self, view: CallView, events: tuple[AuditEvent, ...]) -> given.AuditEvents:
        """What happened to the request. What people decided is left out while they may still call it off."""
        if view.status is CallStatus.PENDING:
            events = tuple(_untold(event) for event in events)
        if not is_of_caller(view.task.id):
            masker = self._masking.masker(view.records)
            events = tuple(masked_event(masker, event) for event in events)
        return given.AuditEvents(data=[_event(number, event) for number, event in enumerate(events, 1)])

    # --- Within ---------------------------------------------------------------------------------

    def _shown(self, view: CallView) -> Request | None:
        if view.request is None or is_of_caller(view.task.id):
            return view.request
        return self._masking.request(view.task, view.request)

    def _question(self, view: CallView) -> JSON:
        if is_of_caller(view.task.id):
            return view.task.inputs[QUESTION]
        request = self._shown(view)
        return None if request is None else request.proposed.payload

    def _decision(self, view: CallView, request: Request | None) -> given.Decision | None:
        match view.status:
            case CallStatus.PENDING:
                return None
            case CallStatus.DECIDED:
                return self._answered(view, request)
            case CallStatus.EXPIRED:
                return self._unmade(view, request, "expired")
            case CallStatus.CANCELLED:
                return self._unmade(view, request, "cancelled")
            case CallStatus.SUPERSEDED:
                return self._unmade(view, request, "superseded")
            case status:
                assert_never(status)

    def _answered(self, view: CallView, request: Request | None) -> given.Decision | None:
        if request is not None and isinstance(request.decision, WindowClosed):
            return self._unmade(view, request, "closed")
        if request is None or not isinstance(request.decision, Answered):
            return None
        decision, items = request.decision, request.question.items
        said = [getattr(verdict, "reason", "") for verdict in decision.verdicts]
        return given.Decision(
            verdict=decision.outcome.value,
            approved=all(isinstance(verdict, Approve) for verdict in decision.verdicts),
            items=[_item(item, verdict) for item, verdict in zip(items, decision.verdicts, strict=True)],
            answer=self._answer(view),
            reason="\n".join(dict.fromkeys(filter(None, said))),
            by=[person.user_id for person in decision.voters],
            through=_through(request, decision),
            at=decision.at,
            digest=request.digest,
            version=request.version,
            edited=decision.edited,
            ruled=decision.ruled,
            valid_until=lifecycle.valid_until(request),
        )

    def _unmade(self, view: CallView, request: Request | None, word: Unmade) -> given.Decision:
        """What follows if nobody's answer counts. No item of it says anything that could be taken for a yes."""
        decision = request.decision if request is not None else None
        by = decision.by if isinstance(decision, Cancelled) else None
        return given.Decision(
            verdict=word,
            approved=False,
            items=[]
            if request is None
            else [
                given.DecidedItem(name=each.name, verdict=word, arguments=dict(each.arguments))
                for each in request.question.items
            ],
            answer=self._answer(view) if word in ("closed", "expired") else None,
            reason=decision.reason if isinstance(decision, Cancelled) else "",
            by=[by.user_id] if isinstance(by, Person) else [],
            through=[],
            at=_settled_at(view) or view.task.created_at,
            digest=request.digest if request is not None else None,
            version=request.version if request is not None else 1,
            edited=request.edited if request is not None else False,
        )

    def _answer(self, view: CallView) -> JSON:
        """The value that a graph gets. None if it got none, because its task was stopped."""
        request = view.request
        if request is None or request.decision is None:
            return None
        if isinstance(request.state, Delivered) and request.state.stopped:
            return None
        try:
            answer = self._answers.answer(request.question, request.proposed, request.decision)
        except InvalidAnswer:  # nobody answered, and the question knows no value that would say so
            return None
        if is_of_caller(view.task.id):
            return answer
        shown = self._masking.masker(view.records).value({"answer": answer}, "arguments")
        return shown["answer"] if isinstance(shown, dict) else None

    def _link(self, records: Records, kind: MessageKind, request_id: RequestId | None = None) -> str | None:
        placed = [each for each in records.messages if each.ref is not None]
        ref = next((each.ref for each in placed if each.kind is kind and each.request_id == request_id), None)
        opening = next((each.ref for each in placed if each.kind is MessageKind.OPENING), None)
        root = records.task.thread_ts or (opening.ts if opening is not None else None)
        return None if ref is None else link_to(ref, root, self._address)


def link_to(ref: MessageRef, root: Ts | None, address: str) -> str:
    """The address of a message, which stands in the thread that begins with `root`."""
    inside = f"?thread_ts={root}&cid={ref.channel}" if root is not None and root != ref.ts else ""
    return f"{address}archives/{ref.channel}/p{ref.ts.replace('.', '')}{inside}"


def is_settled(view: CallView) -> bool:
    """Whether the caller may know how it was settled, or people could not be asked."""
    return view.status is not CallStatus.PENDING or not_asked(view)


def not_asked(view: CallView) -> bool:
    """Whether an error kept people from being asked."""
    return view.request is None and isinstance(view.task.state, Failed)


def is_over(records: Records) -> bool:
    """Whether the task goes on no further, unless a person has it tried again."""
    return status_of(records) in ("ended", "failed", "stopped")


def status_of(records: Records) -> given.TaskStatus:
    """How a task stands, in a word."""
    match records.task.state:
        case Starting() | Running():
            return "running"
        case Waiting():
            asks = any(isinstance(request.state, Pending) for request in records.requests)
            return "awaiting_human" if asks else "running"
        case Ended(stopped=stopped):
            return "stopped" if stopped else "ended"
        case Failed():
            return "failed"
        case TaskCancelled():
            return "stopped"
        case state:
            assert_never(state)


# --- Parts of it --------------------------------------------------------------------------------


def _caller(task: Task) -> Caller:
    if task.caller is None:
        raise AssertionError(f"task {task.id} was made by no program, so none may see it")
    return task.caller


def _source(caller: Caller) -> given.ShownSource:
    return given.ShownSource(name=caller.source, url=caller.url or None, run=caller.run or None)


def _server(task: Task) -> str | None:
    return task.server.name if task.server is not None else None


def _person(requester: Person | Program) -> str | None:
    return requester.user_id if isinstance(requester, Person) else None


def _settled_at(view: CallView) -> datetime | None:
    if not is_settled(view):
        return None
    request = view.request
    if request is None:
        return view.task.ended_at
    if isinstance(request.state, Superseded):
        return request.state.at
    return request.decision.at if request.decision is not None else None


def _window(request: Request | None) -> given.Window | None:
    if request is None or (window := request.question.window) is None:
        return None
    acted_at = request.open.opened_at  # a window counts from the action
    return given.Window(
        acted_at=acted_at,
        closes_at=request.deadline or acted_at + window.length,
        reversible=Verdict.UNDO in request.question.items[0].verdicts,
    )


def _hold(view: CallView) -> given.Hold | None:
    state = view.request.state if view.request is not None else None
    if view.status is not CallStatus.PENDING or not isinstance(state, Decided) or state.held_until is None:
        return None
    return given.Hold(until=state.held_until)


def _untold(event: AuditEvent) -> AuditEvent:
    """The event without the decision that it tells of, if it tells of one."""
    kept = dict(event.data)
    if "outcome" in kept:
        told: tuple[str, ...] = _OF_DECISION
    else:
        told = ("decision",) if event.kind == "delivery_stopped" else ("said",) if event.kind == "refused" else ()
    return replace(event, data={key: each for key, each in kept.items() if key not in told})


def _asked(item: Item) -> given.AskedItem:
    return given.AskedItem(name=item.name, arguments=dict(item.arguments))


def _item(item: Item, verdict: ItemVerdict) -> given.DecidedItem:
    arguments = dict(item.arguments)
    match verdict:
        case Approve(reason=reason):
            return given.DecidedItem(name=item.name, verdict="approve", arguments=arguments, reason=reason)
        case Reject(reason=reason):
            return given.DecidedItem(name=item.name, verdict="reject", arguments=arguments, reason=reason)
        case Respond(value=value):
            return given.DecidedItem(name=item.name, verdict="respond", arguments=arguments, value=value)
        case Choose(choice=choice):
            return given.DecidedItem(name=item.name, verdict="choose", arguments=arguments, value=choice)
        case Undo():
            return given.DecidedItem(name=item.name, verdict="undo", arguments=arguments)
        case Keep():
            return given.DecidedItem(name=item.name, verdict="keep", arguments=arguments)
        case verdict:
            assert_never(verdict)


def _through(request: Request, decision: Answered) -> list[str]:
    """The tokens with which voters' votes came."""
    counted = (vote for vote in request.votes if vote.version == request.version and vote.person in decision.voters)
    return list(dict.fromkeys(vote.through for vote in counted if vote.through))


def _failure(task: Task, masker: Masker) -> given.Failure | None:
    if not isinstance(task.state, Failed):
        return None
    failure = task.state.failure
    return given.Failure(error_id=failure.error_id, summary=masker.text(failure.summary, "summary"))


def _callback(webhook: Webhook | None) -> given.Callback | None:
    if webhook is None:
        return None
    if webhook.delivered_at is not None:
        return given.Callback(status="delivered", attempts=webhook.attempts)
    status: Literal["given_up", "pending"] = "given_up" if webhook.given_up else "pending"
    return given.Callback(status=status, attempts=webhook.attempts, failure=webhook.failure)


def _event(number: int, event: AuditEvent) -> given.AuditEvent:
    return given.AuditEvent(
        number=number,
        kind=event.kind,
        at=event.at,
        person=event.person.user_id if event.person is not None else None,
        through=event.through,
        digest=event.digest,
        data=dict(event.data),
    )
