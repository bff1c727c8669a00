"""The Web API as slack_sdk meets it."""

import json

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from simulator.client import ControlError
from tests.simulator.desk import MANIFEST, Desk, actions, button, make_world, opened, plain, refusal, section


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


async def test_people_are_shown_with_the_flags_that_decide_who_may_approve(desk: Desk) -> None:
    flags = {}
    for name in ("ALICE", "ERIN", "FRANK", "GRACE"):
        user = (await desk.bot.users_info(user=f"U0{name}"))["user"]
        flags[name] = [flag for flag in ("is_restricted", "is_stranger", "deleted") if user[flag]]

    assert flags == {"ALICE": [], "ERIN": ["is_restricted"], "FRANK": ["is_stranger"], "GRACE": ["deleted"]}
    assert (await refusal(desk.bot.users_info(user="U0NOBODY")))["error"] == "user_not_found"


async def test_an_email_address_is_shown_only_with_its_scope(desk: Desk) -> None:
    user = (await desk.bot.users_info(user="U0BOB"))["user"]

    assert "email" not in user["profile"]


async def test_a_user_group_changes_while_it_runs(desk: Desk) -> None:
    before = (await desk.bot.usergroups_users_list(usergroup="S0OPSLEADS"))["users"]
    await desk.sim.change_group("ops-leads", people=["dave"])
    after = (await desk.bot.usergroups_users_list(usergroup="S0OPSLEADS"))["users"]

    assert (before, after) == (["U0BOB", "U0CAROL"], ["U0DAVE"])
    assert (await refusal(desk.bot.usergroups_users_list(usergroup="S0X")))["error"] == "no_such_subteam"


async def test_a_reaction_counts_once(desk: Desk) -> None:
    ts = (await desk.bot.chat_postMessage(channel="C0OPS", text="x"))["ts"]

    await desk.bot.reactions_add(channel="C0OPS", timestamp=ts, name="eyes")

    again = await refusal(desk.bot.reactions_add(channel="C0OPS", timestamp=ts, name="eyes"))
    assert again["error"] == "already_reacted"
    message = (await desk.bot.reactions_get(channel="C0OPS", timestamp=ts))["message"]
    assert message["reactions"] == [{"name": "eyes", "users": ["U0COUNTERSIGN"], "count": 1}]


async def test_a_file_is_announced_sent_and_shared(desk: Desk) -> None:
    await desk.bot.files_upload_v2(channel="C0OPS", filename="plan.txt", content="All of it", initial_comment="Whole")

    [message] = await desk.seat("alice").messages("#ops")
    async with desk.session.get(message["files"][0]["url_private"]) as response:
        assert await response.text() == "All of it"
    assert (message["text"], message["files"][0]["name"]) == ("Whole", "plan.txt")


async def test_an_unknown_method_is_refused(desk: Desk) -> None:
    assert (await refusal(desk.bot.api_call("chat.shout")))["error"] == "unknown_method"


async def test_blocks_get_ids_where_they_have_none(desk: Desk) -> None:
    blocks = [section(block_id="b0"), actions({"type": "button", "text": plain("Go")})]

    posted = await desk.bot.chat_postMessage(channel="C0OPS", text="x", blocks=blocks)

    shown = posted["message"]["blocks"]
    assert shown[0]["block_id"] == "b0"
    assert shown[1]["block_id"] not in ("", "b0")
    assert shown[1]["elements"][0]["action_id"]


async def test_a_reaction_is_taken_back_once(desk: Desk) -> None:
    ts = (await desk.bot.chat_postMessage(channel="C0OPS", text="x"))["ts"]
    await desk.bot.reactions_add(channel="C0OPS", timestamp=ts, name="eyes")
    [listed] = (await desk.bot.reactions_list())["items"]

    await desk.bot.reactions_remove(channel="C0OPS", timestamp=ts, name="eyes")

    again = await refusal(desk.bot.reactions_remove(channel="C0OPS", timestamp=ts, name="eyes"))
    unknown = await refusal(desk.bot.reactions_add(channel="C0OPS", timestamp=ts, name="No emoji"))
    assert listed["message"]["ts"] == ts
    assert (again["error"], unknown["error"]) == ("no_reaction", "invalid_name")
    assert "reactions" not in (await desk.bot.reactions_get(channel="C0OPS", timestamp=ts))["message"]


async def test_a_reaction_is_told_to_an_app_that_asked_for_it(trusted_desk: Desk) -> None:
    ts = (await trusted_desk.seat("alice").send("#ops", "Done?"))["ts"]
    socket = await trusted_desk.socket()

    await trusted_desk.bot.reactions_add(channel="C0OPS", timestamp=ts, name="eyes")
    event = (await socket.next_acknowledged())["event"]

    assert (event["type"], event["reaction"], event["item"]["ts"]) == ("reaction_added", "eyes", ts)
    assert event["item_user"] == "U0ALICE"


