"""The panel of other programs, which whoever started the simulator fills."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Browser, expect

from tests.browser.backstage import Backstage
from tests.browser.people import Person

REQUEST = {
    "key": "req_1",
    "at": 1_800_000_000,
    "title": "refund_order",
    "about": "order 4711",
    "state": "waiting",
    "tone": "wait",
    "link_words": "Show the card",
    "detail": {"id": "req_1", "question": "<b>bold</b>"},
}


def fills(app: Backstage, *asked: dict[str, Any], webhooks: tuple[dict[str, Any], ...] = ()) -> None:
    lists = [
        {"title": "Asked", "empty": "Nothing yet.", "entries": asked},
        {"title": "Webhooks", "empty": "None yet.", "entries": webhooks},
    ]
    panel = {"title": "Programs", "text": "*Any program can ask.*", "command": "curl http://x", "lists": lists}
    app.do(app.desk.sim.show_panel(panel))


def test_the_panel_shows_what_programs_asked_and_leads_to_the_card(app: Backstage, bob: Person) -> None:
    ts = app.posts(text="The card")
    link = f"{app.url}/archives/C0OPS/p{ts.replace('.', '')}?thread_ts={ts}"
    bob.sits("bob")
    expect(bob.page.get_by_role("button", name=re.compile("Programs"))).to_have_count(0)

    fills(app)
    bob.page.get_by_role("button", name=re.compile("Programs")).click()
    asked, webhooks = (bob.page.get_by_role("list", name=name) for name in ("Asked", "Webhooks"))
    expect(bob.page.get_by_label("Command", exact=True)).to_have_text("curl http://x")
    expect(asked).to_have_text("Nothing yet.")

    fills(app, {**REQUEST, "link": link}, webhooks=({**REQUEST, "link": None, "state": "signature verified"},))
    expect(webhooks).to_contain_text("signature verified")
    asked.get_by_text("refund_order").click()
    expect(asked.get_by_label("In full")).to_contain_text('"question": "<b>bold</b>"')
    asked.get_by_role("link", name="Show the card").click()
    expect(bob.thread).to_contain_text("The card")


def test_the_panel_is_a_tab_beside_the_traffic_and_outlives_a_reload(app: Backstage, bob: Person) -> None:
    fills(app, {**REQUEST, "link": None})
    bob.sits("bob", inspector="")
    traffic, programs = (bob.page.get_by_role("tab", name=name) for name in ("Traffic", "Programs"))
    expect(traffic).to_be_focused()

    traffic.press("ArrowLeft")
    expect(programs).to_be_focused()
    bob.page.reload()
    expect(bob.page.get_by_role("list", name="Asked")).to_contain_text("refund_order")


def test_on_a_telephone_the_panel_is_one_column_and_nothing_is_cut_off(chromium: Browser, app: Backstage) -> None:
    fills(app, {**REQUEST, "about": "order " * 40, "link": None})
    bob = Person.at(chromium, app.url, size=(390, 780)).sits("bob", inspector="panel")
    boxes = [bob.page.get_by_role("list", name=name).bounding_box() for name in ("Asked", "Webhooks")]

    assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
    assert len({box["x"] for box in boxes if box}) == 1
    assert bob.complaints == []
    bob.page.context.close()
