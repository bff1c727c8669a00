"""Where a policy has a request shown, and for whose eyes."""

from __future__ import annotations

import pytest

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.errors import NotAnApprover, OwnRequest, Unreachable
from bot.approvals.model.ids import ChannelId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import one_stage
from bot.approvals.model.request import Decided
from tests.support.fakes.world import ALICE, BOB, RITA, STRANGER, a_world, item, question
from tests.unit.approvals.services.policies.asking import asked, under


async def test_the_card_stands_in_the_policys_own_channel_as_well() -> None:
    async with under(*one_stage(("U-ALICE",)), channel="#finance") as world:
        world.directory.channels["#finance"] = ChannelId("C-FIN")
        task = await world.started()

        copy = await world.message(task, MessageKind.COPY)
        assert copy.ref is not None
        assert copy.ref.channel == "C-FIN"
        assert (await world.message(task, MessageKind.CARD)).ref is not None
    async with under(*one_stage(("U-ALICE",)), channel="#gone") as world:
        assert await world.messages_of(await world.started(), MessageKind.COPY) == []


async def test_a_channel_that_slack_does_not_tell_of_is_asked_for_again() -> None:
    async with under(*one_stage(("U-ALICE",)), channel="#finance") as world:
        task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, ChannelId("C1"))
        world.directory.down = True
        with pytest.raises(Unreachable):
            await world.delivery.drive(task.id)


async def test_the_whole_of_a_private_request_is_for_those_alone_who_may_answer_or_have() -> None:
    two = (*one_stage(("U-ALICE",)), *one_stage(("U-BOB",)))
    async with under(*two, private=True) as world:
        request = await asked(world)
        assert await world.answers.view(world.actor(ALICE), request.id) == request
        for other in (RITA, STRANGER):
            with pytest.raises((OwnRequest, NotAnApprover)):
                await world.answers.view(world.actor(other), request.id)

        await world.vote(ALICE, on=request)
        await world.answers.view(world.actor(ALICE), request.id)
        await world.vote(BOB, on=request)

        assert isinstance((await world.answers.view(world.actor(BOB), request.id)).state, Decided)


async def test_what_is_not_private_is_for_everybody() -> None:
    async with a_world() as world:
        request = await asked(world)

        assert await world.answers.view(world.actor(STRANGER), request.id) == request


async def test_a_private_payload_is_in_no_file() -> None:
    long = question(item(arguments={"body": "x" * 250_000}))
    async with under(*one_stage(("U-ALICE",)), private=True, asks=long) as world:
        assert await world.messages_of(await world.started(), MessageKind.FILE) == []
