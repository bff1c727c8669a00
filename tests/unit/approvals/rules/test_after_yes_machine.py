"""Whatever happens between a decision and what it leads to, and after that: the agent gets what was decided last, in
time, once; and what was done can be undone as long as its window is open.

Beside the request and its window stands what a careful clerk would have written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.approvals.model.actor import COMMAND, Shown
from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Decision,
    ItemVerdict,
    Keep,
    Outcome,
    Reject,
    Undo,
    WindowClosed,
)
from bot.approvals.model.errors import CountersignError, NotYourAnswer, TooLateToTakeBack, Unreachable
from bot.approvals.model.ids import JSON, InterruptId, Person, RequestId
from bot.approvals.model.policy import Consent, Expire, OnStale, Step, UndoTerms
from bot.approvals.model.question import Question, payload_digest
from bot.approvals.model.request import Decided, Delivered, NotUsed, Pending, Request, Superseded
from bot.approvals.model.task import Task
from tests.support.fakes.world import ALICE, BOB, CAROL, FIRST, RITA, STRANGER, World, a_world, policy
from tests.unit.approvals.undoing import HOUR, LENGTH, MINUTE, PRICE, WINDOW, a_window, asking

pytestmark = pytest.mark.heavy

TICK = timedelta(seconds=1)
MAY_UNDO = (RITA, BOB)
people = st.sampled_from([ALICE, ALICE, BOB, BOB, CAROL, RITA, STRANGER])
answers = st.sampled_from([Approve(), Approve(), Approve(), Reject(reason="no")])
moments = st.sampled_from([MINUTE, MINUTE, MINUTE, 9 * MINUTE, LENGTH, 31 * MINUTE, 2 * HOUR])


class AfterYes(RuleBasedStateMachine):
    """One approval, the action that it leads to, and the window in which that can be undone."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opened: AbstractAsyncContextManager[World] | None = None
        self.shown: list[Shown] = []
        """What people were shown of the approval, oldest first."""
        self.cast: dict[tuple[Person, int], tuple[str, datetime]] = {}
        """The last vote of a person on a version: the digest that they were shown, and when."""
        self.standing: dict[tuple[RequestId, int], datetime] = {}
        """When each version that is settled was settled."""
        self.unused: dict[datetime, str] = {}
        """The decisions that nobody may use any more, by when they were given, and why not."""
        self.objected: set[Person] = set()
        self.stopped = False
        self.looks = 0
        self.counted = 0
        self.moves = 0

    @initialize(
        hold=st.sampled_from([timedelta(), 30 * MINUTE]),
        valid_for=st.sampled_from([None, HOUR]),
        on_stale=st.sampled_from([OnStale.ASK, OnStale.ASK, OnStale.STOP]),
        quorum=st.integers(1, 2),
        consents=st.booleans(),
        begins=st.sampled_from(["asked", "decided", "late", "failed", "stopped", "changed", "acted", "acted"]),
    )
    def ask(
        self,
        hold: timedelta,
        valid_for: timedelta | None,
        on_stale: OnStale,
        quorum: int,
        consents: bool,
        begins: str,
    ) -> None:
        """Begins with an open question, a decision that is on its way to an agent, perhaps for long already or in a
        changed world, one on which the agent failed or that was stopped, or an action that can be undone."""
        end = Consent() if consents else Expire()
        self.terms = replace(
            policy(quorum=quorum, steps=(Step(after=12 * HOUR, action=end),)),
            hold=hold,
            valid_for=valid_for,
            on_stale=on_stale,
            undo=UndoTerms(approvers=("U-BOB",)),
        )
        self.opened = a_world({FIRST: asking(PRICE)}, {WINDOW: a_window()}, otherwise=self.terms)
        self.world = self.runner.run(self.opened.__aenter__())
        self.world.engine.answer = self.answer  # type: ignore[method-assign]
        self.task: Task = self.runner.run(self.world.started())
        (first,) = self.runner.run(self.world.requests(self.task))
        self.id = first.id
        self.shown.append(Shown.of(first))
        if begins != "asked":
            self.they_approve(CAROL, served=False)
        if begins == "late":
            self.its_state_cannot_be_reached(down=True)
            self.time_passes(2 * HOUR)
            self.its_state_cannot_be_reached(down=False)
            self.time_passes(MINUTE)
        if begins == "failed":
            self.its_next_step_fails(times=2)
            self.time_passes(hold)
        if begins == "stopped":
            self.stop(BOB)
        if begins == "changed":
            self.the_world_changes()
        if begins == "acted":
            self.time_passes(hold)

    def teardown(self) -> None:
        if self.opened is not None:
            self.runner.run(self.opened.__aexit__(None, None, None))
        self.runner.close()

    def answer(self, question: Question, proposed: Question, decision: Decision) -> JSON:
        """What the agent gets says which decision it is, and of which question: no two are given at one time."""
        said: list[JSON] = [type(each).__name__ for each in decision.verdicts] if isinstance(decision, Answered) else []
        return {"at": decision.at.isoformat(), "digest": question.digest, "said": said}

    @property
    def request(self) -> Request:
        return self.runner.run(self.world.storage.request(self.id))

    @property
    def window(self) -> Request | None:
        found = self.runner.run(self.world.requests(self.task))
        return next((each for each in found if each.interrupt_id == WINDOW), None)

    def tried(self, deed: Callable[[], Coroutine[Any, Any, Request]]) -> Request | None:
        """What comes of a deed at a moment of its own. None if it was refused."""
        self.world.clock.advance(TICK)
        with suppress(CountersignError):
            return self.runner.run(deed())
        return None

    # --- What happens to the approval -------------------------------------------------------------

    @rule(person=people, verdict=answers, old=st.booleans())
    def vote(self, person: Person, verdict: ItemVerdict, old: bool) -> None:
        before = self.request
        shown = self.shown[-2] if old and len(self.shown) > 1 else self.shown[-1]
        after = self.tried(lambda: self.world.answers.vote(self.world.actor(person), shown, (verdict,)))
        if after is None:
            return
        assert isinstance(before.state, Pending)
        assert (shown.version, shown.digest) == (before.version, before.digest)
        self.cast[person, shown.version] = (shown.digest or "", self.world.now)
        if isinstance(verdict, Reject):
            self.objected.add(person)

    @rule(last=st.sampled_from([ALICE, BOB, CAROL]), served=st.booleans())
    def they_approve(self, last: Person, served: bool) -> None:
        """As many as it takes."""
        others = [each for each in (ALICE, BOB, CAROL) if each != last]
        for person in (*others[: self.terms.stages[0].needed - 1], last):
            self.vote(person, Approve(), old=False)
        if served:
            self.served()

    @rule(person=people, own=st.booleans())
    def take_back(self, person: Person, own: bool) -> None:
        person = next(iter(voters(self.request)), person) if own else person
        before = self.request
        self.world.clock.advance(TICK)
        try:
            after = self.runner.run(self.world.answers.take_back(self.world.actor(person), self.id))
        except TooLateToTakeBack:
            assert isinstance(before.state, Delivered) or begun(before)
        except NotYourAnswer:
            assert person not in voters(before)
        except CountersignError:
            assert not isinstance(before.decision, Answered) or not before.decision.voters or over(before)
        else:
            self.called_off(before, after, "taken back")
            assert person in voters(before)
            self.objected.discard(person)

    @rule(person=people)
    def stop(self, person: Person) -> None:
        before = self.request
        after = self.tried(lambda: self.world.answers.stop(self.world.actor(person), self.id))
        if after is not None:
            self.called_off(before, after, "stopped")
            assert self.terms.hold
            assert person in {ALICE, BOB, CAROL}
            assert after.votes == ()
            self.stopped = True

    def called_off(self, before: Request, after: Request, why: str) -> None:
        assert before.decision is not None
        assert isinstance(after.state, Pending)
        assert not begun(before)
        assert after.version == before.version
        self.unused[before.decision.at] = why

    # --- What happens to the window ---------------------------------------------------------------

    @precondition(lambda self: self.window is not None)
    @rule(
        person=st.sampled_from([RITA, RITA, BOB, ALICE, STRANGER]),
        undo=st.booleans(),
        late=st.sampled_from([False, False, True]),
        served=st.booleans(),
    )
    def undo_or_keep(self, person: Person, undo: bool, late: bool, served: bool) -> None:
        window, verdict = self.window, Undo() if undo else Keep()
        assert window is not None
        if late and window.deadline is not None:  # before the next sweep
            self.world.clock.now = max(self.world.now, window.deadline)
        before, now = window, self.world.now + TICK
        after = self.tried(lambda: self.world.answers.vote(self.world.actor(person), Shown.of(before), (verdict,)))
        if after is not None:
            assert person in MAY_UNDO
            assert before.deadline is not None
            assert now < before.deadline, "nobody undoes anything after the window has closed"
        if served:
            self.served()

    @precondition(lambda self: self.window is not None)
    @rule(person=st.sampled_from(MAY_UNDO))
    def take_back_in_the_window(self, person: Person) -> None:
        before = self.window
        assert before is not None
        after = self.tried(lambda: self.world.answers.take_back(self.world.actor(person), before.id))
        if after is not None:
            assert before.decision is not None
            assert person in voters(before)
            assert (after.deadline, begun(before)) == (before.deadline, False)
            self.unused[before.decision.at] = "taken back"

    @precondition(lambda self: self.window is not None)
    @rule(title=st.sampled_from(["Moved a file", "Moved two files"]))
    def the_window_says_something_else(self, title: str) -> None:
        self.world.engine.stages[-1][WINDOW] = a_window(title=title)
        self.served()

    # --- What happens to the agent ----------------------------------------------------------------

    @precondition(lambda self: self.looks < 2 and self.window is None)
    @rule()
    def the_world_changes(self) -> None:
        """The agent will find that out when it looks again before it acts."""
        stage = self.world.engine.stages
        approved = next(iter(stage[-2].values()))
        self.looks += 1
        changed = replace(asking({"price": 10 + self.looks}), look_again=payload_digest(approved.payload))
        stage.insert(-1, {InterruptId(f"i-look-{self.looks}"): changed})

    @rule(times=st.integers(1, 2))
    def its_next_step_fails(self, times: int) -> None:
        for id in (self.request.interrupt_id, WINDOW):
            self.world.engine.failures[id] = times

    @rule(down=st.booleans())
    def its_state_cannot_be_reached(self, down: bool) -> None:
        self.world.engine.down = Unreachable("checkpoints") if down else None
        self.served()

    @rule()
    def the_process_dies(self) -> None:
        self.world.be_born()

    @rule(by=moments)
    def time_passes(self, by: timedelta) -> None:
        self.world.clock.advance(by)
        self.runner.run(self.world.sweeper.sweep(self.world.now))
        self.served()

    @rule(window=st.booleans())
    def nobody_says_anything(self, window: bool) -> None:
        """Until the deadline of what is open."""
        request = self.window if window else self.request
        if request is not None and isinstance(request.state, Pending) and request.deadline is not None:
            self.world.clock.now = max(self.world.now, request.deadline)
            self.time_passes(TICK)

    @rule()
    def served(self) -> None:
        self.world.clock.advance(TICK)
        work = self.world.work
        work.syncs.clear()  # what Slack shows is tested elsewhere
        while work.deliveries:
            with suppress(Unreachable):
                self.runner.run(self.world.delivery.drive(work.deliveries.pop(0)))

    @rule()
    def somebody_retries(self) -> None:
        with suppress(CountersignError):
            self.runner.run(self.world.tasks.retry(self.world.actor(RITA, COMMAND), self.task.id))

    @precondition(lambda self: self.moves > 15)
    @rule()
    def cancel(self) -> None:
        with suppress(CountersignError):
            self.runner.run(self.world.tasks.cancel(self.world.actor(RITA, COMMAND), self.task.id))

    # --- What must hold ---------------------------------------------------------------------------

    @invariant()
    def all_that_must_hold(self) -> None:
        self.moves += 1
        request, window = self.request, self.window
        if Shown.of(request) != self.shown[-1]:
            self.shown.append(Shown.of(request))
        self.what_was_not_used_is_written_down(request)
        for each in (request, *([window] if window is not None else [])):
            self.one_decision_wins_for_each_version(each)
        self.what_the_agent_gets_was_decided_on_what_was_shown_and_in_time(request)
        self.after_an_objection_or_a_stop_silence_never_approves(request)
        self.a_window_approves_nothing_and_the_approval_says_what_became_of_it(request, window)

    def what_was_not_used_is_written_down(self, request: Request) -> None:
        before = request.before
        if before is not None and before.why is NotUsed.STALE:
            assert self.terms.valid_for is not None
            self.unused[before.decision.at] = "stale"
        if isinstance(request.state, Superseded) and request.decision is not None and not request.state.changed:
            self.unused[request.decision.at] = "never begun, or stale"

    def one_decision_wins_for_each_version(self, request: Request) -> None:
        version, decision = (request.id, request.version), request.decision
        first = self.standing.get(version)
        if first is not None and (decision is None or decision.at != first):
            assert first in self.unused, "a decision is undone only by calling it off"
        if decision is not None:
            self.standing[version] = decision.at

    def what_the_agent_gets_was_decided_on_what_was_shown_and_in_time(self, request: Request) -> None:
        effects = self.world.engine.effects
        assert len({id for id, _ in effects}) == len(effects), "no step acts twice"
        for id, answer in effects[self.counted :]:
            assert isinstance(answer, dict)
            at = datetime.fromisoformat(str(answer["at"]))
            assert at not in self.unused, f"it was {self.unused[at]}"
            if id == WINDOW or not answer["said"]:
                continue
            given_on = {digest for digest, _ in self.cast.values()} | {shown.digest for shown in self.shown}
            assert answer["digest"] in given_on
            votes = {when for digest, when in self.cast.values() if digest == answer["digest"]}
            assert at in votes or isinstance(self.terms.stages[0].steps[0].action, Consent)
            assert self.world.now >= at + self.terms.hold
            if answer["said"] == ["Approve"] and self.terms.valid_for is not None:
                assert self.world.now < at + self.terms.hold + self.terms.valid_for
        self.counted = len(effects)

    def after_an_objection_or_a_stop_silence_never_approves(self, request: Request) -> None:
        decision = request.decision
        if isinstance(decision, Answered) and decision.ruled:
            assert isinstance(request.stage.steps[-1].action, Consent)
            assert not self.stopped
            assert not self.objected

    def a_window_approves_nothing_and_the_approval_says_what_became_of_it(
        self, request: Request, window: Request | None
    ) -> None:
        if window is None:
            assert request.undo is None
            return
        match window.decision:
            case Answered(verdicts=verdicts):
                assert all(isinstance(each, Undo | Keep) for each in verdicts)
            case WindowClosed(at=at):
                assert window.deadline == at <= self.world.now
            case decision:
                assert decision is None or isinstance(decision, Cancelled)
        if request.undo is None:
            return
        assert request.undo.request_id == window.id
        match window.state:
            case Delivered(decision=Answered() as decision):
                assert request.undo.outcome is decision.outcome
            case Delivered() | Superseded():
                assert request.undo.outcome is Outcome.CLOSED
            case _:
                assert request.undo.outcome is None
                assert (request.undo.version, request.undo.digest) == (window.version, window.digest)


def begun(request: Request) -> bool:
    """Whether the agent may have the answer."""
    return isinstance(request.state, Delivered) or (isinstance(request.state, Decided) and request.state.attempts > 0)


def over(request: Request) -> bool:
    """Whether nobody waits for the answer any more."""
    return isinstance(request.state, Superseded)


def voters(request: Request) -> tuple[Person, ...]:
    return request.decision.voters if isinstance(request.decision, Answered) else ()


AfterYes.TestCase.settings = settings(max_examples=32, stateful_step_count=25, deadline=None)
TestAfterYes = AfterYes.TestCase
