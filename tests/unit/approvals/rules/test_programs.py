"""A program that asks and names no person: it is nobody's own request, and nobody answers in its place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.model.caller import Caller, task_id_of
from bot.approvals.model.errors import NotYours, OwnRequest
from bot.approvals.model.ids import Program
from bot.approvals.model.people import Member
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Request
from bot.approvals.rules import eligible, side_actions
from bot.approvals.rules.matching import Policies, Rule
from bot.approvals.services.policies.choice import PolicyChoice
from bot.storage import lists
from tests.support.builders import NOON, a_task
from tests.support.fakes.world import ALICE, RITA, a_request, a_world, item, policy, question

BILLING = Program(name="billing")
WORDS = question(item(Verdict.RESPOND, arguments={}))


def of_program(request: Request) -> Request:
    return replace(request, task_id=task_id_of("12ab"), graph="billing", requester=BILLING)


def test_a_person_may_answer_what_they_asked_and_a_program_may_not() -> None:
    persons = a_request(asks=WORDS, of=policy(approvers=("U-ALICE",)))
    programs = of_program(persons)

    assert (persons.asked_requester, programs.asked_requester) == (RITA, None)
    assert eligible.standing(persons, {}, set()).people == {RITA}
    assert eligible.standing(programs, {}, set()).people == set()
    assert lists.waiting_for(RITA.user_id) in lists.of(persons)
    assert lists.waiting_for(RITA.user_id) not in lists.of(programs)


def test_it_is_nobodys_own_request() -> None:
    request = of_program(a_request())
    approvers = eligible.standing(request, {RITA.user_id: frozenset({RITA})}, set())

    eligible.refuse_unless_eligible(request, Member(person=RITA, name="rita"), approvers)

    with pytest.raises(NotYours, match="belongs to billing"):
        side_actions.nudge(request, ALICE, NOON)


def test_whom_a_program_asks_for_is_told_which_program() -> None:
    request = replace(of_program(a_request()), requester=RITA)
    approvers = eligible.standing(request, {RITA.user_id: frozenset({RITA})}, set())

    with pytest.raises(OwnRequest) as refused:
        eligible.refuse_unless_eligible(request, Member(person=RITA, name="rita"), approvers)

    assert refused.value.program == "billing"


async def test_the_policy_of_a_programs_request_is_chosen_by_its_source() -> None:
    rule = Rule(policy=policy(name="billing"), sources=("billing",))
    policies = Policies(rules=(rule,), otherwise=policy())
    called = a_task(requester=BILLING, caller=Caller(source="billing", token="t", key="k", body=""))

    async with a_world() as world:
        choice = PolicyChoice(policies=policies, directory=world.directory)
        assert (await choice.policy(called, question())).name == "billing"
        assert (await choice.policy(a_task(graph="billing"), question())).name == "default"
