"""Whatever people, the clock and the graph do in whatever order: what must hold of every request."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from bot.approvals.model.actor import COMMAND, Shown
from bot.approvals.model.audit import AuditEvent
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
    outcome_of,
)
from bot.approvals.model.errors import AlreadySettled, CountersignError, MayNotVote, StaleVersion
from bot.approvals.model.ids import Person
from bot.approvals.model.policy import Escalate, Expire, Remind, Step
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Request, Superseded
from bot.approvals.model.task import Task
from tests.support.fakes.world import (
    ALICE,
    BOB,
    CAROL,
    DORA,
    FIRST,
    GUS,
    RITA,
    STRANGER,
    World,
    a_world,
    item,
    policy,
    question,
)

pytestmark = pytest.mark.heavy

HOUR = timedelta(hours=1)
EVERYBODY = [ALICE, BOB, CAROL, DORA, GUS, RITA, STRANGER]
LADDER = (
    Step(after=2 * HOUR, action=Remind()),
    Step(after=4 * HOUR, action=Escalate(to=("@leads",))),
    Step(after=12 * HOUR, action=Expire()),
)
people = st.sampled_from(EVERYBODY)
verdicts = st.one_of(
    st.just(Approve()),
    st.sampled_from([Reject(reason="no"), Reject(reason="later"), Reject()]),
    st.sampled_from([Choose(choice="left"), Choose(choice="right"), Choose(choice="nowhere")]),
    st.just(Respond(value="words")),
)


class OneRequest(RuleBasedStateMachine):
    """One request, and everybody at it; `shown` are the versions that people have in front of them."""

    shown = Bundle("shown")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opened: AbstractAsyncContextManager[World] | None = None
        self.first: Decision | None = None
        self.unused: list[Decision] = []
        """Decisions in whose place the graph asked something else, or that people called off: they were not handed
        out."""
        self.cast: list[tuple[Person, int, ItemVerdict]] = []
        """Votes that were accepted, and not withdrawn: who, on which version, what."""

    @initialize(
        target=shown,
        quorum=st.integers(1, 3),
        self_approval=st.booleans(),
        reason_required=st.booleans(),
        choosing=st.booleans(),
        hold=st.sampled_from([timedelta(), 3 * HOUR]),
    )
    def ask(self, quorum: int, self_approval: bool, reason_required: bool, choosing: bool, hold: timedelta) -> int:
        asked = (
            question(item(Verdict.CHOOSE, Verdict.REJECT, Verdict.EDIT), choices=("left", "right"))
            if choosing
            else question(item())
        )
        terms = policy(
            quorum=quorum,
            self_approval=self_approval,
            reason_required=reason_required,
            steps=LADDER,
            extend=5 * HOUR,
        )
        self.opened = a_world({FIRST: asked}, otherwise=replace(terms, hold=hold))
        self.world = self.runner.run(self.opened.__aenter__())
        self.world.directory.groups["@leads"] = [DORA]
        self.task: Task = self.runner.run(self.world.started())
        self.open = self.request
        return 1

    def teardown(self) -> None:
        if self.opened is not None:
            self.runner.run(self.opened.__aexit__(None, None, None))
        self.runner.close()

    @property
    def request(self) -> Request:
        return self.runner.run(self.world.request(self.task))

    def may(self, person: Person, request: Request) -> bool:
        """Who may answer, said once more and in other words than the rules'."""
        if request.given_to(person) is not None or person in self.world.directory.ineligible:
            return False
        givers = [each.by for each in request.delegations if each.to == person]
        return self.is_asked(person, request) or any(self.is_asked(giver, request) for giver in givers)

    def is_asked(self, person: Person, request: Request) -> bool:
        """Whether the policy's names mean this person, and their account and the requester's own rule let them."""
        if person in self.world.directory.ineligible:
            return False
        if person == RITA:
            return request.policy.self_approval
        if person in {ALICE, BOB, CAROL}:
            return True
        return "@leads" in request.open.escalated_to and person in self.world.directory.groups["@leads"]

    def seats(self, people: set[Person], request: Request) -> set[Person]:
        """Whose votes these people gave: their own, or that of whoever gave it to them."""
        givers = {each.to: each.by for each in request.delegations}
        return {person if self.is_asked(person, request) else givers.get(person, person) for person in people}

    # --- What happens -----------------------------------------------------------------------------

    @rule(person=people, version=shown, verdict=verdicts, clicks=st.integers(1, 2))
    def vote(self, person: Person, version: int, verdict: ItemVerdict, clicks: int) -> None:
        before = self.request
        for _ in range(clicks):
            request = self.request
            try:
                after = self.runner.run(
                    self.world.answers.vote(
                        self.world.actor(person),
                        Shown(request_id=request.id, version=version, digest=request.digest),
                        (verdict,),
                    )
                )
            except AlreadySettled as refusal:
                told = refusal.decision
                assert told == request.decision
                assert told is not None or isinstance(request.state, Superseded)
            except StaleVersion:
                assert version != request.version
            except MayNotVote:
                assert not self.may(person, request)
            except CountersignError:
                assert self.request == request
            else:
                assert version == request.version
                assert self.may(person, request)
                assert not isinstance(verdict, Reject) or verdict.reason or not request.policy.reasons
                self.cast.append((person, version, verdict))
                assert [vote.person for vote in after.votes].count(person) == 1
        if not self.may(person, before):
            assert self.request == before

    @rule(target=shown, person=people, version=shown, path=st.sampled_from(["/a", "/b"]))
    def edit(self, person: Person, version: int, path: str) -> int:
        before = self.request
        try:
            after = self.runner.run(
                self.world.answers.edit(
                    self.world.actor(person),
                    Shown(request_id=before.id, version=version, digest=before.digest),
                    0,
                    {"path": path},
                )
            )
        except CountersignError:
            assert self.request == before
            return before.version
        assert self.may(person, before)
        assert (after.version, after.votes) == (before.version + 1, ())
        return after.version

    @rule(by=people, to=st.sampled_from([DORA, STRANGER, ALICE, GUS, RITA]))
    def delegate(self, by: Person, to: Person) -> None:
        before = self.request
        try:
            after = self.runner.run(self.world.side_actions.delegate(self.world.actor(by), before.id, to.user_id))
        except CountersignError:
            assert self.request == before
            return
        assert self.is_asked(by, before)
        assert not self.may(to, before)
        assert self.may(to, after)
        assert not self.may(by, after)
        assert after.votes == before.votes
        self.vote(by, after.version, Approve(), 1)

    @rule(by=people)
    def withdraw(self, by: Person) -> None:
        before = self.request
        try:
            after = self.runner.run(self.world.side_actions.withdraw(self.world.actor(by), before.id))
        except CountersignError:
            assert self.request == before
            return
        assert before.decision is after.decision is None
        voted = any(vote.person == by for vote in before.votes)
        assert voted or after.given_to(by) is None is not before.given_to(by)
        self.cast = [each for each in self.cast if each[0] != by or not voted]

    @rule(by=people)
    def take_back(self, by: Person) -> None:
        before = self.request
        try:
            after = self.runner.run(self.world.answers.take_back(self.world.actor(by), before.id))
        except CountersignError:
            assert self.request == before
            return
        assert isinstance(before.decision, Answered)
        assert by in before.decision.voters
        assert all(vote.person != by for vote in after.votes)
        self.called_off(before.decision)
        self.cast = [each for each in self.cast if each[0] != by]

    @rule(by=people)
    def stop(self, by: Person) -> None:
        before = self.request
        try:
            after = self.runner.run(self.world.answers.stop(self.world.actor(by), before.id))
        except CountersignError:
            assert self.request == before
            return
        assert before.decision is not None
        assert self.may(by, before)
        assert before.policy.hold
        assert (after.votes, by in after.objections) == ((), True)
        self.called_off(before.decision)
        self.cast.clear()

    def called_off(self, decision: Decision) -> None:
        assert self.world.engine.effects == [], "the agent has it"
        assert self.request.decision is None
        self.unused.append(decision)
        self.first = None

    @rule(by=people)
    def extend(self, by: Person) -> None:
        before = self.request
        try:
            after = self.runner.run(self.world.side_actions.extend(self.world.actor(by), before.id))
        except CountersignError:
            assert self.request == before
            return
        assert self.may(by, before)
        assert before.open.extension is None
        assert before.deadline is not None
        assert after.deadline == before.deadline + 5 * HOUR

    @rule(by=people, nudged=st.booleans())
    def ask_or_remind(self, by: Person, nudged: bool) -> None:
        before = self.request
        deed = (
            self.world.side_actions.nudge(self.world.actor(by), before.id)
            if nudged
            else self.world.side_actions.comment(self.world.actor(by), before.id, "Why?")
        )
        try:
            after = self.runner.run(deed)
        except CountersignError:
            assert self.request == before
            return
        assert by == RITA if nudged else self.may(by, before)
        assert (after.votes, after.version, after.state) == (before.votes, before.version, before.state)

    @rule(leads=st.lists(st.sampled_from([DORA, STRANGER, CAROL]), unique=True))
    def the_group_changes(self, leads: list[Person]) -> None:
        self.world.directory.groups["@leads"] = leads

    @rule(person=people, guest=st.booleans())
    def an_account_changes(self, person: Person, guest: bool) -> None:
        if guest or person == GUS:
            self.world.directory.ineligible[person] = "it is a guest's"
        else:
            self.world.directory.ineligible.pop(person, None)

    @rule(target=shown, title=st.sampled_from(["Delete?", "Delete more?"]))
    def ask_anew(self, title: str) -> int:
        before = self.request
        choices = before.proposed.choices
        self.world.engine.stages[0][FIRST] = question(*before.proposed.items, title=title, choices=choices)
        if before.decision is None:
            self.runner.run(self.world.delivery.drive(self.task.id))
        after = self.request
        if after.version != before.version:
            assert (after.votes, after.edits) == ((), ())
        return after.version

    @rule(by=people)
    def cancel(self, by: Person) -> None:
        before = self.request
        try:
            self.runner.run(self.world.tasks.cancel(self.world.actor(by, COMMAND), self.task.id))
        except CountersignError:
            assert self.request == before
        else:
            assert by == RITA

    @rule(hours=st.integers(1, 5), directory_down=st.booleans())
    def time_passes(self, hours: int, directory_down: bool) -> None:
        self.world.clock.advance(hours * HOUR)
        self.world.directory.down = directory_down
        self.runner.run(self.world.sweeper.sweep(self.world.now))
        self.world.directory.down = False

    @rule()
    def graph_and_slack_are_served(self) -> None:
        self.runner.run(self.world.settle())

    @rule(person=people)
    def slack_does_not_say_who_somebody_is(self, person: Person) -> None:
        before = self.request
        self.world.directory.down = True
        try:
            self.runner.run(self.world.answers.vote(self.world.actor(person), Shown.of(before), (Approve(),)))
        except CountersignError:
            pass
        else:
            raise AssertionError("a failed look-up let a vote through")
        self.world.directory.down = False
        assert self.request == before

    # --- What must hold ---------------------------------------------------------------------------

    @invariant()
    def all_that_must_hold(self) -> None:
        request = self.request
        if self.first is None:  # afterwards people may lose what they had when they settled it
            self.an_answer_has_its_quorum_of_people_who_may_on_the_version_that_stands(request)
        self.the_first_decision_never_changes(request)
        self.every_vote_that_counts_is_on_the_version_that_stands(request)
        self.silence_and_cancelling_are_no_approval(request)
        self.the_history_has_one_settling_event_for_each_decision(request)

    def the_first_decision_never_changes(self, request: Request) -> None:
        decision = request.decision
        if self.first is not None and decision is None and request.before is not None:
            assert request.before.decision == self.first
            self.unused.append(self.first)
            self.first = None
        if self.first is None:
            self.first = decision
        elif not isinstance(request.state, Superseded):
            assert decision == self.first

    def an_answer_has_its_quorum_of_people_who_may_on_the_version_that_stands(self, request: Request) -> None:
        if not isinstance(request.decision, Answered):
            return
        decision = request.decision
        assert all(self.may(person, request) for person in decision.voters)
        assert len(set(decision.voters)) == len(decision.voters)
        (said,) = decision.verdicts
        agreeing = {vote.person for vote in request.votes if vote.verdicts == (said,) and vote.digest == request.digest}
        cast = {person for person, version, verdict in self.cast if version == request.version and verdict == said}
        assert agreeing <= cast
        counted = {person for person in agreeing if self.may(person, request)}
        needed = 1 if isinstance(said, Reject) else request.stage.needed
        assert len(self.seats(counted, request)) == len(counted) >= needed
        assert decision.edited == (request.question != request.proposed or bool(request.edits))

    def every_vote_that_counts_is_on_the_version_that_stands(self, request: Request) -> None:
        assert all((vote.version, vote.digest) == (request.version, request.digest) for vote in request.votes)
        assert len({vote.person for vote in request.votes}) == len(request.votes)

    def silence_and_cancelling_are_no_approval(self, request: Request) -> None:
        if isinstance(request.decision, Expired):
            assert request.deadline is not None
            assert request.decision.at >= request.deadline
        if isinstance(request.decision, Cancelled):
            assert request.decision.by == RITA
        given = [answer for _, answer in self.world.engine.effects]
        if request.decision is None or isinstance(request.decision, Cancelled):
            assert given == []
        else:
            assert given in ([], [self.world.engine.answer(request.question, request.proposed, request.decision)])

    def the_history_has_one_settling_event_for_each_decision(self, request: Request) -> None:
        events: tuple[AuditEvent, ...] = self.runner.run(self.world.storage.history(self.task.id, request.id))
        settling = [
            event for event in events if event.kind in {"voted", "expired", "cancelled"} and "outcome" in event.data
        ]
        expected = [outcome_of(each) for each in (*self.unused, self.first) if each is not None]
        assert [event.data["outcome"] for event in settling] == expected


OneRequest.TestCase.settings = settings(max_examples=32, stateful_step_count=20, deadline=None)
TestOneRequest = OneRequest.TestCase
