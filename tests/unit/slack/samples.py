"""Records as they come along in real life, for tests that draw them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Choose,
    Decision,
    Expired,
    ItemVerdict,
    Reject,
    Respond,
    Vote,
)
from bot.approvals.model.ids import (
    JSON,
    ChannelId,
    InterruptId,
    MessageId,
    Person,
    RequestId,
    TaskId,
    TeamId,
    ThreadId,
    UserId,
)
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.policy import Expire, Policy, Remind, Step, one_stage
from bot.approvals.model.question import Item, Question, Risk, Verdict
from bot.approvals.model.request import (
    Comment,
    Decided,
    Delegation,
    Delivered,
    Edit,
    Extension,
    OpenStage,
    Pending,
    Request,
    RequestState,
    Superseded,
    Then,
    Unreached,
)
from bot.approvals.model.task import Ended, Failed, Failure, Running, Task, TaskCancelled, TaskState, Waiting
from bot.approvals.ports.slack import View
from tests.support.builders import staged

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
TEAM = TeamId("T0ACME")
CHANNEL = ChannelId("C0OPS")

ALICE = Person(team_id=TEAM, user_id=UserId("U0ALICE"))
BOB = Person(team_id=TEAM, user_id=UserId("U0BOB"))
CAROL = Person(team_id=TEAM, user_id=UserId("U0CAROL"))
DAVE = Person(team_id=TEAM, user_id=UserId("U0DAVE"))
ERIN = Person(team_id=TEAM, user_id=UserId("U0ERIN"))

EVERYTHING = (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT, Verdict.RESPOND)
YES_OR_NO = (Verdict.APPROVE, Verdict.REJECT)

STEPS = (
    Step(after=timedelta(hours=1), action=Remind()),
    Step(after=timedelta(hours=4), action=Expire()),
)
POLICY = Policy(name="ops", stages=one_stage(("U0BOB", "U0CAROL"), steps=STEPS))
FAILURE = Failure(error_id="e7f3a91c", summary="KeyError", at=NOW)

FILES: list[JSON] = [f"logs/2025/service-{number:04}.log.gz" for number in range(214)]
DELETE = Item(
    name="delete_files",
    arguments={
        "folder": "/srv/logs/2025",
        "dry_run": False,
        "bytes": 48_318_382_080,
        "all files": FILES,
    },
    verdicts=EVERYTHING,
)
REFUND = Item(
    name="issue_refund",
    arguments={"order": "A-10442", "amount": 129.5, "currency": "EUR", "note": None},
    verdicts=EVERYTHING,
)


def question(*items: Item, **changes: object) -> Question:
    asked = Question(
        shape="middleware",
        title="Delete 214 log files",
        text="They are older than 12 months, and nothing has read them since April.",
        items=items or (DELETE,),
        risk=Risk.HIGH,
        payload={"action_requests": [{"name": item.name, "args": dict(item.arguments)} for item in items or (DELETE,)]},
        types=(),
    )
    return replace(asked, **changes)  # type: ignore[arg-type]


def task(state: TaskState | None = None, **inputs: JSON) -> Task:
    return Task(
        id=TaskId("9f2c41aa"),
        thread_id=ThreadId("5b1e7c52-8f5a-4a26-93df-3ac3bde1d2c7"),
        graph="cleanup",
        inputs=inputs or {"folder": "/srv/logs/2025", "older_than_days": 365},
        requester=ALICE,
        channel=CHANNEL,
        created_at=NOW,
        state=state or Running(),
    )


def request(about: Question | None = None, state: RequestState | None = None, **changes: object) -> Request:
    about = about or question()
    made = Request(
        id=RequestId("4be1d07c"),
        task_id=TaskId("9f2c41aa"),
        thread_id=ThreadId("5b1e7c52-8f5a-4a26-93df-3ac3bde1d2c7"),
        interrupt_id=InterruptId("ba4f1d1e8c2b4d0c"),
        graph="cleanup",
        requester=ALICE,
        proposed=about,
        question=about,
        policy=POLICY,
        opened_at=NOW,
        state=state or Pending(due_at=NOW + timedelta(hours=1)),
        open=OpenStage(asked=(BOB, CAROL), opened_at=NOW),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def message(kind: MessageKind = MessageKind.CARD) -> Message:
    to = BOB if kind is MessageKind.COPY else None
    return Message(id=MessageId("s-1"), kind=kind, task_id=TaskId("9f2c41aa"), created_at=NOW, to=to)


def view(
    kind: MessageKind = MessageKind.CARD,
    asked: Request | None = None,
    of: Task | None = None,
    *,
    current: bool = True,
) -> View:
    return View(message=message(kind), task=of or task(), request=asked or request(), current=current)


def vote(person: Person, asked: Request, *verdicts: Approve | Reject | Respond | Choose) -> Vote:
    return Vote(person=person, verdicts=verdicts or (Approve(),), version=asked.version, digest=asked.digest, at=NOW)


def answered(*verdicts: ItemVerdict, edited: bool = False) -> Answered:
    return Answered(verdicts=verdicts or (Approve(),), voters=(BOB,), edited=edited, at=NOW + timedelta(minutes=12))


def decided(decision: Decision, failure: Failure | None = None) -> Decided:
    return Decided(decision=decision, failure=failure, next_try=NOW + timedelta(minutes=13) if failure else None)


def every_view() -> dict[str, View]:
    """One of each state that somebody may come to see, by its name."""
    kinds = MessageKind
    later, earlier = NOW + timedelta(minutes=13), NOW - timedelta(minutes=3)
    quorum = replace(POLICY, stages=one_stage(("U0BOB", "U0CAROL"), 2, STEPS))
    first = request(question(REFUND, title="Refund order A-10442", text=""), policy=quorum)
    several = question(DELETE, REFUND, title="Two things to do", risk=Risk.MEDIUM)
    choices = question(
        Item(name="plan", arguments={}, verdicts=(Verdict.CHOOSE, Verdict.RESPOND)),
        title="Which environment should the release go to?",
        text="",
        choices=("staging", "production", "both"),
        risk=None,
    )
    plans = replace(
        choices,
        title="How shall I go on?",
        choices=(
            "Keep the newest copy of each file and delete the rest",
            "Move everything to cold storage and delete nothing",
            "Stop here",
        ),
    )
    words = question(
        Item(name="ask", arguments={}, verdicts=(Verdict.RESPOND,)),
        title="What is the cost centre?",
        text="",
        risk=None,
    )
    nobody = replace(POLICY, stages=one_stage((), steps=STEPS))
    edited = replace(
        request(question(REFUND, title="Refund order A-10442", text="", risk=Risk.CRITICAL)),
        version=2,
        edits=(Edit(person=CAROL, at=NOW),),
        question=replace(
            question(REFUND, title="Refund order A-10442", text="", risk=Risk.CRITICAL),
            items=(replace(REFUND, arguments={**REFUND.arguments, "amount": 99.5, "note": "Half of it"}),),
        ),
    )
    busy = replace(
        first,
        votes=(vote(DAVE, first),),
        policy=replace(first.policy, extend=timedelta(hours=4)),
        delegations=(Delegation(by=BOB, to=DAVE, at=earlier), Delegation(by=CAROL, to=ERIN, at=earlier)),
        comments=(
            Comment(by=BOB, text="Is anybody still reading them?", at=NOW),
            Comment(by=CAROL, text="<!channel> *Why*\ntoday?", at=NOW),
        ),
        unreached=(
            Unreached(person=DAVE, why="user_disabled", asked_at=NOW),
            Unreached(name="@nobody", why="", asked_at=NOW, then=Then.NEXT),
        ),
        open=replace(first.open, missing=(1,), extension=Extension(by=CAROL, measure=timedelta(hours=4), at=NOW)),
    )
    mixed = answered(Approve(), Reject(reason="The customer has been paid already"))
    return {
        "opening, working": view(kinds.OPENING),
        "opening, waiting": view(kinds.OPENING, of=task(Waiting())),
        "opening, finished": view(kinds.OPENING, of=task(Ended(outcome="", at=later))),
        "opening, failed": view(kinds.OPENING, of=task(Failed(failure=FAILURE, retryable=True))),
        "opening, cancelled": view(kinds.OPENING, of=task(TaskCancelled(by=ALICE, at=later))),
        "card, pending": view(),
        "card, several items": view(asked=request(several)),
        "card, quorum": view(asked=replace(first, votes=(vote(BOB, first),), open=replace(first.open, missing=(1,)))),
        "card, with all that people did": view(asked=busy),
        "card, choices": view(asked=request(choices)),
        "card, long choices": view(asked=request(plans)),
        "card, words": view(asked=request(words)),
        "card, nobody may answer": view(asked=staged(request(first.question, policy=nobody), asked=())),
        "card, edited and critical": view(asked=edited),
        "card, approved": view(asked=request(state=decided(answered()))),
        "card, delivered": view(asked=request(state=Delivered(decision=answered(), at=later))),
        "card, rejected": view(
            asked=request(state=decided(answered(Reject(reason="Keep March: the audit needs it.\nAsk me in June."))))
        ),
        "card, answered": view(asked=request(words, Delivered(decision=answered(Respond(value="CC-4711")), at=later))),
        "card, chosen": view(asked=request(choices, Delivered(decision=answered(Choose(choice="staging")), at=later))),
        "card, mixed": view(asked=request(several, decided(mixed))),
        "card, failed": view(asked=request(state=decided(answered(), FAILURE))),
        "card, expired": view(asked=request(state=decided(Expired(at=later)))),
        "card, cancelled": view(asked=request(state=decided(Cancelled(by=ALICE, at=later)))),
        "card, superseded": view(asked=request(state=Superseded(at=later))),
        "copy, pending": view(kinds.COPY),
        "comment": view(kinds.COMMENT, busy),
        "nudge": view(kinds.NUDGE, busy),
        "nudge, settled": view(kinds.NUDGE, request(state=decided(answered()))),
        "unreached": view(kinds.UNREACHED, busy),
        "reminder": view(kinds.REMINDER),
        "reminder, settled": view(kinds.REMINDER, request(state=decided(answered()))),
        "outcome": view(
            kinds.OUTCOME,
            of=task(Ended(outcome="Deleted 214 files and freed 45 GiB.\nKept 3 that are in use.", at=later)),
        ),
        "outcome, failed": view(kinds.OUTCOME, of=task(Failed(failure=FAILURE, retryable=True))),
        "outcome, lost": view(kinds.OUTCOME, of=task(Failed(failure=FAILURE, retryable=False))),
        "outcome, cancelled": view(kinds.OUTCOME, of=task(TaskCancelled(by=ALICE, at=later))),
        "outcome, tried again": view(kinds.OUTCOME, current=False),
    }
