"""The elements that people choose and type with: what the app is told, what is not on offer, what is refused."""

import asyncio
from typing import Any

import pytest

from simulator.blocks import Place, complaints_about
from simulator.client import ControlError
from tests.support.desk import Desk, Socket, actions, modal, plain, question, refusal, section

OPTIONS = [{"text": plain(name), "value": name.lower()} for name in ("One", "Two")]


def _element(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "action_id": "a", **fields}


def _asked(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "input", "block_id": "ask", "label": plain("Ask"), "element": _element(kind, **fields)}


async def _chosen(desk: Desk, block: dict[str, Any], value: Any) -> dict[str, Any]:
    """The app's view of bob choosing `value` in a message of that block alone."""
    await desk.bot.chat_postMessage(channel="C0GENERAL", text="x", blocks=[{**block, "block_id": "ask"}])
    [card] = await desk.seat("bob").messages("#general")
    socket = await desk.socket()
    press = asyncio.create_task(desk.seat("bob").press(card, "a", value=value))
    body = await socket.next_acknowledged()
    assert (await press)["ok"]
    return body


IN_A_MESSAGE: dict[str, tuple[dict[str, Any], Any, str, Any]] = {
    "static_select": (actions(_element("static_select", options=OPTIONS)), "Two", "selected_option", OPTIONS[1]),
    "users_select": (actions(_element("users_select")), "@carol", "selected_user", "U0CAROL"),
    "channels_select": (actions(_element("channels_select")), "#ops", "selected_channel", "C0OPS"),
    "conversations_select": (actions(_element("conversations_select")), "ops", "selected_conversation", "C0OPS"),
    "radio_buttons": (actions(_element("radio_buttons", options=OPTIONS)), "one", "selected_option", OPTIONS[0]),
    "checkboxes": (actions(_element("checkboxes", options=OPTIONS)), ["one", "two"], "selected_options", OPTIONS),
    "datepicker": (actions(_element("datepicker")), "2027-01-15", "selected_date", "2027-01-15"),
    "timepicker": (actions(_element("timepicker")), "09:30", "selected_time", "09:30"),
    "datetimepicker": (actions(_element("datetimepicker")), 1_800_000_000, "selected_date_time", 1_800_000_000),
    "multi_static_select": (
        section(accessory=_element("multi_static_select", options=OPTIONS)),
        ["one"],
        "selected_options",
        OPTIONS[:1],
    ),
    "multi_users_select": (
        section(accessory=_element("multi_users_select")),
        ["bob", "U0CAROL"],
        "selected_users",
        ["U0BOB", "U0CAROL"],
    ),
}


@pytest.mark.parametrize(("block", "value", "field", "told"), IN_A_MESSAGE.values(), ids=IN_A_MESSAGE.keys())
async def test_a_choice_in_a_message_is_told_and_is_in_the_state(
    desk: Desk, block: dict[str, Any], value: Any, field: str, told: Any
) -> None:
    body = await _chosen(desk, block, value)

    [action] = body["actions"]
    assert (action["block_id"], action["action_id"], action[field]) == ("ask", "a", told)
    assert body["state"]["values"]["ask"]["a"] == {"type": action["type"], field: told}


async def test_an_overflow_menu_tells_its_option_and_keeps_no_state(desk: Desk) -> None:
    body = await _chosen(desk, section(accessory=_element("overflow", options=OPTIONS)), "Two")

    assert body["actions"][0]["selected_option"] == OPTIONS[1]
    assert body["state"]["values"] == {}


async def test_a_menus_placeholder_and_first_choice_are_told_with_the_choice(desk: Desk) -> None:
    menu = _element("static_select", options=OPTIONS, initial_option=OPTIONS[0], placeholder=plain("Which?"))

    [action] = (await _chosen(desk, actions(menu), "two"))["actions"]

    assert (action["initial_option"], action["placeholder"]) == (OPTIONS[0], plain("Which?"))


NOT_ON_OFFER: dict[str, tuple[dict[str, Any], Any, str]] = {
    "an option": (_asked("static_select", options=OPTIONS), "three", "no option 'three'"),
    "a person": (_asked("users_select"), "nobody", "no such person"),
    "a channel": (_asked("channels_select"), "#nowhere", "no such channel"),
    "a day": (_asked("datepicker"), "2027-02-30", "does not accept '2027-02-30'"),
    "a time": (_asked("timepicker"), "25:00", "does not accept '25:00'"),
    "a moment": (_asked("datetimepicker"), "soon", "does not accept 'soon'"),
    "too many": (_asked("multi_users_select", max_selected_items=1), ["bob", "carol"], "accepts at most 1"),
}


async def _opened(desk: Desk, view: dict[str, Any]) -> Socket:
    socket = await desk.socket()
    command = asyncio.create_task(desk.seat("bob").command("#ops", "/task new"))
    trigger = (await socket.next_acknowledged())["trigger_id"]
    await command
    await desk.bot.views_open(trigger_id=trigger, view=view)
    return socket


@pytest.mark.parametrize(("block", "value", "why"), NOT_ON_OFFER.values(), ids=NOT_ON_OFFER.keys())
async def test_what_is_not_on_offer_cannot_be_chosen(desk: Desk, block: dict[str, Any], value: Any, why: str) -> None:
    await _opened(desk, modal(block))

    with pytest.raises(ControlError, match=why):
        await desk.seat("bob").fill({"ask": value})


