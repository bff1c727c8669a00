"""What Slack refuses to say: a scope that is missing, a lookup that fails, and who is told which."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.model.errors import NotAnApprover, NotTold
from bot.approvals.model.policy import one_stage
from bot.approvals.ports.slack import LookupRefused
from tests.support.fakes.world import ALICE, BOB, GUS, a_world
from tests.unit.approvals.services.people.naming import NO_SCOPE, under


async def test_without_the_scope_a_group_is_nobody_and_it_is_said_which_scope_is_missing() -> None:
    async with a_world(otherwise=under(*one_stage(("@ops", "U-ALICE")))) as world:
        world.directory.groups["@ops"] = [BOB]
        world.directory.refused["@ops"] = NO_SCOPE

        request = await world.request(await world.started())

        assert request.unknown == {"@ops": NO_SCOPE}
        with pytest.raises(NotAnApprover):
            await world.vote(BOB, on=request)
        assert (await world.vote(ALICE, on=request)).decision is not None


async def test_a_scope_that_goes_while_it_waits_refuses_and_says_why() -> None:
    async with a_world(otherwise=under(*one_stage(("@ops", "U-ALICE"), 2))) as world:
        world.directory.groups["@ops"] = [BOB]
        request = await world.request(await world.started())
        world.directory.refused["@ops"] = NO_SCOPE

        with pytest.raises(NotTold, match="usergroups:read"):
            await world.vote(BOB, on=request)
        assert (await world.vote(ALICE, on=request)).decision is None


async def test_without_the_scope_for_accounts_every_vote_is_refused_with_its_name() -> None:
    async with a_world() as world:
        request = await world.request(await world.started())
        world.directory.refused["U-ALICE"] = "cannot be looked up: the bot's app lacks a scope (users:read)"

        with pytest.raises(NotTold, match=r"Your account cannot be looked up: .*users:read"):
            await world.vote(ALICE, on=request)
        (event,) = await world.history(await world.task(request.task_id), "refused")
        assert event.data["why"] == "NotTold"


async def test_a_card_says_what_slack_refused_when_it_was_opened() -> None:
    async with a_world(otherwise=under(*one_stage(("S1", "U-ALICE")))) as world:
        world.directory.refused["S1"] = NO_SCOPE
        assert (await world.request(await world.started())).open.untold == (f"S1 {NO_SCOPE}.",)
    async with a_world(otherwise=under(*one_stage(("@ops",)))) as world:
        world.directory.groups["@ops"] = [BOB]
        world.directory.refused["U-BOB"] = "cannot be looked up: no"
        request = await world.request(await world.started())
        assert (request.open.untold, request.open.asked) == (("Their accounts cannot be looked up: no.",), ())


async def test_an_inbox_shows_what_it_can_and_says_what_may_be_missing() -> None:
    async with a_world() as world:
        task = await world.started()
        world.directory.groups["@ops"] = [ALICE]
        world.directory.refused |= {"@ops": NO_SCOPE, "#ops": "cannot be looked up: no"}

        plain = await world.inboxes.known(ALICE)
        asking = await replace(world.inboxes, groups=lambda: ("@ops",), channels=lambda: ("#ops",)).known(ALICE)

        assert [request.task_id for request in await world.inboxes.waiting(ALICE)] == [task.id]
        assert plain.untold == ()
        assert [said.split(" may be")[0] for said in asking.untold] == [
            "What waits for user groups",
            "What waits for members of channels",
        ]


async def test_a_refusal_of_slack_is_a_failed_lookup() -> None:
    """So whoever does not know of it refuses."""
    async with a_world() as world:
        world.directory.refused["U-GUS"] = "no"
        with pytest.raises(LookupRefused):
            await world.directory.member(GUS)
