"""One by one, an item is edited in place, and what was chosen for the others stays."""

from __future__ import annotations

from dataclasses import replace

from bot.approvals.model.question import Verdict, with_arguments
from bot.approvals.model.request import Request
from bot.slack import actions
from bot.slack.actions import RequestTarget
from bot.slack.modals import answer_modal
from bot.slack.modals.answer_modal import Modal
from tests.unit.slack import limits
from tests.unit.slack.modals.typed import block_ids
from tests.unit.slack.samples import DELETE, REFUND, YES_OR_NO, question, request

SEVERAL = request(question(DELETE, REFUND))


def edited() -> Request:
    return replace(SEVERAL, question=with_arguments(SEVERAL.question, 1, {"amount": 5}), version=2)


def radio(modal: Modal, number: int) -> dict[str, object]:
    (block,) = [each for each in modal["blocks"] if str(each.get("block_id")).startswith(f"verdict:{number}")]
    return dict(block["element"])


def test_each_item_that_may_be_edited_has_a_button_for_it() -> None:
    fixed = replace(REFUND, verdicts=YES_OR_NO)
    modal = answer_modal.each(request(question(DELETE, fixed, REFUND)))

    limits.check_modal(modal)
    assert [each["action_id"] for each in limits.buttons(modal["blocks"])] == ["edit:0", "edit:2"]


def test_many_items_have_one_menu_for_it() -> None:
    modal = answer_modal.each(request(question(*[DELETE] * 40)))

    limits.check_modal(modal)
    menus = [each for block in modal["blocks"] for each in block.get("elements", []) if each["type"] == "static_select"]
    assert [menu["action_id"] for menu in menus] == [actions.WHICH]
    assert len(menus[0]["options"]) == 40


def test_the_edit_leads_back_and_approves_nothing() -> None:
    modal = answer_modal.edit(SEVERAL, 1, one_of_several=True)

    assert modal["callback_id"] == actions.EDIT_ONE
    assert modal["submit"]["text"] == "Save changes"
    assert modal["private_metadata"] == RequestTarget.of(SEVERAL).encoded()
    assert not limits.buttons(modal["blocks"])


def test_after_an_edit_the_other_items_keep_their_fields_and_the_edited_one_is_to_be_approved() -> None:
    before, after = answer_modal.each(SEVERAL), answer_modal.each(edited(), edited=1)

    limits.check_modal(after)
    assert block_ids(before)[:2] == block_ids(after)[:2]
    assert set(block_ids(before)) - set(block_ids(after)) == {"verdict:1"}
    assert radio(after, 1)["initial_option"]["value"] == Verdict.APPROVE  # type: ignore[index]
    assert "initial_option" not in radio(after, 0)
    assert RequestTarget.of(edited()).encoded() == after["private_metadata"]


def test_whoever_did_not_edit_it_starts_without_a_choice() -> None:
    assert all("initial_option" not in radio(answer_modal.each(edited()), number) for number in range(2))