async def test_people_react_too_and_take_it_back(trusted_desk: Desk) -> None:
    socket = await trusted_desk.socket()
    bob = trusted_desk.seat("bob")
    sent = await trusted_desk.seat("alice").send("#ops", "Done?")

    await bob.react(sent, "eyes")
    added = (await socket.next_acknowledged())["event"]
    [message] = await bob.messages("#ops")
    await bob.react(sent, "eyes")
    removed = (await socket.next_acknowledged())["event"]

    assert [(event["type"], event["user"]) for event in (added, removed)] == [
        ("reaction_added", "U0BOB"),
        ("reaction_removed", "U0BOB"),
    ]
    assert message["reactions"] == [{"name": "eyes", "users": ["U0BOB"], "count": 1}]


async def test_an_app_without_a_messages_tab_writes_to_nobody_and_takes_no_messages() -> None:
    features = {**MANIFEST["features"], "app_home": {"home_tab_enabled": True, "messages_tab_enabled": False}}
    async with opened(make_world(manifest={**MANIFEST, "features": features})) as desk:
        posted = await refusal(desk.bot.chat_postMessage(channel="U0BOB", text="Psst"))

        assert posted["error"] == "messages_tab_disabled"
        with pytest.raises(ControlError, match="messages_tab_disabled"):
            await desk.seat("bob").send("@countersign", "Hello")


async def test_a_file_can_be_looked_up_and_taken_away(trusted_desk: Desk) -> None:
    bot = trusted_desk.bot
    uploaded = await bot.files_upload_v2(channel="C0OPS", filename="plan.txt", content="All of it")
    file_id = uploaded["files"][0]["id"]
    looked_up = (await bot.files_info(file=file_id))["file"]

    await bot.files_delete(file=file_id)

    [message] = await trusted_desk.seat("alice").messages("#ops")
    assert (looked_up["name"], looked_up["size"]) == ("plan.txt", 9)
    assert "files" not in message
    assert (await refusal(bot.files_info(file=file_id)))["error"] == "file_not_found"


async def test_profiles_presence_team_and_bot_are_there(trusted_desk: Desk) -> None:
    bot = trusted_desk.bot

    profile = (await bot.users_profile_get(user="U0BOB"))["profile"]
    presence = [(await bot.users_getPresence(user=user))["presence"] for user in ("U0BOB", "U0GRACE")]
    shown = (await bot.bots_info(bot=(await bot.auth_test())["bot_id"]))["bot"]

    assert (profile["real_name"], profile["email"]) == ("Bob Brandt", "bob@example.com")
    assert presence == ["active", "away"]
    assert (shown["user_id"], shown["name"]) == ("U0COUNTERSIGN", "Countersign")
    assert (await bot.team_info())["team"]["domain"] == "acme"
    assert (await refusal(bot.bots_info(bot="B0X")))["error"] == "bot_not_found"


async def test_api_test_needs_no_token_and_says_what_it_was_sent(desk: Desk) -> None:
    nobody = AsyncWebClient(base_url=desk.api_url)

    assert (await nobody.api_test(foo="bar"))["args"] == {"foo": "bar"}
    assert (await refusal(nobody.api_test(error="my_error")))["error"] == "my_error"
    assert (await refusal(nobody.auth_test()))["error"] == "not_authed"


async def test_markdown_is_posted_as_a_block_and_not_beside_a_text(desk: Desk) -> None:
    posted = await desk.bot.chat_postMessage(channel="C0OPS", markdown_text="# Plan")

    both = await refusal(desk.bot.chat_postMessage(channel="C0OPS", markdown_text="# Plan", text="Plan"))
    assert posted["message"]["blocks"][0]["type"] == "markdown"
    assert both["error"] == "markdown_text_conflict"


async def test_a_reply_for_all_is_in_the_thread_and_in_the_channel(desk: Desk) -> None:
    parent = await desk.bot.chat_postMessage(channel="C0OPS", text="Parent")

    await desk.bot.chat_postMessage(channel="C0OPS", text="Reply", thread_ts=parent["ts"], reply_broadcast=True)

    history = (await desk.bot.conversations_history(channel="C0OPS"))["messages"]
    thread = (await desk.bot.conversations_replies(channel="C0OPS", ts=parent["ts"]))["messages"]
    assert [(message["text"], message.get("subtype")) for message in history] == [
        ("Reply", "thread_broadcast"),
        ("Parent", None),
    ]
    assert [message["text"] for message in thread] == ["Parent", "Reply"]


async def test_a_permalink_leads_to_the_message_on_the_page(desk: Desk) -> None:
    ts = (await desk.bot.chat_postMessage(channel="C0OPS", text="x"))["ts"]

    link = (await desk.bot.chat_getPermalink(channel="C0OPS", message_ts=ts))["permalink"]

    assert link.startswith(f"{desk.world.base_url}/?channel=C0OPS")
    assert (await refusal(desk.bot.chat_getPermalink(channel="C0OPS", message_ts="1.0")))["error"] == (
        "message_not_found"
    )


async def test_a_changed_person_is_told_to_an_app_that_asked_for_it(trusted_desk: Desk) -> None:
    socket = await trusted_desk.socket()

    await trusted_desk.sim.change_person("bob", deleted=True)
    event = (await socket.next_acknowledged())["event"]

    assert (event["type"], event["user"]["id"], event["user"]["deleted"]) == ("user_change", "U0BOB", True)
