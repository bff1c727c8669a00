"""Takes the pictures of the documents: people at the demo's page, in a real Chromium. `make screenshots` runs it."""

from __future__ import annotations

import asyncio
import base64
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, Locator, expect

from bot.cli.demo import stage
from tests.browser.people import NoChromium, Person, browser, executable
from tools import guide_demo

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
FOLDER = Path("var/screenshots")
QUALITY = 82
WINDOWS = stage.Windows(remind=timedelta(hours=1), escalate=timedelta(hours=4), deadline=timedelta(hours=12))
PAYMENT = '/task payment payee="Harbour Print" amount=310.10 purpose="Invoice 2041"'
TICKETS = '/task payment payee="Northern Rail" amount=1240.00 purpose="Season tickets, spring"'
HOTEL = '/task payment payee="Hotel Baltic" amount=420.00 purpose="Team days"'
MAIL = '/task email to=ada@example.org subject="Your order" text="It leaves our harbour on Friday."'
CLEANUP = "/task cleanup path=logs older_than=90d"
NOTICE = '/task {graph} notice="Payments are slow at the moment. We are looking into it."'
AS_WIDE_AS_SLACK = """
@font-face { font-family: "As wide as Lato"; font-weight: 400; src: local("DejaVu Sans"); size-adjust: 88%; }
@font-face { font-family: "As wide as Lato"; font-weight: 700 900; src: local("DejaVu Sans Bold"); size-adjust: 80%; }
:root { --font: Lato, "As wide as Lato", system-ui, sans-serif; }
"""
"""Slack writes in Lato. Without it, lines and buttons end where they end in Slack."""


def main() -> int:
    if "--demo" in sys.argv:
        asyncio.run(guide_demo.play(FOLDER, WINDOWS))
        return 0
    try:
        path = executable()
    except NoChromium as error:
        sys.stderr.write(f"No picture was taken: {error}.\n")
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with demo() as url, browser(path) as opened:
        take(opened, url)
    return 0


