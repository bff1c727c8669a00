"""Socket Mode: one envelope to one connection, three seconds for an answer, and what the person sees without one."""

import asyncio

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.desk import Desk, Socket, actions, button, section, wait_for_sleeper


async def _card(desk: Desk) -> dict[str, object]:
    blocks = [section(), actions(button("approve", value="r1"), block_id="verdicts")]
    await desk.bot.chat_postMessage(channel="C0OPS", text="A card", blocks=blocks)
    [card] = await desk.seat("bob").messages("#ops")
    return card


async def _late(desk: Desk, socket: Socket) -> dict[str, object]:
    envelope = await socket.next()
    desk.clock.advance(3.1)
    return envelope


async def test_each_envelope_goes_to_one_connection_in_turn(desk: Desk) -> None:
    card = await _card(desk)
    sockets = [await desk.socket(), await desk.socket()]
    received = [asyncio.create_task(socket.next_acknowledged()) for socket in sockets]

    for _ in sockets:
        assert (await desk.seat("bob").press(card, "approve"))["ok"]

    assert [(await body)["type"] for body in received] == ["block_actions", "block_actions"]
    interactive = await desk.sim.traffic(kind="interactive")
    assert sorted(entry["connection"] for entry in interactive) == [1, 2]


async def test_a_click_says_who_clicked_what_and_where(desk: Desk) -> None:
    socket = await desk.socket()
    await desk.bot.chat_postMessage(
        channel="C0PARTNERS", text="A card", blocks=[actions(button("approve", value="r1"))]
    )
    frank = desk.seat("frank")
    [card] = await frank.messages("#partners")
    await socket.next_acknowledged()

    press = asyncio.create_task(frank.press(card, "approve"))
    body = await socket.next_acknowledged()

    assert (await press)["ok"]
    assert body["type"] == "block_actions"
    assert body["user"] == {"id": "U0FRANK", "username": "frank", "name": "frank", "team_id": "T0OTHER"}
    assert body["team"]["id"] == "T0ACME"
    assert body["container"] == {
        "type": "message",
        "message_ts": card["ts"],
        "channel_id": "C0PARTNERS",
        "is_ephemeral": False,
    }
    assert body["message"]["ts"] == card["ts"]
    assert (body["actions"][0]["action_id"], body["actions"][0]["value"]) == ("approve", "r1")
    assert body["trigger_id"]
    assert body["response_url"].startswith(desk.world.base_url)


async def test_a_click_in_a_thread_names_the_thread(desk: Desk) -> None:
    parent = await desk.bot.chat_postMessage(channel="C0OPS", text="Task")
    reply = [actions(button("approve"))]
    await desk.bot.chat_postMessage(channel="C0OPS", text="Card", blocks=reply, thread_ts=parent["ts"])
    socket = await desk.socket()
    bob = desk.seat("bob")
    card = (await bob.thread("#ops", parent["ts"]))[1]

    press = asyncio.create_task(bob.press(card, "approve"))
    body = await socket.next_acknowledged()
    await press

    assert body["container"]["thread_ts"] == parent["ts"]
    assert body["message"]["thread_ts"] == parent["ts"]


async def test_a_choice_in_a_select_carries_its_option_and_the_state(desk: Desk) -> None:
    options = [{"text": {"type": "plain_text", "text": name}, "value": name.lower()} for name in ("Bob", "Carol")]
    select = {"type": "static_select", "action_id": "who", "options": options}
    await desk.bot.chat_postMessage(channel="C0OPS", text="x", blocks=[actions(select, block_id="ask")])
    socket = await desk.socket()
    bob = desk.seat("bob")
    [card] = await bob.messages("#ops")

    press = asyncio.create_task(bob.press(card, "who", value="carol"))
    body = await socket.next_acknowledged()
    await press

    assert body["actions"][0]["selected_option"]["value"] == "carol"
    assert body["state"]["values"]["ask"]["who"]["selected_option"]["value"] == "carol"


async def test_a_late_acknowledgement_is_an_error_for_the_person_and_kept_in_the_traffic(desk: Desk) -> None:
    card = await _card(desk)
    socket = await desk.socket()
    bob = desk.seat("bob")
    press = asyncio.create_task(bob.press(card, "approve"))
    envelope = await _late(desk, socket)

    result = await press
    await socket.acknowledge(envelope)

    assert not result["ok"]
    [notice] = await bob.notices()
    assert (notice["kind"], notice["message_ts"], notice["action_id"]) == ("error", card["ts"], "approve")
    await desk.sim.wait_for(lambda: _acknowledged(desk), timeout=5)


async def _acknowledged(desk: Desk) -> bool:
    [entry] = await desk.sim.traffic(kind="interactive")
    return entry["acknowledged_after"] is not None and entry["acknowledged_after"] > 3


async def test_an_acknowledgement_just_in_time_is_no_error(desk: Desk) -> None:
    card = await _card(desk)
    socket = await desk.socket()
    press = asyncio.create_task(desk.seat("bob").press(card, "approve"))
    envelope = await socket.next()

    desk.clock.advance(2.9)
    await socket.acknowledge(envelope)

    assert (await press)["ok"]


async def test_a_click_while_nothing_is_connected_is_lost_and_the_person_told(desk: Desk) -> None:
    card = await _card(desk)

    result = await desk.seat("bob").press(card, "approve")

    assert not result["ok"]
    assert await desk.sim.traffic(kind="interactive") == []


async def test_a_command_that_nobody_acknowledges_times_out(desk: Desk) -> None:
    socket = await desk.socket()
    command = asyncio.create_task(desk.seat("alice").command("#ops", "/task cleanup"))
    await _late(desk, socket)

    result = await command

    assert result["notice"]["text"] == '/task failed with the error "operation_timeout"'


