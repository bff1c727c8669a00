"""Names are looked up when a request opens: nobody who takes a name later may answer, and nobody loses a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.inbox.queries import groups_asked
from bot.approvals.model.actor import COMMAND
from bot.approvals.model.errors import NotAnApprover, NotYours, Unreachable
from bot.approvals.model.ids import ChannelId, Person
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Auto, Escalate, Expire, GraphTerms, Group, Stage, Step, Via, one_stage
from bot.approvals.model.token import Scope
from bot.approvals.rules.matching import ConditionFailed, Facts, Policies, Rule, names_in
from bot.approvals.services.people.staffing import unheard, unmatched, unmet, untied
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.policies.current import CurrentPolicies
from tests.support.builders import NOON, a_token
from tests.support.fakes.directory import FakeDirectory
from tests.support.fakes.world import ALICE, BOB, CAROL, DORA, RITA, STRANGER, World, a_world, item, question
from tests.unit.approvals.services.people.naming import NO_SCOPE, under

HOUR = timedelta(hours=1)


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
        policy_choice = PolicyChoice(
            policies=Policies(rules=(rule,), otherwise=world.policies.otherwise), directory=world.directory
        )
        task = await world.started()

        with pytest.raises(ConditionFailed, match=r"`strict` cannot be worked out: .(interns|prod) means nobody"):
            await policy_choice.policy(task, question())
        world.directory.refused |= {"@interns": NO_SCOPE, "#prod": NO_SCOPE}
        with pytest.raises(ConditionFailed, match="usergroups:read"):
            await policy_choice.policy(task, question())


async def test_a_question_is_governed_by_one_reading_of_the_file_though_another_comes_in_between() -> None:
    """Its names are looked up for the rules that then choose."""
    before = Policies(
        rules=(Rule(policy=under(*one_stage(("U-ALICE",)), name="before"), requesters=("@trusted",)),),
        otherwise=under(*one_stage(("U-ALICE",)), name="default"),
    )
    after = Policies(rules=(), otherwise=under(*one_stage(("U-ALICE",)), name="after"))
    current = CurrentPolicies(before)

    class Interrupted(FakeDirectory):
        async def resolve(self, refs: Sequence[str], *, fresh: bool = False) -> frozenset[Person]:
            current.now = after
            return await super().resolve(refs, fresh=fresh)

    async with a_world() as world:
        directory = Interrupted()
        directory.groups["@trusted"] = [RITA]
        policy_choice = PolicyChoice(policies=current, directory=directory)
        task = await world.started()

        assert (await policy_choice.policy(task, question())).name == "before"
        assert (await policy_choice.policy(task, question())).name == "after"


def test_the_terms_of_graphs_are_always_those_of_the_current_file() -> None:
    """Engines keep them for as long as they live."""
    otherwise = under(*one_stage(("U-ALICE",)), name="default")
    current = CurrentPolicies(Policies(rules=(), otherwise=otherwise))
    terms = PolicyChoice(policies=current, directory=FakeDirectory()).graphs
    assert (len(terms), terms.get("payment")) == (0, None)

    current.now = Policies(rules=(), otherwise=otherwise, graphs={"payment": GraphTerms(answer="boolean")})

    assert (list(terms), terms["payment"].answer) == (["payment"], "boolean")


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


# --- What is said before anybody waits ----------------------------------------------------------


def test_a_page_that_nobody_can_vote_through_is_named() -> None:
    votes = frozenset({Scope.VOTES})
    tokens = [
        a_token("portal", scopes=votes),
        a_token("reader"),
        a_token("past", scopes=votes, expires_at=NOON),
        a_token("gone", scopes=votes, revoked_at=NOON),
    ]
    through = under(*one_stage(("U-ALICE",)), via=("portal", "reader", "past", "gone", "porter"))

    assert unheard(Policies(rules=(), otherwise=through), tokens, NOON) == [
        "via names reader, but nobody can vote through it: the token lacks the scope votes.",
        "via names past, but nobody can vote through it: the token is expired or revoked.",
        "via names gone, but nobody can vote through it: the token is expired or revoked.",
        "via names porter, but nobody can vote through it: there is no token of that name.",
    ]


async def test_what_slack_refuses_and_what_no_graph_ties_down_is_said_at_the_start() -> None:
    alone = under(*one_stage(("U-ALICE",)), name="reads", auto=Auto(approve=True, why="x"))
    stage = one_stage(("@ops", "U-ALICE"))[0]
    policies = Policies(
        rules=(
            Rule(policy=alone, graphs=("*",)),
            Rule(policy=alone, graphs=("reader",)),
            Rule(policy=alone, sources=("billing",)),
            Rule(policy=under(stage), requesters=("@ops",), channels=("#prod",)),
        ),
        otherwise=under(stage),
    )
    async with a_world() as world:
        world.directory.refused |= {"@ops": NO_SCOPE, "#prod": NO_SCOPE}

        assert len(untied(policies)) == 1
        assert await unmatched(policies, world.directory) == [f"@ops {NO_SCOPE}.", f"#prod {NO_SCOPE}."]
        assert f"@ops {NO_SCOPE}." in await unmet(under(stage), world.directory)


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
