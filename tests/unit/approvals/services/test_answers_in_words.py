"""An answer in words: what may be one, and the time in which it can be taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.actor import COMMAND, Shown
from bot.approvals.model.decision import Answered, Approve, Cancelled, Expired, Respond
from bot.approvals.model.errors import NotFound, NothingToTakeBack, NotYourAnswer, TooLateToTakeBack
from bot.approvals.model.ids import Person, RequestId, Ts
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Expire, Step
from bot.approvals.model.question import Question, Verdict
from bot.approvals.model.request import Decided, Delivered, Pending, Request, RequestState, Superseded
from bot.approvals.model.task import Ended, Task
from bot.approvals.rules import calling_off, lifecycle, voting
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import (
    ALICE,
    BOB,
    CHANNEL,
    FIRST,
    RITA,
    World,
    a_request,
    a_world,
    item,
    policy,
    question,
)

MINUTE = timedelta(minutes=1)


def asks_for_words(**changes: object) -> Question:
    return replace(question(item(Verdict.RESPOND, name="", arguments={})), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (asks_for_words(), True),
        (asks_for_words(form={"type": "string"}), True),
        (question(item(Verdict.RESPOND, Verdict.REJECT)), True),
        (question(item(Verdict.APPROVE, Verdict.RESPOND)), False),
        (question(item(Verdict.APPROVE, Verdict.REJECT)), False),
        (question(item(Verdict.REJECT)), False),
        (question(item(Verdict.RESPOND), item(Verdict.RESPOND)), False),
        (question(item(Verdict.CHOOSE, Verdict.RESPOND), choices=("a", "b")), False),
        (asks_for_words(choices=("a", "b")), False),
        (asks_for_words(form={"type": "string", "enum": ["a", "b"]}), False),
        (asks_for_words(form={"type": "object", "properties": {}}), False),
        (asks_for_words(form={"type": "boolean"}), False),
    ],
)
def test_only_a_question_that_wants_words_alone_is_answered_by_words(asked: Question, words: bool) -> None:
    assert lifecycle.takes_words(asked) is words


async def answered(world: World, by: Person = ALICE, hold: timedelta = MINUTE) -> tuple[Task, Request]:
    """A task whose question for words somebody has answered, and its request."""
    task = await world.started()
    request = await world.request(task)
    verdicts = (Respond(value="eu-west"),)
    await world.answers.vote(world.actor(by), Shown.of(request), verdicts, hold=hold)
    await world.settle()
    return task, await world.request(task)


async def test_an_answer_in_words_is_kept_from_its_graph_for_as_long_as_it_can_be_taken_back() -> None:
    async with a_world({FIRST: asks_for_words()}) as world:
        task, request = await answered(world)

        assert isinstance(request.state, Decided)
        assert request.state.revocable
        await world.later(MINUTE - timedelta(seconds=1))
        assert world.engine.effects == []

        await world.later(timedelta(seconds=1))

        assert [id for id, _ in world.engine.effects] == [FIRST]
        assert isinstance((await world.task(task.id)).state, Ended)
        with pytest.raises(TooLateToTakeBack):
            await world.answers.take_back(world.actor(ALICE), request.id)


async def test_an_answer_that_was_taken_back_leaves_the_question_as_it_was() -> None:
    steps = (Step(after=timedelta(hours=2), action=Expire()),)
    async with a_world({FIRST: asks_for_words()}, otherwise=policy(steps=steps)) as world:
        task, _ = await answered(world)
        before = (await world.request(task)).opened_at

        taken = await world.answers.take_back(world.actor(ALICE), (await world.request(task)).id)
        await world.later(2 * MINUTE)

        assert isinstance(taken.state, Pending)
        assert (taken.votes, taken.state.due_at) == ((), before + timedelta(hours=2))
        assert world.engine.effects == []
        (event,) = await world.history(task, "taken_back")
        assert event.person == ALICE

        await world.answers.vote(world.actor(BOB), Shown.of(taken), (Respond(value="ap-south"),))
        await world.settle()
        assert [id for id, _ in world.engine.effects] == [FIRST]


async def test_only_whoever_gave_an_answer_takes_it_back() -> None:
    async with a_world({FIRST: asks_for_words()}) as world:
        task, request = await answered(world)

        for person in (BOB, RITA):
            with pytest.raises(NotYourAnswer) as refused:
                await world.answers.take_back(world.actor(person), request.id)
            assert (refused.value.voters, refused.value.stoppable) == ((ALICE,), True)
        with pytest.raises(NotFound):
            await world.answers.take_back(world.actor(ALICE), RequestId("nowhere"))
        assert await world.request(task) == request


async def test_an_answer_is_taken_back_after_its_time_too_as_long_as_the_agent_does_not_have_it() -> None:
    """The hold says how long the agent is kept waiting; what the agent does not have yet can be taken back longer."""
    async with a_world({FIRST: asks_for_words()}) as world:
        _, request = await answered(world)
        world.clock.advance(2 * MINUTE)

        reopened = await world.answers.take_back(world.actor(ALICE), request.id)
        await world.later(MINUTE)

        assert isinstance(reopened.state, Pending)
        assert world.engine.effects == []


async def test_what_is_open_or_was_settled_by_nobody_cannot_be_taken_back() -> None:
    expired, cancelled = Expired(at=MORNING), Cancelled(by=RITA, at=MORNING)
    ruled = Answered(verdicts=(Approve(),), voters=(), edited=False, at=MORNING, ruled="the policy says so")
    states: list[RequestState] = [
        Pending(due_at=None),
        *(Decided(decision=each) for each in (expired, cancelled, ruled)),
    ]
    states += [Delivered(decision=expired, at=MORNING), Superseded(at=MORNING)]

    for state in states:
        with pytest.raises(NothingToTakeBack):
            calling_off.take_back(a_request(state=state), ALICE, MORNING)


async def test_an_answer_that_settles_nothing_yet_is_not_held() -> None:
    request = a_request()

    assert voting.hold(request, request, MINUTE, MORNING) == request


async def test_an_answer_that_the_agent_may_have_is_not_taken_back() -> None:
    async with a_world({FIRST: asks_for_words()}) as world:
        _, request = await answered(world)
        assert isinstance(request.state, Decided)

        begun = lifecycle.attempted(request)
        for each in (begun, lifecycle.delivered(begun, world.now)):
            with pytest.raises(TooLateToTakeBack) as late:
                calling_off.take_back(each, ALICE, world.now)
            assert late.value.request_id == request.id


async def test_an_answer_that_waits_for_a_retry_before_it_was_ever_sent_is_taken_back() -> None:
    async with a_world({FIRST: asks_for_words()}) as world:
        _, request = await answered(world)
        assert isinstance(request.state, Decided)

        put_off = replace(request, state=replace(request.state, next_try=None))

        assert isinstance(calling_off.take_back(put_off, ALICE, world.now).state, Pending)


# --- Starting by words ----------------------------------------------------------------------------------------


async def test_what_is_told_twice_starts_one_task(world: World) -> None:
    first = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL, origin="mention C1 1.2")
    again = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL, origin="mention C1 1.2")
    other = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL, origin="mention C1 1.3")
    await world.settle()

    assert first.id == again.id != other.id
    assert {task.id for task in await world.storage.tasks_of(RITA, 10)} == {first.id, other.id}
    assert len(await world.history(first, "started")) == 1


async def test_a_task_that_is_started_in_a_thread_stays_in_it(world: World) -> None:
    root = Ts("1600000000.000001")

    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL, thread_ts=root)
    await world.settle()
    await world.vote(ALICE, Approve(), on=await world.request(task))
    await world.settle()

    kinds = (MessageKind.OPENING, MessageKind.CARD, MessageKind.OUTCOME)
    assert [message.thread_ts for kind in kinds for message in world.messenger.of(kind)] == [root] * 3
    assert await world.storage.tasks_in(CHANNEL, root) == (await world.task(task.id),)
