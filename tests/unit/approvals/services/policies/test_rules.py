"""Which rule governs a request, over the real storage, and what a rule answers without people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.approvals.model.actor import COMMAND, Shown
from bot.approvals.model.decision import Answered, Reject
from bot.approvals.model.errors import AnotherRule, NotAnApprover, Unreachable
from bot.approvals.model.ids import ChannelId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Auto, one_stage
from bot.approvals.model.question import Item, Verdict
from bot.approvals.model.request import Pending
from bot.approvals.model.task import Failed
from bot.approvals.rules.matching import ConditionFailed, Facts, Policies, Rule
from tests.support.fakes.world import ALICE, BOB, CAROL, FIRST, RITA, World, a_world, item, policy, question
from tests.unit.approvals.services.policies.asking import asked, under

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


@pytest.mark.parametrize("hold", [timedelta(), timedelta(hours=1)], ids=["at once", "held"])
async def test_a_rules_answer_is_shown_in_its_channel_if_people_there_can_stop_it(hold: timedelta) -> None:
    async with under(*one_stage(("U-ALICE",)), auto=NOTHING, channel="#ops", hold=hold) as world:
        world.directory.channels["#ops"] = ChannelId("C-OPS")
        copies = await world.messages_of(await world.started(), MessageKind.COPY)

        assert [each.channel for each in copies] == (["C-OPS"] if hold else [])


async def test_people_are_asked_where_a_question_does_not_take_the_rules_answer() -> None:
    only_words = question(item(Verdict.RESPOND))
    async with under(*one_stage(("U-ALICE",)), auto=NOTHING, asks=only_words) as world:
        assert isinstance((await asked(world)).state, Pending)
    async with under(*one_stage(("U-ALICE",)), auto=NOTHING) as world:
        world.engine.refused = "That is no answer."
        assert isinstance((await asked(world)).state, Pending)


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
