"""What a policy makes of silence, over the real storage: reminders, escalations, and what comes at the deadline."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest

from bot.approvals.model.decision import Answered, Approve, Expired, Reject
from bot.approvals.model.errors import NotAnApprover
from bot.approvals.model.hours import Hours
from bot.approvals.model.ids import ChannelId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Consent, Escalate, Expire, Overdue, Pick, Step, Via, Warn
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Pending
from bot.approvals.rules.schedule import is_overdue, next_moment
from tests.support.fakes.world import ALICE, BOB, DORA, item, question
from tests.unit.approvals.services.policies.asking import asked, ending, under

HOUR = timedelta(hours=1)


async def test_silence_is_an_approval_where_the_policy_says_so_and_says_that_nobody_gave_it() -> None:
    async with under(ending(Consent())) as world:
        task = await world.started()

        await world.later(4 * HOUR)

        (event,) = await world.history(task, "ruled")
        assert event.data["outcome"] == "approve"
        decision = (await world.request(task)).decision
        assert isinstance(decision, Answered)
        assert (decision.verdicts, decision.voters) == ((Approve(),), ())
        assert "nobody answered in time" in decision.ruled


async def test_silence_after_an_objection_is_no_approval() -> None:
    stage = replace(ending(Consent(), approvers=("U-ALICE", "U-BOB")), reject_quorum=2)
    async with under(stage) as world:
        request = await asked(world)
        await world.vote(ALICE, Reject(reason="no"), on=request)

        await world.later(4 * HOUR)

        assert isinstance((await world.storage.request(request.id)).decision, Expired)


@pytest.mark.parametrize(("choice", "decided"), [("left", Answered), ("up", Expired)])
async def test_silence_chooses_what_the_policy_says_where_that_is_a_choice(choice: str, decided: type) -> None:
    asks = question(item(Verdict.CHOOSE), choices=("left", "right"))
    async with under(ending(Pick(choice=choice)), asks=asks) as world:
        request = await asked(world)

        await world.later(4 * HOUR)

        assert isinstance((await world.storage.request(request.id)).decision, decided)


async def test_silence_that_the_graph_would_not_take_as_an_approval_is_an_expiry() -> None:
    async with under(ending(Consent())) as world:
        request = await asked(world)
        world.engine.refused = "That is no answer."

        world.clock.advance(4 * HOUR)
        await world.sweeper.sweep(world.now)

        assert isinstance((await world.storage.request(request.id)).decision, Expired)


async def test_silence_in_one_stage_opens_the_next() -> None:
    async with under(ending(Consent()), ending(Expire(), approvers=("U-BOB",))) as world:
        request = await asked(world)

        await world.later(4 * HOUR)

        second = await world.storage.request(request.id)
        assert (second.decision, second.stage_number, second.open.asked) == (None, 1, (BOB,))
        assert second.deadline == world.now + 4 * HOUR
        assert (await world.vote(BOB, on=request)).decision is not None


async def test_a_request_may_wait_on_past_its_deadline_and_is_overdue_then() -> None:
    async with under(ending(Overdue())) as world:
        task = await world.started()
        assert not is_overdue(await world.request(task))

        await world.later(5 * HOUR)

        request = await world.request(task)
        assert isinstance(request.state, Pending)
        assert is_overdue(request)
        assert len(await world.messages_of(task, MessageKind.REMINDER)) == 1
        assert (await world.vote(ALICE, on=request)).decision is not None


async def test_reminders_come_again_and_again_counted_from_the_last_one() -> None:
    stage = replace(ending(Expire(), Step(after=3 * HOUR, action=Warn())), remind_every=HOUR)
    async with under(stage) as world:
        task = await world.started()

        for minutes in (60, 90, 30, 60):  # one look comes late
            await world.later(timedelta(minutes=minutes))

        assert len(await world.messages_of(task, MessageKind.REMINDER)) == 3
        assert isinstance((await world.request(task)).decision, Expired)


async def test_an_escalation_into_a_channel_posts_the_card_there_and_adds_its_members_where_it_says_so() -> None:
    escalation = Escalate(to=("#ops", "#gone"), via=Via.CHANNEL)
    async with under(ending(Expire(), Step(after=HOUR, action=escalation))) as world:
        world.directory.channels["#ops"] = ChannelId("C-OPS")
        world.directory.groups["#ops"] = [DORA]
        task = await world.started()

        await world.later(HOUR)

        copy = await world.message(task, MessageKind.COPY)
        assert copy.ref is not None
        assert (copy.to, copy.ref.channel) == (None, "C-OPS")
        assert (await world.vote(DORA, on=await world.request(task))).decision is not None


async def test_an_escalation_that_adds_nobody_leaves_the_approvers_as_they_are() -> None:
    escalation = Escalate(to=("U-DORA",), adds=False)
    async with under(ending(Expire(), Step(after=HOUR, action=escalation))) as world:
        task = await world.started()

        await world.later(HOUR)

        assert (await world.message(task, MessageKind.COPY)).to == DORA
        with pytest.raises(NotAnApprover):
            await world.vote(DORA, on=await world.request(task))


async def test_windows_count_each_approvers_own_working_hours() -> None:
    own = Hours(start=time(9), end=time(17), days=(0, 1, 2, 3, 4))
    async with under(ending(Expire(), approvers=("U-ALICE", "U-BOB")), hours=own) as world:
        world.directory.zones |= {ALICE: "Europe/Berlin", BOB: "America/New_York"}
        request = await asked(world)

        assert request.open.zones == ("America/New_York", "Europe/Berlin")
        assert request.deadline == request.moment(4 * HOUR)
        assert isinstance(request.state, Pending)
        assert request.state.due_at == request.deadline
        assert request.deadline.astimezone().utcoffset() is not None
        assert request.deadline > request.opened_at + 4 * HOUR


async def test_the_clock_brings_nothing_more_to_what_is_decided() -> None:
    async with under(ending(Expire())) as world:
        request = await asked(world)
        assert next_moment(request) == (request.deadline, request.stage.steps[0])

        assert next_moment(await world.vote(ALICE, on=request)) is None
