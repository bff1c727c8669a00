"""From a decided request to the resumed graph, and to what the graph asks next."""

from typing import cast

import pytest

from bot.approvals.model.actor import Shown
from bot.approvals.model.decision import Answered
from bot.approvals.model.ids import InterruptId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Delivered, Pending
from bot.approvals.model.task import Ended, Waiting
from tests.support.fakes.world import ALICE, BOB, FIRST, SECOND, World, a_world, item, policy, question
from tests.unit.approvals.services.delivery.driven import decided


async def test_a_started_graph_waits_with_a_request_and_its_card(world: World) -> None:
    task = await world.started()

    request = await world.request(task)
    assert task.state == Waiting()
    assert isinstance(request.state, Pending)
    assert [person.user_id for person in request.open.asked] == ["U-ALICE", "U-BOB", "U-CAROL", "U-RITA"], (
        "and no guest"
    )
    (opened,) = await world.history(task, "opened")
    assert (opened.digest, opened.rule) == (request.digest, "default")
    assert len(world.messenger.of(MessageKind.CARD)) == 1


async def test_the_graph_gets_the_answer_once_and_the_task_ends(world: World) -> None:
    task = await decided(world)

    await world.settle()

    request = await world.request(task)
    told = cast(Answered, request.decision)
    assert request.state == Delivered(decision=told, at=world.now, outcome="all clean")
    assert [(name, cast(dict[str, str], answer)["outcome"]) for name, answer in world.engine.effects] == [
        (FIRST, "approve")
    ]
    assert (await world.task(task.id)).state == Ended(outcome="all clean", at=world.now)
    assert len(world.messenger.of(MessageKind.OUTCOME)) == 1
    assert [event.kind for event in await world.storage.history(task.id)] == [
        *("started", "running", "opened", "waiting", "shown", "voted"),
        *("running", "resume_begun", "ended", "delivered"),
    ]


async def test_a_rejection_is_delivered_like_any_answer(world: World) -> None:
    await decided(world, reject=True)

    await world.settle()

    ((_, answer),) = world.engine.effects
    assert cast(dict[str, str], answer)["outcome"] == "reject"


async def test_what_runs_is_what_was_approved_last(world: World) -> None:
    task = await world.started()
    request = await world.request(task)
    edited = await world.answers.edit(world.actor(BOB), Shown.of(request), 0, {"path": "/older"})
    await world.vote(ALICE, on=edited)

    await world.settle()

    ((_, answer),) = world.engine.effects
    assert cast(dict[str, object], answer) == {
        "outcome": "edit",
        "said": ["Approve"],
        "arguments": [{"path": "/older"}],
    }


async def test_a_graph_that_asks_again_gets_a_new_request_in_the_same_task() -> None:
    async with a_world({FIRST: question()}, {}, {SECOND: question(title="Sure?")}) as world:
        task = await decided(world)

        await world.settle()

        assert isinstance((await world.request(task)).state, Delivered)
        assert isinstance((await world.request(task, SECOND)).state, Pending)
        assert (await world.task(task.id)).state == Waiting()


async def test_a_graph_that_asks_nothing_ends_by_itself() -> None:
    async with a_world({}) as world:
        task = await world.started()

        assert isinstance(task.state, Ended)


async def test_the_policy_of_a_request_is_chosen_by_its_risk_and_nobody_is_shown_when_slack_is_silent(
    world: World,
) -> None:
    world.directory.down = True

    task = await world.started()

    assert (await world.request(task)).open.asked == ()
    assert (await world.request(task)).policy == policy()


@pytest.mark.parametrize("order", [(FIRST, SECOND), (SECOND, FIRST)])
async def test_two_parallel_interrupts_may_be_answered_in_either_order(order: tuple[InterruptId, ...]) -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        task = await world.started()

        for interrupt_id in order:
            assert (await world.task(task.id)).state == Waiting()
            await world.vote(ALICE, on=await world.request(task, interrupt_id))
            await world.settle()

        assert [name for name, _ in world.engine.effects] == list(order)
        assert all(isinstance(request.state, Delivered) for request in await world.requests(task))
        assert isinstance((await world.task(task.id)).state, Ended)


async def test_two_answers_that_wait_at_the_same_time_are_given_one_after_the_other() -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        task = await world.started()
        for interrupt_id in (FIRST, SECOND):
            await world.vote(ALICE, on=await world.request(task, interrupt_id))

        await world.settle()

        assert world.engine.runs == ["start", "resume i-first", "resume i-second"]
        assert isinstance((await world.task(task.id)).state, Ended)


async def test_a_question_that_changes_while_it_waits_voids_the_votes_given_on_it() -> None:
    async with a_world({FIRST: question(), SECOND: question()}, otherwise=policy(quorum=2)) as world:
        task = await world.started()
        shown = await world.request(task, SECOND)
        await world.vote(ALICE, on=shown)
        world.engine.stages[0][SECOND] = question(item(arguments={"path": "/everything"}))
        for approver in (ALICE, BOB):
            await world.vote(approver, on=await world.request(task))

        await world.settle()

        changed = await world.request(task, SECOND)
        assert (changed.version, changed.votes) == (2, ())
        assert changed.digest != shown.digest
        assert len(await world.history(task, "asked_anew")) == 1
