"""People at the simulator's page in a real Chromium: what they do and see there, by role and label."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect, sync_playwright

WAIT = 30.0
"""Seconds that anything may take on a busy machine before the test fails."""
WIDE = (1440, 900)


class NoChromium(Exception):
    """There is no Chromium on this machine."""


def executable() -> str:
    """The path of the browser; raises NoChromium, with what to install."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        raise NoChromium("there is no Chromium on this machine (on Debian: apt install chromium)")
    return found


@contextmanager
def browser(path: str) -> Iterator[Browser]:
    """A browser, ended with the block."""
    expect.set_options(timeout=WAIT * 1000)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@dataclass(slots=True)
class Person:
    """Somebody at a page of their own, with what the browser complained about meanwhile."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def at(cls, browser: Browser, url: str, *, size: tuple[int, int] = WIDE, **options: Any) -> Person:
        """A new page, nothing opened; whatever it asks of another machine is refused and complained about."""
        width, height = size
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(WAIT * 1000)
        page = context.new_page()
        person = cls(page, url)
        page.on("console", lambda message: person._heard(message.type, message.text))
        page.on("pageerror", lambda error: person.complaints.append(f"error: {error}"))
        page.on("request", lambda request: person._asked(request.url))
        return person

    def sits(self, seat: str, channel: str = "ops", **query: str) -> Person:
        """Opens the page at this seat and place, and waits until it is there."""
        self.page.goto(f"{self.url}/?{urlencode({'seat': seat, 'channel': channel.lstrip('#'), **query})}")
        expect(self.seat(seat)).to_be_checked()
        return self

    def seat(self, name: str) -> Locator:
        """The seat of that person, in the bar above."""
        return self.page.get_by_role("radiogroup", name="Whose seat").get_by_role("radio", name=re.compile(name, re.I))

    def takes(self, name: str) -> None:
        """Takes another seat."""
        self.seat(name).click()
        expect(self.seat(name)).to_be_checked()

    @property
    def main(self) -> Locator:
        """The channel in the middle."""
        return self.page.get_by_role("main")

    @property
    def thread(self) -> Locator:
        """The thread beside it."""
        return self.page.get_by_role("complementary", name="Thread")

    @property
    def dialog(self) -> Locator:
        """The modal in front."""
        return self.page.get_by_role("dialog")

    @property
    def box(self) -> Locator:
        """The channel's message box."""
        return message_box(self.page)

    def sends(self, line: str) -> None:
        """Types a line into the channel's box and sends it."""
        self.box.fill(line)
        self.box.press("Enter")
        expect(self.box).to_have_value("")

    def message(self, words: str) -> Locator:
        """The newest message in the channel that has these words."""
        return self.main.get_by_role("article").filter(has_text=words).last

    def opens_thread(self, words: str, *, having: str = "") -> None:
        """Opens the thread of that message, and waits until it has these words."""
        self.message(words).get_by_role("button", name=re.compile("repl(y|ies)$|repl(y|ies) ")).click()
        expect(self.thread.get_by_role("article").filter(has_text=having or words).last).to_be_visible()

    def starts(self, line: str, *, having: str) -> None:
        """Runs a command that starts a task, and opens its thread once it has these words."""
        before = self.main.get_by_role("article").count()
        self.sends(line)
        replied = self.main.get_by_role("article").nth(before).get_by_role("button", name=re.compile("repl"))
        replied.click()
        expect(self.thread).to_contain_text(having)

    def presses(self, name: str) -> None:
        """Presses a button of the open thread."""
        self.thread.get_by_role("button", name=name, exact=True).last.click()

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.complaints.append(f"asked another machine: {url}")


def message_box(where: Page | FrameLocator) -> Locator:
    """The channel's message box."""
    return where.get_by_role("main").get_by_role("combobox", name=re.compile("^Message "))
