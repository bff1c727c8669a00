"""The inspector: what was said over the wire, and what goes wrong on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from playwright.sync_api import Browser, expect

from tests.browser.backstage import backstage
from tests.browser.people import Person
from tests.support.stage import Bot

People: TypeAlias = Callable[..., Person]


def test_the_traffic_shows_calls_and_clicks_with_how_long_they_took(bot: Bot, person: People, room: str) -> None:
    bot.fill(room)
    alice = person().sits("alice", room)
    alice.page.get_by_role("button", name="Inspector").click()
    table = alice.page.get_by_role("table", name="Traffic")

    alice.starts(f"/task cleanup path={room} older_than=30d", having="to the trash?")

    command = table.get_by_role("row").filter(has_text=f"/task cleanup path={room}")
    expect(command).to_contain_text("ack")
    expect(command).to_contain_text("ms")
    expect(table.get_by_role("row").filter(has_text="chat.postMessage").last).to_contain_text("ok")
    command.press("Enter")
    expect(alice.page.get_by_label("In full")).to_contain_text('"acknowledged_after"')
    expect(alice.page.get_by_label("In full")).to_contain_text('"command": "/task"')

    alice.page.get_by_role("button", name="Commands").click()
    expect(command).to_have_count(0)
    alice.page.get_by_role("searchbox", name="Filter the traffic").fill("usergroups")
    expect(table.get_by_role("row").filter(has_text="chat.postMessage")).to_have_count(0)


def test_a_lost_answer_is_planned_at_the_page_and_people_see_one_message_all_the_same(
    bot: Bot, person: People, room: str
) -> None:
    bot.fill(room)
    alice = person().sits("alice", room, inspector="")
    alice.page.get_by_role("tab", name="Faults and time").click()
    alice.page.get_by_label("of").select_option("chat.postMessage")
    alice.page.get_by_role("button", name="Lose its answer").click()
    planned = alice.page.get_by_role("listitem").filter(has_text="chat.postMessage: lose response")
    expect(planned).to_be_visible()

    alice.starts(f"/task cleanup path={room} older_than=30d", having="to the trash?")

    expect(planned).to_have_count(0)
    expect(alice.main.get_by_role("article")).to_have_count(1)
    alice.page.get_by_role("tab", name="Traffic").click()
    expect(alice.page.get_by_role("row").filter(has_text="lost on the way")).to_have_count(1)


def test_people_are_deactivated_and_channels_archived_from_the_page(bot: Bot, person: People, room: str) -> None:
    alice, erin = person().sits("alice", room, inspector=""), person().sits("erin", room)
    alice.page.get_by_role("tab", name="Faults and time").click()
    expect(erin.box).to_be_visible()

    alice.page.get_by_role("combobox", name="Erin Eden is").select_option("deactivated")
    expect(erin.main).to_contain_text("This account is deactivated.")
    expect(alice.seat("erin")).to_have_accessible_name("Erin Eden, deactivated")
    alice.page.get_by_role("combobox", name="Erin Eden is").select_option("guest")
    expect(erin.box).to_be_visible()

    alice.page.get_by_role("row", name=f"#{room} ", exact=False).get_by_role("checkbox").first.check()
    expect(erin.main).to_contain_text("This channel is archived.")


def test_the_page_says_when_the_app_is_gone_and_slack_answers_in_its_place(bot: Bot, person: People, room: str) -> None:
    alice = person().sits("alice", room)
    status = alice.page.locator("#tools").get_by_role("status")
    expect(status).to_have_accessible_name("Countersign is connected")
    bot.kill()
    expect(status).to_have_accessible_name("Countersign is not connected")

    alice.sends("/task")

    expect(alice.message("dispatch_failed")).to_contain_text("Only visible to you")
    bot.start()
    expect(status).to_have_accessible_name("Countersign is connected")


def test_an_hour_is_skipped_at_the_page(chromium: Browser) -> None:
    with backstage() as app:
        alice = Person.at(chromium, app.url, timezone_id="UTC").sits("alice", inspector="")
        alice.page.get_by_role("tab", name="Faults and time").click()
        time = alice.page.get_by_role("region", name="Connection and time")
        expect(time).to_contain_text("In the simulator it is today, 8:00 AM.")

        time.get_by_role("button", name="Skip 1 hour").click()

        expect(time).to_contain_text("In the simulator it is today, 9:00 AM.")
        assert app.desk.clock.now() == 1_800_003_600
        assert alice.complaints == []
        alice.page.context.close()
