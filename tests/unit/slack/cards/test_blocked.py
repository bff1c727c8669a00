"""What a card says of requests that nobody, or too few, may answer, and of names that mislead."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Expired
from bot.approvals.model.hours import Hours
from bot.approvals.model.policy import Escalate, Expire, Step, one_stage
from bot.approvals.model.request import Decided, Request
from bot.approvals.ports.slack import View
from bot.approvals.services.policies.choice import MEANS_NOTHING
from bot.slack.cards import render
from bot.slack.modals import history_modal
from tests.support.builders import NOON, a_message, a_person, a_policy, a_question, a_request, a_task, an_item, staged

HOUR = timedelta(hours=1)


def card(request: Request) -> str:
    drawn = render.draw(View(message=a_message("card", request), task=a_task(), request=request, requests=(request,)))
    return json.dumps(drawn.blocks, ensure_ascii=False)


def vacant(**changes: object) -> Request:
    policy = a_policy(stages=one_stage(("@gone", "#gone", "S0OPS")))
    unknown = {"@gone": MEANS_NOTHING, "#gone": MEANS_NOTHING}
    request = staged(a_request(policy=policy, unknown=unknown), asked=(), short=1)
    return replace(request, **changes)  # type: ignore[arg-type]


def test_a_request_that_nobody_may_answer_says_so_and_what_to_do() -> None:
    shown = card(vacant())

    assert "*Nobody may answer*: see below" in shown
    assert f"@gone {MEANS_NOTHING}. #gone {MEANS_NOTHING}. Nobody may answer this." in shown
    assert "`python -m bot policy apply request-1`" in shown


def test_a_later_step_may_bring_somebody() -> None:
    steps = (Step(after=HOUR, action=Escalate(to=("U0DORA",))), Step(after=2 * HOUR, action=Expire()))

    assert "Nobody may answer this yet." in card(vacant(policy=a_policy(stages=one_stage(("S1",), steps=steps))))


def test_a_name_that_means_nobody_is_said_although_others_may_answer() -> None:
    shown = card(staged(vacant(), asked=(a_person("UAPP"),), short=0))

    assert "@gone" in shown
    assert "Nobody may answer" not in shown
    assert "policy apply" in shown


def test_a_quorum_that_cannot_be_met_says_by_how_much() -> None:
    policy = a_policy(stages=one_stage(("S0OPS",), 3))

    assert "3 people must agree, but only 1 can." in card(
        staged(vacant(policy=policy, unknown={}), asked=(a_person("UAPP"),), short=2)
    )


def test_what_slack_refused_to_say_names_the_scope() -> None:
    told = ("S0OPS cannot be looked up: the bot's app lacks a scope (usergroups:read).",)

    assert told[0] in card(staged(vacant(unknown={}), asked=(a_person("UAPP"),), short=0, untold=told))


def test_many_names_are_counted_and_none_forges_markup() -> None:
    unknown = {f"@<!channel>{number}": MEANS_NOTHING for number in range(9)}
    shown = card(vacant(unknown=unknown))

    assert "So do 4 more names." in shown
    assert "<!channel>" not in shown


@pytest.mark.parametrize(
    "request_", [a_request(), vacant(state=Decided(decision=Expired(at=NOON)))], ids=["all is well", "decided"]
)
def test_nothing_is_said_of_what_is_well_or_over(request_: Request) -> None:
    assert "policy apply" not in card(request_)


def test_a_zone_that_is_not_known_here_is_said() -> None:
    hours = Hours(start=NOON.time(), end=(NOON + HOUR).time(), days=(0, 1, 2))
    policy = a_policy(hours=hours)

    assert "The zone Europe/Kyiw is unknown here, so UTC is used" in card(
        staged(a_request(policy=policy), zones=("Europe/Berlin", "Europe/Kyiw"))
    )


def test_an_action_that_is_not_called_what_it_seems_is_flagged_while_it_is_open() -> None:
    asked = a_question(items=(an_item("delete_files"), an_item("d\u0435lete_all\u200b")))
    request = a_request(question=asked)

    assert (
        "The name of action 2 contains characters that are invisible or look like others: U+0435 and U+200B. "
        "It reads like delete_all." in card(request)
    )
    assert "holds characters" not in card(a_request())
    assert "holds characters" not in card(replace(request, state=Decided(decision=Expired(at=NOON))))


def test_another_policy_is_said_and_stands_in_the_history() -> None:
    assert "Another policy was applied to this request." in card(a_request(amended_at=NOON))
    event = AuditEvent(
        kind="policy_applied",
        at=NOON,
        task_id=a_task().id,
        rule="new",
        data={"by": "root, by command", "was": "old", "voided": ["UBOB"], "version": 2},
    )

    assert history_modal.sentence(event) == (
        "root, by command applied the policy `new` instead of `old`. What <@UBOB> had answered no longer counts."
    )
    assert history_modal.sentence(replace(event, data={})) == "an operator applied the policy `new` instead of ``."
