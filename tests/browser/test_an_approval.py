"""An approval, as people go through it at the page: the real bot, a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from playwright.sync_api import expect

from tests.browser.people import Person, message_box
from tests.support.stage import Bot

People: TypeAlias = Callable[..., Person]


def test_a_task_is_started_by_a_command_that_completes_itself_and_approved_from_another_seat(
    bot: Bot, person: People, room: str
) -> None:
    bot.fill(room)
    alice = person().sits("alice", room)
    alice.box.press_sequentially("/ta")
    expect(alice.page.get_by_role("listbox", name="Suggestions")).to_contain_text("Start a task that asks here")
    alice.box.press("Tab")
    expect(alice.main.get_by_role("status")).to_contain_text("/task [graph key=value")
    alice.box.press_sequentially(f"cleanup path={room} older_than=30d")
    alice.box.press("Enter")
    alice.opens_thread("started cleanup", having="to the trash?")

    alice.presses("Approve")

    expect(alice.thread).to_contain_text("Only visible to you")
    expect(alice.thread).to_contain_text("not yours to approve")
    assert bot.trashed(room) == []

    alice.takes("bob")
    expect(alice.thread).not_to_contain_text("not yours to approve")
    alice.presses("Approve")

    expect(alice.thread).to_contain_text("Approved by @bob")
    expect(alice.thread).to_contain_text("Moved 3 files")
    expect(alice.thread.get_by_role("button", name="Approve")).to_have_count(0)
    assert bot.trashed(room) == ["old-0.log", "old-1.log", "old-2.log"]


def test_a_rejection_asks_for_its_reason_at_the_field_and_the_reason_stands_on_the_card(
    bot: Bot, person: People, room: str
) -> None:
    bot.fill(room)
    bob = person().sits("alice", room)
    bob.starts(f"/task cleanup path={room} older_than=30d", having="to the trash?")
    bob.takes("bob")
    bob.presses("Reject…")
    reason = bob.dialog.get_by_role("textbox", name="Why?")
    expect(reason).to_be_focused()

    bob.dialog.get_by_role("button", name="Reject").click()

    expect(bob.dialog.get_by_role("alert")).to_contain_text("Please complete this required field.")
    expect(reason).to_have_attribute("aria-invalid", "true")
    expect(reason).to_be_focused()
    reason.fill("The audit still reads <these> & those")
    bob.dialog.get_by_role("button", name="Reject").click()

    expect(bob.dialog).to_have_count(0)
    expect(bob.thread).to_contain_text("Rejected by @bob")
    expect(bob.thread).to_contain_text("The audit still reads <these> & those")


def test_arguments_are_edited_in_a_modal_and_the_card_shows_what_was_changed(
    bot: Bot, person: People, room: str, tmp_path: Path
) -> None:
    told = tmp_path / "told.json"
    bob = person().sits("alice", room)
    bob.starts(f"/task asking case=call told={told}", having="refund")
    bob.takes("bob")
    bob.thread.locator(".actions").get_by_role("button", name="More actions").click()
    bob.page.get_by_role("menuitem", name="Edit…").click()
    bob.dialog.get_by_role("textbox", name="amount").or_(bob.dialog.get_by_label("amount")).first.fill("100")

    bob.dialog.get_by_role("button", name="Save and approve").click()

    expect(bob.thread).to_contain_text("Approved with changes by @bob")
    expect(bob.thread).to_contain_text("It was told")
    assert json.loads(told.read_text())["decisions"][0]["edited_action"]["args"]["amount"] == 100


def test_a_form_with_every_kind_of_field_is_answered(bot: Bot, person: People, room: str, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    bob = person().sits("alice", room)
    bob.starts(f"/task asking case=trip told={told}", having="Where to?")
    bob.takes("bob")
    bob.presses("Answer…")
    form = bob.dialog
    form.get_by_label("Traveller").fill("Ann")
    form.get_by_label("Nights").fill("3")
    form.get_by_label("On", exact=True).fill("2030-05-01")
    form.get_by_label("Hotel: Street").fill("ab")
    form.get_by_role("radio", name="Yes").check()
    form.get_by_label("Leaves").fill("2030-05-01T09:30")
    form.get_by_role("combobox", name="Class of tickets").fill("sec")
    form.get_by_role("combobox", name="Class of tickets").press("Enter")
    choose(bob, "Meals", "breakfast", "dinner")

    form.get_by_role("button", name="Send").click()

    street = form.get_by_label("Hotel: Street")
    expect(street).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_label("Traveller")).to_have_value("Ann")
    street.fill("High Street")
    form.get_by_role("button", name="Send").click()
    expect(bob.thread).to_contain_text("Answered by @bob")
    expect(bob.thread).to_contain_text("It was told")
    answer = json.loads(told.read_text())
    assert (answer["nights"], answer["on"], answer["meals"]) == (3, "2030-05-01", ["breakfast", "dinner"])
    assert (answer["leaves"], answer["class of tickets"]) == ("2030-05-01T07:30:00Z", 2)  # bob is in Berlin
    assert (answer["refundable"], answer["hotel"]["street"]) == (True, "High Street")


def test_two_seats_beside_each_other_both_see_what_one_of_them_does(bot: Bot, person: People, room: str) -> None:
    bot.fill(room)
    both = person().sits("alice", room)
    both.starts(f"/task cleanup path={room} older_than=30d", having="to the trash?")
    both.page.get_by_role("button", name="Two seats side by side").click()
    alice = both.page.frame_locator('iframe[title="alice\'s screen"]')
    bob = both.page.frame_locator('iframe[title="bob\'s screen"]')
    for screen in (alice, bob):
        expect(screen.get_by_role("complementary", name="Thread")).to_contain_text("to the trash?")

    bob.get_by_role("complementary").get_by_role("button", name="Approve").click()

    for screen in (alice, bob):
        thread = screen.get_by_role("complementary", name="Thread")
        expect(thread).to_contain_text("Approved by @bob")
        expect(thread).to_contain_text("Moved 3 files")
        thread.get_by_role("button", name="Close thread").click()
        expect(screen.get_by_role("main")).to_contain_text("approved by @bob")
    message_box(alice).fill("Thank you, @bo")
    message_box(alice).press("Tab")
    message_box(alice).press("Enter")
    expect(bob.get_by_role("main").get_by_role("article").last).to_contain_text("Thank you, @bob")


def test_the_form_that_starts_a_task_takes_its_graph_from_a_select_that_one_types_into(
    bot: Bot, person: People, room: str
) -> None:
    bot.fill(room)
    alice = person().sits("alice", room)
    alice.sends("/task")
    graph = alice.dialog.get_by_role("combobox", name="What should be done?")
    graph.click()
    graph.fill("clean")
    expect(alice.page.get_by_role("option")).to_have_text([re.compile("cleanup")])
    graph.press("Enter")
    alice.dialog.get_by_label("Path").fill(room)
    alice.dialog.get_by_role("button", name="Start").click()

    alice.opens_thread("started cleanup", having="to the trash?")


def choose(who: Person, label: str, *options: str) -> None:
    """Chooses in a select with several choices, or ticks boxes of that group."""
    group = who.dialog.get_by_role("group", name=label)
    if group.count():
        for option in options:
            group.get_by_role("checkbox", name=option).check()
        return
    who.dialog.get_by_role("combobox", name=label).click()
    for option in options:
        who.page.get_by_role("option", name=option).click()
    who.dialog.get_by_role("combobox", name=label).press("Escape")
