"""Light and dark, wide and narrow, and what a screen reader is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import Person
from tests.support.stage import Bot

People: TypeAlias = Callable[..., Person]

NAMED = {
    *(
        "button",
        "link",
        "textbox",
        "combobox",
        "checkbox",
        "radio",
        "spinbutton",
        "listbox",
        "option",
        "menuitem",
        "tab",
    ),
    *(
        "dialog",
        "alertdialog",
        "image",
        "navigation",
        "complementary",
        "log",
        "radiogroup",
        "tablist",
        "table",
        "Iframe",
    ),
}
PALE = """() => {
    const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (colour) => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => [r, g, b].map((one) => one / 255)
        .map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
        .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
    const behind = (element) => {
        const layers = [];
        for (let one = element; one; one = one.parentElement) {
            const style = getComputedStyle(one);
            if (style.backgroundImage.includes("gradient")) return null;
            const colour = rgba(style.backgroundColor);
            if (colour[3]) layers.push(colour);
            if (colour[3] === 255) break;
        }
        return layers.reverse().reduce((under, [r, g, b, a]) =>
            [r, g, b].map((one, at) => one * a / 255 + under[at] * (1 - a / 255)), [255, 255, 255]);
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const words = walker.currentNode.textContent.trim();
        if (!words || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
        if (element.closest(":disabled, .seat, [aria-hidden], noscript")) continue;
        const back = behind(element);
        if (!back) continue;
        const [a, b] = [light(rgba(getComputedStyle(element).color)), light(back)];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) found.push(`${words.slice(0, 40)} (${ratio.toFixed(1)}, ${element.className})`);
    }
    return found;
}"""
DUPLICATES = """() => {
    const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
    const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
    const lost = [...document.querySelectorAll("[aria-labelledby], [aria-describedby], label[for]")].flatMap((one) =>
        ["aria-labelledby", "aria-describedby", "for"].flatMap((name) => (one.getAttribute(name) ?? "").split(" ")))
        .filter((id) => id && !document.getElementById(id));
    return [...twice, ...lost];
}"""


def test_what_the_system_says_is_followed_until_somebody_chooses(bot: Bot, person: People, room: str) -> None:
    alice = person(color_scheme="dark").sits("alice", room)
    assert _brightness(alice.page) < 60

    alice.page.get_by_role("button", name="Light colours").click()
    assert _brightness(alice.page) > 240
    alice.page.reload()
    expect(alice.box).to_be_visible()
    assert _brightness(alice.page) > 240

    alice.page.get_by_role("button", name="Dark colours").click()
    assert _brightness(alice.page) < 60
    alice.page.emulate_media(color_scheme="light")
    assert _brightness(alice.page) > 240


def test_on_a_narrow_screen_one_thing_is_shown_at_a_time_and_nothing_sticks_out(
    bot: Bot, person: People, room: str
) -> None:
    bot.fill(room)
    alice = person(size=(360, 740), has_touch=True).sits("alice", room)
    navigation = alice.page.get_by_role("navigation")
    expect(navigation).not_to_be_visible()
    alice.starts(f"/task cleanup path={room} older_than=30d", having="to the trash?")
    expect(alice.main).not_to_be_visible()
    assert _sticks_out(alice.page) == []

    alice.thread.get_by_role("button", name="Close thread").click()
    alice.main.get_by_role("button", name="Channels").click()
    expect(navigation).to_be_in_viewport()
    assert _sticks_out(alice.page) == []
    navigation.get_by_role("button", name="general").click()
    expect(alice.main.get_by_role("heading", level=1)).to_have_text("general")
    expect(navigation).not_to_be_visible()

    alice.sends("/task")
    expect(alice.dialog.get_by_role("button", name="Start")).to_be_in_viewport()
    assert _sticks_out(alice.page) == []
    alice.page.keyboard.press("Escape")
    expect(alice.dialog).to_have_count(0)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_everything_has_a_name_and_can_be_read(bot: Bot, person: People, room: str, colours: str) -> None:
    bot.fill(room)
    bob = person(color_scheme=colours).sits("alice", room)
    bob.starts(f"/task cleanup path={room} older_than=30d", having="to the trash?")
    bob.presses("Approve")
    expect(bob.thread).to_contain_text("Only visible to you")
    assert _wrong(bob.page) == []

    bob.takes("bob")
    bob.presses("Reject…")
    bob.dialog.get_by_role("button", name="Reject").click()
    expect(bob.dialog.get_by_role("alert")).to_be_visible()
    assert _wrong(bob.page) == []
    bob.page.keyboard.press("Escape")
    expect(bob.dialog).to_have_count(0)

    bob.sends("/task")
    bob.dialog.get_by_role("combobox").first.click()
    assert _wrong(bob.page) == []
    bob.page.keyboard.press("Escape")
    bob.page.keyboard.press("Escape")
    expect(bob.dialog).to_have_count(0)

    bob.page.keyboard.press("Control+k")
    expect(bob.page.get_by_role("option").first).to_be_visible()
    assert _wrong(bob.page) == []
    bob.page.keyboard.press("Escape")
    bob.page.get_by_role("button", name="Inspector").click()
    bob.page.get_by_role("row").filter(has_text="block_actions").last.click()
    assert _wrong(bob.page) == []
    bob.page.get_by_role("tab", name="Faults and time").click()
    expect(bob.page.get_by_role("combobox", name="Bob Brandt is")).to_be_visible()
    assert _wrong(bob.page) == []


def _wrong(page: Page) -> list[str]:
    """What a screen reader would have no name for, ids that are there twice or not at all, and what is too pale."""
    session = page.context.new_cdp_session(page)
    nodes: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    shown = [(one["role"]["value"], one.get("name", {}).get("value", "")) for one in nodes if not one["ignored"]]
    nameless = [role for role, name in shown if role in NAMED and not name.strip()]
    return [*nameless, *page.evaluate(DUPLICATES), *page.evaluate(PALE)]


def _brightness(page: Page) -> float:
    """How bright the main pane is, of 255."""
    colour = page.get_by_role("main").evaluate("one => getComputedStyle(one).backgroundColor")
    numbers = [float(one) for one in colour.removeprefix("rgb(").rstrip(")").split(",")]
    return sum(numbers) / 3


def _sticks_out(page: Page) -> list[str]:
    """What reaches past the right edge, or needs scrolling sideways."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("#main, #thread, dialog[open], .scroll, .message, .composer, .button")]
            .filter((one) => one.checkVisibility() && (one.getBoundingClientRect().right > innerWidth + 1
                || (one.matches(".scroll, dialog") && one.scrollWidth > one.clientWidth + 1)))
            .map((one) => `${one.tagName} ${one.className}`)"""
    )
    return found
