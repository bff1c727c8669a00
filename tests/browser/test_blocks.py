"""What an app may post and open, as the page shows it and as the app is told of what people do with it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.browser.backstage import Backstage
from tests.browser.fields import mrkdwn
from tests.browser.people import Person
from tests.support.desk import actions, button, modal, plain, question, section

OPTIONS = [{"text": plain(text), "value": text.lower()} for text in ("Small", "Medium", "Large")]


CONFIRM = {
    "title": plain("Sure?"),
    "text": plain("There is no way back."),
    "confirm": plain("Do it"),
    "deny": plain("Stay"),
}


PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def field(kind: str, label: str, **element: Any) -> dict[str, Any]:
    """An input block with an element of that kind."""
    shape = {"type": kind, "action_id": "typed", **element}
    return {"type": "input", "block_id": label, "label": plain(label), "element": shape}


def test_every_block_that_slack_accepts_is_shown(app: Backstage, bob: Person) -> None:
    rich = [{"type": "text", "text": "rich words", "style": {"bold": True}}]
    app.posts(
        {"type": "header", "text": plain("A heading :rocket:")},
        {"type": "header", "text": {**plain("As typed :bell: 🛑"), "emoji": False}},
        section(
            "*Bold* _slanted_ ~gone~ `code` <@U0BOB> <!subteam^S0ONCALL> <#C0GENERAL>",
            fields=[mrkdwn("left"), mrkdwn("right")],
        ),
        section("With a picture", accessory={"type": "image", "image_url": PIXEL, "alt_text": "one pixel"}),
        {"type": "divider"},
        {
            "type": "context",
            "elements": [mrkdwn("a footnote"), {"type": "image", "image_url": PIXEL, "alt_text": "a dot"}],
        },
        {
            "type": "image",
            "image_url": "https://elsewhere.example/cat.png",
            "alt_text": "a cat elsewhere",
            "title": plain("Cat"),
        },
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_section", "elements": rich},
                {
                    "type": "rich_text_list",
                    "style": "ordered",
                    "elements": [
                        {"type": "rich_text_section", "elements": [{"type": "text", "text": "first of a list"}]}
                    ],
                },
                {"type": "rich_text_quote", "elements": [{"type": "text", "text": "quoted\nin lines"}]},
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "as it is"}]},
            ],
        },
        {"type": "markdown", "text": "## Marked down\n\n- **strong** point\n\n```\nfenced\n```"},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "Name"}], [{"type": "raw_text", "text": "a cell"}]]},
        {
            "type": "card",
            "title": plain("A card"),
            "body": mrkdwn("its body"),
            "actions": [button("card", text=plain("On the card"))],
        },
        {"type": "plan", "title": "A plan", "tasks": [{"task_id": "1", "title": "Look first", "status": "complete"}]},
        {
            "type": "video",
            "title": plain("A film"),
            "alt_text": "moving",
            "video_url": "https://v.example/",
            "thumbnail_url": "https://v.example/t.png",
        },
        actions(button("go", text=plain("Go on"), style="primary")),
    )
    bob.sits("bob", "ops")
    message = bob.message("A heading")

    for words in (
        "A heading",
        "Bold",
        "code",
        "@bob",
        "@on-call",
        "#general",
        "left",
        "right",
        "a footnote",
        "rich words",
    ):
        expect(message).to_contain_text(words)
    for words in (
        "first of a list",
        "quoted",
        "as it is",
        "Marked down",
        "strong",
        "fenced",
        "a cell",
        "its body",
        "Look first",
        "A film",
    ):
        expect(message).to_contain_text(words)
    expect(message).to_contain_text("As typed :bell:")
    expect(message.get_by_role("img", name="octagonal sign")).to_be_visible()
    expect(message.get_by_role("blockquote")).to_have_text("quoted\nin lines", use_inner_text=True)
    expect(message.get_by_role("img", name="one pixel")).to_be_visible()
    expect(message.get_by_role("img", name="a cat elsewhere")).to_be_visible()
    expect(message.get_by_role("columnheader", name="Name")).to_be_visible()
    expect(message.get_by_role("button", name="On the card")).to_be_visible()
    expect(message.locator(".unsupported")).to_have_count(0)


def test_what_is_pressed_and_chosen_in_a_message_reaches_the_app(app: Backstage, bob: Person) -> None:
    app.posts(
        section(
            "Which size?",
            accessory={
                "type": "static_select",
                "action_id": "size",
                "placeholder": plain("A size"),
                "options": OPTIONS,
            },
        ),
        actions(
            button("go", text=plain("Go on"), value="7"),
            button("wipe", text=plain("Wipe"), style="danger", confirm=CONFIRM),
            {"type": "overflow", "action_id": "more", "options": OPTIONS},
        ),
    )
    bob.sits("bob", "ops")
    message = bob.message("Which size?")

    message.get_by_role("button", name="Go on").click()
    assert app.hears()["actions"][0]["value"] == "7"

    message.get_by_role("combobox", name="A size").click()
    bob.page.get_by_role("option", name="Medium").click()
    assert app.hears()["actions"][0]["selected_option"]["value"] == "medium"

    message.get_by_role("button", name="Wipe").click()
    bob.page.get_by_role("alertdialog", name="Sure?").get_by_role("button", name="Stay").click()
    message.get_by_role("button", name="Wipe").click()
    bob.page.get_by_role("alertdialog", name="Sure?").get_by_role("button", name="Do it").click()
    assert app.hears()["actions"][0]["action_id"] == "wipe"

    message.locator(".actions").get_by_role("button", name="More actions").press("Enter")
    expect(bob.page.get_by_role("menuitem", name="Small")).to_be_focused()
    bob.page.keyboard.press("ArrowDown")
    bob.page.keyboard.press("l")
    bob.page.keyboard.press("Enter")
    assert app.hears()["actions"][0]["selected_option"]["value"] == "large"


def test_every_input_of_a_modal_reaches_the_app_and_its_errors_stand_at_the_fields(app: Backstage, bob: Person) -> None:
    bob.sits("bob", "ops")
    bob.sends("/task form")
    app.opens(
        modal(
            field("plain_text_input", "Words", multiline=True),
            field("number_input", "Number", is_decimal_allowed=False, min_value="1"),
            field("email_text_input", "Address"),
            field("url_text_input", "Link"),
            field("static_select", "One", options=OPTIONS),
            field("multi_static_select", "Several", options=OPTIONS),
            field("users_select", "Somebody"),
            field("multi_users_select", "People"),
            field("radio_buttons", "Either", options=OPTIONS),
            field("checkboxes", "Any", options=OPTIONS),
            field("datepicker", "Day"),
            field("timepicker", "Time"),
            field("datetimepicker", "Moment"),
        )
    )
    form = bob.dialog
    form.get_by_label("Words").fill("Two\nlines")
    form.get_by_label("Number").fill("12")
    form.get_by_label("Address").fill("bob@example.com")
    form.get_by_label("Link").fill("https://example.com")
    _choose(bob, "One", "Large")
    _choose(bob, "Several", "Small", "Medium")
    form.get_by_role("button", name="Remove Small").click()
    _choose(bob, "Somebody", "Carol Chen")
    _choose(bob, "People", "Alice Archer", "Dave Doyle")
    form.get_by_role("radiogroup", name="Either").get_by_label("Medium").check()
    form.get_by_role("group", name="Any").get_by_label("Small").check()
    form.get_by_label("Day").fill("2030-05-01")
    form.get_by_label("Time").fill("14:30")
    form.get_by_label("Moment").fill("2030-05-01T09:00")

    form.get_by_role("button", name="Send").click()
    body = app.hears({"response_action": "errors", "errors": {"Number": "That is too few."}})

    values = {label: state["typed"] for label, state in body["view"]["state"]["values"].items()}
    assert [values[one]["value"] for one in ("Words", "Number", "Address")] == ["Two\nlines", "12", "bob@example.com"]
    assert values["One"]["selected_option"]["value"] == "large"
    assert [one["value"] for one in values["Several"]["selected_options"]] == ["medium"]
    assert (values["Somebody"]["selected_user"], values["People"]["selected_users"]) == (
        "U0CAROL",
        ["U0ALICE", "U0DAVE"],
    )
    assert values["Either"]["selected_option"]["value"] == "medium"
    assert [one["value"] for one in values["Any"]["selected_options"]] == ["small"]
    assert (values["Day"]["selected_date"], values["Time"]["selected_time"]) == ("2030-05-01", "14:30")
    assert values["Moment"]["selected_date_time"] == 1_903_849_200  # nine in Berlin
    expect(form.get_by_role("alert")).to_have_text("That is too few.")
    expect(form.get_by_label("Number")).to_be_focused()
    expect(form.get_by_label("Words")).to_have_value("Two\nlines")
    bob.page.keyboard.press("Escape")
    expect(bob.dialog).to_have_count(0)


def test_a_menu_asks_the_app_for_what_fits_to_what_is_typed(app: Backstage, bob: Person) -> None:
    bob.sits("bob", "ops")
    bob.sends("/task form")
    app.opens(modal(field("external_select", "City", min_query_length=2)))
    city = bob.dialog.get_by_role("combobox", name="City")
    city.press_sequentially("ha")

    assert app.hears({"options": [{"text": plain("Hamburg"), "value": "hh"}]})["value"] == "ha"

    bob.page.get_by_role("option", name="Hamburg").click()
    expect(city).to_have_value("Hamburg")
    bob.dialog.get_by_role("button", name="Send").click()
    body = app.hears()
    assert body["view"]["state"]["values"]["City"]["typed"]["selected_option"]["value"] == "hh"
    expect(bob.dialog).to_have_count(0)


def test_modals_are_stacked_and_back_leads_to_the_one_before(app: Backstage, bob: Person) -> None:
    bob.sits("bob", "ops")
    bob.sends("/task stack")
    app.opens(modal(question(label="First"), actions(button("deeper"), block_id="row"), title=plain("One")))
    bob.dialog.get_by_label("First").fill("kept")
    bob.dialog.get_by_role("button", name="Deeper").click()
    app.pushes(modal(question(label="Second"), title=plain("Two")))
    expect(bob.dialog.get_by_role("heading")).to_have_text("Two")

    bob.dialog.get_by_role("button", name="Back").click()

    expect(bob.dialog.get_by_role("heading")).to_have_text("One")
    expect(bob.dialog.get_by_label("First")).to_have_value("kept")
    bob.dialog.get_by_role("button", name="Close", exact=True).click()
    expect(bob.dialog).to_have_count(0)


def test_the_home_tab_is_shown_as_published_and_its_buttons_work(app: Backstage, bob: Person) -> None:
    bob.sits("bob", "@countersign", tab="home")
    expect(bob.main).to_contain_text("has not published a Home tab for you")

    app.publishes(
        {"type": "header", "text": plain("Waiting for you")}, actions(button("first", text=plain("Look at it")))
    )

    expect(bob.main).to_contain_text("Waiting for you")
    bob.main.get_by_role("button", name="Look at it").click()
    assert app.hears()["view"]["type"] == "home"
    bob.main.get_by_role("tab", name="Home").press("ArrowRight")
    expect(bob.main.get_by_role("tab", name="Messages")).to_be_focused()
    expect(bob.box).to_be_visible()


def _choose(who: Person, label: str, *options: str) -> None:
    box = who.dialog.get_by_role("combobox", name=label, exact=True)
    box.click()
    for option in options:
        who.page.get_by_role("option", name=option).click()
    expect(box).to_be_visible()
    if len(options) > 1:
        box.press("Escape")
