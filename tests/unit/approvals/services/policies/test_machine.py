"""Groups, stages, silence and people who come and go, in whatever order: nothing is settled without its quorum."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.approvals.model.actor import Shown
from bot.approvals.model.decision import Answered, Approve, Expired, ItemVerdict, Reject, Vote
from bot.approvals.model.errors import CountersignError
from bot.approvals.model.ids import Person
from bot.approvals.model.policy import Action, Consent, Escalate, Expire, Group, Overdue, Policy, Stage, Step
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from tests.support.fakes.world import ALICE, BOB, CAROL, DORA, FIRST, GUS, RITA, STRANGER, World, a_world, question

pytestmark = pytest.mark.heavy

HOUR = timedelta(hours=1)
EVERYBODY = (ALICE, BOB, CAROL, DORA, GUS, RITA, STRANGER)
NAMES = ("@security", "@finance", "U-CAROL", "gus@acme.example")
people = st.sampled_from(EVERYBODY)
memberships = st.sets(people, min_size=2, max_size=6)
verdicts = st.sampled_from([Approve(), Approve(reason="fine"), Approve(), Reject(reason="no")])
groups = st.builds(
    Group,
    approvers=st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True).map(tuple),
    needed=st.sampled_from([1, 2, 2, 3]),
)
ends: st.SearchStrategy[Action | None] = st.sampled_from([None, Expire(), Consent(), Overdue()])


@st.composite
def stages(draw: st.DrawFn) -> Stage:
    steps = [Step(after=2 * HOUR, action=Escalate(to=("@leads",), adds=draw(st.booleans())))]
    if (end := draw(ends)) is not None:
        steps.append(Step(after=12 * HOUR, action=end))
    return Stage(
        groups=tuple(draw(st.lists(groups, min_size=1, max_size=2))),
        steps=tuple(steps),
        remind_every=draw(st.sampled_from([None, HOUR])),
        reject_quorum=draw(st.integers(1, 2)),
    )


class OnePolicy(RuleBasedStateMachine):
    """One request under one policy; beside it, what a careful clerk would have written down."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opened: AbstractAsyncContextManager[World] | None = None
        self.objections: dict[tuple[Person, int, int], bool] = {}
        """Whether somebody's last word on a version, in a stage of it, was a rejection."""

    @initialize(
        asks=st.lists(stages(), min_size=1, max_size=3),
        self_approval=st.booleans(),
        security=memberships,
        finance=memberships,
        named_guest=st.booleans(),
    )
    def ask(
        self, asks: list[Stage], self_approval: bool, security: set[Person], finance: set[Person], named_guest: bool
    ) -> None:
        self.policy = Policy(name="p", stages=tuple(asks), self_approval=self_approval)
        self.opened = a_world({FIRST: question()}, otherwise=self.policy)
        self.world = self.runner.run(self.opened.__aenter__())
        directory = self.world.directory
        directory.groups |= {"@security": list(security), "@finance": list(finance), "@leads": [DORA]}
        directory.people["gus@acme.example"] = GUS
        if named_guest:
            directory.nameable.add(GUS)
        self.task: Task = self.runner.run(self.world.started())

    def teardown(self) -> None:
        if self.opened is not None:
            self.runner.run(self.opened.__aexit__(None, None, None))
        self.runner.close()

    @property
    def request(self) -> Request:
        return self.runner.run(self.world.request(self.task))

    # --- What happens -----------------------------------------------------------------------------

    @rule(chance=st.integers(0, 99), verdict=verdicts)
    def one_who_may_votes(self, chance: int, verdict: ItemVerdict) -> None:
        before = self.request
        able = [person for person in EVERYBODY if self.may(person, self.standing(before), before)]
        if able:
            self.vote(able[chance % len(able)], verdict)

    @rule(chance=st.integers(0, 99))
    def another_who_may_approves(self, chance: int) -> None:
        before = self.request
        voted = {vote.person for vote in before.stage_votes}
        able = [each for each in EVERYBODY if each not in voted and self.may(each, self.standing(before), before)]
        if able:
            self.vote(able[chance % len(able)], Approve())

    @rule(chance=st.integers(0, 99), deactivated=st.booleans())
    def one_who_has_voted_leaves(self, chance: int, deactivated: bool) -> None:
        voters = [vote.person for vote in self.request.stage_votes]
        if not voters:
            return
        leaving = voters[chance % len(voters)]
        if deactivated:
            self.an_account_changes(leaving, gone=True)
        for name, members in self.world.directory.groups.items():
            self.world.directory.groups[name] = [each for each in members if each != leaving]

    @rule(by=people, verdict=verdicts)
    def vote(self, by: Person, verdict: ItemVerdict) -> None:
        before = self.request
        try:
            after = self.runner.run(self.world.answers.vote(self.world.actor(by), Shown.of(before), (verdict,)))
        except CountersignError:
            return
        stage = self.standing(before)
        assert self.may(by, stage, before), "nobody votes who may not"
        self.objections[by, before.version, before.stage_number] = isinstance(verdict, Reject)
        self.moved_rightly(before, after)

    def moved_rightly(self, before: Request, after: Request) -> None:
        """A vote moved the request on just where enough of those who may have agreed, or objected."""
        now = self.standing(before)
        votes = [vote for vote in after.votes if vote.stage == before.stage_number]
        if after.version != before.version or before.decision is not None:
            return
        agreed = [vote.person for vote in votes if self.counts(vote, now, before) and _said(vote, Approve)]
        objected = [vote.person for vote in votes if self.counts(vote, now, before) and _said(vote, Reject)]
        enough = seated(now, self.policy.stages[before.stage_number].groups, agreed)
        refused = len(objected) >= self.policy.stages[before.stage_number].reject_quorum
        rejected = isinstance(after.decision, Answered) and isinstance(after.decision.verdicts[0], Reject)
        passed = after.stage_number > before.stage_number or (after.decision is not None and not rejected)
        assert rejected == refused
        assert passed == (enough and not refused)

    @rule(by=people, path=st.sampled_from(["/a", "/b"]))
    def edit(self, by: Person, path: str) -> None:
        before = self.request
        try:
            after = self.runner.run(self.world.answers.edit(self.world.actor(by), Shown.of(before), 0, {"path": path}))
        except CountersignError:
            return
        assert (after.votes, after.passed, after.decision) == ((), (), None)

    @rule(name=st.sampled_from(["@security", "@finance", "@leads"]), people=memberships)
    def a_group_changes(self, name: str, people: set[Person]) -> None:
        self.world.directory.groups[name] = list(people)

    @rule(person=people, gone=st.booleans())
    def an_account_changes(self, person: Person, gone: bool) -> None:
        if person == GUS:
            return
        self.world.directory.ineligible.pop(person, None)
        if gone:
            self.world.directory.ineligible[person] = "it is deactivated"

    @rule(hours=st.sampled_from([1, 1, 2, 12]))
    def time_passes(self, hours: int) -> None:
        before = self.request
        self.world.clock.advance(hours * HOUR)
        self.runner.run(self.world.sweeper.sweep(self.world.now))
        after = self.request
        if after.decision is None and after.stage_number == before.stage_number:
            return
        if before.decision is not None:
            return
        end = next(step.action for step in before.stage.steps if step.at_deadline)
        objected = any(self.objections.values())
        if isinstance(end, Consent) and not objected:
            assert after.stage_number > before.stage_number or isinstance(after.decision, Answered)
        else:
            assert isinstance(after.decision, Expired)
            assert isinstance(end, Expire | Consent)

    # --- What must hold ---------------------------------------------------------------------------

    @invariant()
    def silence_settles_only_where_the_policy_says_so(self) -> None:
        decision = self.request.decision
        if isinstance(decision, Answered) and decision.ruled:
            assert any(isinstance(step.action, Consent) for stage in self.policy.stages for step in stage.steps)

    @invariant()
    def nobody_is_counted_in_two_stages(self) -> None:
        voters = [person for stage in self.request.passed for person in stage.voters]
        assert len(voters) == len(set(voters))

    # --- The clerk --------------------------------------------------------------------------------

    def standing(self, request: Request) -> tuple[frozenset[Person], ...]:
        """Who is in each group of the stage, by the workspace as it is now."""
        directory = self.world.directory

        def of(refs: Sequence[str]) -> frozenset[Person]:
            found = [person for ref in refs for person in directory.groups.get(ref, [])]
            return frozenset([*found, *(directory.people[ref] for ref in refs if ref in directory.people)])

        beside = of(request.open.escalated_to)
        return tuple(of(group.approvers) | beside for group in request.stage.groups)

    def may(self, person: Person, standing: tuple[frozenset[Person], ...], request: Request) -> bool:
        named = "gus@acme.example" in request.approvers and person in self.world.directory.nameable
        return (
            any(person in group for group in standing)
            and (person not in self.world.directory.ineligible or named)
            and (person != RITA or request.policy.self_approval)
            and not any(person in stage.voters for stage in request.passed)
        )

    def counts(self, vote: Vote, standing: tuple[frozenset[Person], ...], request: Request) -> bool:
        return self.may(vote.person, standing, request)


def _said(vote: Vote, verdict: type[ItemVerdict]) -> bool:
    return isinstance(vote.verdicts[0], verdict)


def seated(standing: Sequence[frozenset[Person]], groups: Sequence[Group], agreed: Sequence[Person]) -> bool:
    """Whether every seat can be given to one of its group who agreed, nobody taking two: all ways tried."""
    seats = [standing[index] for index, group in enumerate(groups) for _ in range(group.needed)]
    return any(
        all(person in seat for person, seat in zip(chosen, seats, strict=True))
        for chosen in itertools.permutations(agreed, len(seats))
    )


OnePolicy.TestCase.settings = settings(max_examples=32, stateful_step_count=25, deadline=None)
TestOnePolicy = OnePolicy.TestCase
