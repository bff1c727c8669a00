"""Takes the pictures of the README: the demo's page in a real Chromium. `make screenshots` runs it."""

from __future__ import annotations

import asyncio
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from bot.demo import stage
from bot.simulator.client import Seat, Simulator

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WINDOWS = stage.Windows(remind=timedelta(hours=1), escalate=timedelta(hours=4), deadline=timedelta(hours=12))


async def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write(
            "There is no Chromium on this machine, so no picture was taken (on Debian: apt install chromium).\n"
        )
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    folder = Path("var/screenshots")
    stage.prepare(folder, WINDOWS)
    async with (
        stage.simulator(0) as slack,
        stage.bot(slack, folder) as process,
        Simulator.connect(slack.url) as simulator,
        async_playwright() as playwright,
    ):
        await stage.connected(simulator, process, folder)
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1440, "height": 900}, device_scale_factor=1.5)
        await _take(simulator, page, slack.url, folder)
        await browser.close()
    return 0


async def _take(simulator: Simulator, page: Page, url: str, folder: Path) -> None:
    alice, bob = simulator.seat("alice"), simulator.seat("bob")
    opening, card = await _start(simulator, alice)
    await bob.press(card, "approve")
    await simulator.wait_for(lambda: bob.message("#ops", containing="finished", thread=opening["ts"]))
    await _shoot(page, url, "settled", opening)
    stage.fill(folder / "logs")
    opening, card = await _start(simulator, alice)
    await _shoot(page, url, "open", opening)
    await bob.press(card, "reject")
    await simulator.wait_for(bob.modal)
    await _shoot(page, url, "reject", opening)


async def _start(simulator: Simulator, seat: Seat) -> tuple[dict[str, Any], dict[str, Any]]:
    """A task of this seat; the message that opens its thread, and its card."""
    known = {message["ts"] for message in await seat.messages("#ops")}
    await seat.command("#ops", "/task cleanup path=logs older_than=90d")

    async def opened() -> dict[str, Any] | None:
        new = [message for message in await seat.messages("#ops") if message["ts"] not in known]
        return new[-1] if new else None

    opening = await simulator.wait_for(opened)
    assert opening is not None  # noqa: S101 - wait_for returns what is truthy
    card = await simulator.wait_for(lambda: seat.message("#ops", containing="to the trash?", thread=opening["ts"]))
    assert card is not None  # noqa: S101
    return opening, card


async def _shoot(page: Page, url: str, name: str, opening: dict[str, Any]) -> None:
    await page.goto(f"{url}/?seat=bob&channel=ops&thread={opening['ts']}")
    await page.wait_for_load_state("load")
    await page.wait_for_timeout(700)
    await page.screenshot(path=str(IMAGES / f"{name}.png"))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
