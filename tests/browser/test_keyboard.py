"""The whole of an approval without a mouse, and ways to get about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from playwright.sync_api import Locator, expect

from tests.browser.people import Person
from tests.support.stage import Bot

People: TypeAlias = Callable[..., Person]

SEEN = """() => {
    const style = getComputedStyle(document.activeElement);
    const frame = document.activeElement.closest(".compose-frame, .control");
    return style.outlineStyle !== "none" || (frame && getComputedStyle(frame).boxShadow !== "none");
}"""


def test_a_task_is_started_and_approved_by_the_keyboard_alone(bot: Bot, person: People, room: str) -> None:
    bot.fill(room)
    someone = person().sits("alice", room)
    press = someone.page.keyboard.press
    reply = someone.thread.get_by_role("combobox", name="Reply…")
    press("Tab")
    expect(someone.page.get_by_role("link", name="Skip to the message box")).to_be_focused()
    press("Enter")
    expect(someone.box).to_be_focused()
    someone.page.keyboard.type("/ta")
    press("Tab")
    someone.page.keyboard.type(f"cleanup path={room} older_than=30d")
    press("Enter")
    expect(someone.message("started cleanup")).to_contain_text("1 reply")

    press("Shift+Tab")
    expect(someone.message("started cleanup").get_by_role("button", name="1 reply")).to_be_focused()
    press("Enter")
    expect(reply).to_be_focused()
    expect(someone.thread).to_contain_text("to the trash?")
    _back_to(someone, someone.thread.get_by_role("button", name="Approve"))
    press("Enter")
    expect(someone.thread).to_contain_text("not yours to approve")

    press("F6")
    expect(someone.seat("alice")).to_be_focused()
    press("ArrowRight")
    expect(someone.seat("bob")).to_be_checked()
    expect(someone.seat("bob")).to_be_focused()
    expect(someone.thread).not_to_contain_text("not yours to approve")
    for _ in range(3):
        press("F6")
        assert someone.page.evaluate(SEEN)
    expect(reply).to_be_focused()
    _back_to(someone, someone.thread.get_by_role("button", name="Approve"))
    press("Enter")
    expect(someone.thread).to_contain_text("Approved by @bob")

    press("Escape")
    expect(someone.thread).to_have_count(0)
    expect(someone.message("started cleanup").get_by_role("button", name="2 replies")).to_be_focused()


def test_a_modal_keeps_the_focus_is_left_by_escape_and_gives_it_back(bot: Bot, person: People, room: str) -> None:
    bot.fill(room)
    bob = person().sits("alice", room)
    bob.starts(f"/task cleanup path={room} older_than=30d", having="to the trash?")
    bob.takes("bob")
    reject = bob.thread.get_by_role("button", name="Reject")
    reject.press("Enter")
    expect(bob.dialog.get_by_role("textbox", name="Why?")).to_be_focused()

    for _ in range(6):
        bob.page.keyboard.press("Tab")
        assert bob.page.evaluate("document.activeElement === document.body || document.activeElement.closest('dialog')")

    bob.page.keyboard.press("Escape")
    expect(bob.dialog).to_have_count(0)
    expect(reject).to_be_focused()


def test_one_gets_anywhere_by_name_and_reads_messages_by_arrow_keys(bot: Bot, person: People, room: str) -> None:
    bob = person().sits("bob", room)
    bob.sends("One")
    bob.sends("Two")
    expect(bob.message("Two")).to_be_visible()
    bob.page.get_by_role("log", name="Messages").focus()

    bob.page.keyboard.press("ArrowUp")
    expect(bob.message("Two")).to_be_focused()
    bob.page.keyboard.press("ArrowUp")
    expect(bob.message("One")).to_be_focused()

    bob.page.keyboard.press("Control+k")
    bob.page.keyboard.type("incid")
    bob.page.keyboard.press("Enter")
    expect(bob.main.get_by_role("heading", level=1)).to_have_text("incidents")
    bob.page.keyboard.press("Control+k")
    bob.page.keyboard.type("carol chen's seat")
    bob.page.keyboard.press("Enter")
    expect(bob.seat("carol")).to_be_checked()
    bob.page.keyboard.press("Control+k")
    bob.page.keyboard.type("write to dave")
    bob.page.keyboard.press("Enter")
    expect(bob.main.get_by_role("heading", level=1)).to_have_text("Dave Doyle")
    bob.page.get_by_role("navigation").get_by_role("button", name="general").focus()
    bob.page.keyboard.press("ArrowDown")
    expect(bob.page.get_by_role("navigation").get_by_role("button", name="ops", exact=True)).to_be_focused()


def _back_to(someone: Person, wanted: Locator) -> None:
    """Shift+Tab until that has the focus, which is seen at every stop."""
    for _ in range(8):
        someone.page.keyboard.press("Shift+Tab")
        assert someone.page.evaluate(SEEN)
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError("it cannot be reached by the keyboard")
