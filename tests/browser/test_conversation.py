"""What stands beside the messages: reactions, unread counts, times, files, and text that would do harm."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.backstage import Backstage
from tests.browser.fields import mrkdwn
from tests.browser.people import Person
from tests.support.desk import actions, button, modal, plain, question, section

EVIL = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"\'<b>bold</b>&lt;i&gt;'


def test_shortcuts_are_offered_at_a_message_and_at_the_message_box(app: Backstage, bob: Person) -> None:
    bob.sits("bob", "general")
    bob.sends("Tidy up, please")
    message = bob.message("Tidy up, please")
    message.hover()
    message.get_by_role("button", name="More actions").click()
    bob.page.get_by_role("menuitem", name="Start from this").click()
    assert app.hears()["message"]["text"] == "Tidy up, please"

    bob.main.get_by_role("button", name="Shortcuts").click()
    bob.page.get_by_role("menuitem", name="Start A task").click()
    assert app.hears()["callback_id"] == "from_anywhere"


def test_what_only_one_person_sees_is_marked_as_such_and_can_be_dismissed(app: Backstage, bob: Person) -> None:
    app.call("chat_postEphemeral", channel="C0OPS", user="U0BOB", text="Between you and me")
    bob.sits("bob", "ops")
    whisper = bob.message("Between you and me")
    expect(whisper).to_contain_text("Only visible to you")

    whisper.get_by_role("button", name="Dismiss").click()

    expect(bob.main).not_to_contain_text("Between you and me")
    bob.takes("alice")
    expect(bob.main).not_to_contain_text("Between you and me")


def test_a_reaction_is_added_and_taken_back(app: Backstage, bob: Person) -> None:
    app.posts(text="Who is for it?")
    bob.sits("bob", "ops")
    message = bob.message("Who is for it?")
    message.hover()

    message.get_by_role("button", name="React with white check mark").click()

    reaction = message.get_by_role("button", name="white check mark, 1: Bob Brandt")
    expect(reaction).to_have_attribute("aria-pressed", "true")
    reaction.click()
    expect(reaction).to_have_count(0)


def test_unread_messages_are_counted_and_marked_until_they_are_seen(app: Backstage, bob: Person) -> None:
    bob.sits("bob", "general")
    app.posts(text="Something new", channel="G0INCIDENTS")
    place = bob.page.get_by_role("navigation").get_by_role("button", name="incidents")
    expect(place).to_contain_text("1")
    expect(bob.page).to_have_title("(1) general · Acme")

    place.click()

    expect(bob.main.get_by_role("separator", name="New messages")).to_be_visible()
    expect(bob.main).to_contain_text("Something new")
    expect(place).not_to_contain_text("1")


def test_times_are_those_of_the_persons_zone_and_dates_count_by_themselves(app: Backstage, bob: Person) -> None:
    app.posts(section("Due <!date^1800003600^{date_num} {time}|in time>, <!date^1800003600^{ago}|soon>"))
    bob.sits("bob", "ops")

    message = bob.message("Due ")

    expect(message).to_contain_text("Due 2027-01-15 10:00 AM, in 1 hour")
    expect(message).to_contain_text("9:00 AM")
    bob.takes("carol")
    expect(message).to_contain_text("Due 2027-01-15 4:00 AM")
    bob.takes("alice")  # of whom no zone is known: the one of the machine
    expect(message).to_contain_text("Due 2027-01-15 6:00 PM")


def test_a_file_is_named_with_its_size_and_can_be_read_and_saved(app: Backstage, bob: Person) -> None:
    app.call(
        "files_upload_v2", channel="C0OPS", filename="arguments.json", title="All arguments", content='{"path": "<b>"}'
    )
    bob.sits("bob", "ops")
    message = bob.message("All arguments")
    expect(message).to_contain_text("JSON · 15 bytes")

    message.get_by_role("button", name="Show arguments.json").click()

    expect(message).to_contain_text('{"path": "<b>"}')
    expect(message.get_by_role("link", name="Save arguments.json")).to_be_visible()


def test_hostile_text_stays_text_wherever_it_is_put(app: Backstage, bob: Person) -> None:
    links = "<javascript:window.hacked=1|press me> <data:text/html,x|or me> <https://evil.example|click>"
    app.posts(
        {"type": "header", "text": plain(EVIL)},
        section(EVIL, fields=[mrkdwn(EVIL), plain(EVIL)]),
        section(links),
        {
            "type": "context",
            "elements": [mrkdwn(EVIL), {"type": "image", "image_url": "https://evil.example/x.png", "alt_text": EVIL}],
        },
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": EVIL},
                        {"type": "link", "url": "javascript:window.hacked=1", "text": "rich"},
                    ],
                }
            ],
        },
        {"type": "markdown", "text": f"{EVIL} [marked](javascript:window.hacked=1)"},
        {"type": "table", "rows": [[{"type": "raw_text", "text": EVIL}]]},
        actions(
            button(text=plain(EVIL[:75])),
            {"type": "static_select", "action_id": "s", "options": [{"text": plain(EVIL[:75]), "value": "v"}]},
        ),
        text=EVIL,
    )
    app.call("chat_postMessage", channel="C0OPS", text=EVIL)
    app.call("files_upload_v2", channel="C0OPS", filename="evil.txt", title=EVIL, content=EVIL)
    bob.sits("bob", "ops")
    message = bob.message("press me")
    message.get_by_role("combobox").click()
    bob.page.keyboard.press("Escape")
    bob.sends(f"@carol {EVIL}")
    bob.sends(f"/task {EVIL}")
    app.opens(modal(question(label=EVIL, placeholder=plain(EVIL)), section(EVIL), title=plain(EVIL[:24])))
    expect(bob.dialog).to_contain_text("<script>window.hacked=1</script>")
    bob.page.keyboard.press("Escape")
    bob.page.get_by_role("button", name="Inspector").click()

    expect(bob.page.get_by_role("table", name="Traffic")).to_contain_text("<script>")
    expect(message).to_contain_text("<script>window.hacked=1</script>")
    assert bob.page.evaluate("window.hacked") is None
    assert bob.page.locator("script:not([src]), img[src='x'], [onerror], article b").count() == 0
    hrefs = message.get_by_role("link").evaluate_all("links => links.map(one => one.href)")
    assert hrefs == ["https://evil.example/"]
