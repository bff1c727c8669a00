"""Modals and the Home tab: triggers, the stack, what the app may answer to a submission."""

import asyncio
from typing import Any

from tests.support.desk import Desk, Socket, actions, button, modal, plain, question, refusal, section


async def _trigger(desk: Desk, socket: Socket, name: str = "bob") -> str:
    command = asyncio.create_task(desk.seat(name).command("#ops", "/task new"))
    body = await socket.next_acknowledged()
    await command
    trigger: str = body["trigger_id"]
    return trigger


async def _opened(desk: Desk, view: dict[str, Any] | None = None) -> Socket:
    socket = await desk.socket()
    await desk.bot.views_open(trigger_id=await _trigger(desk, socket), view=view or modal())
    return socket


async def _submitted(
    desk: Desk, socket: Socket, values: dict[str, Any], answer: dict[str, Any] | None = None
) -> tuple[dict[str, str], dict[str, Any]]:
    submit = asyncio.create_task(desk.seat("bob").submit(values))
    body = await socket.next_acknowledged(answer)
    return await submit, body


async def test_a_modal_opens_before_the_person_who_acted(desk: Desk) -> None:
    await _opened(desk)

    shown = await desk.seat("bob").modal()
    assert shown is not None
    assert shown["title"]["text"] == "A modal"
    assert await desk.seat("alice").modal() is None


async def test_a_trigger_works_once(desk: Desk) -> None:
    socket = await desk.socket()
    trigger = await _trigger(desk, socket)
    await desk.bot.views_open(trigger_id=trigger, view=modal())

    answer = await refusal(desk.bot.views_open(trigger_id=trigger, view=modal()))

    assert answer["error"] == "exchanged_trigger_id"


async def test_a_trigger_lives_three_seconds(desk: Desk) -> None:
    socket = await desk.socket()
    trigger = await _trigger(desk, socket)

    desk.clock.advance(3.1)

    answer = await refusal(desk.bot.views_open(trigger_id=trigger, view=modal()))
    assert answer["error"] == "expired_trigger_id"


async def test_a_view_that_is_refused_does_not_use_up_the_trigger(desk: Desk) -> None:
    socket = await desk.socket()
    trigger = await _trigger(desk, socket)
    answer = await refusal(desk.bot.views_open(trigger_id=trigger, view=modal(title=plain("x" * 25))))

    opened = await desk.bot.views_open(trigger_id=trigger, view=modal())

    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"
    ]
    assert opened["ok"]


async def test_an_invented_trigger_is_refused(desk: Desk) -> None:
    assert (await refusal(desk.bot.views_open(trigger_id="1.2.3", view=modal())))["error"] == "invalid_trigger_id"


async def test_a_submission_carries_what_was_typed_and_closes_the_modal(desk: Desk) -> None:
    socket = await _opened(desk, modal(private_metadata="r1"))

    errors, body = await _submitted(desk, socket, {"why": "Because"})

    assert errors == {}
    assert body["type"] == "view_submission"
    assert body["view"]["private_metadata"] == "r1"
    assert body["view"]["state"]["values"] == {"why": {"typed": {"type": "plain_text_input", "value": "Because"}}}
    assert await desk.seat("bob").modal() is None


async def test_a_field_left_empty_is_complained_about_without_asking_the_app(desk: Desk) -> None:
    await _opened(desk)

    errors = await desk.seat("bob").submit({})

    assert errors == {"why": "Please complete this required field."}
    assert await desk.sim.traffic(kind="interactive") == []


async def test_an_optional_field_may_stay_empty(desk: Desk) -> None:
    socket = await _opened(desk, modal({**question(), "optional": True}))

    errors, body = await _submitted(desk, socket, {})

    assert errors == {}
    assert body["view"]["state"]["values"]["why"]["typed"]["value"] is None


async def test_errors_are_written_at_the_fields_and_the_modal_stays_with_what_was_typed(desk: Desk) -> None:
    socket = await _opened(desk)
    refused = {"response_action": "errors", "errors": {"why": "Say more"}}

    errors, _ = await _submitted(desk, socket, {"why": "No"}, refused)

    shown = await desk.seat("bob").modal()
    assert errors == {"why": "Say more"}
    assert shown is not None
    assert shown["errors"] == errors
    assert shown["state"]["values"]["why"]["typed"]["value"] == "No"


async def test_errors_at_a_field_that_is_not_there_are_trouble(desk: Desk) -> None:
    socket = await _opened(desk)

    errors, _ = await _submitted(desk, socket, {"why": "x"}, {"response_action": "errors", "errors": {"typed": "No"}})

    assert errors == {"": "We had some trouble connecting. Try again?"}