COMPLAINTS: dict[str, tuple[dict[str, Any], Any, str]] = {
    "too short": (_asked("plain_text_input", min_length=5), "four", "Must be at least 5 characters."),
    "too long": (_asked("plain_text_input", max_length=3), "four", "Must be at most 3 characters."),
    "no number": (_asked("number_input", is_decimal_allowed=False), "1.5", "Please enter a valid number."),
    "too low": (_asked("number_input", is_decimal_allowed=True, min_value="2"), "1.5", "Must be at least 2."),
    "no email": (_asked("email_text_input"), "bob@", "Please enter a valid email address."),
    "no url": (_asked("url_text_input"), "example.com", "Please enter a valid URL."),
    "no choice": (_asked("checkboxes", options=OPTIONS), [], "Please complete this required field."),
}


@pytest.mark.parametrize(("block", "value", "why"), COMPLAINTS.values(), ids=COMPLAINTS.keys())
async def test_what_slacks_client_refuses_never_reaches_the_app(
    desk: Desk, block: dict[str, Any], value: Any, why: str
) -> None:
    await _opened(desk, modal(block))

    assert await desk.seat("bob").submit({"ask": value}) == {"ask": why}
    assert await desk.sim.traffic(kind="interactive") == []


async def test_an_input_tells_the_app_at_once_only_if_it_says_so(desk: Desk) -> None:
    block = _asked("static_select", options=OPTIONS)
    socket = await _opened(desk, modal(block))
    bob = desk.seat("bob")
    view = await bob.modal()
    assert view is not None

    with pytest.raises(ControlError, match="sent with its form"):
        await bob.press(view, "a", value="one")
    await desk.bot.views_update(view_id=view["id"], view=modal({**block, "dispatch_action": True}))
    press = asyncio.create_task(bob.press(view, "a", value="one"))
    body = await socket.next_acknowledged()

    assert (await press)["ok"]
    assert body["actions"][0]["selected_option"] == OPTIONS[0]


async def test_a_menu_asks_the_app_for_its_options_once_enough_was_typed(desk: Desk) -> None:
    socket = await _opened(desk, modal(_asked("external_select", min_query_length=2)))
    bob = desk.seat("bob")
    view = await bob.modal()
    assert view is not None

    too_short = await bob.suggest(view, "a", "o")
    with pytest.raises(ControlError, match="no option 'one'"):
        await bob.fill({"ask": "one"})
    asking = asyncio.create_task(bob.suggest(view, "a", "on"))
    body = await socket.next_acknowledged({"options": OPTIONS[:1]})
    offered = await asking
    await bob.fill({"ask": "one"})

    after = await bob.modal()
    assert after is not None
    assert (too_short, offered) == ([], OPTIONS[:1])
    assert (body["type"], body["action_id"], body["value"]) == ("block_suggestion", "a", "on")
    assert body["view"]["id"] == view["id"]
    assert after["state"]["values"]["ask"]["a"]["selected_option"] == OPTIONS[0]


@pytest.mark.parametrize("answer", [{"options": OPTIONS * 51}, {"options": [{"value": "x"}]}, {"text": "hello"}])
async def test_an_answer_that_slack_would_not_show_offers_nothing(desk: Desk, answer: dict[str, Any]) -> None:
    await desk.bot.chat_postMessage(channel="C0GENERAL", text="x", blocks=[actions(_element("external_select"))])
    [card] = await desk.seat("bob").messages("#general")
    socket = await desk.socket()

    asking = asyncio.create_task(desk.seat("bob").suggest(card, "a", "one"))
    body = await socket.next_acknowledged(answer)

    assert await asking == []
    assert body["message"]["ts"] == card["ts"]


CONTRADICTIONS: dict[str, list[dict[str, Any]]] = {
    "an initial option that is not there": [
        actions(_element("static_select", options=OPTIONS[:1], initial_option=OPTIONS[1]))
    ],
    "initial boxes that are not there": [
        actions(_element("checkboxes", options=OPTIONS[:1], initial_options=[OPTIONS[1]]))
    ],
    "more chosen than may be": [
        section(
            accessory=_element("multi_static_select", options=OPTIONS, initial_options=OPTIONS, max_selected_items=1)
        )
    ],
    "a length the wrong way round": [question(min_length=5, max_length=4)],
    "a range the wrong way round": [_asked("number_input", is_decimal_allowed=True, min_value="2", max_value="1.5")],
    "two that want the focus": [question("a", focus_on_load=True), question("b", focus_on_load=True)],
}


@pytest.mark.parametrize("blocks", CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_an_element_that_contradicts_itself_is_refused(blocks: list[dict[str, Any]]) -> None:
    assert len(list(complaints_about(blocks, Place.MODAL))) == 1


async def test_a_contradiction_is_refused_with_the_blocks(desk: Desk) -> None:
    blocks = CONTRADICTIONS["an initial option that is not there"]

    assert (await refusal(desk.bot.chat_postMessage(channel="C0OPS", text="x", blocks=blocks)))["error"] == (
        "invalid_blocks"
    )
