"""What the value of a button or of a modal is about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.model.decision import Approve
from bot.approvals.model.question import Verdict
from bot.slack import actions
from bot.slack.forms.fields import VALUE
from bot.slack.modals import answer_modal
from bot.slack.modals.answer_modal import Problems
from tests.unit.slack import samples
from tests.unit.slack.samples import DELETE, POLICY, REFUND, request


@pytest.mark.parametrize("value", ["nonsense", '{"request": 1}', "[]"])
def test_a_value_that_is_none_of_ours_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"neither|Expecting"):
        actions.target(value)


def test_a_task_is_no_request() -> None:
    with pytest.raises(ValueError, match="a task where"):
        actions.request_target(actions.TaskTarget.of(samples.task()).encoded())


def test_the_number_of_a_button_is_behind_its_colon() -> None:
    assert (actions.index("edit"), actions.index("edit:3"), actions.indexed("page", 2)) == (0, 3, "page:2")
    assert actions.callback({"callback_id": "reject"}) == "reject"


def test_the_form_of_an_approval_that_has_to_say_why_asks_for_it() -> None:
    form = answer_modal.approve(request(policy=replace(POLICY, reasons=(Verdict.APPROVE,))))

    assert form["callback_id"] == actions.APPROVE_WHY
    assert form["blocks"][-1]["optional"] is False


def test_one_by_one_an_approval_may_have_to_say_why_too() -> None:
    asked = request(samples.question(DELETE, REFUND), policy=replace(POLICY, reasons=(Verdict.APPROVE,)))
    chosen = {"selected_option": {"value": "approve"}}
    state = {"values": {f"verdict:{number}": {VALUE: chosen} for number in range(2)}}
    said = {f"words:{number}": {VALUE: {"value": "fine"}} for number in range(2)}

    silent = answer_modal.verdicts(asked, state)
    worded = answer_modal.verdicts(asked, {"values": {**state["values"], **said}})

    assert isinstance(silent, Problems)
    assert worded == (Approve(reason="fine"), Approve(reason="fine"))
