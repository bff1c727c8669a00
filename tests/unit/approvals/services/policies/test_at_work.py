"""What a policy makes of a request, over the real storage: groups, stages, silence, answers without people."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import time, timedelta

import pytest

from bot.approvals.model.actor import COMMAND, Shown
from bot.approvals.model.decision import Answered, Approve, Choose, Expired, Reject
from bot.approvals.model.errors import (
    AgreedBefore,
    AnotherRule,
    NotAnApprover,
    NotEligible,
    OwnRequest,
    ReasonMissing,
    Unreachable,
    VerdictNotOffered,
)
from bot.approvals.model.hours import Hours
from bot.approvals.model.ids import ChannelId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import (
    Auto,
    Consent,
    Escalate,
    Expire,
    Group,
    Overdue,
    Pick,
    Policy,
    Stage,
    Step,
    Via,
    Warn,
    one_stage,
)
from bot.approvals.model.question import Item, Question, Verdict
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.task import Failed
from bot.approvals.rules.matching import ConditionFailed, Facts, Policies, Rule
from bot.approvals.rules.schedule import is_overdue, next_moment
from bot.approvals.services.people.vacancies import unmatched, vacancies
from tests.support.fakes.world import (
    ALICE,
    BOB,
    CAROL,
    DORA,
    FIRST,
    GUS,
    RITA,
    STRANGER,
    World,
    a_world,
    item,
    policy,
    question,
)

HOUR = timedelta(hours=1)


def group(*approvers: str, needed: int = 1) -> Group:
    return Group(approvers=approvers, needed=needed)


def under(*stages: Stage, asks: Question | None = None, **terms: object) -> AbstractAsyncContextManager[World]:
    """A world whose graph asks under these stages."""
    of = replace(Policy(name="p", stages=stages), **terms)  # type: ignore[arg-type]
    return a_world({FIRST: asks or question()}, otherwise=of)


def ending(action: Expire | Consent | Pick | Overdue, *more: Step, approvers: Sequence[str] = ("U-ALICE",)) -> Stage:
    (stage,) = one_stage(tuple(approvers), steps=(*more, Step(after=4 * HOUR, action=action)))
    return stage


async def asked(world: World) -> Request:
    return await world.request(await world.started())


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

        assert await vacancies(Policy(name="p", stages=(stage,)), world.directory) == said


async def test_a_channel_and_matches_that_are_nowhere_are_said_too() -> None:
    async with a_world() as world:
        nowhere = Policy(name="p", stages=one_stage(("U-ALICE",)), channel="#nowhere")
        rule = Rule(policy=nowhere, requesters=("@interns", "U-RITA"), channels=("#nowhere",))

        assert len(await vacancies(nowhere, world.directory)) == 1
        said = await unmatched(Policies(rules=(rule,), otherwise=nowhere), world.directory)
        assert [sentence.split(" that ")[0].split(" is ")[0] for sentence in said] == ["@interns", "there"]


# --- Silence ------------------------------------------------------------------------------------


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


# --- Without a person ---------------------------------------------------------------------------

NOTHING = Auto(approve=True, why="Reading changes nothing")


async def test_a_rule_may_answer_at_once_and_its_reason_is_on_the_record() -> None:
    async with under(*one_stage(("U-ALICE",)), auto=NOTHING) as world:
        task = await world.started()

        (opened,) = await world.history(task, "opened")
        assert (opened.data["outcome"], opened.data["why"]) == ("approve", "Reading changes nothing")
        assert world.engine.effects != []
        decision = (await world.request(task)).decision
        assert isinstance(decision, Answered)
        assert (decision.voters, decision.ruled) == ((), "Reading changes nothing")


async def test_a_rule_may_reject_at_once() -> None:
    async with under(*one_stage(("U-ALICE",)), auto=Auto(approve=False, why="Never here")) as world:
        decision = (await asked(world)).decision

        assert isinstance(decision, Answered)
        assert decision.verdicts == (Reject(reason="Never here"),)


async def test_people_are_asked_where_a_question_does_not_take_the_rules_answer() -> None:
    only_words = question(item(Verdict.RESPOND))
    async with under(*one_stage(("U-ALICE",)), auto=NOTHING, asks=only_words) as world:
        assert isinstance((await asked(world)).state, Pending)
    async with under(*one_stage(("U-ALICE",)), auto=NOTHING) as world:
        world.engine.refused = "That is no answer."
        assert isinstance((await asked(world)).state, Pending)


# --- Where, and for whose eyes ------------------------------------------------------------------


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


# --- Which rule ---------------------------------------------------------------------------------


def large(facts: Facts, items: Sequence[Item]) -> list[bool]:
    if any("amount" not in of.arguments for of in items):
        raise ConditionFailed("there is no key 'amount'")
    return [of.arguments["amount"] == "much" for of in items]


PAYMENTS = Policies(
    rules=(Rule(policy=policy(name="large", approvers=("U-ALICE", "U-BOB"), quorum=2), when=large),),
    otherwise=policy(name="small", approvers=("U-CAROL",)),
)


async def a_payment(world: World, **arguments: str) -> None:
    """The graph's question is about these arguments, under rules for payments."""
    world.policies = PAYMENTS
    world.be_born()
    world.engine.stages[0][FIRST] = question(item(name="pay", arguments=arguments))


