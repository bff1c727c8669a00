"""Pictures of drawings in a real Chromium, by the code of the simulator's page, without any server."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, CDPSession, Page, Route

from bot.cli.standard_cards.drawings import Drawing
from simulator import manifest
from simulator import workspace as workspaces
from simulator.clock import Clock
from simulator.events import Events
from simulator.interactions import Interactions
from simulator.seats import Seats
from simulator.world import World
from tools.cards.acceptance import accepted

_ROOT: Final = Path(__file__).parents[2]
_FOLDERS: Final = {"page": _ROOT / "simulator" / "page", "host": Path(__file__).parent / "page"}
_ORIGIN: Final = "http://cards.test"
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A window in which drawings are photographed."""

    width: int
    """In CSS pixels, as the page's own rules for small windows see it."""
    theme: str

    @property
    def name(self) -> str:
        return f"{self.width}-{self.theme}"


LOOKS: Final = tuple(Look(width=width, theme=theme) for width in (390, 1400) for theme in ("light", "dark"))


@contextmanager
def studio(browser: Browser, look: Look) -> Iterator[Studio]:
    """A page of this size and theme that shows drawings."""
    scheme: Any = look.theme
    context = browser.new_context(
        viewport={"width": look.width, "height": 900},
        device_scale_factor=2 if look.width < 640 else 1,
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    context.route("**/*", _serve)
    page = context.new_page()
    page.goto(f"{_ORIGIN}/host/index.html")
    page.wait_for_function("window.ready")
    yield Studio(page=page, session=context.new_cdp_session(page), look=look, state=_state())
    context.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    page: Page
    session: CDPSession
    look: Look
    state: Mapping[str, Any]

    def take(self, drawing: Drawing) -> bytes:
        """A PNG of the drawing alone. Raises `simulator.errors.SlackError` if Slack would refuse the drawing."""
        state = {**self.state, "now": drawing.seen_at.timestamp() + 60}
        shown = {"place": drawing.place, "seat": drawing.seat, "content": accepted(drawing)}
        box = self.page.evaluate("([state, drawing]) => window.show(state, drawing)", [state, shown])
        width = self.look.width if self.look.width < 640 else min(box["width"], 780)
        clip = {"x": 0, "y": box["y"], "width": width, "height": box["height"], "scale": 1}
        options = {"format": "png", "optimizeForSpeed": True, "clip": clip, "captureBeyondViewport": True}
        taken = self.session.send("Page.captureScreenshot", options)
        return base64.b64decode(taken["data"])


def _state() -> dict[str, Any]:
    """What the simulator's page knows of its workspace."""
    app = manifest.read(_ROOT / "manifest.yml")
    workspace = workspaces.read(None, bot_name=app.bot_name, app_name=app.app_name)
    world = World(manifest=app, workspace=workspace, clock=Clock())
    events = Events(world)
    return Seats(world, events, Interactions(world, events)).state()


def _serve(route: Route) -> None:
    """Answers the page from the files of this clone; nothing is asked of any machine."""
    folder, _, name = route.request.url.removeprefix(f"{_ORIGIN}/").partition("/")
    path = _FOLDERS.get(folder, _ROOT / "nowhere") / name
    if not path.is_file():
        route.fulfill(status=404)
        return
    route.fulfill(body=path.read_bytes(), content_type=_TYPES.get(path.suffix, "application/octet-stream"))
