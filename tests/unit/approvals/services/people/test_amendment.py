"""An operator's correction: an open request is put under the policy of now."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.approvals.model.decision import Outcome, Reject, Undo, outcome_of
from bot.approvals.model.errors import AlreadySettled, NoPolicy, NotAnApprover, RuleAnswers, StaleVersion, Unreachable
from bot.approvals.model.ids import ChannelId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Auto, CardTerms, OnStale, Policy, UndoTerms, one_stage
from bot.approvals.model.question import Question, Verdict, Window
from bot.approvals.model.request import Decided, Pending
from bot.approvals.rules.matching import ConditionFailed, Policies, Rule
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.amendment import Amending
from bot.approvals.services.policies.choice import PolicyChoice
from tests.support.fakes.world import ALICE, BOB, CAROL, FIRST, World, a_world, item, question
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


# --- After the decision -------------------------------------------------------------------------


async def test_a_new_hold_and_validity_are_new_terms_and_hold_for_the_next_decision() -> None:
    """Votes were given on other terms, so they are void. The decision that follows is held and runs out."""
    before = under(*one_stage(("U-ALICE", "U-BOB"), 2))
    async with a_world(otherwise=before) as world:
        task = await world.started()
        request = await world.request(task)
        await world.vote(ALICE, on=request)
        corrected = under(
            *one_stage(("U-ALICE", "U-BOB")), hold=HOUR / 60, valid_for=HOUR, on_stale=OnStale.STOP, name="p"
        )

        amended = await amending(world, corrected).apply(request.id, "root", world.now)
        decided = await world.vote(BOB, on=amended.after)

        assert (amended.after.votes, amended.after.version) == ((), 2)
        assert isinstance(decided.state, Decided)
        assert decided.state.held_until == world.now + HOUR / 60
        assert decided.state.valid_until == world.now + HOUR / 60 + HOUR
        (event,) = await world.history(task, "policy_applied")
        terms = event.data["policy"]
        assert isinstance(terms, dict)
        assert (terms["hold_seconds"], terms["valid_for_seconds"], terms["on_stale"]) == (60.0, 3600.0, "stop")


@pytest.mark.parametrize(
    "corrected",
    [
        {"hold": HOUR / 60},
        {"valid_for": HOUR},
        {"on_stale": OnStale.STOP},
        {"undo": UndoTerms(approvers=("U-CAROL",))},
        {"undo": UndoTerms(requester=False)},
    ],
)
async def test_each_term_that_holds_after_the_decision_is_applied(corrected: dict[str, object]) -> None:
    """None of them is taken for a change of looks, and none is passed over: votes on other terms are void."""
    async with a_world(otherwise=under(*one_stage(("U-ALICE", "U-BOB"), 2))) as world:
        task = await world.started()
        request = await world.request(task)
        await world.vote(ALICE, on=request)
        policy = under(*one_stage(("U-ALICE", "U-BOB"), 2), asks=None, **corrected)

        amended = await amending(world, policy).apply(request.id, "root", world.now)

        assert (amended.changed, amended.reworded) == (True, False)
        assert (amended.after.policy, amended.after.votes) == (policy, ())
        assert len(await world.history(task, "policy_applied")) == 1


async def test_a_decision_that_is_held_is_no_longer_open_and_stays_as_it_is() -> None:
    """An approver can stop it; an operator's policy takes no decision away."""
    async with a_world(otherwise=under(*one_stage(("U-ALICE",)), hold=HOUR)) as world:
        task = await world.started()
        held = await world.vote(ALICE, on=await world.request(task))

        with pytest.raises(AlreadySettled):
            await amending(world, under(*one_stage(("U-BOB",)))).apply(held.id, "root", world.now)

        assert await world.request(task) == held
        stopped = await world.answers.stop(world.actor(ALICE), held.id)
        amended = await amending(world, under(*one_stage(("U-BOB",)))).apply(stopped.id, "root", world.now)
        assert amended.after.approvers == ("U-BOB",)