async def test_an_edit_that_would_fall_under_another_rule_is_refused() -> None:
    async with a_world() as world:
        await a_payment(world, amount="little")
        request = await asked(world)
        assert request.policy.name == "small"

        with pytest.raises(AnotherRule, match="it falls under the policy `large`, and was asked under `small`"):
            await world.answers.edit(
                world.actor(CAROL),
                Shown.of(request),
                0,
                {"amount": "much"},
            )
        with pytest.raises(AnotherRule, match="there is no key 'amount'"):
            await world.answers.edit(world.actor(CAROL), Shown.of(request), 0, {})
        edited = await world.answers.edit(world.actor(CAROL), Shown.of(request), 0, {"amount": "less"})

        assert edited.version == 2


async def test_an_edit_is_refused_while_slack_does_not_say_what_a_rule_has_to_know() -> None:
    async with a_world() as world:
        request = await asked(world)
        interns = Rule(policy=policy(name="interns"), requesters=("@interns",))
        world.policies = Policies(rules=(interns,), otherwise=world.policies.otherwise)
        world.be_born()
        world.directory.untold = {"@interns"}

        with pytest.raises(Unreachable):
            await world.answers.edit(world.actor(ALICE), Shown.of(request), 0, {"path": "/b"})


async def test_a_rule_that_cannot_be_worked_out_stops_the_task_and_a_retry_asks_it_again() -> None:
    async with a_world() as world:
        await a_payment(world, sum="much")

        task = await world.started()

        assert await world.requests(task) == ()
        assert isinstance(task.state, Failed)
        assert task.state.retryable
        assert "the rule `large` cannot be worked out: there is no key 'amount'" in task.state.failure.summary
        world.engine.stages[0][FIRST] = question(item(name="pay", arguments={"amount": "much"}))
        await world.tasks.retry(world.actor(RITA), task.id)
        await world.settle()
        assert (await world.request(task)).policy.name == "large"


async def test_a_question_that_changes_is_governed_by_the_rule_for_what_is_asked_now() -> None:
    async with a_world() as world:
        await a_payment(world, amount="little")
        task = await world.started()

        world.engine.stages[0][FIRST] = question(item(name="pay", arguments={"amount": "much"}))
        await world.delivery.drive(task.id)
        changed = await world.request(task)
        world.engine.stages[0][FIRST] = question(item(name="pay", arguments={}))
        await world.delivery.drive(task.id)
        broken = await world.request(task)

        assert (changed.policy.name, changed.version, changed.open.asked) == ("large", 2, (ALICE, BOB))
        assert (broken.policy.stages[0].approvers, broken.version) == ((), 3)
        with pytest.raises(NotAnApprover):
            await world.vote(ALICE, on=broken)


async def test_a_policy_without_stages_is_none() -> None:
    with pytest.raises(ValueError, match="at least one stage"):
        Policy(name="p", stages=())


async def test_a_question_waits_for_slack_where_a_rule_has_to_know_who_asks() -> None:
    async with a_world() as world:
        interns = Rule(policy=policy(name="interns"), requesters=("@interns",))
        world.policies = Policies(rules=(interns,), otherwise=world.policies.otherwise)
        world.be_born()
        world.directory.groups["@interns"] = [RITA]
        task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, ChannelId("C1"))
        world.directory.down = True

        with pytest.raises(Unreachable):
            await world.delivery.drive(task.id)
        assert await world.requests(task) == ()

        world.directory.down = False
        await world.delivery.drive(task.id)
        assert (await world.request(task)).policy.name == "interns"


async def test_the_clock_brings_nothing_more_to_what_is_decided() -> None:
    async with under(ending(Expire())) as world:
        request = await asked(world)
        assert next_moment(request) == (request.deadline, request.stage.steps[0])

        assert next_moment(await world.vote(ALICE, on=request)) is None
