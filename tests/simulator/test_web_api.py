"""The Web API as slack_sdk meets it."""

import json

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.desk import Desk, actions, button, refusal, section


async def test_auth_test_says_who_the_bot_is(desk: Desk) -> None:
    answer = await desk.bot.auth_test()

    assert (answer["user_id"], answer["team_id"], answer["user"]) == ("U0COUNTERSIGN", "T0ACME", "countersign")


async def test_a_wrong_token_is_refused(desk: Desk) -> None:
    stranger = AsyncWebClient(token="xoxb-wrong", base_url=desk.api_url)

    assert (await refusal(stranger.auth_test()))["error"] == "invalid_auth"


async def test_the_bot_token_opens_no_socket(desk: Desk) -> None:
    answer = await refusal(desk.bot.apps_connections_open(app_token=desk.world.bot_token))

    assert answer["error"] == "not_allowed_token_type"


async def test_a_missing_scope_is_named(desk: Desk) -> None:
    answer = await refusal(desk.bot.users_lookupByEmail(email="bob@example.com"))

    assert (answer["error"], answer["needed"]) == ("missing_scope", "users:read.email")
    assert "chat:write" in answer["provided"].split(",")


async def test_the_scope_for_a_conversation_depends_on_its_kind(desk: Desk) -> None:
    direct = (await desk.bot.conversations_open(users="U0BOB"))["channel"]["id"]

    answer = await refusal(desk.bot.conversations_info(channel=direct))

    assert answer["needed"] == "im:read"


def _parts(fields: dict[str, str]) -> aiohttp.FormData:
    parts = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        parts.add_field(name, value)
    return parts


async def test_the_same_call_is_understood_as_form_json_query_and_parts(desk: Desk) -> None:
    token = {"Authorization": f"Bearer {desk.world.bot_token}"}
    url = f"{desk.api_url}chat.postMessage"
    blocks = [section("In blocks")]
    as_form = {"channel": "C0OPS", "text": "form", "blocks": json.dumps(blocks)}

    for answer in (
        desk.session.post(url, data=as_form, headers=token),
        desk.session.post(url, json={"channel": "C0OPS", "text": "json", "blocks": blocks}, headers=token),
        desk.session.get(url, params={**as_form, "text": "query", "token": desk.world.bot_token}),
        desk.session.post(url, data=_parts({**as_form, "text": "parts"}), headers=token),
    ):
        async with answer as response:
            assert (await response.json())["ok"]

    shown = await desk.seat("alice").messages("#ops")
    assert [message["text"] for message in shown] == ["form", "json", "query", "parts"]
    assert all(message["blocks"][0]["text"]["text"] == "In blocks" for message in shown)


async def test_a_token_in_a_json_body_is_none(desk: Desk) -> None:
    body = {"token": desk.world.bot_token}

    async with desk.session.post(f"{desk.api_url}auth.test", json=body) as response:
        assert (await response.json())["error"] == "not_authed"


async def test_posting_needs_something_to_say(desk: Desk) -> None:
    answer = await refusal(desk.bot.api_call("chat.postMessage", json={"channel": "C0OPS"}))

    assert answer["error"] == "no_text"


async def test_posting_where_the_bot_is_not_a_member_is_refused(desk: Desk) -> None:
    assert (await refusal(desk.bot.chat_postMessage(channel="C0FINANCE", text="x")))["error"] == "not_in_channel"


async def test_a_private_channel_that_the_bot_is_not_in_does_not_exist_for_it(desk: Desk) -> None:
    await desk.sim.change_channel("#incidents", remove=("countersign",))

    assert (await refusal(desk.bot.chat_postMessage(channel="G0INCIDENTS", text="x")))["error"] == "channel_not_found"


async def test_an_archived_channel_takes_no_posts(desk: Desk) -> None:
    await desk.sim.change_channel("#ops", archived=True)

    assert (await refusal(desk.bot.chat_postMessage(channel="C0OPS", text="x")))["error"] == "is_archived"


async def test_a_post_to_a_person_is_a_direct_message(desk: Desk) -> None:
    answer = await desk.bot.chat_postMessage(channel="U0BOB", text="Psst")

    assert answer["channel"].startswith("D")
    assert [message["text"] for message in await desk.seat("bob").messages("@countersign")] == ["Psst"]
    assert await desk.seat("alice").messages("@countersign") == []


async def test_an_update_needs_the_id_of_the_conversation_not_of_the_person(desk: Desk) -> None:
    posted = await desk.bot.chat_postMessage(channel="U0BOB", text="Psst")

    answer = await refusal(desk.bot.chat_update(channel="U0BOB", ts=posted["ts"], text="Louder"))

    assert answer["error"] == "channel_not_found"


async def test_an_update_with_text_alone_deletes_the_blocks(desk: Desk) -> None:
    posted = await desk.bot.chat_postMessage(channel="C0OPS", text="Card", blocks=[section(), actions(button())])

    await desk.bot.chat_update(channel="C0OPS", ts=posted["ts"], text="Done")

    [message] = await desk.seat("alice").messages("#ops")
    assert (message["text"], message.get("blocks")) == ("Done", None)
    assert message["edited"]["user"] == "U0COUNTERSIGN"