def offered(at: datetime) -> Question:
    """An offer to undo what an agent did at that moment, for an hour."""
    asked = question(item(Verdict.UNDO, Verdict.KEEP))
    return replace(asked, window=Window(length=HOUR, at=at))


async def test_an_undo_window_gets_the_people_of_the_new_terms_and_keeps_its_end() -> None:
    """Only who may undo changes: the window counts from the action, and one person is enough."""
    async with a_world(otherwise=under(*one_stage(("U-ALICE",)), undo=UndoTerms(approvers=("U-BOB",)))) as world:
        acted = world.now
        world.engine.stages[0][FIRST] = offered(acted)
        task = await world.started()
        request = await world.request(task)
        world.clock.advance(HOUR / 2)
        undo = UndoTerms(approvers=("U-CAROL",), requester=False)
        corrected = under(*one_stage(("U-ALICE", "U-DORA"), 2), undo=undo, hold=HOUR, valid_for=HOUR, name="new")

        amended = await amending(world, corrected).apply(request.id, "root", world.now)

        after = amended.after
        assert (request.approvers, request.asked_requester) == (("U-BOB",), request.requester)
        assert (after.approvers, after.asked_requester, after.stage.needed) == (("U-CAROL",), None, 1)
        assert (after.policy.name, after.policy.hold, after.policy.valid_for) == ("new", timedelta(), None)
        assert request.deadline == after.deadline == acted + HOUR
        with pytest.raises(NotAnApprover):
            await world.vote(BOB, Undo(), on=after)
        undone = (await world.vote(CAROL, Undo(), on=after)).decision
        assert undone is not None
        assert outcome_of(undone) is Outcome.UNDO


async def test_terms_for_approvals_change_nothing_of_an_undo_window() -> None:
    """A new quorum, hold or deadline of approvals does not reach it, so there is nothing to apply."""
    async with a_world(otherwise=under(*one_stage(("U-ALICE",)))) as world:
        world.engine.stages[0][FIRST] = offered(world.now)
        task = await world.started()
        request = await world.request(task)
        corrected = under(*one_stage(("U-BOB", "U-DORA"), 2), hold=HOUR, valid_for=HOUR, confirm=True)

        amended = await amending(world, corrected).apply(request.id, "root", world.now)

        assert not amended.changed


async def test_a_preview_says_what_would_follow_and_changes_nothing() -> None:
    """It raises what applying it would raise."""
    async with a_world(otherwise=under(*one_stage(("U-ALICE", "U-BOB"), 2))) as world:
        task = await world.started()
        request = await world.vote(ALICE, on=await world.request(task))
        stricter = amending(world, under(*one_stage(("U-BOB",)), name="new"))

        planned = await stricter.preview(request.id, world.now)

        assert await world.request(task) == request
        assert await world.history(task, "policy_applied") == []
        applied = await stricter.apply(request.id, "root", world.now)
        assert replace(applied.after, revision=planned.after.revision) == planned.after
        await world.vote(BOB, on=applied.after)
        with pytest.raises(AlreadySettled):
            await stricter.preview(request.id, world.now)


async def test_another_look_with_names_that_mean_others_now_voids_votes() -> None:
    """The card alone would not: but who may answer is not the same any more."""
    async with a_world(otherwise=under(*one_stage(("U-ALICE", "U-BOB", "@ops"), 2))) as world:
        task = await world.started()
        await world.vote(ALICE, on=await world.request(task))
        world.directory.ids["@ops"] = "S1"
        world.directory.groups["@ops"] = [CAROL]
        looks = CardTerms(labels={"path": "Where"})

        amended = await amending(world, world.policies.otherwise, looks=looks).apply(
            (await world.request(task)).id, "root", world.now
        )

        assert not amended.reworded
        assert amended.after.votes == ()
        assert len(await world.history(task, "policy_applied")) == 1
