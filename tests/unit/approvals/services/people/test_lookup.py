"""Names are looked up when a request opens: nobody who takes a name later may answer, and nobody loses a request."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.inbox.queries import groups_asked
from bot.approvals.model.actor import COMMAND, Shown
from bot.approvals.model.decision import Reject
from bot.approvals.model.errors import (
    AlreadySettled,
    MayNotVote,
    NoPolicy,
    NotAnApprover,
    NotEligible,
    NotTold,
    NotYours,
    RuleAnswers,
    StaleVersion,
    Unreachable,
)
from bot.approvals.model.ids import ChannelId, Person, TeamId, UserId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Auto, Escalate, Expire, Group, Policy, Stage, Step, Via, one_stage
from bot.approvals.model.question import Question
from bot.approvals.model.request import Delegation, Pending
from bot.approvals.ports.slack import LookupRefused
from bot.approvals.rules.matching import ConditionFailed, Facts, Policies, Rule, names_in, with_ids
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.people.vacancies import unmatched, untied, vacancies
from bot.approvals.services.policies.amendment import Amending
from bot.approvals.services.policies.choice import PolicyChoice
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
    question,
)

HOUR = timedelta(hours=1)
FRANK = Person(team_id=TeamId("T9"), user_id=UserId("U9FRANK"))
"""Of another company."""


def under(*stages: Stage, asks: Question | None = None, **terms: object) -> Policy:
    return replace(Policy(name="p", stages=stages), **terms)  # type: ignore[arg-type]


def rename(world: World, name: str, id: str) -> None:
    """What had this name has another one now, and something else has taken it."""
    world.directory.groups[id] = world.directory.groups.pop(name, [])
    world.directory.ids[name] = world.directory.channels[name] = ChannelId(f"{id}-THIEF")
    world.directory.groups[f"{id}-THIEF"] = [STRANGER]


@pytest.mark.parametrize(("name", "id"), [("@ops", "S-OPS"), ("#incidents", "C-INC"), ("ops@acme.example", "U-BOB")])
async def test_whoever_takes_a_name_may_not_answer_what_was_asked_before(name: str, id: str) -> None:
    """The same holds for a group, a channel and an address."""
    async with a_world(otherwise=under(*one_stage((name,)))) as world:
        world.directory.ids[name] = id
        world.directory.groups[name] = [BOB]
        task = await world.started()
        request = await world.request(task)
        assert request.stage.approvers == (id,)

        rename(world, name, id)

        with pytest.raises(NotAnApprover):
            await world.vote(STRANGER, on=request)
        assert (await world.vote(BOB, on=request)).decision is not None


async def test_every_stage_and_every_escalation_keeps_ids() -> None:
    to_people = Step(after=HOUR, action=Escalate(to=("@leads",)))
    to_channel = Step(after=2 * HOUR, action=Escalate(to=("#ops",), via=Via.CHANNEL, adds=False))
    steps = (to_people, to_channel, Step(after=3 * HOUR, action=Expire()))
    stages = (
        Stage(groups=(Group(approvers=("@ops",)),), steps=steps),
        Stage(
            groups=(Group(approvers=("@leads",)), Group(approvers=("@ops", "U-CAROL"))),
        ),
    )
    async with a_world(otherwise=under(*stages, channel="#audit")) as world:
        world.directory.ids |= {"@ops": "S1", "@leads": "S2"}
        world.directory.channels |= {"#ops": ChannelId("C1"), "#audit": ChannelId("C2")}
        world.directory.groups |= {"S1": [BOB], "S2": [DORA], "C1": [STRANGER]}

        request = await world.request(await world.started())

        assert names_in(request.policy) == ("S1", "S2", "U-CAROL", "C1", "C2")
        assert request.unknown == {}


async def test_an_escalation_asks_whom_its_name_meant_when_the_request_opened() -> None:
    steps = (Step(after=HOUR, action=Escalate(to=("@leads",))), Step(after=4 * HOUR, action=Expire()))
    async with a_world(otherwise=under(*one_stage(("U-ALICE",), steps=steps))) as world:
        world.directory.ids["@leads"] = "S2"
        world.directory.groups["@leads"] = [DORA]
        task = await world.started()
        rename(world, "@leads", "S2")

        await world.later(HOUR)

        assert (await world.message(task, MessageKind.COPY)).to == DORA
        with pytest.raises(NotAnApprover):
            await world.vote(STRANGER, on=await world.request(task))
        assert (await world.vote(DORA, on=await world.request(task))).decision is not None


async def test_a_name_that_meant_nobody_means_nobody_whoever_takes_it() -> None:
    steps = (
        Step(after=HOUR, action=Escalate(to=("@later",))),
        Step(after=2 * HOUR, action=Escalate(to=("#later",), via=Via.CHANNEL)),
        Step(after=4 * HOUR, action=Expire()),
    )
    async with a_world(otherwise=under(*one_stage(("U-ALICE", "@gone"), steps=steps))) as world:
        task = await world.started()
        request = await world.request(task)
        world.directory.groups |= {"@gone": [STRANGER], "@later": [STRANGER], "#later": [STRANGER]}
        world.directory.channels["#later"] = ChannelId("C-LATER")

        await world.later(2 * HOUR)

        assert set(request.unknown) == {"@gone", "@later", "#later"}
        assert await world.messages_of(task, MessageKind.COPY) == []
        with pytest.raises(NotAnApprover):
            await world.vote(STRANGER, on=await world.request(task))
        with pytest.raises(NotYours):
            await world.tasks.look(world.actor(STRANGER), task.id)
        assert await world.inboxes.waiting(STRANGER) == ()
        assert (await world.vote(ALICE, on=await world.request(task))).decision is not None


async def test_a_record_of_before_ids_were_kept_goes_on_by_its_names() -> None:
    async with a_world(otherwise=under(*one_stage(("@ops",)))) as world:
        world.directory.ids["@ops"] = "S1"
        world.directory.groups["@ops"] = [BOB]
        request = await world.request(await world.started())
        old = replace(request, policy=under(*one_stage(("@ops",))))
        event = (await world.storage.history(request.task_id))[-1]
        await world.storage.save_request(old, event)

        assert (await world.vote(BOB, on=request)).decision is not None


async def test_a_request_waits_for_slack_rather_than_open_with_a_name_that_may_pass_on() -> None:
    async with a_world(otherwise=under(*one_stage(("@ops",)))) as world:
        world.directory.groups["@ops"] = [BOB]
        world.directory.untold = {"@ops"}
        task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, ChannelId("C1"))

        with pytest.raises(Unreachable):
            await world.delivery.drive(task.id)
        assert await world.requests(task) == ()

        world.directory.untold = set()
        await world.settle()
        await world.delivery.drive(task.id)
        assert (await world.request(task)).open.asked == (BOB,)


# --- What Slack refuses to say ------------------------------------------------------------------

NO_SCOPE = "cannot be looked up: the bot's app lacks a scope (usergroups:read)"


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
        asking = await replace(world.inboxes, groups=("@ops",), channels=("#ops",)).known(ALICE)

        assert [request.task_id for request in await world.inboxes.waiting(ALICE)] == [task.id]
        assert plain.untold == ()
        assert [said.split(" may be")[0] for said in asking.untold] == [
            "What waits for user groups",
            "What waits for members of channels",
        ]


async def test_a_channel_that_an_open_request_keeps_is_found_whatever_it_is_called_now() -> None:
    async with a_world(otherwise=under(*one_stage(("#ops",)))) as world:
        world.directory.channels["#ops"] = ChannelId("C7OPS")
        world.directory.groups["C7OPS"] = [BOB]
        task = await world.started()
        world.directory.channels["#ops"] = ChannelId("C8OTHER")

        assert [request.task_id for request in await world.inboxes.waiting(BOB)] == [task.id]
        assert await world.inboxes.waiting(CAROL) == ()


# --- Names in rules -----------------------------------------------------------------------------


@pytest.mark.parametrize("match", [{"requesters": ("@interns",)}, {"channels": ("#prod",)}])
async def test_a_rule_whose_names_mean_nothing_now_is_not_passed_over(match: dict[str, tuple[str, ...]]) -> None:
    rule = Rule(policy=under(*one_stage(("U-ALICE",), 2), name="strict"), **match)  # type: ignore[arg-type]
    async with a_world() as world:
        chooser = PolicyChoice(
            policies=Policies(rules=(rule,), otherwise=world.policies.otherwise), directory=world.directory
        )
        task = await world.started()

        with pytest.raises(ConditionFailed, match=r"`strict` cannot be worked out: .(interns|prod) means nobody"):
            await chooser.policy(task, question())
        world.directory.refused |= {"@interns": NO_SCOPE, "#prod": NO_SCOPE}
        with pytest.raises(ConditionFailed, match="usergroups:read"):
            await chooser.policy(task, question())


async def test_a_rule_that_does_not_match_anyway_needs_none_of_its_names() -> None:
    rule = Rule(policy=under(*one_stage(("U-ALICE",)), name="strict"), requesters=("@interns",), actions=("pay",))
    known = Facts(graph="g", channel=ChannelId("C1"), requester=RITA, inputs={}, question=question(), unknown={})

    assert rule.objection(replace(known, unknown={"@interns": "means nobody"})) == "the action is delete, not pay"
    with pytest.raises(ConditionFailed, match="@interns means nobody"):
        replace(rule, actions=()).objection(replace(known, unknown={"@interns": "means nobody"}))


async def test_names_of_rules_are_looked_up_anew_when_a_question_is_asked() -> None:
    """Whoever left the group a moment ago is governed as one who left it."""
    rule = Rule(policy=under(*one_stage(("U-ALICE",)), name="trusted"), requesters=("@trusted",))
    async with a_world() as world:
        world.directory.groups["@trusted"] = []
        world.directory.cached["@trusted"] = [RITA]
        world.policies = Policies(rules=(rule,), otherwise=world.policies.otherwise)
        world.be_born()

        assert (await world.request(await world.started())).policy.name == "default"


@pytest.mark.parametrize("name", ["D\u0435lete", "delete\u200b", " Delete ", "\uff44elete"])
async def test_a_name_that_looks_like_a_rules_is_governed_by_it_and_never_approved_by_it_alone(name: str) -> None:
    strict = Rule(policy=under(*one_stage(("U-ALICE",), 2), name="strict"), actions=("delete",))
    alone = replace(strict, policy=replace(strict.policy, auto=Auto(approve=True, why="x")))
    known = Facts(graph="g", channel=ChannelId("C1"), requester=RITA, inputs={}, question=question(item(name=name)))

    assert strict.objection(known) == ""
    assert bool(alone.objection(known)) is (name.strip().casefold() != "delete")


def test_a_rule_that_approves_alone_is_about_graphs_that_are_written_as_it_writes_them() -> None:
    rule = Rule(policy=under(*one_stage(("U-ALICE",)), auto=Auto(approve=True, why="x")), graphs=("read*",))
    known = Facts(graph="reads", channel=ChannelId("C1"), requester=RITA, inputs={}, question=question())

    assert rule.objection(known) == ""
    assert rule.objection(replace(known, graph="Reads")) == "the graph is Reads, not read*"


# --- Whom the question names --------------------------------------------------------------------


def owned(*owners: str) -> Question:
    return replace(question(), payload={"details": {"owner": list(owners)}})


@pytest.mark.parametrize("guests", [False, True])
async def test_a_question_names_ordinary_members_alone_unless_the_policy_takes_guests(guests: bool) -> None:
    asks = owned("U9GUEST", "U9FRANK", "U9BOB")
    async with a_world({FIRST: asks}, otherwise=under(*one_stage(("details.owner",)), guests=guests)) as world:
        bob = Person(team_id=BOB.team_id, user_id=UserId("U9BOB"))
        guest = Person(team_id=BOB.team_id, user_id=UserId("U9GUEST"))
        world.directory.add(bob)
        world.directory.add(guest, ineligible="it is a guest's")
        world.directory.add(FRANK, ineligible="it belongs to another workspace")
        world.directory.nameable = {guest, FRANK}
        task = await world.started()
        request = await world.request(task)

        for person in (guest, FRANK):
            assert (request.id in [each.id for each in await world.inboxes.waiting(person)]) is guests
            if guests:
                await world.tasks.look(world.actor(person), task.id)
                continue
            with pytest.raises(NotEligible):
                await world.vote(person, on=request)
            with pytest.raises(NotYours):
                await world.tasks.look(world.actor(person), task.id)
        assert request.open.asked == ((bob, FRANK, guest) if guests else (bob,))
        await world.tasks.look(world.actor(bob), task.id)
        assert (await world.vote(FRANK if guests else bob, on=request)).decision is not None


async def test_a_guest_whom_the_policy_names_stands_where_it_names_them_and_not_where_the_question_does() -> None:
    stage = Stage(groups=(Group(approvers=("U9GUEST",)), Group(approvers=("details.owner",))))
    async with a_world({FIRST: owned("U9GUEST")}, otherwise=under(stage)) as world:
        guest = world.directory.add(
            Person(team_id=BOB.team_id, user_id=UserId("U9GUEST")), ineligible="it is a guest's"
        )
        world.directory.nameable = {guest}

        request = await world.request(await world.started())
        voted = await world.vote(guest, on=request)

        assert (voted.decision, voted.open.missing, request.open.short) == (None, (0, 1), 1)


async def test_an_address_and_an_id_of_one_person_are_one_name() -> None:
    """Else a question could make of whom the policy names somebody whom it names itself, or the reverse."""
    group = Group(approvers=("g@x.org", "U9GUEST", "h@x.org"), held=("g@x.org", "h@x.org"))
    policy = with_ids(under(Stage(groups=(group,))), {"g@x.org": "U9GUEST", "h@x.org": "U9HAL"})

    assert policy.stages[0].groups == (Group(approvers=("U9GUEST", "U9HAL"), held=("U9HAL",)),)


async def test_an_escalation_to_whom_the_question_names_asks_no_guest() -> None:
    steps = (Step(after=HOUR, action=Escalate(to=("details.owner",))), Step(after=4 * HOUR, action=Expire()))
    async with a_world({FIRST: owned("U9GUEST")}, otherwise=under(*one_stage(("U-ALICE",), steps=steps))) as world:
        guest = world.directory.add(
            Person(team_id=BOB.team_id, user_id=UserId("U9GUEST")), ineligible="it is a guest's"
        )
        world.directory.nameable = {guest}
        task = await world.started()

        await world.later(HOUR)

        assert await world.messages_of(task, MessageKind.COPY) == []
        with pytest.raises(NotEligible):
            await world.vote(guest, on=await world.request(task))
        (unreached,) = (await world.request(task)).unreached
        assert unreached.whom == guest


@pytest.mark.parametrize("said", ["@everybody", "#general", "S0OPS", "C0OPS", "#ops@x", "u0bob", "U0BOB ", "<@U0BOB>"])
async def test_a_question_names_people_and_nothing_else(said: str) -> None:
    async with a_world({FIRST: owned(said)}, otherwise=under(*one_stage(("details.owner",)))) as world:
        world.directory.groups[said] = [STRANGER]

        request = await world.request(await world.started())

        assert request.open.asked == ()
        with pytest.raises(NotAnApprover):
            await world.vote(STRANGER, on=request)


# --- A delegation belongs to its stage ----------------------------------------------------------

TWO_STAGES = (*one_stage(("U-ALICE",)), *one_stage(("U-ALICE", "U-CAROL")))


async def test_whoever_gave_their_vote_in_one_stage_answers_in_the_next_themselves() -> None:
    async with a_world(otherwise=under(*TWO_STAGES)) as world:
        request = await world.request(await world.started())
        given = await world.asides.delegate(world.actor(ALICE), request.id, DORA.user_id)
        assert given.delegations[0].stage == 0
        second = await world.vote(DORA, on=request)
        assert (second.stage_number, second.given_to(ALICE)) == (1, None)

        assert [each.id for each in await world.inboxes.waiting(ALICE)] == [request.id]
        with pytest.raises(MayNotVote):
            await world.vote(DORA, on=second)
        decided = await world.vote(ALICE, on=second)

        assert decided.decision is not None


async def test_a_delegation_in_the_second_stage_is_withdrawn_there_and_the_first_ones_stays() -> None:
    async with a_world(otherwise=under(*TWO_STAGES)) as world:
        request = await world.request(await world.started())
        await world.asides.delegate(world.actor(ALICE), request.id, DORA.user_id)
        second = await world.vote(DORA, on=request)
        await world.asides.delegate(world.actor(ALICE), second.id, BOB.user_id)

        kept = await world.asides.withdraw(world.actor(ALICE), second.id)

        assert [(each.to, each.stage) for each in kept.delegations] == [(DORA, 0)]
        assert (await world.vote(ALICE, on=second)).decision is not None


async def test_an_older_delegation_belongs_to_the_stage_that_was_asked_when_it_was_given() -> None:
    async with a_world(otherwise=under(*TWO_STAGES)) as world:
        request = await world.request(await world.started())
        old = Delegation(by=ALICE, to=DORA, at=world.now)
        request = replace(request, delegations=(old,))
        assert request.given_to(ALICE) == DORA

        world.clock.advance(HOUR)
        event = (await world.storage.history(request.task_id))[-1]
        await world.storage.save_request(request, event)
        second = await world.vote(DORA, on=request)

        assert second.given_to(ALICE) is None
        later = replace(second, delegations=(replace(old, at=world.now),))
        assert later.given_to(ALICE) == DORA


# --- Read anew when it counts -------------------------------------------------------------------


async def test_accounts_are_read_anew_when_a_vote_counts() -> None:
    """The voter's, those who gave their vote away, and those who voted before, as their votes may settle it now."""
    async with a_world(otherwise=under(*one_stage(("U-ALICE", "U-BOB", "U-CAROL"), 2))) as world:
        request = await world.request(await world.started())
        await world.asides.delegate(world.actor(CAROL), request.id, DORA.user_id)
        await world.vote(BOB, on=request)
        world.directory.fresh_members.clear()

        await world.answers.check(world.actor(ALICE), Shown.of(request))
        looked = list(world.directory.fresh_members)
        await world.vote(ALICE, on=request)

        assert looked == []  # a click that counts for nothing costs no call
        assert {ALICE, BOB, CAROL} <= set(world.directory.fresh_members)