async def test_an_update_with_a_long_text_is_refused_where_a_post_is_not(desk: Desk) -> None:
    posted = await desk.bot.chat_postMessage(channel="C0OPS", text="x" * 4001)

    answer = await refusal(desk.bot.chat_update(channel="C0OPS", ts=posted["ts"], text="x" * 4001))

    assert answer["error"] == "msg_too_long"


async def test_a_very_long_post_is_cut(desk: Desk) -> None:
    posted = await desk.bot.chat_postMessage(channel="C0OPS", text="x" * 50_000)

    assert len(posted["message"]["text"]) == 40_000


async def test_what_others_wrote_cannot_be_edited_or_deleted(desk: Desk) -> None:
    ts = (await desk.seat("bob").send("#ops", "Mine"))["ts"]

    edited = await refusal(desk.bot.chat_update(channel="C0OPS", ts=ts, text="Yours"))
    deleted = await refusal(desk.bot.chat_delete(channel="C0OPS", ts=ts))

    assert (edited["error"], deleted["error"]) == ("cant_update_message", "cant_delete_message")


async def test_a_deleted_message_cannot_be_edited(desk: Desk) -> None:
    ts = (await desk.bot.chat_postMessage(channel="C0OPS", text="Gone"))["ts"]
    await desk.bot.chat_delete(channel="C0OPS", ts=ts)

    assert (await refusal(desk.bot.chat_update(channel="C0OPS", ts=ts, text="x")))["error"] == "message_not_found"


async def test_an_ephemeral_message_is_seen_by_one_person_and_cannot_be_edited(desk: Desk) -> None:
    posted = await desk.bot.chat_postEphemeral(channel="C0OPS", user="U0BOB", text="Only you")

    assert [notice["text"] for notice in await desk.seat("bob").notices()] == ["Only you"]
    assert await desk.seat("alice").messages("#ops") == []
    update = await refusal(desk.bot.chat_update(channel="C0OPS", ts=posted["message_ts"], text="x"))
    assert update["error"] == "message_not_found"
    assert (await desk.bot.conversations_history(channel="C0OPS"))["messages"] == []


async def test_an_ephemeral_message_needs_its_reader_in_the_channel(desk: Desk) -> None:
    answer = await refusal(desk.bot.chat_postEphemeral(channel="C0OPS", user="U0FRANK", text="x"))

    assert answer["error"] == "user_not_in_channel"


async def test_replies_are_in_the_thread_and_counted_at_its_parent(desk: Desk) -> None:
    parent = await desk.bot.chat_postMessage(channel="C0OPS", text="Parent")
    for text in ("One", "Two"):
        await desk.bot.chat_postMessage(channel="C0OPS", text=text, thread_ts=parent["ts"])

    [shown] = await desk.seat("alice").messages("#ops")
    read = await desk.bot.conversations_replies(channel="C0OPS", ts=parent["ts"])

    assert shown["reply_count"] == 2
    assert [message["text"] for message in read["messages"]] == ["Parent", "One", "Two"]


async def test_a_reply_to_nothing_is_refused(desk: Desk) -> None:
    answer = await refusal(desk.bot.chat_postMessage(channel="C0OPS", text="x", thread_ts="1.000001"))

    assert answer["error"] == "thread_not_found"


async def test_a_deleted_reply_leaves_the_others_in_the_thread(desk: Desk) -> None:
    parent = await desk.bot.chat_postMessage(channel="C0OPS", text="Parent")
    posted = [
        await desk.bot.chat_postMessage(channel="C0OPS", text=text, thread_ts=parent["ts"]) for text in ("One", "Two")
    ]

    await desk.bot.chat_delete(channel="C0OPS", ts=posted[0]["ts"])

    thread = await desk.seat("alice").thread("#ops", parent["ts"])
    assert [(message["text"], message.get("reply_count")) for message in thread] == [("Parent", 1), ("Two", None)]


async def test_a_long_thread_is_read_in_pages(desk: Desk) -> None:
    parent = await desk.bot.chat_postMessage(channel="C0OPS", text="Parent")
    for number in range(5):
        await desk.bot.chat_postMessage(channel="C0OPS", text=str(number), thread_ts=parent["ts"])

    first = await desk.bot.conversations_replies(channel="C0OPS", ts=parent["ts"], limit=3)
    cursor = first["response_metadata"]["next_cursor"]
    second = await desk.bot.conversations_replies(channel="C0OPS", ts=parent["ts"], limit=3, cursor=cursor)

    assert [m["text"] for m in first["messages"]] == ["Parent", "0", "1", "2"]
    assert [m["text"] for m in second["messages"]] == ["Parent", "3", "4"]
    assert (first["has_more"], second["has_more"]) == (True, False)


async def test_metadata_is_returned_only_when_asked_for(desk: Desk) -> None:
    metadata = {"event_type": "request_posted", "event_payload": {"id": "r1"}}
    await desk.bot.chat_postMessage(channel="C0OPS", text="x", metadata=metadata)

    [without] = (await desk.bot.conversations_history(channel="C0OPS"))["messages"]
    [with_it] = (await desk.bot.conversations_history(channel="C0OPS", include_all_metadata=True))["messages"]

    assert "metadata" not in without
    assert with_it["metadata"] == metadata


async def test_metadata_of_another_shape_is_refused(desk: Desk) -> None:
    answer = await refusal(desk.bot.chat_postMessage(channel="C0OPS", text="x", metadata={"event_type": "a"}))

    assert answer["error"] == "invalid_metadata_schema"
