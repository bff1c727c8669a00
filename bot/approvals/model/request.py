"""The durable record of one question put to people, and its states."""

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
from bot.approvals.model.ids import InterruptId, Person, RequestId, TaskId, ThreadId
from bot.approvals.model.policy import ONE_PERSON, Policy, Stage, Step
from bot.approvals.model.question import Question
from bot.approvals.model.task import Failure, Gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """Who gave their vote to whom, in one stage. It counts for as long as the giver is one who may answer."""

    by: Person
    to: Person
    at: datetime
    stage: int | None = None
    """Counted from 0; None in records of before this was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """Who put the deadline off, and by how much."""

    by: Person
    measure: timedelta
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody asks the requester, without answering."""

    by: Person
    text: str
    at: datetime


class Then(StrEnum):
    """What follows where somebody could not be asked."""

    OTHERS = "others"
    """Others were, at the same time."""
    NEXT = "next"
    """Nobody was, so the next step that asks people comes at once."""
    END = "end"
    """Nobody was, and there is no such step any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """Who was to get the card and did not: a person, or (no person) a channel or a name of the policy.

    `asked_at` is when that was to happen: it is the same for all who were to get it at one time. `why` is empty where
    the name means nobody.
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
    """People are asked. `due_at` is the time of whatever the clock brings next."""

    due_at: datetime | None
    taken: tuple[int, ...] = ()
    """The stage's steps that have come, by their place in it."""
    reminded_at: datetime | None = None
    """When the stage's last regular reminder came."""
    hurried: int | None = None
    """The stage's step that is due at once, as the one before could ask nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Settled; the graph has not been seen to go on. `attempts` counts the resumes that were begun."""

    decision: Decision
    attempts: int = 0
    next_try: datetime | None = None
    """When delivery is due; None: only a person's retry brings it on."""
    failure: Failure | None = None
    held: Pending | None = None
    """How it stood before, while whoever answered may still take that back: until delivery is due."""

    @property
    def revocable(self) -> bool:
        """Whether the answer may be taken back, if its time is not up."""
        return self.held is not None and not self.attempts

    @property
    def answerable_again(self) -> bool:
        """Whether people may answer differently: the agent raised on the answer, and nothing has run after it."""
        return self.failure is not None and self.failure.gone is None and isinstance(self.decision, Answered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Settled, and seen to have had its effect: the agent took the answer, or the task was stopped by it."""

    decision: Decision
    at: datetime
    stopped: bool = False
    """Whether the agent was told nothing, and stopped where it stood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """The interrupt vanished from the graph, or the task was called off, before an answer of ours was seen to have
    got through."""

    at: datetime
    decision: Decision | None = None
    """What people had decided by then."""
    changed: bool = False
    """Whether the agent asked something else when it was to take the answer, and so did not get it."""
    stopped: bool = False
    """Whether the task was stopped, and the agent told nothing."""


RequestState: TypeAlias = Pending | Decided | Delivered | Superseded


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Who changed the question's items, and when; what it was before is `Request.proposed`."""

    person: Person
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A stage that has agreed: what it said of each item, and whose word that was."""

    verdicts: tuple[ItemVerdict, ...]
    voters: tuple[Person, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStage:
    """A stage while it is asked. `Request.stage` has its terms."""

    opened_at: datetime
    """All of its windows are counted from then."""
    asked: tuple[Person, ...] = ()
    """Who its approvers were when it was opened; shown, never relied on."""
    short: int = 0
    """How many of the answers that it needs nobody was there to give when it was opened; shown alone."""
    zones: tuple[str, ...] = ()
    """The time zones of those who were asked, if the policy counts each one's own hours."""
    untold: tuple[str, ...] = ()
    """What Slack did not let the bot see of its approvers when it was opened; shown alone."""
    missing: tuple[int, ...] = ()
    """How many of each group it still lacked when its votes last changed; shown alone."""
    escalated_to: tuple[str, ...] = ()
    """Approvers that steps have added to it, as the policy names them."""
    escalated_held: tuple[str, ...] = ()
    """Those of them whom the question names, and the policy does not."""
    extension: Extension | None = None
    """Of its deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What people decided before the agent asked something else in its place. That decision was not used."""

    question: Question
    """As they decided it, with their edits."""
    decision: Decision
    times: int = 1
    """How often in a row the agent has asked something else after a decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The durable record of one question put to people. Unique on (thread_id, interrupt_id)."""

    id: RequestId
    task_id: TaskId
    thread_id: ThreadId
    interrupt_id: InterruptId
    graph: str
    requester: Person
    proposed: Question
    """As the graph asked it."""
    question: Question
    """As it stands now: `proposed`, with the edits."""
    policy: Policy
    """A snapshot: later edits of the policy file do not change a running request."""
    place: str = ""
    """Where in the graph it is asked."""
    fingerprint: Fingerprint | None = None
    """Of what the agent asked, before anybody edited it; None in records of versions that kept none."""
    before: Before | None = None
    """What was decided before the agent asked this instead; None if nothing was."""
    gone: Gone | None = None
    """The part of the agent's code that it waits at and that was found missing; None while all is there."""
    opened_at: datetime
    open: OpenStage
    """The stage that is asked, or was the last to be."""
    state: RequestState
    version: int = 1
    """Of the question: an edit, or a graph that asks anew, makes the next one and voids earlier votes."""
    amended_at: datetime | None = None
    """When an operator last applied another policy to it; None: never."""
    renewed_at: datetime | None = None
    """When the graph last asked something else here than it had asked before; None: never."""
    edits: tuple[Edit, ...] = ()
    votes: tuple[Vote, ...] = ()
    passed: tuple[Passed, ...] = ()
    """The stages that have agreed to this version, in their order."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """The policy's names that meant nobody when it was opened, and why, as a sentence's end. They mean nobody until the
    policy is applied anew, whoever takes such a name meanwhile."""
    delegations: tuple[Delegation, ...] = ()
    comments: tuple[Comment, ...] = ()
    objections: tuple[Person, ...] = ()
    """Who rejected an earlier version of it or a part of that; of this version the votes tell (`tally.objectors`).
    After an objection silence never approves."""
    nudged_at: datetime | None = None
    """When the requester last had those reminded who have not answered."""
    unreached: tuple[Unreached, ...] = ()
    bound: str = ""
    """The digest of the true question, if `question` is one that hides some of it to be shown; never stored."""
    revision: int = 0
    """Counts saves; storage compares it before it writes."""

    @property
    def digest(self) -> str:
        """What votes are bound to."""
        return self.bound or self.question.digest

    def is_asked_by(self, question: Question, asked: Fingerprint | None) -> bool:
        """Whether an agent that asks this now asks what people were shown, but for the moment of asking."""
        if asked is None or self.proposed.asks_as(question):
            return self.proposed.asks_as(question)
        if self.fingerprint is None:  # an earlier version's record: its payload alone tells
            mine = fingerprint(self.proposed.payload, None, self.opened_at)
            return same(mine, fingerprint(question.payload, None, asked.at))
        return same(self.fingerprint, asked)

    @property
    def edited(self) -> bool:
        return bool(self.edits)

    @property
    def decision(self) -> Decision | None:
        match self.state:
            case Decided(decision=decision) | Delivered(decision=decision) | Superseded(decision=decision):
                return decision
            case _:
                return None

    @property
    def stage_number(self) -> int:
        """Which stage is asked, or was the last to be, counted from 0."""
        return len(self.passed)

    @property
    def stage(self) -> Stage:
        return self.policy.stages[self.stage_number]

    @property
    def stage_votes(self) -> tuple[Vote, ...]:
        """The votes of the stage that is asked."""
        return tuple(vote for vote in self.votes if vote.stage == self.stage_number)

    @property
    def approvers(self) -> tuple[str, ...]:
        """Everyone who may answer by now, as the policy names them."""
        refs = (*self.stage.approvers, *self.open.escalated_to)
        return tuple(dict.fromkeys(ref for ref in refs if ref not in self.unknown))

    @property
    def held(self) -> frozenset[str]:
        """Those of them whom the question alone names; they may answer if they are ordinary members."""
        own = {ref for group in self.stage.groups for ref in group.approvers if ref not in group.held}
        own |= {ref for ref in self.open.escalated_to if ref not in self.open.escalated_held}
        return frozenset(self.approvers) - own

    @property
    def named(self) -> tuple[str, ...]:
        """Those of them that each name one person, by id or e-mail, and that the policy itself names."""
        held = self.held
        return tuple(ref for ref in self.approvers if ONE_PERSON.fullmatch(ref) and ref not in held)

    @property
    def told(self) -> tuple[str, ...]:
        """Those of them whom the question names, whether or not the policy names them too."""
        groups = (ref for group in self.stage.groups for ref in group.held)
        return tuple(dict.fromkeys(ref for ref in (*groups, *self.open.escalated_held) if ref not in self.unknown))

    def known(self, refs: Iterable[str]) -> tuple[str, ...]:
        """Those of these names that may mean somebody, each once."""
        return tuple(dict.fromkeys(ref for ref in refs if ref not in self.unknown))

    @property
    def asks_requester(self) -> bool:
        """Whether whoever started the task may answer as well, also if the policy does not name them: a question that
        approves nothing is often about what they know best."""
        return self.policy.self_answer and consent.approves_nothing(self.question)

    @property
    def deadline(self) -> datetime | None:
        """When silence has its consequence; None: never."""
        return next((self.comes(step) for step in self.stage.steps if step.at_deadline), None)

    def comes(self, step: Step) -> datetime:
        """When this step of the stage comes; an extension puts off what has to do with the deadline, and nothing
        else."""
        later = self.open.extension.measure if self.open.extension is not None and step.moves else timedelta()
        return self.moment(step.after + later)

    def given_to(self, person: Person) -> Person | None:
        """The colleague who has this person's vote; None while it is their own."""
        return next((each.to for each in self.stage_delegations if each.by == person), None)

    @property
    def stage_delegations(self) -> tuple[Delegation, ...]:
        """Who stands in for whom in the stage that is asked."""
        return tuple(each for each in self.delegations if self._stage_of(each) == self.stage_number)

    def _stage_of(self, delegation: Delegation) -> int:
        """In which stage the vote was given away; of an older record, the one that was asked at that time."""
        if delegation.stage is not None:
            return delegation.stage
        return sum(stage.at <= delegation.at for stage in self.passed)

    def moment(self, after: timedelta) -> datetime:
        """When that much of the time that counts has passed since the stage was opened."""
        return moment(self.open.opened_at, after, self.policy.hours, self.open.zones)
