"""An answer in words follows its message, while nobody has it; afterwards it counts as it was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.approvals.model.actor import COMMAND, Shown
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Answered, Respond
from bot.approvals.model.errors import InvalidAnswer, NotAnApprover, NotYourAnswer, TooLateToChange
from bot.approvals.model.ids import MessageRef, Person, Ts
from bot.approvals.model.policy import Group, Policy, Stage
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.task import Task
from bot.approvals.rules import calling_off, lifecycle
from tests.support.fakes.world import ALICE, BOB, CAROL, CHANNEL, FIRST, RITA, World, a_world, item, policy, question

MINUTE = timedelta(minutes=1)
REPLY = MessageRef(channel=CHANNEL, ts=Ts("1700000001.000001"))
OTHER = MessageRef(channel=CHANNEL, ts=Ts("1700000002.000002"))
WORDS = question(item(Verdict.RESPOND, name="", arguments={}))


async def replied(
    world: World, by: Person = ALICE, words: str = "prod", message: MessageRef = REPLY, task: Task | None = None
) -> Request:
    task = task or await world.started()
    request = await world.request(task)
    verdicts = (Respond(value=words),)
    await world.answers.vote(
        world.actor(by),
        Shown.of(request),
        verdicts,
        hold=MINUTE,
        message=message,
    )
    await world.settle()
    return await world.request(task)


def words_of(request: Request) -> list[object]:
    assert isinstance(request.decision, Answered)
    return [verdict.value for verdict in request.decision.verdicts if isinstance(verdict, Respond)]


async def reword(world: World, request: Request, words: str, by: Person = ALICE, ref: MessageRef = REPLY) -> Request:
    return await world.answers.reword(world.actor(by), request.id, ref, Respond(value=words), hold=MINUTE)


async def history(world: World, request: Request, kind: str) -> list[AuditEvent]:
    return await world.history(await world.task(request.task_id), kind)


async def test_within_the_minute_the_new_words_take_the_place_of_the_old() -> None:
    async with a_world({FIRST: WORDS}) as world:
        request = await replied(world)
        world.clock.advance(MINUTE - timedelta(seconds=1))

        reworded = await reword(world, request, "staging")

        assert words_of(reworded) == ["staging"]
        assert isinstance(reworded.state, Decided)
        assert reworded.state.next_try == world.now + MINUTE
        await world.later(MINUTE - timedelta(seconds=1))
        assert world.engine.effects == []
        await world.later(timedelta(seconds=1))
        assert len(world.engine.effects) == 1
        assert words_of(await world.request(await world.task(request.task_id))) == ["staging"]
        (event,) = await history(world, request, "reworded")
        assert event.person == ALICE
        assert event.data["said"] == [{"value": "staging"}]
        assert event.data["before"] == {"verdicts": ["respond"], "said": [{"value": "prod"}]}
        assert event.data["outcome"] == "respond"


@pytest.mark.parametrize("edited", [True, False], ids=["edited", "deleted"])
async def test_once_the_agent_has_it_nothing_changes(edited: bool) -> None:
    async with a_world({FIRST: WORDS}) as world:
        request = await replied(world)
        await world.later(MINUTE)

        unsay = world.answers.unsay(world.actor(ALICE), request.id, REPLY, "deleted")
        change = reword(world, request, "staging") if edited else unsay
        with pytest.raises(TooLateToChange) as late:
            await change
        unsay.close()

        assert late.value.taken
        assert len(world.engine.effects) == 1
        assert [event.data["why"] for event in await history(world, request, "refused")] == ["TooLateToChange"]


async def test_when_delivery_has_begun_it_is_too_late_and_when_it_has_not_it_waits_for_the_new_words() -> None:
    async with a_world({FIRST: WORDS}) as world:
        request = await replied(world)
        begun = lifecycle.attempted(request)

        with pytest.raises(TooLateToChange) as late:
            calling_off.unsaid(begun, begun.votes[0], world.now)

        assert late.value.taken
        await world.storage.save_request(begun, AuditEvent(kind="touched", at=world.now, task_id=request.task_id))
        with pytest.raises(TooLateToChange):
            await reword(world, request, "staging")


async def test_a_deleted_message_takes_its_answer_back() -> None:
    async with a_world({FIRST: WORDS}) as world:
        request = await replied(world)

        again = await world.answers.unsay(world.actor(ALICE), request.id, REPLY, "deleted")
        await world.later(2 * MINUTE)

        assert isinstance(again.state, Pending)
        assert again.votes == ()
        assert world.engine.effects == []
        (event,) = await history(world, request, "taken_back")
        assert (event.person, event.data["message"]) == (ALICE, "deleted")


async def test_one_of_several_answers_can_be_changed_for_as_long_as_the_question_is_open() -> None:
    async with a_world({FIRST: WORDS}, otherwise=policy(quorum=2)) as world:
        request = await replied(world)
        await world.later(10 * MINUTE)

        reworded = await reword(world, request, "staging")
        assert [vote.verdicts for vote in reworded.votes] == [(Respond(value="staging"),)]

        settled = await replied(world, BOB, "staging", OTHER, await world.task(request.task_id))
        assert words_of(settled) == ["staging"]


async def test_an_answer_that_counts_no_more_after_the_edit_opens_the_question_again() -> None:
    async with a_world({FIRST: WORDS}, otherwise=policy(quorum=2)) as world:
        request = await replied(world)
        await replied(world, BOB, "prod", OTHER, await world.task(request.task_id))

        reopened = await reword(world, request, "staging", BOB, OTHER)
        assert isinstance(reopened.state, Pending)
        assert len(reopened.votes) == 2

        without = await world.answers.unsay(world.actor(BOB), request.id, OTHER, "edited")
        assert [vote.person for vote in without.votes] == [ALICE]
        assert without.open.missing == (1,)


async def test_who_was_outvoted_changes_nothing_of_what_the_others_settled() -> None:
    async with a_world({FIRST: WORDS}, otherwise=policy(quorum=2)) as world:
        request = await replied(world, words="dev")
        task = await world.task(request.task_id)
        await replied(world, BOB, "prod", OTHER, task)
        settled = await replied(world, CAROL, "prod", MessageRef(channel=CHANNEL, ts=Ts("3.0")), task)
        assert isinstance(settled.state, Decided)

        with pytest.raises(NotYourAnswer):
            calling_off.take_back(settled, ALICE, world.now)
        with pytest.raises(TooLateToChange) as late:
            await reword(world, settled, "prod")

        assert not late.value.taken
        assert await world.request(task) == settled


async def test_an_answer_of_an_earlier_stage_stays_as_it_was() -> None:
    stages = tuple(Stage(groups=(Group(approvers=(who.user_id,)),)) for who in (ALICE, BOB))
    async with a_world({FIRST: WORDS}, otherwise=Policy(name="two", stages=stages)) as world:
        request = await replied(world)
        assert request.stage_number == 1

        with pytest.raises(TooLateToChange) as late:
            await reword(world, request, "staging")

        assert not late.value.taken


async def test_a_message_that_gave_no_answer_that_counts_changes_nothing() -> None:
    async with a_world({FIRST: WORDS}) as world:
        request = await replied(world)

        with pytest.raises(TooLateToChange) as late:
            await reword(world, request, "staging", ref=OTHER)

        assert not late.value.taken
        assert await world.request(await world.task(request.task_id)) == request


async def test_a_cancelled_question_has_taken_nobodys_answer() -> None:
    async with a_world({FIRST: WORDS}, otherwise=policy(quorum=2)) as world:
        request = await replied(world)
        await world.tasks.cancel(world.actor(RITA, COMMAND), request.task_id)
        await world.settle()

        with pytest.raises(TooLateToChange) as late:
            await reword(world, request, "staging")

        assert not late.value.taken


async def test_the_new_words_are_asked_what_the_old_ones_were() -> None:
    async with a_world({FIRST: WORDS}) as world:
        request = await replied(world)
        world.engine.refused = "at least three letters"
        with pytest.raises(InvalidAnswer, match="at least three letters"):
            await reword(world, request, "ab")
        world.engine.refused = ""
        del world.directory.people[ALICE.user_id]

        with pytest.raises(NotAnApprover):
            await reword(world, request, "staging")

        assert words_of(await world.request(await world.task(request.task_id))) == ["prod"]


async def test_an_answer_is_taken_back_also_while_slack_does_not_say_who_else_counts() -> None:
    async with a_world({FIRST: WORDS}) as world:
        request = await replied(world)
        world.directory.down = True

        again = await world.answers.unsay(world.actor(ALICE), request.id, REPLY, "deleted")

        assert isinstance(again.state, Pending)
