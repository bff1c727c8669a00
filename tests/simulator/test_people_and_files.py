"""Methods about people, reactions, files and links."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from simulator.client import ControlError
from tests.support.desk import MANIFEST, Desk, actions, make_world, opened, plain, refusal, section


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
