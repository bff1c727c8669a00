"""What people and the clock can do, over the real storage."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest
import pytest_asyncio

from bot.approvals.model.actor import COMMAND, Actor, Shown
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Answered, Approve, Cancelled, Expired, Reject
from bot.approvals.model.errors import (
    AlreadySettled,
    Conflict,
    InvalidAnswer,
    NotAnApprover,
    NotEligible,
    NotFound,
    NothingToRetry,
    NotYours,
    OwnRequest,
    StaleVersion,
    TaskFinished,
    UnknownGraph,
    Unreachable,
)
from bot.approvals.model.ids import MessageRef, Person, RequestId, TaskId, Ts
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Escalate, Expire, Remind, Step
from bot.approvals.model.request import Delivered, Pending, Request
from bot.approvals.model.task import Ended, Failed, Starting, TaskCancelled
from bot.approvals.ports.storage import Storage
from bot.approvals.services.unit_of_work import MAX_RACES
from tests.support.fakes.world import (
    ALICE,
    BOB,
    CHANNEL,
    DORA,
    FIRST,
    GUS,
    RITA,
    SECOND,
    STRANGER,
    World,
    a_world,
    policy,
    question,
)

HOUR = timedelta(hours=1)
LADDER = (
    Step(after=1 * HOUR, action=Remind()),
    Step(after=2 * HOUR, action=Escalate(to=("@leads",))),
    Step(after=3 * HOUR, action=Expire()),
)


@pytest_asyncio.fixture
async def ladder() -> AsyncIterator[World]:
    """A policy that reminds after an hour, asks the leads after two, and expires after three."""
    async with a_world(otherwise=policy(steps=LADDER)) as world:
        world.directory.groups["@leads"] = [DORA, RITA]
        yield world


async def asked(world: World) -> Request:
    return await world.request(await world.started())


# --- Starting -----------------------------------------------------------------------------------


async def test_a_started_task_is_recorded_with_its_message_before_anything_runs(world: World) -> None:
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {"days": "3"}, CHANNEL)

    assert await world.task(task.id) == task
    assert task.state == Starting()
    assert task.inputs == {"days": "3"}
    assert (await world.message(task, MessageKind.OPENING)).shown == -1
    assert world.engine.runs == []
    assert (world.work.deliveries, world.work.syncs) == ([task.id], [task.id])


async def test_a_graph_that_is_not_known_starts_nothing(world: World) -> None:
    with pytest.raises(UnknownGraph):
        await world.tasks.start(world.actor(RITA, COMMAND), "nonsense", {}, CHANNEL)

    assert await world.storage.tasks_of(RITA, 10) == ()


# --- Checks and votes ---------------------------------------------------------------------------


async def test_a_vote_settles_and_wakes_graph_and_card(world: World) -> None:
    request = await asked(world)

    settled = await world.vote(ALICE, on=request)

    assert isinstance(settled.decision, Answered)
    assert settled == await world.storage.request(request.id)
    assert request.task_id in world.work.deliveries
    assert request.task_id in world.work.syncs


async def test_the_history_names_the_vote_that_settled_and_what_it_was_bound_to(world: World) -> None:
    request = await asked(world)
    await world.vote(ALICE, on=request)

    (voted,) = await world.history(await world.task(request.task_id), "voted")

    assert voted.person == ALICE
    assert (voted.digest, voted.rule) == (request.digest, request.policy.name)
    assert voted.data == {"version": 1, "verdicts": ["approve"], "outcome": "approve"}


async def test_a_vote_that_settles_nothing_is_recorded_as_such() -> None:
    async with a_world(otherwise=policy(quorum=2)) as world:
        request = await asked(world)

        await world.vote(ALICE, on=request)

        (voted,) = await world.history(await world.task(request.task_id), "voted")
        assert "outcome" not in voted.data


async def test_who_comes_second_is_told_who_was_first(world: World) -> None:
    request = await asked(world)
    await world.vote(ALICE, on=request)

    with pytest.raises(AlreadySettled, match="approve by U-ALICE"):
        await world.vote(BOB, Reject(reason="no"), on=request)

    assert (await world.storage.request(request.id)).decision is not None


async def test_of_two_votes_at_the_same_moment_one_settles_and_the_other_is_told(world: World) -> None:
    request = await asked(world)

    results = await asyncio.gather(
        world.vote(ALICE, on=request), world.vote(BOB, Reject(reason="no"), on=request), return_exceptions=True
    )

    assert [type(result) for result in results if isinstance(result, BaseException)] == [AlreadySettled]
    assert len(await world.history(await world.task(request.task_id), "voted")) == 1


class SlowReader:
    """Storage in which somebody else changes the request right after each of the first reads."""

    def __init__(self, world: World, times: int) -> None:
        self._storage = world.storage
        self.times = times

    def __getattr__(self, name: str) -> object:
        return getattr(self._storage, name)

    async def request(self, id: RequestId) -> Request:
        request = await self._storage.request(id)
        if self.times:
            self.times -= 1
            event = AuditEvent(kind="touched", at=request.opened_at, task_id=request.task_id, request_id=id)
            await self._storage.save_request(request, event)
        return request


async def test_a_vote_is_tried_again_when_somebody_else_was_faster(world: World) -> None:
    request = await asked(world)
    slow = SlowReader(world, MAX_RACES - 1)
    answers = replace(world.answers, unit=replace(world.answers.unit, storage=cast(Storage, slow)))

    settled = await answers.vote(Actor(person=ALICE, at=world.now), Shown.of(request), (Approve(),))

    assert settled.decision is not None
    assert slow.times == 0


async def test_a_vote_that_loses_every_race_says_so(world: World) -> None:
    request = await asked(world)
    slow = SlowReader(world, MAX_RACES)
    answers = replace(world.answers, unit=replace(world.answers.unit, storage=cast(Storage, slow)))

    with pytest.raises(Conflict):
        await answers.vote(
            Actor(person=ALICE, at=world.now),
            Shown.of(request),
            (Approve(),),
        )

    assert (await world.storage.request(request.id)).votes == ()


Door = Callable[[World, Request, Person], Awaitable[Request]]


async def checking(world: World, request: Request, who: Person) -> Request:
    return await world.answers.check(world.actor(who), Shown.of(request))


async def voting(world: World, request: Request, who: Person) -> Request:
    return await world.vote(who, on=request)


async def editing(world: World, request: Request, who: Person) -> Request:
    return await world.answers.edit(world.actor(who), Shown.of(request), 0, {})


DOORS: list[Door] = [checking, voting, editing]


@pytest.mark.parametrize(
    ("who", "refusal"), [(STRANGER, NotAnApprover), (RITA, OwnRequest), (GUS, NotEligible)], ids=lambda x: str(x)[-12:]
)
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
async def test_who_may_not_is_refused_at_every_door_and_the_refusal_is_recorded(
    world: World, who: Person, refusal: type[Exception], door: Door
) -> None:
    request = await asked(world)

    with pytest.raises(refusal):
        await door(world, request, who)

    assert await world.storage.request(request.id) == request
    (refused,) = await world.history(await world.task(request.task_id), "refused")
    assert (refused.person, refused.request_id, refused.digest) == (who, request.id, request.digest)
    assert refused.data["why"] == refusal.__name__


async def test_a_failed_lookup_refuses_and_changes_nothing(world: World) -> None:
    request = await asked(world)
    world.directory.down = True

    with pytest.raises(Unreachable, match="Slack did not say who you are"):
        await world.vote(ALICE, on=request)

    assert await world.storage.request(request.id) == request


async def test_who_has_just_become_an_approver_is_found_past_the_cache(world: World) -> None:
    async with a_world(otherwise=policy(approvers=("@admins",))) as world:
        world.directory.groups["@admins"] = [BOB]
        world.directory.cached["@admins"] = []
        request = await asked(world)

        settled = await world.vote(BOB, on=request)

        assert settled.decision is not None
        assert world.directory.fresh_lookups == 1


async def test_a_vote_is_counted_on_who_may_answer_now_and_not_on_what_is_remembered() -> None:
    async with a_world(otherwise=policy(approvers=("@admins",))) as world:
        world.directory.groups["@admins"] = []
        world.directory.cached["@admins"] = [BOB]
        request = await asked(world)
        assert await world.answers.check(world.actor(BOB), Shown.of(request)) == request

        with pytest.raises(NotAnApprover):
            await world.vote(BOB, on=request)


async def test_an_answer_after_the_deadline_is_too_late_however_far_off_the_next_sweep_is(ladder: World) -> None:
    request = await asked(ladder)
    ladder.clock.now += 3 * HOUR

    with pytest.raises(AlreadySettled, match="expired at"):
        await ladder.vote(ALICE, on=request)

    assert (await ladder.storage.request(request.id)).decision == Expired(at=ladder.now)


async def test_a_card_that_somebody_deleted_is_posted_anew_with_the_reminder(ladder: World) -> None:
    request = await asked(ladder)
    card = await ladder.message(await ladder.task(request.task_id), MessageKind.CARD)
    assert card.ref is not None
    ladder.messenger.delete(card.ref)

    await ladder.later(1 * HOUR)
    await ladder.later(timedelta())

    assert len(ladder.messenger.of(MessageKind.CARD)) == 1
    assert (await ladder.storage.request(request.id)).decision is None


async def test_a_check_gives_the_request_and_changes_nothing(world: World) -> None:
    request = await asked(world)

    assert await world.answers.check(world.actor(ALICE), Shown.of(request)) == request
    assert await world.storage.request(request.id) == request


async def test_a_vote_on_what_was_edited_meanwhile_is_not_counted(world: World) -> None:
    request = await asked(world)
    edited = await world.answers.edit(world.actor(BOB), Shown.of(request), 0, {"path": "/older"})

    with pytest.raises(StaleVersion):
        await world.vote(ALICE, on=request)

    assert (await world.storage.request(request.id)).votes == ()
    assert (await world.vote(ALICE, on=edited)).decision is not None


async def test_an_edit_is_recorded_with_its_difference_and_the_digest_that_it_made(world: World) -> None:
    request = await asked(world)

    edited = await world.answers.edit(world.actor(BOB), Shown.of(request), 0, {"path": "/older"})

    (event,) = await world.history(await world.task(request.task_id), "edited")
    assert event.digest == edited.digest != request.digest
    difference = {
        "version": 2,
        "item": 0,
        "edited": "delete",
        "was": {"path": "/old"},
        "is": {"path": "/older"},
        "digest_before": request.digest,
    }
    assert event.data == {**event.data, **difference}


async def test_an_answer_that_the_graph_would_refuse_is_not_recorded(world: World) -> None:
    request = await asked(world)
    world.engine.refused = "The amount must be a number."

    with pytest.raises(InvalidAnswer, match="amount"):
        await world.vote(ALICE, on=request)

    assert await world.storage.request(request.id) == request


async def test_a_request_that_is_not_there_cannot_be_answered(world: World) -> None:
    with pytest.raises(NotFound):
        await world.answers.vote(
            world.actor(ALICE), Shown(request_id=RequestId("nope"), version=1, digest=None), (Approve(),)
        )


# --- Cancelling ---------------------------------------------------------------------------------


async def test_a_cancelled_task_settles_its_open_requests_and_its_graph_is_not_resumed(world: World) -> None:
    request = await asked(world)

    task = await world.tasks.cancel(world.actor(RITA, COMMAND), request.task_id)
    await world.settle()

    assert task.state == TaskCancelled(by=RITA, at=world.now)
    closed = await world.storage.request(request.id)
    assert isinstance(closed.state, Delivered)
    assert closed.decision == Cancelled(by=RITA, at=world.now)
    assert world.engine.runs == ["start"]
    assert len(world.messenger.of(MessageKind.OUTCOME)) == 1


async def test_cancelling_leaves_alone_what_was_decided_before() -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        task = await world.started()
        first = await world.vote(ALICE, on=await world.request(task))

        await world.tasks.cancel(world.actor(RITA, COMMAND), task.id)

        assert await world.request(task) == first
        assert isinstance((await world.request(task, SECOND)).decision, Cancelled)


async def test_only_the_requester_may_cancel(world: World) -> None:
    request = await asked(world)

    with pytest.raises(NotYours, match="U-RITA"):
        await world.tasks.cancel(world.actor(ALICE, COMMAND), request.task_id)

    assert await world.storage.request(request.id) == request


async def test_what_is_over_cannot_be_cancelled(world: World) -> None:
    request = await asked(world)
    await world.tasks.cancel(world.actor(RITA, COMMAND), request.task_id)

    with pytest.raises(TaskFinished):
        await world.tasks.cancel(world.actor(RITA, COMMAND), request.task_id)


async def test_an_answer_that_is_faster_than_the_cancelling_of_its_request_stands(world: World) -> None:
    request = await asked(world)
    vote = await world.vote(ALICE, on=request)

    class SeesItOpen:
        def __getattr__(self, name: str) -> object:
            return getattr(world.storage, name)

        async def requests_of(self, task_id: TaskId) -> tuple[Request, ...]:
            return (request,)  # as it was a moment ago

    tasks = replace(world.tasks, unit=replace(world.tasks.unit, storage=cast(Storage, SeesItOpen())))
    await tasks.cancel(Actor(person=RITA, surface=COMMAND, at=world.now), request.task_id)

    assert await world.storage.request(request.id) == vote


# --- Looking ------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [RITA, ALICE], ids=["its requester", "whom it asked"])
async def test_a_task_is_shown_to(world: World, who: Person) -> None:
    task = await world.started()

    assert await world.tasks.look(world.actor(who), task.id) == task


async def test_a_task_is_not_shown_to_strangers(world: World) -> None:
    task = await world.started()

    with pytest.raises(NotYours):
        await world.tasks.look(world.actor(STRANGER), task.id)


async def test_a_surface_is_drawn_again_in_its_place(world: World) -> None:
    task = await world.started()
    card = await world.message(task, MessageKind.CARD)
    assert card.ref is not None

    await world.tasks.redraw(card.ref)
    await world.settle()

    assert world.messenger.calls == ["post", "post", "update"]
    assert (await world.message(task, MessageKind.CARD)).ref == card.ref


async def test_a_late_click_on_a_card_that_is_just_being_drawn_leaves_it_to_whoever_draws_it(world: World) -> None:
    task = await world.started()
    await world.vote(ALICE, on=await world.request(task))
    card = await world.message(task, MessageKind.CARD)
    assert card.ref is not None
    claimed = await world.storage.save_message(replace(card, not_before=world.now + timedelta(minutes=1)))

    await world.tasks.redraw(card.ref)

    assert await world.message(task, MessageKind.CARD) == claimed


async def test_where_nothing_stands_nothing_is_drawn(world: World) -> None:
    await world.started()

    await world.tasks.redraw(MessageRef(channel=CHANNEL, ts=Ts("1.0")))

    assert world.work.syncs == []


# --- Retrying -----------------------------------------------------------------------------------


async def test_a_retry_brings_a_stopped_task_and_its_decision_on_again(world: World) -> None:
    world.engine.failures[FIRST] = 1
    request = await asked(world)
    await world.vote(ALICE, on=request)
    await world.settle()
    task = await world.task(request.task_id)
    assert isinstance(task.state, Failed)

    await world.tasks.retry(world.actor(BOB), task.id)
    await world.settle()

    assert isinstance((await world.storage.request(request.id)).state, Delivered)
    assert {event.person for event in await world.history(task, "retried")} == {BOB}


async def test_a_stranger_may_not_retry(world: World) -> None:
    world.engine.failures[FIRST] = 1
    request = await asked(world)
    await world.vote(ALICE, on=request)
    await world.settle()

    with pytest.raises(NotYours):
        await world.tasks.retry(world.actor(STRANGER), request.task_id)


async def test_a_task_that_is_not_stopped_by_an_error_has_nothing_to_retry(world: World) -> None:
    task = await world.started()

    with pytest.raises(NothingToRetry):
        await world.tasks.retry(world.actor(BOB), task.id)


async def test_a_task_that_cannot_go_on_has_nothing_to_retry(world: World) -> None:
    world.engine.broken_after = {0}
    request = await asked(world)
    await world.vote(ALICE, on=request)
    await world.settle()

    with pytest.raises(NothingToRetry):
        await world.tasks.retry(world.actor(BOB), request.task_id)


async def test_a_retry_leaves_open_questions_open() -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        world.engine.failures[FIRST] = 1
        task = await world.started()
        await world.vote(ALICE, on=await world.request(task))
        await world.settle()
        second = await world.request(task, SECOND)

        await world.tasks.retry(world.actor(RITA), task.id)

        assert await world.request(task, SECOND) == second


# --- Time ---------------------------------------------------------------------------------------


async def test_a_reminder_is_posted_once(ladder: World) -> None:
    request = await asked(ladder)

    await ladder.later(HOUR)
    await ladder.later(timedelta())

    assert len(ladder.messenger.of(MessageKind.REMINDER)) == 1
    assert [event.kind for event in await ladder.storage.history(request.task_id, request.id)][-1] == "reminded"


async def test_an_escalation_sends_copies_to_those_who_may_and_not_to_the_requester(ladder: World) -> None:
    request = await asked(ladder)

    await ladder.later(2 * HOUR)

    task = await ladder.task(request.task_id)
    assert [copy.to for copy in await ladder.messages_of(task, MessageKind.COPY)] == [DORA]
    assert [message.channel for message in ladder.messenger.of(MessageKind.COPY)] == ["D-U-DORA"]
    (event,) = await ladder.history(task, "escalated")
    assert event.data == {"to": ["@leads"]}


async def test_a_requester_who_may_approve_gets_a_copy_too() -> None:
    async with a_world(otherwise=policy(steps=LADDER, self_approval=True)) as world:
        world.directory.groups["@leads"] = [RITA, DORA]
        request = await asked(world)

        await world.later(2 * HOUR)

        copies = await world.messages_of(await world.task(request.task_id), MessageKind.COPY)
        assert [copy.to for copy in copies] == [DORA, RITA]


async def test_escalated_people_may_answer_from_then_on(ladder: World) -> None:
    request = await asked(ladder)
    with pytest.raises(NotAnApprover):
        await ladder.vote(DORA, on=request)

    await ladder.later(2 * HOUR)

    assert (await ladder.vote(DORA, on=request)).decision is not None


async def test_an_escalation_waits_while_nobody_can_be_looked_up(ladder: World) -> None:
    request = await asked(ladder)
    ladder.directory.down = True
    await ladder.later(2 * HOUR)
    assert await ladder.storage.request(request.id) == request

    ladder.directory.down = False
    await ladder.later(timedelta())

    assert len(ladder.messenger.of(MessageKind.COPY)) == 1


async def test_silence_expires_and_the_graph_is_told_that_it_was_silence(ladder: World) -> None:
    request = await asked(ladder)
    ladder.directory.down = True  # an expiry needs nobody

    await ladder.later(3 * HOUR)

    assert (await ladder.storage.request(request.id)).decision == Expired(at=ladder.now)
    ((_, answer),) = ladder.engine.effects
    assert isinstance(answer, dict)
    assert answer["outcome"] == "expired"
    (event,) = await ladder.history(await ladder.task(request.task_id), "expired")
    assert event.data == {"outcome": "expired"}


async def test_a_vote_that_was_counted_does_not_turn_silence_into_approval() -> None:
    async with a_world(otherwise=policy(steps=LADDER, quorum=2)) as world:
        request = await asked(world)
        await world.vote(ALICE, on=request)

        await world.later(3 * HOUR)

        assert isinstance((await world.storage.request(request.id)).decision, Expired)


async def test_any_number_of_processes_may_sweep_at_once(ladder: World) -> None:
    request = await asked(ladder)
    ladder.clock.advance(2 * HOUR)

    await asyncio.gather(*(ladder.sweeper.sweep(ladder.now) for _ in range(5)))

    task = await ladder.task(request.task_id)
    assert len(await ladder.history(task, "escalated")) == 1
    assert len(await ladder.messages_of(task, MessageKind.COPY)) == 1


async def test_an_expiry_that_the_graph_cannot_take_ends_its_task_and_stops_nobody_elses_clock(ladder: World) -> None:
    first, second = await asked(ladder), await asked(ladder)
    ladder.engine.refused = "This shape knows no expiry."

    await ladder.later(3 * HOUR)

    for request in (first, second):
        expired = await ladder.storage.request(request.id)
        assert isinstance(expired.decision, Expired)
        assert (await ladder.task(expired.task_id)).state == Ended(
            outcome="Stopped: This shape knows no expiry.", at=ladder.now, stopped=True
        )
    assert not [run for run in ladder.engine.runs if run.startswith("resume")]


async def test_a_sweep_finds_whatever_a_dead_process_left_undone(world: World) -> None:
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    world.work.forget()
    await world.later(timedelta(minutes=2))
    assert isinstance((await world.request(task)).state, Pending)
    assert len(world.messenger.of(MessageKind.CARD)) == 1

    await world.vote(ALICE, on=await world.request(task))
    world.work.forget()
    await world.later(timedelta(minutes=2))

    assert isinstance((await world.request(task)).state, Delivered)


async def test_an_escalation_sends_no_copy_to_one_whose_account_may_not_answer(ladder: World) -> None:
    ladder.directory.groups["@leads"] = [GUS, DORA]
    request = await asked(ladder)

    await ladder.later(2 * HOUR)

    copies = await ladder.messages_of(await ladder.task(request.task_id), MessageKind.COPY)
    assert [copy.to for copy in copies] == [DORA]


async def test_nobody_but_the_requester_sees_a_task_while_people_cannot_be_looked_up(world: World) -> None:
    task = await world.started()
    world.directory.down = True

    assert await world.tasks.look(world.actor(RITA), task.id) == task
    with pytest.raises(Unreachable):
        await world.tasks.look(world.actor(ALICE), task.id)


async def test_a_task_that_ended_while_it_was_being_cancelled_stays_as_it_ended(world: World) -> None:
    request = await asked(world)
    task = await world.task(request.task_id)

    class EndsMeanwhile:
        """The graph ends between the cancelling of the request and that of the task."""

        def __getattr__(self, name: str) -> object:
            return getattr(world.storage, name)

        async def requests_of(self, task_id: TaskId) -> tuple[Request, ...]:
            ended = replace(await world.storage.task(task_id), state=Ended(outcome="done", at=world.now))
            await world.storage.save_task(ended, AuditEvent(kind="ended", at=world.now, task_id=task_id))
            return ()

    tasks = replace(world.tasks, unit=replace(world.tasks.unit, storage=cast(Storage, EndsMeanwhile())))

    assert (await tasks.cancel(Actor(person=RITA, surface=COMMAND, at=world.now), task.id)).state == Ended(
        outcome="done", at=world.now
    )


async def test_an_edit_that_the_graph_would_refuse_is_not_recorded(world: World) -> None:
    request = await world.request(await world.started())
    world.engine.refused_edit = "The amount must be a number."

    with pytest.raises(InvalidAnswer, match="must be a number"):
        await world.answers.edit(world.actor(ALICE), Shown.of(request), 0, {"amount": "much"})

    assert await world.storage.request(request.id) == request
