"""The durable record of one question that is put to people, and its states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from bot.approvals.model import consent
from bot.approvals.model.decision import Answered, Decision, ItemVerdict, Vote
from bot.approvals.model.fingerprint import Fingerprint, fingerprint, same
from bot.approvals.model.hours import moment
from bot.approvals.model.ids import InterruptId, Person, Program, RequestId, TaskId, ThreadId
from bot.approvals.model.policy import ONE_PERSON, Policy, Stage, Step
from bot.approvals.model.question import Question
from bot.approvals.model.task import Failure, Gone
from bot.approvals.model.trace import Trace
from bot.approvals.model.undo_offer import UndoOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """A vote that one person gave to another, in one stage. It counts as long as the giver is an approver."""

    by: Person
    to: Person
    at: datetime
    stage: int | None = None
    """The stage, counted from 0. None in records that were stored before this was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A deadline extension: who made it, and by how much."""

    by: Person
    measure: timedelta
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A question that somebody asks the requester, without answering the request."""

    by: Person
    text: str
    at: datetime


class Then(StrEnum):
    """What follows if somebody could not be asked."""

    OTHERS = "others"
    """Other people were asked at the same time."""
    NEXT = "next"
    """Nobody was asked, so the next step that asks people comes at once."""
    END = "end"
    """Nobody was asked, and no later step asks people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """Somebody who should have got the card and did not: a person or, if `person` is None, a channel or a name in the
    policy.

    `asked_at` is when the card should have reached them, the same for all who should have got it together. `why` is
    empty if the name means nobody.
    """

    person: Person | None = None
    name: str = ""
    why: str
    asked_at: datetime
    then: Then = Then.OTHERS

    @property
    def whom(self) -> Person | str:
        return self.person if self.person is not None else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """People are being asked. `due_at` is the time of the next step or reminder, whichever comes first."""

    due_at: datetime | None
    taken: tuple[int, ...] = ()
    """The stage's steps that have been taken, by their index in `Stage.steps`."""
    reminded_at: datetime | None = None
    """When the stage's last regular reminder was sent."""
    hurried: int | None = None
    """The index of a step that is due at once, because the step before it could ask nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Settled, but the graph has not been seen to go on yet. `attempts` counts the resumes that were begun."""

    decision: Decision
    attempts: int = 0
    next_try: datetime | None = None
    """When the answer is to be delivered. None if only a person's retry starts the delivery."""
    failure: Failure | None = None
    held: Pending | None = None
    """The state before the decision, to which it returns if the decision is taken back. None if it cannot be."""
    held_until: datetime | None = None
    """Until when the decision is kept from the agent. None if it is not kept from it."""
    valid_until: datetime | None = None
    """Until when the agent may be given it. None if that has no end."""

    @property
    def revocable(self) -> bool:
        """Whether the decision can still be taken back, because nobody has begun to deliver it."""
        return self.held is not None and not self.attempts

    @property
    def answerable_again(self) -> bool:
        """Whether people may answer differently: the agent raised an error on the answer, and nothing ran since."""
        return self.failure is not None and self.failure.gone is None and isinstance(self.decision, Answered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Settled, and seen to have had its effect: the agent took the answer, or the answer stopped the task."""

    decision: Decision
    at: datetime
    stopped: bool = False
    """Whether the agent was told nothing and stopped at this point."""
    outcome: str = ""
    """What the task reported at its end, if this was its last answer. Empty if it is not known."""
    valid_until: datetime | None = None
    """Until when a program that asked may act on it. None if that has no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """The interrupt disappeared from the graph, or the task was cancelled, before our answer was seen to reach the
    agent."""

    at: datetime
    decision: Decision | None = None
    """The decision that people had made by then. None if they had made none."""
    changed: bool = False
    """Whether the agent did not get the answer, because it asked something else when it should have taken it."""
    stopped: bool = False
    """Whether the task was stopped and the agent was told nothing."""
    stale: bool = False
    """Whether that was because the decision could not be delivered as long as it was valid."""


RequestState: TypeAlias = Pending | Decided | Delivered | Superseded


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of the question's items: who made it, and when. `Request.proposed` has the original question."""

    person: Person
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A stage that has agreed: its verdict on each item, and the people who voted for it."""

    verdicts: tuple[ItemVerdict, ...]
    voters: tuple[Person, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStage:
    """The stage whose approvers are being asked. `Request.stage` has its terms."""

    opened_at: datetime
    """The time from which its deadline and all its steps are counted."""
    asked: tuple[Person, ...] = ()
    """Its approvers at the time it was opened. This is only shown, and never relied on."""
    short: int = 0
    """How many of the needed answers nobody could give when it was opened. This is only shown."""
    zones: tuple[str, ...] = ()
    """The time zones of the people who were asked, if the policy counts hours in each person's own zone."""
    untold: tuple[str, ...] = ()
    """What Slack did not let the bot see about its approvers when it was opened. This is only shown."""
    missing: tuple[int, ...] = ()
    """How many votes each group still lacked when the votes last changed. This is only shown."""
    escalated_to: tuple[str, ...] = ()
    """The approvers that steps have added to it, as the policy names them."""
    escalated_held: tuple[str, ...] = ()
    """The names in `escalated_to` that come from the question and not from the policy."""
    extension: Extension | None = None
    """The extension of its deadline. None if it was not extended."""


class NotUsed(StrEnum):
    """Why a decision was not used."""

    ASKED_ELSE = "asked_else"
    """The agent asked something else in place of its question."""
    STALE = "stale"
    """It could not be delivered as long as it was valid."""
    WORLD_CHANGED = "world_changed"
    """The agent looked again before it acted, and found that something had changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """An earlier decision that was not used."""

    question: Question
    """The question that people decided, with their edits."""
    decision: Decision
    times: int = 1
    """How many decisions in a row were not used."""
    why: NotUsed = NotUsed.ASKED_ELSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An interrupt at which the request was asked before the agent looked again."""

    interrupt_id: InterruptId
    fingerprint: Fingerprint | None
    """The fingerprint of what the agent asked there. None if it is not known."""
    taken: bool
    """Whether the agent has taken the answer."""


class ReopenedBy(StrEnum):
    """How a decision was called off before the agent got it."""

    TAKEN_BACK = "taken_back"
    """Somebody took their own answer back."""
    STOPPED = "stopped"
    """An eligible approver stopped it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """Somebody called a decision off, and the request is open again."""

    by: Person
    at: datetime
    why: ReopenedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The durable record of one question that is put to people. Unique by (thread_id, interrupt_id)."""

    id: RequestId
    task_id: TaskId
    thread_id: ThreadId
    interrupt_id: InterruptId
    graph: str
    requester: Person | Program
    proposed: Question
    """The question as the graph asked it."""
    question: Question
    """The question as it is now: `proposed` with all edits."""
    policy: Policy
    """A copy taken from the policy file, so later edits of the file do not change a running request."""
    place: str = ""
    """The place in the graph that asks."""
    fingerprint: Fingerprint | None = None
    """The fingerprint of what the agent asked, before any edit. None in records of versions that kept none."""
    before: Before | None = None
    """What was decided before the agent asked this question instead. None if nothing was decided."""
    earlier: tuple[Earlier, ...] = ()
    """The interrupts at which it was asked before, in order. A node that runs again asks there again."""
    gone: Gone | None = None
    """The part of the agent's code that it waits at, if that part is missing. None if nothing is missing."""
    opened_at: datetime
    open: OpenStage
    """The stage that is being asked, or that was asked last."""
    state: RequestState
    version: int = 1
    """The version of the question. If it is edited, or the graph asks anew, it gets the next version and earlier votes
    no longer count."""
    amended_at: datetime | None = None
    """When an operator last applied another policy to it. None if that never happened."""
    renewed_at: datetime | None = None
    """When the graph last asked something here that differs from what it had asked before. None if it never did."""
    edits: tuple[Edit, ...] = ()
    votes: tuple[Vote, ...] = ()
    passed: tuple[Passed, ...] = ()
    """The stages that have agreed to this version, in order."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """The names in the policy that meant nobody when the request was opened, and the reason, as the end of a sentence.
    They mean nobody until the policy is applied anew, even if somebody takes such a name in the meantime."""
    delegations: tuple[Delegation, ...] = ()
    comments: tuple[Comment, ...] = ()
    objections: tuple[Person, ...] = ()
    """The people who rejected an earlier version, or a part of it. The votes show who rejected the current one
    (`voting.objectors`). After an objection, silence never approves."""
    reopened: Reopened | None = None
    """Who called the last decision off, if that is why the request is open. None otherwise."""
    undo: UndoOffer | None = None
    """How what was approved here can be undone. None if the agent does not offer that, or has not done it yet."""
    nudged_at: datetime | None = None
    """When the requester last sent a reminder to the people who have not answered."""
    unreached: tuple[Unreached, ...] = ()
    trace: Trace | None = None
    """Where the newest leg of its work is found among traces: of asking, then of each answer. None if nobody traced
    it."""
    bound: str = ""
    """The digest of the full question, if `question` is a copy that hides a part of it for display. Never stored."""
    revision: int = 0
    """The number of saves. Storage compares it before it writes."""

    @property
    def digest(self) -> str:
        """The digest that votes are bound to."""
        return self.bound or self.question.digest

    def is_asked_by(self, question: Question, asked: Fingerprint | None) -> bool:
        """Whether an agent that now asks this asks what people were shown, apart from the moment of asking."""
        if asked is None or self.proposed.asks_as(question):
            return self.proposed.asks_as(question)
        if self.fingerprint is None:  # a record of an earlier version: only its payload can be compared
            mine = fingerprint(self.proposed.payload, None, self.opened_at)
            return same(mine, fingerprint(question.payload, None, asked.at))
        return same(self.fingerprint, asked)

    @property
    def edited(self) -> bool:
        return bool(self.edits)

    @property
    def is_window(self) -> bool:
        """Whether it offers to undo what was done, and approves nothing."""
        return self.question.window is not None

    @property
    def decision(self) -> Decision | None:
        match self.state:
            case Decided(decision=decision) | Delivered(decision=decision) | Superseded(decision=decision):
                return decision
            case _:
                return None

    @property
    def stage_number(self) -> int:
        """The number of the stage that is being asked, or that was asked last, counted from 0."""
        return len(self.passed)

    @property
    def stage(self) -> Stage:
        return self.policy.stages[self.stage_number]

    @property
    def stage_votes(self) -> tuple[Vote, ...]:
        """The votes in the stage that is being asked."""
        return tuple(vote for vote in self.votes if vote.stage == self.stage_number)

    @property
    def approvers(self) -> tuple[str, ...]:
        """The names of everyone who may answer at present, as they are written in the policy."""
        refs = (*self.stage.approvers, *self.open.escalated_to)
        return tuple(dict.fromkeys(ref for ref in refs if ref not in self.unknown))

    @property
    def held(self) -> frozenset[str]:
        """The names in `approvers` that only the question gives. They may answer if they are ordinary members."""
        own = {ref for group in self.stage.groups for ref in group.approvers if ref not in group.held}
        own |= {ref for ref in self.open.escalated_to if ref not in self.open.escalated_held}
        return frozenset(self.approvers) - own

    @property
    def named(self) -> tuple[str, ...]:
        """The names in `approvers` that the policy itself gives and that each mean one person, by id or e-mail."""
        held = self.held
        return tuple(ref for ref in self.approvers if ONE_PERSON.fullmatch(ref) and ref not in held)

    @property
    def told(self) -> tuple[str, ...]:
        """The names in `approvers` that the question gives, whether or not the policy gives them too."""
        groups = (ref for group in self.stage.groups for ref in group.held)
        return tuple(dict.fromkeys(ref for ref in (*groups, *self.open.escalated_held) if ref not in self.unknown))

    def known(self, refs: Iterable[str]) -> tuple[str, ...]:
        """The names among these that may mean somebody, each once."""
        return tuple(dict.fromkeys(ref for ref in refs if ref not in self.unknown))

    @property
    def asked_requester(self) -> Person | None:
        """The person who asked for it, if they may answer as well, even if the policy does not name them. They may if
        the question approves nothing, because it is then often about something that they know best, and they may undo
        what was done for them unless the policy says otherwise."""
        if isinstance(self.requester, Program):
            return None
        if self.is_window:
            return self.requester if self.policy.undo.requester else None
        if not self.policy.self_answer:
            return None
        return self.requester if consent.approves_nothing(self.question) else None

    @property
    def deadline(self) -> datetime | None:
        """When silence has its consequence. None if it never has one."""
        return next((self.comes(step) for step in self.stage.steps if step.at_deadline), None)

    def comes(self, step: Step) -> datetime:
        """When this step of the stage comes. An extension delays the steps that depend on the deadline, and no
        others."""
        later = self.open.extension.measure if self.open.extension is not None and step.moves else timedelta()
        return self.moment(step.after + later)

    def given_to(self, person: Person) -> Person | None:
        """The colleague who has this person's vote. Returns None if the person has not given it away."""
        return next((each.to for each in self.stage_delegations if each.by == person), None)

    @property
    def stage_delegations(self) -> tuple[Delegation, ...]:
        """The delegations in the stage that is being asked."""
        return tuple(each for each in self.delegations if self._stage_of(each) == self.stage_number)

    def _stage_of(self, delegation: Delegation) -> int:
        """The stage in which the vote was given away. For an older record, the stage that was open at that time."""
        if delegation.stage is not None:
            return delegation.stage
        return sum(stage.at <= delegation.at for stage in self.passed)

    def moment(self, after: timedelta) -> datetime:
        """When `after` has passed since the stage was opened, counting only the hours that the policy counts."""
        return moment(self.open.opened_at, after, self.policy.hours, self.open.zones)