async def test_a_submission_that_nobody_acknowledges_is_trouble_and_the_modal_stays(desk: Desk) -> None:
    socket = await _opened(desk)
    submit = asyncio.create_task(desk.seat("bob").submit({"why": "x"}))
    await socket.next()

    desk.clock.advance(3.1)

    assert await submit == {"": "We had some trouble connecting. Try again?"}
    assert await desk.seat("bob").modal() is not None


async def test_views_are_pushed_up_to_three_and_popped_one_by_one(desk: Desk) -> None:
    socket = await _opened(desk)
    for _ in range(2):
        await _submitted(desk, socket, {"why": "x"}, {"response_action": "push", "view": modal()})
    bob = desk.seat("bob")
    top = await bob.modal()

    fourth, _ = await _submitted(desk, socket, {"why": "x"}, {"response_action": "push", "view": modal()})
    await bob.close_modal()
    below = await bob.modal()

    assert top is not None
    assert below is not None
    assert (top["depth"], below["depth"]) == (3, 2)
    assert top["previous_view_id"] == below["id"]
    assert fourth == {"": "We had some trouble connecting. Try again?"}


async def test_an_answer_of_update_shows_other_content_in_the_same_modal(desk: Desk) -> None:
    socket = await _opened(desk)
    bob = desk.seat("bob")
    before = await bob.modal()
    assert before is not None

    errors, _ = await _submitted(
        desk, socket, {"why": "x"}, {"response_action": "update", "view": modal(title=plain("Then"))}
    )

    after = await bob.modal()
    assert after is not None
    assert errors == {}
    assert (after["id"], after["depth"], after["title"]["text"]) == (before["id"], 1, "Then")


async def test_an_answer_with_a_view_that_slack_refuses_is_trouble_and_the_modal_stays(desk: Desk) -> None:
    socket = await _opened(desk)

    errors, _ = await _submitted(
        desk, socket, {"why": "x"}, {"response_action": "update", "view": modal(title=plain("x" * 25))}
    )

    shown = await desk.seat("bob").modal()
    assert errors == {"": "We had some trouble connecting. Try again?"}
    assert shown is not None
    assert shown["title"]["text"] == "A modal"


async def test_clear_closes_the_whole_stack(desk: Desk) -> None:
    socket = await _opened(desk)
    await _submitted(desk, socket, {"why": "x"}, {"response_action": "push", "view": modal()})

    await _submitted(desk, socket, {"why": "x"}, {"response_action": "clear"})

    assert await desk.seat("bob").modal() is None


async def test_an_update_keeps_what_was_typed_where_the_ids_stay(desk: Desk) -> None:
    socket = await _opened(desk)
    bob = desk.seat("bob")
    await bob.fill({"why": "Half a sent"})
    view = await bob.modal()
    assert view is not None

    await desk.bot.views_update(view_id=view["id"], hash=view["hash"], view=modal(section("More"), question()))

    after = await bob.modal()
    assert after is not None
    assert after["state"]["values"]["why"]["typed"]["value"] == "Half a sent"
    assert after["hash"] != view["hash"]
    stale = await refusal(desk.bot.views_update(view_id=view["id"], hash=view["hash"], view=modal()))
    assert stale["error"] == "hash_conflict"
    assert socket.received


async def test_a_closed_view_cannot_be_updated(desk: Desk) -> None:
    await _opened(desk)
    bob = desk.seat("bob")
    view = await bob.modal()
    assert view is not None
    await bob.close_modal()

    assert (await refusal(desk.bot.views_update(view_id=view["id"], view=modal())))["error"] == "not_found"


async def test_an_external_id_is_given_once(desk: Desk) -> None:
    socket = await _opened(desk, modal(external_id="r1"))

    answer = await refusal(
        desk.bot.views_open(trigger_id=await _trigger(desk, socket, "alice"), view=modal(external_id="r1"))
    )

    assert answer["error"] == "duplicate_external_id"


async def test_closing_is_told_when_asked_for(desk: Desk) -> None:
    socket = await _opened(desk, modal(notify_on_close=True))

    close = asyncio.create_task(desk.seat("bob").close_modal())
    body = await socket.next_acknowledged()
    await close

    assert (body["type"], body["is_cleared"]) == ("view_closed", False)