async def test_a_colleagues_account_is_read_anew_when_they_are_given_a_vote() -> None:
    async with a_world() as world:
        request = await world.request(await world.started())

        await world.asides.delegate(world.actor(ALICE), request.id, DORA.user_id)

        assert DORA in world.directory.fresh_members


# --- An operator's correction -------------------------------------------------------------------


def amending(world: World, corrected: Policy, *rules: Rule) -> Amending:
    policies = Policies(rules=rules, otherwise=corrected)
    chooser = PolicyChoice(policies=policies, directory=world.directory)
    return Amending(storage=world.storage, chooser=chooser, eligibility=Eligibility(directory=world.directory))


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


async def test_a_refusal_of_slack_is_a_failed_lookup() -> None:
    """So whoever does not know of it refuses."""
    async with a_world() as world:
        world.directory.refused["U-GUS"] = "no"
        with pytest.raises(LookupRefused):
            await world.directory.member(GUS)


# --- What is said before anybody waits ----------------------------------------------------------


async def test_what_slack_refuses_and_what_no_graph_ties_down_is_said_at_the_start() -> None:
    alone = under(*one_stage(("U-ALICE",)), name="reads", auto=Auto(approve=True, why="x"))
    stage = one_stage(("@ops", "U-ALICE"))[0]
    policies = Policies(
        rules=(
            Rule(policy=alone, graphs=("*",)),
            Rule(policy=alone, graphs=("reader",)),
            Rule(policy=under(stage), requesters=("@ops",), channels=("#prod",)),
        ),
        otherwise=under(stage),
    )
    async with a_world() as world:
        world.directory.refused |= {"@ops": NO_SCOPE, "#prod": NO_SCOPE}

        assert len(untied(policies)) == 1
        assert await unmatched(policies, world.directory) == [f"@ops {NO_SCOPE}.", f"#prod {NO_SCOPE}."]
        assert f"@ops {NO_SCOPE}." in await vacancies(under(stage), world.directory)


async def test_a_rule_knows_a_channel_by_its_id() -> None:
    strict = Rule(policy=under(*one_stage(("U-ALICE",)), name="strict"), channels=("#prod",))
    async with a_world() as world:
        world.directory.channels["#prod"] = ChannelId("C1")
        world.policies = Policies(rules=(strict,), otherwise=world.policies.otherwise)
        world.be_born()
        request = await world.request(await world.started())

        assert request.policy.name == "strict"
        assert await world.inboxes.waits(request, ALICE)
        assert not await world.inboxes.waits(request, BOB)


def test_the_groups_that_policies_ask_are_known_by_their_names() -> None:
    steps = (Step(after=HOUR, action=Escalate(to=("@leads", "#ops"))), Step(after=2 * HOUR, action=Expire()))
    asking = under(*one_stage(("@ops", "S0OPS", "a@x.org", "U1", "C1"), steps=steps))

    assert groups_asked(Policies(rules=(), otherwise=asking)) == ("@ops", "S0OPS", "@leads")
