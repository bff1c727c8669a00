"""Whom a policy asks, over the real storage: groups, each with people of its own, and stages one after the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.actor import Shown
from bot.approvals.model.decision import Answered, Approve, Choose, Reject
from bot.approvals.model.errors import AgreedBefore, NotAnApprover, NotEligible, ReasonMissing, VerdictNotOffered
from bot.approvals.model.ids import ChannelId
from bot.approvals.model.policy import Escalate, Expire, Group, Policy, Stage, Step, UndoTerms, Via, one_stage
from bot.approvals.model.question import Verdict
from bot.approvals.rules.matching import Policies, Rule
from bot.approvals.services.people.staffing import unmatched, unmet
from tests.support.fakes.world import ALICE, BOB, CAROL, DORA, GUS, RITA, a_world, item, question
from tests.unit.approvals.services.policies.asking import asked, ending, under

HOUR = timedelta(hours=1)


def group(*approvers: str, needed: int = 1) -> Group:
    return Group(approvers=approvers, needed=needed)


# --- Groups and stages --------------------------------------------------------------------------


async def test_each_group_needs_people_of_its_own() -> None:
    async with under(Stage(groups=(group("@security"), group("@finance", needed=2)))) as world:
        world.directory.groups |= {"@security": [ALICE, BOB], "@finance": [BOB, CAROL, DORA]}
        request = await asked(world)

        one = await world.vote(BOB, on=request)
        two = await world.vote(CAROL, on=request)
        three = await world.vote(DORA, on=request)

        assert (one.decision, two.decision) == (None, None)
        assert isinstance(three.decision, Answered)
        assert three.decision.voters == (BOB, CAROL, DORA)


async def test_stages_are_asked_one_after_the_other_each_with_its_own_windows() -> None:
    lead = ending(Expire(), approvers=("U-ALICE",))
    finance = replace(ending(Expire(), approvers=("U-BOB",)), name="finance")
    async with under(lead, finance) as world:
        request = await asked(world)
        world.clock.now += HOUR

        with pytest.raises(NotAnApprover):
            await world.vote(BOB, on=request)
        second = await world.vote(ALICE, on=request)

        assert second.decision is None
        assert (second.stage.name, second.open.asked) == ("finance", (BOB,))
        assert second.deadline == world.now + 4 * HOUR
        with pytest.raises(NotAnApprover):
            await world.vote(ALICE, on=request)
        settled = await world.vote(BOB, on=request)
        assert isinstance(settled.decision, Answered)
        assert settled.decision.voters == (ALICE, BOB)


async def test_one_person_is_not_two_although_two_stages_name_them() -> None:
    both = one_stage(("U-ALICE", "U-BOB"))
    async with under(*both, *both) as world:
        request = await asked(world)
        await world.vote(ALICE, on=request)

        with pytest.raises(AgreedBefore, match="this one takes U-BOB"):
            await world.vote(ALICE, on=request)


async def test_a_later_stage_may_reject_and_may_not_agree_on_something_else() -> None:
    asks = question(item(Verdict.CHOOSE, Verdict.REJECT), choices=("left", "right"))
    async with under(*one_stage(("U-ALICE",)), *one_stage(("U-BOB",)), asks=asks) as world:
        request = await asked(world)
        await world.vote(ALICE, Choose(choice="left"), on=request)

        with pytest.raises(VerdictNotOffered, match="an earlier stage has agreed on another"):
            await world.vote(BOB, Choose(choice="right"), on=request)
        rejected = await world.vote(BOB, Reject(reason="no"), on=request)

        assert isinstance(rejected.decision, Answered)
        assert rejected.decision.voters == (BOB,)


async def test_what_one_stage_rejected_of_several_things_stays_rejected() -> None:
    asks = question(item(name="a"), item(name="b"))
    async with under(*one_stage(("U-ALICE",)), *one_stage(("U-BOB",)), asks=asks) as world:
        request = await asked(world)
        await world.vote(ALICE, Approve(), Reject(reason="no"), on=request)

        settled = await world.vote(BOB, Approve(), Approve(), on=request)

        assert isinstance(settled.decision, Answered)
        assert settled.decision.verdicts == (Approve(), Reject(reason="no"))


async def test_a_rejection_of_all_ends_it_in_the_stage_that_it_came_in() -> None:
    async with under(*one_stage(("U-ALICE",)), *one_stage(("U-BOB",))) as world:
        settled = await world.vote(ALICE, Reject(reason="no"), on=await asked(world))

        assert settled.decision is not None


async def test_an_edit_in_a_later_stage_begins_with_the_first_again() -> None:
    async with under(ending(Expire()), ending(Expire(), approvers=("U-BOB",))) as world:
        request = await asked(world)
        await world.vote(ALICE, on=request)
        world.clock.now += 3 * HOUR

        edited = await world.answers.edit(world.actor(BOB), Shown.of(request), 0, {"path": "/b"})

        assert (edited.stage_number, edited.passed, edited.votes, edited.open.asked) == (0, (), (), (ALICE,))
        assert edited.deadline == world.now + 4 * HOUR


async def test_a_rejection_may_take_several() -> None:
    stage = replace(one_stage(("U-ALICE", "U-BOB", "U-CAROL"))[0], reject_quorum=2)
    async with under(stage) as world:
        request = await asked(world)

        one = await world.vote(ALICE, Reject(reason="no"), on=request)
        two = await world.vote(BOB, Reject(reason="never"), on=request)

        assert one.decision is None
        assert isinstance(two.decision, Answered)
        assert set(two.decision.voters) == {ALICE, BOB}


async def test_who_left_the_group_after_their_vote_counts_neither_for_it_nor_against_it() -> None:
    stage = replace(one_stage(("@ops",), 2)[0], reject_quorum=2)
    async with under(stage) as world:
        world.directory.groups["@ops"] = [ALICE, BOB, CAROL, DORA]
        request = await asked(world)
        await world.vote(ALICE, on=request)
        await world.vote(BOB, Reject(reason="no"), on=request)
        world.directory.groups["@ops"] = [CAROL, DORA]

        assert (await world.vote(CAROL, Reject(reason="no"), on=request)).decision is None
        assert (await world.vote(CAROL, on=request)).decision is None
        assert (await world.vote(DORA, on=request)).decision is not None


async def test_whose_account_was_closed_after_their_vote_does_not_count() -> None:
    async with under(*one_stage(("U-ALICE", "U-BOB", "U-CAROL"), 2)) as world:
        request = await asked(world)
        await world.vote(ALICE, on=request)
        world.directory.ineligible[ALICE] = "it is deactivated"

        assert (await world.vote(BOB, on=request)).decision is None
        assert (await world.vote(CAROL, on=request)).decision is not None


async def test_two_who_approve_for_different_reasons_agree() -> None:
    async with under(*one_stage(("U-ALICE", "U-BOB"), 2), reasons=(Verdict.APPROVE,)) as world:
        request = await asked(world)
        with pytest.raises(ReasonMissing):
            await world.vote(ALICE, Approve(), on=request)

        await world.vote(ALICE, Approve(reason="it is old"), on=request)
        settled = await world.vote(BOB, Approve(reason="it is large"), on=request)

        assert settled.decision is not None


async def test_a_guest_may_answer_where_the_policy_names_them_themselves_and_not_as_one_of_a_group() -> None:
    async with under(*one_stage(("gus@acme.example", "@ops"))) as world:
        world.directory.people["gus@acme.example"] = GUS
        world.directory.nameable.add(GUS)
        assert (await world.vote(GUS, on=await asked(world))).decision is not None
    async with under(*one_stage(("@ops",))) as world:
        world.directory.nameable.add(GUS)
        world.directory.groups["@ops"] = [GUS, ALICE]
        with pytest.raises(NotEligible):
            await world.vote(GUS, on=await asked(world))


async def test_a_policy_without_stages_is_none() -> None:
    with pytest.raises(ValueError, match="at least one stage"):
        Policy(name="p", stages=())


# --- Too few ------------------------------------------------------------------------------------


async def test_a_quorum_that_too_few_can_give_is_noted_when_it_is_asked() -> None:
    async with under(*one_stage(("U-ALICE", "U-RITA", "U-GUS"), 3)) as world:
        request = await asked(world)

        assert (request.open.asked, request.open.short) == ((ALICE, RITA), 2)


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (one_stage(("@nobody", "U-ALICE"))[0], ["@nobody is nobody in this workspace. Correct it in the policy file."]),
        (one_stage(("U-ALICE", "U-GUS"), 2)[0], ["2 have to agree, and 1 of its approvers may answer."]),
        (
            Stage(name="last", groups=(group("U-ALICE"), group("U-ALICE"))),
            ["in its stage last, 2 have to agree, and only 1 of its groups' people, each counted once, may answer."],
        ),
        (one_stage(("details.owner",), 3)[0], []),
        (
            ending(Expire(), Step(after=HOUR, action=Escalate(to=("@gone",)))),
            ["@gone is nobody in this workspace. Correct it in the policy file."],
        ),
        (
            ending(Expire(), Step(after=HOUR, action=Escalate(to=("#gone",), via=Via.CHANNEL, adds=False))),
            ["there is no channel #gone that the bot can see. Correct it in the policy file, or invite the bot."],
        ),
        (ending(Expire(), Step(after=HOUR, action=Escalate(to=("#ops",), via=Via.CHANNEL, adds=False))), []),
    ],
)
async def test_what_a_policy_names_in_vain_is_said_before_anybody_waits_for_it(stage: Stage, said: list[str]) -> None:
    async with a_world() as world:
        world.directory.channels["#ops"] = ChannelId("C9")

        assert await unmet(Policy(name="p", stages=(stage,)), world.directory) == said


async def test_who_may_undo_is_looked_up_as_well() -> None:
    """A name under `undo` that means nobody is said; a key of the question is not known before it asks."""
    async with a_world() as world:
        undo = UndoTerms(approvers=("@gone", "U-ALICE", "details.owner"))

        said = await unmet(Policy(name="p", stages=one_stage(("U-ALICE",)), undo=undo), world.directory)

        assert said == ["@gone is nobody in this workspace. Correct it in the policy file."]


async def test_a_channel_and_matches_that_are_nowhere_are_said_too() -> None:
    async with a_world() as world:
        nowhere = Policy(name="p", stages=one_stage(("U-ALICE",)), channel="#nowhere")
        rule = Rule(policy=nowhere, requesters=("@interns", "U-RITA"), channels=("#nowhere",))

        assert len(await unmet(nowhere, world.directory)) == 1
        said = await unmatched(Policies(rules=(rule,), otherwise=nowhere), world.directory)
        assert [sentence.split(" that ")[0].split(" is ")[0] for sentence in said] == ["@interns", "there"]