async def test_a_command_while_nothing_is_connected_fails_at_once(desk: Desk) -> None:
    result = await desk.seat("alice").command("#ops", "/task cleanup")

    assert result["notice"]["text"] == '/task failed with the error "dispatch_failed"'


async def test_a_command_that_the_manifest_does_not_name_reaches_nobody(desk: Desk) -> None:
    await desk.socket()

    result = await desk.seat("alice").command("#ops", "/tsk cleanup")

    assert result["notice"]["text"].startswith("/tsk is not a valid command")
    assert await desk.sim.traffic(kind="slash_commands") == []


async def test_a_command_carries_its_text_and_its_answer_is_private(desk: Desk) -> None:
    socket = await desk.socket()
    command = asyncio.create_task(desk.seat("alice").command("#ops", "/task cleanup path=/data"))

    body = await socket.next_acknowledged({"text": "Started"})

    assert (await command)["ok"]
    assert (body["command"], body["text"]) == ("/task", "cleanup path=/data")
    assert (body["channel_id"], body["channel_name"], body["user_id"]) == ("C0OPS", "ops", "U0ALICE")
    assert [notice["text"] for notice in await desk.seat("alice").notices()] == ["Started"]
    assert await desk.seat("bob").messages("#ops") == []


async def test_a_commands_answer_may_be_for_all(desk: Desk) -> None:
    socket = await desk.socket()
    command = asyncio.create_task(desk.seat("alice").command("#ops", "/task cleanup"))

    await socket.next_acknowledged({"text": "Started", "response_type": "in_channel"})
    await command

    assert [message["text"] for message in await desk.seat("bob").messages("#ops")] == ["Started"]


async def test_a_response_url_works_five_times(desk: Desk) -> None:
    socket = await desk.socket()
    command = asyncio.create_task(desk.seat("alice").command("#ops", "/task cleanup"))
    url = (await socket.next_acknowledged())["response_url"]
    await command

    statuses = []
    for number in range(6):
        async with desk.session.post(url, json={"text": str(number)}) as response:
            statuses.append(response.status)

    assert statuses == [200] * 5 + [404]
    assert [notice["text"] for notice in await desk.seat("alice").notices()] == ["0", "1", "2", "3", "4"]


async def test_a_response_url_works_for_thirty_minutes(desk: Desk) -> None:
    socket = await desk.socket()
    command = asyncio.create_task(desk.seat("alice").command("#ops", "/task cleanup"))
    url = (await socket.next_acknowledged())["response_url"]
    await command

    desk.clock.advance(30 * 60 + 1)

    async with desk.session.post(url, json={"text": "Late"}) as response:
        assert response.status == 404


async def test_an_event_that_is_not_acknowledged_comes_again_at_once_after_a_minute_and_after_five(desk: Desk) -> None:
    socket = await desk.socket()
    await desk.seat("alice").send("#ops", "Hello")

    envelopes = [await socket.next()]
    for wait in (0, 60, 300):
        desk.clock.advance(3.1)
        if wait:
            await wait_for_sleeper(desk)
            desk.clock.advance(wait)
        envelopes.append(await socket.next())

    assert [envelope["retry_attempt"] for envelope in envelopes] == [0, 1, 2, 3]
    assert len({envelope["payload"]["event_id"] for envelope in envelopes}) == 1


async def test_a_mention_of_the_app_is_an_event_of_its_own(desk: Desk) -> None:
    socket = await desk.socket()

    await desk.seat("alice").send("#ops", "@countersign help")

    events = [(await socket.next_acknowledged())["event"] for _ in range(2)]
    assert sorted(event["type"] for event in events) == ["app_mention", "message"]
    assert all(event["text"] == "<@U0COUNTERSIGN> help" for event in events)


async def test_a_private_channel_sends_no_event_that_was_not_subscribed(desk: Desk) -> None:
    await desk.socket()

    await desk.seat("alice").send("#incidents", "Hello")

    assert await desk.sim.traffic(kind="events_api") == []


async def test_sockets_are_cut_on_demand_and_refused_for_a_time(desk: Desk) -> None:
    socket = await desk.socket()

    await desk.sim.refuse_sockets(10)
    await desk.sim.drop_sockets()

    assert (await socket.stream.receive()).type.name in ("CLOSED", "ERROR", "CLOSE")
    app = AsyncWebClient(token=desk.world.app_token, base_url=desk.api_url)
    with pytest.raises(SlackApiError, match="internal_error"):
        await app.apps_connections_open(app_token=desk.world.app_token)
    await desk.sim.advance(11)
    await desk.socket()
    assert (await desk.sim.state())["connected"] == 1


async def test_a_polite_drop_asks_the_app_to_reconnect_and_closes_a_little_later(desk: Desk) -> None:
    socket = await desk.socket()

    await desk.sim.drop_sockets(politely=True)

    assert (await socket.next())["reason"] == "refresh_requested"
    await wait_for_sleeper(desk)
    desk.clock.advance(10)
    assert (await socket.stream.receive()).type.name in ("CLOSE", "CLOSED", "CLOSING")


async def test_a_ticket_is_good_for_one_connection(desk: Desk) -> None:
    app = AsyncWebClient(token=desk.world.app_token, base_url=desk.api_url)
    url = (await app.apps_connections_open(app_token=desk.world.app_token))["url"]
    await desk.session.ws_connect(url)

    async with desk.session.get(url.replace("ws://", "http://")) as response:
        assert response.status == 401