async def test_closing_all_is_told_for_each_view_that_asked_the_top_first(desk: Desk) -> None:
    socket = await _opened(desk, modal(callback_id="below", notify_on_close=True))
    top = modal(callback_id="top", notify_on_close=True)
    await _submitted(desk, socket, {"why": "x"}, {"response_action": "push", "view": top})

    close = asyncio.create_task(desk.seat("bob").close_modal(everything=True))
    bodies = [await socket.next_acknowledged() for _ in range(2)]
    await close

    assert [(body["view"]["callback_id"], body["is_cleared"]) for body in bodies] == [("top", True), ("below", True)]
    assert await desk.seat("bob").modal() is None


async def test_a_click_in_a_modal_pushes_another_with_its_trigger(desk: Desk) -> None:
    socket = await _opened(desk, modal(question(), actions(button("whole"))))
    bob = desk.seat("bob")
    view = await bob.modal()
    assert view is not None

    press = asyncio.create_task(bob.press(view, "whole", values={"why": "Typed"}))
    body = await socket.next_acknowledged()
    await press
    await desk.bot.views_push(trigger_id=body["trigger_id"], view=modal(section()))

    assert body["container"] == {"type": "view", "view_id": view["id"]}
    assert body["view"]["state"]["values"]["why"]["typed"]["value"] == "Typed"
    top = await bob.modal()
    assert top is not None
    assert top["depth"] == 2


async def test_a_trigger_of_a_message_pushes_nothing(desk: Desk) -> None:
    socket = await _opened(desk)

    answer = await refusal(desk.bot.views_push(trigger_id=await _trigger(desk, socket), view=modal()))

    assert answer["error"] == "not_found"


async def test_the_home_tab_is_published_for_one_person_and_opening_it_is_an_event(desk: Desk) -> None:
    socket = await desk.socket()
    bob = desk.seat("bob")
    await bob.open_home()
    event = (await socket.next_acknowledged())["event"]

    await desk.bot.views_publish(user_id=event["user"], view={"type": "home", "blocks": [section("Nothing waits")]})

    home = await bob.home()
    assert (event["type"], event["tab"], event["user"]) == ("app_home_opened", "home", "U0BOB")
    assert home is not None
    assert home["blocks"][0]["text"]["text"] == "Nothing waits"
    assert await desk.seat("alice").home() is None


async def test_a_menu_of_conversations_may_ask_for_a_way_to_answer_in_the_one_chosen(desk: Desk) -> None:
    element = {"type": "conversations_select", "action_id": "where", "response_url_enabled": True}
    socket = await _opened(
        desk, modal({"type": "input", "block_id": "ask", "label": plain("Where"), "element": element})
    )

    _, body = await _submitted(desk, socket, {"where": "#general"})
    [answer] = body["response_urls"]
    async with desk.session.post(answer["response_url"], json={"text": "Here", "response_type": "in_channel"}) as sent:
        assert sent.status == 200

    assert (answer["block_id"], answer["action_id"], answer["channel_id"]) == ("ask", "where", "C0GENERAL")
    assert [message["text"] for message in await desk.seat("alice").messages("#general")] == ["Here"]


async def test_every_kind_of_input_is_filled_in_with_what_a_person_sees(desk: Desk) -> None:
    options = [{"text": plain(name), "value": name.lower()} for name in ("One", "Two")]

    def asked(block_id: str, kind: str, **fields: Any) -> dict[str, Any]:
        return {
            "type": "input",
            "block_id": block_id,
            "label": plain(block_id),
            "element": {"type": kind, "action_id": "a", **fields},
        }

    socket = await _opened(
        desk,
        modal(
            asked("select", "static_select", options=options),
            asked("many", "multi_static_select", options=options),
            asked("boxes", "checkboxes", options=options),
            asked("radio", "radio_buttons", options=options, initial_option=options[0]),
            asked("date", "datepicker"),
            asked("person", "users_select"),
            asked("number", "number_input", is_decimal_allowed=False, max_value="10"),
        ),
    )
    typed = {"select": "Two", "many": ["one", "two"], "boxes": ["one"], "date": "2027-01-15", "person": "U0BOB"}

    too_high = await desk.seat("bob").submit({**typed, "number": 11})
    errors, body = await _submitted(desk, socket, {"number": 10})

    values = {block_id: state["a"] for block_id, state in body["view"]["state"]["values"].items()}
    assert (too_high, errors) == ({"number": "Must be at most 10."}, {})
    assert values["select"]["selected_option"]["value"] == "two"
    assert [option["value"] for option in values["many"]["selected_options"]] == ["one", "two"]
    assert [option["value"] for option in values["boxes"]["selected_options"]] == ["one"]
    assert values["radio"]["selected_option"]["value"] == "one"
    assert (values["date"]["selected_date"], values["person"]["selected_user"]) == ("2027-01-15", "U0BOB")
    assert values["number"]["value"] == "10"