@contextmanager
def demo() -> Iterator[str]:
    """The demo as a process of its own, ended with the block; the address of its page."""
    command = [sys.executable, "-m", "tools.screenshots", "--demo"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this very project
    try:
        yield _address(process)
    finally:
        process.terminate()
        process.wait(timeout=60)


def take(opened: Browser, url: str) -> None:
    """All pictures, one after the other, of one morning in #ops."""
    alice = Person.at(opened, url, device_scale_factor=2, bypass_csp=True, size=(1280, 800)).sits("alice")
    telephone = Person.at(opened, url, device_scale_factor=2, bypass_csp=True, size=(390, 780), has_touch=True)
    held(alice)
    settled(alice, telephone)
    rejected(alice)
    waiting(alice)
    modal(alice)
    dark(alice)
    home(alice)
    beside(alice)
    narrow(telephone.sits("bob"))
    programs(Person.at(opened, url, device_scale_factor=2, bypass_csp=True, size=(1280, 800)).sits("bob"), telephone)
    three_ways(Person.at(opened, url, device_scale_factor=2, bypass_csp=True, size=(1280, 800)).sits("alice"))


def held(who: Person) -> None:
    """A payment that bob has approved, before the agent knows; then one that he took back, and approved after all."""
    who.starts(HOTEL, having="Hotel Baltic")
    who.takes("bob")
    who.presses("Approve")
    expect(who.thread.get_by_role("button", name="Stop")).to_be_visible()
    card(who, "held")
    who.presses("Undo")
    expect(who.thread.get_by_role("button", name="Approve")).to_be_visible()
    card(who, "taken-back")
    who.presses("Approve")
    expect(who.message("started payment")).to_contain_text("approved by @bob")
    who.takes("alice")


def settled(who: Person, telephone: Person) -> None:
    """A cleanup that bob has approved, while it can be undone; then one that alice has undone."""
    who.starts(CLEANUP, having="to the trash?")
    who.takes("bob")
    who.presses("Approve")
    who.takes("alice")
    who.opens_thread("started cleanup", having="can undo it until")
    expect(who.message("started cleanup")).to_contain_text("can undo it until")
    shoot(who, "undo")
    telephone.sits("alice").opens_thread("started cleanup", having="can undo it until")
    shoot(telephone, "undo-narrow")
    who.presses("Undo")
    expect(who.message("started cleanup")).to_contain_text("Undone")
    card(who, "undone")


def rejected(who: Person) -> None:
    """A payment that bob has rejected."""
    who.starts(PAYMENT, having="Harbour Print")
    who.takes("bob")
    who.presses("Reject…")
    who.dialog.get_by_role("textbox", name="Why?").fill("Invoice 2041 was paid on Monday.")
    who.dialog.get_by_role("button", name="Reject").click()
    expect(who.message("started payment")).to_contain_text("Rejected by @bob · Nothing was paid")
    who.takes("alice")


def waiting(who: Person) -> None:
    """A mail and a payment, not answered yet, below what has been settled."""
    who.starts(MAIL, having="ada@example.org")
    who.starts(TICKETS, having="Northern Rail")
    who.takes("bob")
    shoot(who, "channel")


def modal(who: Person) -> None:
    """The thread of a card, and the modal that asks why it is rejected."""
    who.presses("Reject…")
    who.dialog.get_by_role("textbox", name="Why?").fill("The travel budget is spent until April.")
    shoot(who, "modal")
    who.page.keyboard.press("Escape")
    expect(who.dialog).to_have_count(0)


def dark(who: Person) -> None:
    """The thread of a settled card, by night."""
    who.page.emulate_media(color_scheme="dark")
    who.message("Harbour Print").get_by_role("button", name=re.compile("repl")).click()
    expect(who.thread).to_contain_text("Rejected by @bob")
    shoot(who, "dark")
    who.page.emulate_media(color_scheme="light")


def home(who: Person) -> None:
    """What waits for bob, where the app has a Home tab."""
    who.page.get_by_role("navigation").get_by_role("button", name="Countersign").click()
    expect(who.main.get_by_role("heading", level=1)).to_have_text("Countersign")
    tab = who.main.get_by_role("tab", name="Home")
    if tab.count():
        tab.click()
        expect(who.main).to_contain_text("Northern Rail")
        shoot(who, "home")
    who.page.get_by_role("navigation").get_by_role("button", name="ops", exact=True).click()
    expect(who.message("Northern Rail")).to_be_visible()


def beside(who: Person) -> None:
    """Two seats, and what goes over the wire."""
    who.message("Northern Rail").get_by_role("button", name=re.compile("repl")).click()
    expect(who.thread).to_contain_text("Season tickets")
    who.takes("alice")
    who.page.set_viewport_size({"width": 1440, "height": 900})
    who.page.get_by_role("button", name="Two seats side by side").click()
    for name in ("alice", "bob"):
        screen = who.page.frame_locator(f'iframe[title="{name}\'s screen"]')
        expect(screen.get_by_role("complementary", name="Thread")).to_contain_text("Season tickets")
    who.page.get_by_role("button", name="Inspector").click()
    expect(who.page.get_by_role("row").nth(5)).to_be_visible()
    shoot(who, "beside")


def narrow(bob: Person) -> None:
    """The same on a telephone."""
    bob.opens_thread("Northern Rail", having="Season tickets")
    shoot(bob, "narrow")


def programs(bob: Person, telephone: Person) -> None:
    """The card of a program that asked by curl, on both screens, and the panel with its webhook."""
    bob.page.get_by_role("button", name=re.compile("Programs")).click()
    line = bob.page.get_by_label("Command", exact=True).inner_text()
    subprocess.run(["bash", "-c", line], check=True, stdout=subprocess.DEVNULL)  # noqa: S603, S607 - of this very demo
    bob.page.get_by_label("Close the inspector").click()
    bob.opens_thread("billing-service", having="Asked by billing-service")
    shoot(bob, "caller")
    telephone.sits("bob")
    telephone.opens_thread("billing-service", having="Asked by billing-service")
    shoot(telephone, "caller-narrow")
    bob.page.get_by_role("button", name=re.compile("Programs")).click()
    bob.presses("Approve")
    expect(bob.page.get_by_role("list", name="Webhooks")).to_contain_text("signature verified")
    expect(bob.thread).to_contain_text("Approved by @bob")
    expect(bob.message("billing-service")).to_contain_text("pproved by @bob")
    shoot(bob, "programs")


def three_ways(who: Person) -> None:
    """The cards of the three graphs that the guide shows."""
    for graph, words in (
        ("asking", "Publish this notice?"),
        ("gated", "publish"),
        ("reversible", "can undo it until"),
    ):
        who.starts(NOTICE.format(graph=graph), having=words)
        card(who, graph)


def card(who: Person, name: str) -> None:
    """The newest message with buttons in the open thread, and nothing around it."""
    shown = (
        who.thread.get_by_role("article")
        .filter(has=who.page.get_by_role("button", name=re.compile("Details|Review")))
        .last
    )
    shown.scroll_into_view_if_needed()
    shoot(who, name, of=shown)


def shoot(who: Person, name: str, *, of: Locator | None = None) -> None:
    """Write the picture, of the page or of a part of it, without a blinking cursor and with nothing under the pointer,
    once nothing moves any more."""
    who.page.mouse.move(0, 0)
    who.page.evaluate("document.activeElement?.blur()")
    who.page.add_style_tag(content=AS_WIDE_AS_SLACK)
    who.page.evaluate("document.documentElement.style.setProperty('caret-color', 'transparent')")
    who.page.evaluate("document.fonts.ready")
    who.page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
    session = who.page.context.new_cdp_session(who.page)
    part = of.bounding_box() if of is not None else None
    clip = {"clip": {**part, "scale": 2}} if part else {}
    picture = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY, **clip})
    session.detach()
    (IMAGES / f"{name}.webp").write_bytes(base64.b64decode(picture["data"]))


def _address(process: subprocess.Popen[str]) -> str:
    if process.stdout is None:
        raise RuntimeError("the demo says nothing")
    for line in process.stdout:
        if found := re.search(r"http://[\w.:]+", line):
            return found[0]
    raise RuntimeError("the demo ended before it was ready")


if __name__ == "__main__":
    sys.exit(main())
