"""An operator's correction: an open request is put under the policy of now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import Reject
from bot.approvals.model.errors import AlreadySettled, NoPolicy, NotAnApprover, RuleAnswers, StaleVersion, Unreachable
from bot.approvals.model.ids import ChannelId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Auto, CardTerms, Policy, one_stage
from bot.approvals.model.request import Pending
from bot.approvals.rules.matching import ConditionFailed, Policies, Rule
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.amendment import Amending
from bot.approvals.services.policies.choice import PolicyChoice
from tests.support.fakes.world import ALICE, BOB, World, a_world
from tests.unit.approvals.services.people.naming import TWO_STAGES, under

HOUR = timedelta(hours=1)


def amending(world: World, corrected: Policy, *rules: Rule, looks: CardTerms | None = None) -> Amending:
    policies = Policies(rules=rules, otherwise=corrected, cards={"cleanup": looks} if looks else {})
    policy_choice = PolicyChoice(policies=policies, directory=world.directory)
    return Amending(
        storage=world.storage, policy_choice=policy_choice, eligibility=Eligibility(directory=world.directory)
    )


async def test_an_operator_puts_an_open_request_under_the_policy_of_now() -> None:
    async with a_world(otherwise=under(*one_stage(("@gone",)))) as world:
        task = await world.started()
        request = await world.request(task)
        with pytest.raises(NotAnApprover):
            await world.vote(BOB, on=request)
        world.clock.advance(HOUR)
        world.directory.ids["@ops"] = "S1"
        world.directory.groups["@ops"] = [BOB]

        amended = await amending(world, under(*one_stage(("@ops",)), name="new")).apply(request.id, "root", world.now)

        assert amended.changed
        assert (amended.after.approvers, amended.after.open.asked, amended.after.unknown) == (("S1",), (BOB,), {})
        assert (amended.after.open.opened_at, amended.after.amended_at) == (world.now, world.now)
        assert amended.after.version == request.version
        (event,) = await world.history(task, "policy_applied")
        assert (event.rule, event.person) == ("new", None)
        told = {"by": "root", "was": "p", "asked_before": [], "asks": ["S1"], "voided": [], "version": 1}
        assert told.items() <= event.data.items()
        assert event.data["eligible"] == [{"team_id": "T1", "user_id": "U-BOB"}]
        assert (await world.vote(BOB, on=amended.after)).decision is not None


async def test_votes_on_other_terms_are_void_which_is_on_the_record_and_a_new_version() -> None:
    async with a_world(otherwise=under(*one_stage(("U-ALICE", "U-BOB"), 2))) as world:
        task = await world.started()
        request = await world.request(task)
        await world.vote(ALICE, on=request)

        amended = await amending(world, under(*one_stage(("U-ALICE", "U-BOB")))).apply(request.id, "root", world.now)

        assert (amended.after.votes, amended.after.version) == ((), 2)
        assert isinstance(amended.after.state, Pending)
        (event,) = await world.history(task, "policy_applied")
        assert event.data["voided"] == ["U-ALICE"]
        with pytest.raises(StaleVersion):
            await world.vote(BOB, on=request)
        assert (await world.vote(BOB, on=amended.after)).decision is not None


async def test_a_sequence_begins_anew_and_who_agreed_is_on_the_record() -> None:
    async with a_world(otherwise=under(*TWO_STAGES)) as world:
        request = await world.request(await world.started())
        await world.vote(ALICE, on=request)

        amended = await amending(world, under(*one_stage(("U-BOB",)))).apply(request.id, "root", world.now)

        assert (amended.after.stage_number, amended.after.version, amended.after.open.asked) == (0, 2, (BOB,))


async def test_the_policy_that_it_has_changes_nothing() -> None:
    async with a_world(otherwise=under(*one_stage(("U-ALICE",)))) as world:
        task = await world.started()
        request = await world.request(task)

        amended = await amending(world, world.policies.otherwise).apply(request.id, "root", world.now)

        assert not amended.changed
        assert await world.history(task, "policy_applied") == []


async def test_new_labels_for_the_card_void_no_vote() -> None:
    """`cards:` says how a card looks. What is asked, who may answer and by when are the same."""
    async with a_world(otherwise=under(*one_stage(("U-ALICE", "U-BOB"), 2))) as world:
        task = await world.started()
        request = await world.request(task)
        voted = await world.vote(ALICE, on=request)
        looks = CardTerms(labels={"older_than": "Untouched for"}, keys=("path",))

        relabelled = amending(world, world.policies.otherwise, looks=looks)
        amended = await relabelled.apply(request.id, "root", world.now)
        again = await relabelled.apply(request.id, "root", world.now)

        assert amended.changed
        assert amended.reworded
        assert amended.after.policy.card == looks
        assert replace(amended.after, policy=voted.policy, revision=voted.revision) == voted
        assert not again.changed
        assert not again.reworded
        (event,) = await world.history(task, "card_applied")
        assert event.data == {"by": "root"}
        assert await world.history(task, "policy_applied") == []
        assert (await world.vote(BOB, on=request)).decision is not None


async def test_new_labels_that_come_with_new_terms_are_new_terms() -> None:
    async with a_world(otherwise=under(*one_stage(("U-ALICE", "U-BOB"), 2))) as world:
        request = await world.request(await world.started())
        await world.vote(ALICE, on=request)
        corrected = under(*one_stage(("U-ALICE", "U-BOB")))

        amended = await amending(world, corrected, looks=CardTerms(keys=("path",))).apply(request.id, "root", world.now)

        assert not amended.reworded
        assert (amended.after.votes, amended.after.version) == ((), 2)


async def test_the_card_goes_to_the_policys_own_channel_once() -> None:
    async with a_world(otherwise=under(*one_stage(("U-ALICE",)))) as world:
        world.directory.channels["#audit"] = ChannelId("C2")
        task = await world.started()
        request = await world.request(task)

        for quorum, channel in ((1, "#audit"), (2, "#audit"), (1, "#gone")):
            terms = under(*one_stage(("U-ALICE", "U-BOB"), quorum), channel=channel)
            await amending(world, terms).apply(request.id, "root", world.now)

        (copy,) = await world.messages_of(task, MessageKind.COPY)
        assert copy.channel == "C2"


async def test_what_cannot_be_applied_changes_nothing() -> None:
    async with a_world() as world:
        task = await world.started()
        request = await world.request(task)

        def broken(*_: object) -> list[bool]:
            raise ConditionFailed("there is no key 'amount'")

        corrected = under(*one_stage(("U-BOB",)))
        with pytest.raises(NoPolicy, match="there is no key"):
            await amending(world, corrected, Rule(policy=corrected, when=broken)).apply(request.id, "root", world.now)
        alone = replace(corrected, auto=Auto(approve=True, why="x"))
        with pytest.raises(RuleAnswers):
            await amending(world, corrected, Rule(policy=alone)).apply(request.id, "root", world.now)
        world.directory.down = True
        with pytest.raises(Unreachable):
            await amending(world, under(*one_stage(("@ops",)))).apply(request.id, "root", world.now)
        world.directory.down = False
        assert await world.request(task) == request

        await world.vote(ALICE, Reject(reason="no"), on=request)
        with pytest.raises(AlreadySettled):
            await amending(world, corrected).apply(request.id, "root", world.now)
