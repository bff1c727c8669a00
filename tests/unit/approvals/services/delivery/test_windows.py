"""A graph acts and offers to undo that: its window, and the approval that led to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.agent import Asked
from bot.approvals.model.audit import event_of
from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    ItemVerdict,
    Keep,
    Outcome,
    Reject,
    Undo,
    WindowClosed,
)
from bot.approvals.model.errors import AlreadySettled, NotAnApprover, StaleVersion, TooLateToTakeBack
from bot.approvals.model.ids import JSON, InterruptId, Person
from bot.approvals.model.policy import Auto, Policy, UndoTerms, one_stage
from bot.approvals.model.question import Question, Verdict
from bot.approvals.model.request import Delivered, Pending, Request, Superseded
from bot.approvals.model.task import Ended, Failed, Task, TaskCancelled
from bot.approvals.rules import lifecycle
from bot.approvals.services.delivery.batch import Batch
from tests.support.fakes.engine import Stage
from tests.support.fakes.world import (
    ALICE,
    BOB,
    FIRST,
    RITA,
    SECOND,
    STRANGER,
    World,
    a_world,
    policy,
    question,
)
from tests.unit.approvals.undoing import LENGTH, OTHER_WINDOW, WINDOW, a_window

TICK = timedelta(microseconds=1)


@asynccontextmanager
async def acted(*later: Stage, offers: Question | None = None, of: Policy | None = None) -> AsyncIterator[World]:
    """A world whose graph was allowed to act, has acted, and offers to undo it; then come its later stages."""
    async with a_world({FIRST: question()}, {WINDOW: offers or a_window()}, *later, otherwise=of) as world:
        yield world


async def opened(world: World) -> tuple[Task, Request]:
    """The task, whose question was approved, with the window that it opened after it acted."""
    task = await world.started()
    await world.vote(ALICE, on=await world.request(task))
    await world.settle()
    return task, await world.request(task, WINDOW)


def outcome_of(request: Request) -> Outcome | None:
    assert request.undo is not None
    return request.undo.outcome


def told(world: World, id: InterruptId = WINDOW) -> list[JSON]:
    """The outcome that the agent got for its window."""
    return [answer["outcome"] for name, answer in world.engine.effects if name == id and isinstance(answer, dict)]


# --- Undone, kept, closed -----------------------------------------------------------------------


async def test_an_approval_says_where_until_when_and_in_which_version_it_can_be_undone() -> None:
    async with acted() as world:
        task, window = await opened(world)
        approval = await world.request(task)

        assert approval.undo is not None
        assert (approval.undo.request_id, approval.undo.until) == (window.id, world.now + LENGTH)
        assert (approval.undo.version, approval.undo.digest) == (window.version, window.digest)
        assert approval.undo.outcome is None
        assert len(await world.history(task, "undo_offered")) == 1


@pytest.mark.parametrize(("verdict", "outcome"), [(Undo(), Outcome.UNDO), (Keep(), Outcome.KEEP)])
async def test_the_agent_is_told_what_the_requester_decided_and_the_approval_says_so(
    verdict: ItemVerdict, outcome: Outcome
) -> None:
    async with acted() as world:
        task, window = await opened(world)
        await world.later(LENGTH - TICK)

        await world.vote(RITA, verdict, on=window)
        assert outcome_of(await world.request(task)) is None
        await world.settle()

        assert told(world) == [str(outcome)]
        assert outcome_of(await world.request(task)) is outcome
        assert len(await world.history(task, "undo_settled")) == 1


async def test_if_nobody_undoes_it_the_result_stays_and_nothing_was_approved() -> None:
    async with acted() as world:
        task, window = await opened(world)

        await world.later(LENGTH)

        closed = await world.request(task, WINDOW)
        assert closed.decision == WindowClosed(at=window.deadline or world.now)
        assert told(world) == ["closed"]
        assert outcome_of(await world.request(task)) is Outcome.CLOSED
        (event,) = await world.history(task, "window_closed")
        assert (event.person, event.data["outcome"]) == (None, "closed")
        assert isinstance((await world.task(task.id)).state, Ended)


async def test_after_its_end_nobody_undoes_it_however_far_off_the_next_sweep_is() -> None:
    async with acted() as world:
        task, window = await opened(world)
        world.clock.advance(LENGTH)

        with pytest.raises(AlreadySettled) as late:
            await world.vote(RITA, Undo(), on=window)
        await world.settle()

        assert late.value.decision == WindowClosed(at=world.now)
        assert told(world) == ["closed"]
        assert outcome_of(await world.request(task)) is Outcome.CLOSED


async def test_an_undo_that_was_given_in_time_is_delivered_after_the_end_too() -> None:
    async with acted() as world:
        _, window = await opened(world)
        await world.later(LENGTH - TICK)
        await world.vote(RITA, Undo(), on=window)

        await world.later(LENGTH)

        assert told(world) == ["undo"]


async def test_an_undo_that_was_taken_back_is_not_told_and_the_window_closes_as_before() -> None:
    async with acted() as world:
        task, window = await opened(world)
        await world.vote(RITA, Undo(), on=window)

        again = await world.answers.take_back(world.actor(RITA), window.id)
        await world.settle()
        assert (again.state, told(world)) == (window.state, [])
        await world.later(LENGTH)

        assert told(world) == ["closed"]
        assert outcome_of(await world.request(task)) is Outcome.CLOSED


async def test_of_two_who_undo_at_once_one_does() -> None:
    terms = UndoTerms(approvers=("U-BOB",))
    async with acted(of=replace(policy(), undo=terms)) as world:
        _, window = await opened(world)

        await world.vote(BOB, Undo(), on=window)
        with pytest.raises(AlreadySettled) as late:
            await world.vote(RITA, Undo(), on=window)
        await world.settle()

        assert isinstance(late.value.decision, Answered)
        assert late.value.decision.voters == (BOB,)
        assert told(world) == ["undo"]


@pytest.mark.parametrize(
    ("by", "terms"),
    [
        (STRANGER, UndoTerms()),
        (ALICE, UndoTerms()),
        (RITA, UndoTerms(approvers=("U-BOB",), requester=False)),
        (ALICE, UndoTerms(approvers=("U-BOB",), requester=False)),
    ],
)
async def test_who_may_approve_may_not_undo_for_that_reason(by: Person, terms: UndoTerms) -> None:
    async with acted(of=replace(policy(), undo=terms)) as world:
        _, window = await opened(world)

        with pytest.raises(NotAnApprover) as refused:
            await world.vote(by, Undo(), on=window)

        assert refused.value.undoes
        assert isinstance((await world.storage.request(window.id)).state, Pending)


async def test_who_is_too_late_to_take_back_a_yes_is_told_of_the_window() -> None:
    async with acted() as world:
        task, window = await opened(world)

        with pytest.raises(TooLateToTakeBack) as late:
            await world.answers.take_back(world.actor(ALICE), (await world.request(task)).id)

        assert late.value.undo is not None
        assert late.value.undo.request_id == window.id


async def test_what_cannot_be_undone_is_said_and_the_approval_offers_nothing() -> None:
    async with acted(offers=a_window(Verdict.KEEP)) as world:
        task, window = await opened(world)

        assert (await world.request(task)).undo is None
        await world.vote(RITA, Keep(), on=window)
        await world.settle()
        assert told(world) == ["keep"]


async def test_a_policy_that_answers_by_itself_or_limits_how_often_it_is_asked_leaves_windows_alone() -> None:
    """It says yes to actions. What was done is still said, and can be undone."""
    by_itself = replace(policy(), auto=Auto(approve=True, why="small"), max_rounds=1)
    async with acted({}, of=by_itself) as world:
        task = await world.started()

        window = await world.request(task, WINDOW)
        assert isinstance(window.state, Pending)
        await world.vote(RITA, Undo(), on=window)
        await world.settle()
        assert told(world) == ["undo"]


# --- Clocks -------------------------------------------------------------------------------------


async def test_a_window_that_is_over_before_anybody_hears_of_it_is_closed_at_once() -> None:
    """The bot was away for longer, or the agent says that it acted in 1970: nobody undoes that now."""
    async with acted(offers=a_window(at=datetime(1970, 1, 1, tzinfo=UTC))) as world:
        task, window = await opened(world)

        assert isinstance(window.state, Delivered)
        assert window.decision == WindowClosed(at=datetime(1970, 1, 1, tzinfo=UTC) + LENGTH)
        assert told(world) == ["closed"]
        assert outcome_of(await world.request(task)) is Outcome.CLOSED
        with pytest.raises(AlreadySettled):
            await world.vote(RITA, Undo(), on=window)


async def test_an_agent_that_claims_to_act_in_the_future_gets_no_longer_window() -> None:
    async with a_world({WINDOW: a_window(at=datetime(2999, 1, 1, tzinfo=UTC))}) as world:
        task = await world.started()

        assert (await world.request(task, WINDOW)).deadline == world.now + LENGTH


# --- More than one ------------------------------------------------------------------------------


async def test_two_windows_of_a_task_each_belong_to_the_approval_before_them() -> None:
    async with acted({SECOND: question(title="Another?")}, {OTHER_WINDOW: a_window(title="Moved another")}) as world:
        task, window = await opened(world)
        await world.vote(RITA, Undo(), on=window)
        await world.settle()
        await world.vote(BOB, on=await world.request(task, SECOND))
        await world.settle()
        other = await world.request(task, OTHER_WINDOW)
        await world.vote(RITA, Keep(), on=other)
        await world.settle()

        first, second = await world.request(task), await world.request(task, SECOND)
        assert first.undo is not None
        assert second.undo is not None
        assert (first.undo.request_id, first.undo.outcome) == (window.id, Outcome.UNDO)
        assert (second.undo.request_id, second.undo.outcome) == (other.id, Outcome.KEEP)


async def test_a_second_window_after_one_approval_leaves_the_first_offer_as_it_is() -> None:
    async with acted({OTHER_WINDOW: a_window(title="Moved another")}) as world:
        task, window = await opened(world)
        await world.vote(RITA, Undo(), on=window)
        await world.settle()

        approval = await world.request(task)
        assert approval.undo is not None
        assert (approval.undo.request_id, approval.undo.outcome) == (window.id, Outcome.UNDO)
        assert isinstance((await world.request(task, OTHER_WINDOW)).state, Pending)


async def test_a_window_beside_an_open_question_leaves_that_alone() -> None:
    """Nobody can tell which approval it belongs to, and each has its own outcome."""
    async with a_world({FIRST: question(), WINDOW: a_window()}) as world:
        task = await world.started()
        window = await world.request(task, WINDOW)

        await world.vote(RITA, Undo(), on=window)
        await world.settle()

        approval = await world.request(task)
        assert (approval.undo, isinstance(approval.state, Pending)) == (None, True)
        assert told(world) == ["undo"]
        await world.vote(ALICE, Reject(reason="no"), on=approval)
        await world.settle()
        assert told(world, FIRST) == ["reject"]
        assert (await world.request(task)).undo is None


async def test_two_windows_of_parallel_branches_are_answered_one_by_one() -> None:
    async with a_world({FIRST: question()}, {WINDOW: a_window(), OTHER_WINDOW: a_window(title="Moved b")}) as world:
        task, window = await opened(world)
        other = await world.request(task, OTHER_WINDOW)

        await world.vote(RITA, Undo(), on=other)
        await world.settle()
        assert (told(world), told(world, OTHER_WINDOW)) == ([], ["undo"])
        await world.later(LENGTH)

        assert told(world) == ["closed"]
        approval = await world.request(task)
        assert approval.undo is not None
        assert (approval.undo.request_id, approval.undo.outcome) == (window.id, Outcome.CLOSED)


# --- What becomes of an offer -------------------------------------------------------------------


async def test_a_window_that_is_asked_anew_is_offered_in_its_new_version() -> None:
    """A button with the old one would always be refused."""
    async with acted() as world:
        task, window = await opened(world)
        world.engine.stages[1][WINDOW] = a_window(title="Moved one file, and made a copy", length=2 * LENGTH)
        await world.delivery.drive(task.id)

        renewed, approval = await world.request(task, WINDOW), await world.request(task)

        assert renewed.version == 2
        assert approval.undo is not None
        assert (approval.undo.version, approval.undo.digest) == (2, renewed.digest)
        assert approval.undo.until == renewed.deadline == world.now + 2 * LENGTH
        with pytest.raises(StaleVersion):
            await world.vote(RITA, Undo(), on=window)


async def test_an_offer_whose_agent_asks_something_else_there_is_closed() -> None:
    async with acted() as world:
        task, _ = await opened(world)
        world.engine.stages[1][WINDOW] = question(title="Move one file?")
        await world.delivery.drive(task.id)

        assert outcome_of(await world.request(task)) is Outcome.CLOSED
        assert not (await world.request(task, WINDOW)).is_window


async def test_an_offer_whose_thread_is_lost_is_closed() -> None:
    async with acted() as world:
        task, window = await opened(world)
        world.engine.lose(task.thread_id)
        await world.vote(RITA, Undo(), on=window)
        await world.settle()

        assert outcome_of(await world.request(task)) is Outcome.CLOSED
        state = (await world.task(task.id)).state
        assert isinstance(state, Failed)
        assert not state.retryable


async def test_an_offer_of_a_task_that_is_cancelled_is_closed() -> None:
    async with acted() as world:
        task, _ = await opened(world)
        await world.tasks.cancel(world.actor(RITA, COMMAND), task.id)
        await world.settle()

        assert outcome_of(await world.request(task)) is Outcome.CLOSED
        assert isinstance((await world.request(task, WINDOW)).decision, Cancelled)
        assert isinstance((await world.task(task.id)).state, TaskCancelled)
        assert told(world) == []


@pytest.mark.parametrize(("attempts", "stopped"), [(0, True), (1, False)], ids=["before", "meanwhile"])
async def test_a_task_that_is_cancelled_while_it_undoes_may_have_undone_it(attempts: int, stopped: bool) -> None:
    """Nobody says that it was not undone if the agent was at it."""
    async with acted() as world:
        task, window = await opened(world)
        undone = await world.vote(RITA, Undo(), on=window)
        world.work.forget()
        if attempts:
            begun = lifecycle.attempted(undone)
            await world.storage.save_request(begun, event_of(begun, "resume_begun", world.now))
        await world.tasks.cancel(world.actor(RITA, COMMAND), task.id)
        await world.settle()

        state = (await world.request(task, WINDOW)).state
        assert isinstance(state, Superseded)
        assert (state.stopped, state.decision) == (stopped, undone.decision)
        assert outcome_of(await world.request(task)) is (Outcome.CLOSED if stopped else Outcome.UNDO)


async def test_an_offer_that_somebody_answered_elsewhere_is_closed() -> None:
    async with acted({SECOND: question()}) as world:
        task, _ = await opened(world)
        world.engine.answer_elsewhere(task.thread_id, WINDOW)
        await world.delivery.drive(task.id)

        assert outcome_of(await world.request(task)) is Outcome.CLOSED


async def test_changes_that_are_not_stored_yet_show_how_a_request_will_be(world: World) -> None:
    task = await world.started()
    request, batch = await world.request(task), Batch(clock=world.clock)
    other = Asked(interrupt_id=WINDOW, question=a_window())
    assert batch.latest(request) == request

    await world.delivery.opening.ask(batch, task, [], other)
    opened = batch.changes[-1].record
    assert isinstance(opened, Request)
    assert batch.latest(opened) == opened
    assert (batch.offers_undo, batch.latest(request)) == (True, request)

    changed = batch.request(replace(request, place="elsewhere"), "touched")
    assert batch.latest(request) == changed
    assert changed.revision == request.revision + 1


async def test_a_window_of_a_two_stage_policy_is_undone_by_one_person_of_either_stage() -> None:
    stages = (*one_stage(("U-ALICE",)), *one_stage(("U-BOB",)))
    terms = Policy(name="two", stages=stages, undo=UndoTerms(requester=False))
    async with a_world({WINDOW: a_window()}, otherwise=terms) as world:
        task = await world.started()

        settled = await world.vote(BOB, Undo(), on=await world.request(task, WINDOW))

        assert isinstance(settled.decision, Answered)
        assert settled.decision.voters == (BOB,)
        assert not any(isinstance(each, Approve) for each in settled.decision.verdicts)
