"""Channels that the app, or somebody, makes, joins, fills and closes; and what the app is told of it."""

from typing import Any

import pytest

from tests.support.desk import Desk, refusal


async def _error(call: Any) -> str:
    error: str = (await refusal(call))["error"]
    return error


async def test_the_app_makes_a_channel_and_invites_people_who_see_it(trusted_desk: Desk) -> None:
    made = (await trusted_desk.bot.conversations_create(name="migration"))["channel"]

    await trusted_desk.bot.conversations_invite(channel=made["id"], users=["U0BOB", "U0CAROL"])

    assert made["is_member"]
    assert "migration" in {channel.get("name") for channel in await trusted_desk.seat("bob").channels()}
    assert (await trusted_desk.bot.conversations_members(channel=made["id"]))["members"] == [
        "U0COUNTERSIGN",
        "U0BOB",
        "U0CAROL",
    ]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "invalid_name_required"),
        ("ops", "name_taken"),
        ("Ops!", "invalid_name_specials"),
        ("--", "invalid_name_punctuation"),
        ("x" * 81, "invalid_name_maxlength"),
    ],
)
async def test_a_channels_name_is_small_letters_and_its_own(trusted_desk: Desk, name: str, error: str) -> None:
    assert await _error(trusted_desk.bot.conversations_create(name=name)) == error


async def test_joining_needs_a_public_channel_that_is_open_and_the_scope(trusted_desk: Desk, desk: Desk) -> None:
    await trusted_desk.bot.conversations_join(channel="C0FINANCE")
    again = await trusted_desk.bot.conversations_join(channel="C0FINANCE")
    await trusted_desk.sim.change_channel("#finance", archived=True)

    assert again["warning"] == "already_in_channel"
    assert await _error(trusted_desk.bot.conversations_join(channel="C0FINANCE")) == "is_archived"
    assert await _error(trusted_desk.bot.conversations_join(channel="G0INCIDENTS")) == (
        "method_not_supported_for_channel_type"
    )
    assert (await refusal(desk.bot.conversations_join(channel="C0FINANCE")))["needed"] == "channels:join"


@pytest.mark.parametrize(
    ("users", "error"),
    [
        ("U0ALICE", "already_in_channel"),
        ("U0NOBODY", "user_not_found"),
        ("U0GRACE", "user_not_found"),
        ("U0COUNTERSIGN", "cant_invite_self"),
    ],
)
async def test_only_those_are_invited_who_are_not_there(trusted_desk: Desk, users: str, error: str) -> None:
    assert await _error(trusted_desk.bot.conversations_invite(channel="C0OPS", users=users)) == error


async def test_people_are_taken_out_but_not_of_general_and_the_app_not_by_itself(trusted_desk: Desk) -> None:
    bot = trusted_desk.bot

    await bot.conversations_kick(channel="C0OPS", user="U0DAVE")

    assert await _error(bot.conversations_kick(channel="C0OPS", user="U0DAVE")) == "not_in_channel"
    assert await _error(bot.conversations_kick(channel="C0OPS", user="U0COUNTERSIGN")) == "cant_kick_self"
    assert await _error(bot.conversations_kick(channel="C0GENERAL", user="U0DAVE")) == "cant_kick_from_general"


async def test_an_app_that_left_may_not_post(trusted_desk: Desk) -> None:
    bot = trusted_desk.bot

    await bot.conversations_leave(channel="C0OPS")

    assert (await bot.conversations_leave(channel="C0OPS"))["not_in_channel"]
    assert await _error(bot.conversations_leave(channel="C0GENERAL")) == "cant_leave_general"
    assert await _error(bot.chat_postMessage(channel="C0OPS", text="x")) == "not_in_channel"


async def test_a_channel_is_archived_once_and_opened_again(trusted_desk: Desk) -> None:
    bot = trusted_desk.bot

    await bot.conversations_archive(channel="C0OPS")
    twice = await _error(bot.conversations_archive(channel="C0OPS"))
    posted = await _error(bot.chat_postMessage(channel="C0OPS", text="x"))
    await bot.conversations_unarchive(channel="C0OPS")

    assert (twice, posted) == ("already_archived", "is_archived")
    assert await _error(bot.conversations_unarchive(channel="C0OPS")) == "not_archived"
    assert await _error(bot.conversations_archive(channel="C0GENERAL")) == "cant_archive_general"


async def test_a_channel_is_renamed_and_says_what_it_is_for(trusted_desk: Desk) -> None:
    bot = trusted_desk.bot

    await bot.conversations_rename(channel="C0OPS", name="operations")
    await bot.conversations_setTopic(channel="C0OPS", topic="Now")
    channel = (await bot.conversations_setPurpose(channel="C0OPS", purpose="Always"))["channel"]

    assert (channel["name"], channel["topic"]["value"], channel["purpose"]["value"]) == ("operations", "Now", "Always")
    assert await _error(bot.conversations_setTopic(channel="C0OPS", topic="x" * 251)) == "too_long"


async def test_the_channels_of_a_person_are_those_that_the_app_may_know_of(trusted_desk: Desk) -> None:
    mine = await trusted_desk.bot.users_conversations(types="public_channel,private_channel")
    bobs = await trusted_desk.bot.users_conversations(user="U0BOB", types="public_channel")

    assert {channel["name"] for channel in mine["channels"]} == {"general", "ops", "partners", "incidents"}
    assert {channel["name"] for channel in bobs["channels"]} == {"general", "ops", "finance", "partners"}


async def test_a_direct_conversation_holds_eight_people_at_most(trusted_desk: Desk) -> None:
    users = ["U0ALICE", "U0BOB", "U0CAROL"]

    group = (await trusted_desk.bot.conversations_open(users=users))["channel"]["id"]

    assert (await trusted_desk.bot.conversations_info(channel=group))["channel"]["is_mpim"]
    assert await _error(trusted_desk.bot.conversations_open(users=users * 3)) == "too_many_users"


async def test_the_app_is_told_who_comes_and_goes_and_that_a_channel_closed(trusted_desk: Desk) -> None:
    socket = await trusted_desk.socket()

    await trusted_desk.sim.change_channel("#partners", add=("carol",))
    joined = (await socket.next_acknowledged())["event"]
    await trusted_desk.sim.change_channel("#partners", remove=("carol",))
    left = (await socket.next_acknowledged())["event"]
    await trusted_desk.sim.change_channel("#partners", archived=True)
    archived = (await socket.next_acknowledged())["event"]

    assert (joined["type"], joined["user"], joined["inviter"]) == ("member_joined_channel", "U0CAROL", "U0ALICE")
    assert (left["type"], left["user"], left["channel"]) == ("member_left_channel", "U0CAROL", "C0PARTNERS")
    assert (archived["type"], archived["channel"]) == ("channel_archive", "C0PARTNERS")


async def test_the_app_hears_of_the_channels_that_it_is_in(trusted_desk: Desk) -> None:
    socket = await trusted_desk.socket()

    for removed in ("carol", "countersign"):
        await trusted_desk.sim.change_channel("#ops", remove=(removed,))
    await trusted_desk.sim.change_channel("#ops", add=("carol",))
    await trusted_desk.sim.change_channel("#ops", archived=True)
    await trusted_desk.sim.change_channel("#ops", archived=False)
    await trusted_desk.sim.change_channel("#ops", add=("countersign",))

    heard = [(await socket.next_acknowledged())["event"] for _ in range(3)]
    assert [(event["type"], event.get("user")) for event in heard] == [
        ("member_left_channel", "U0CAROL"),
        ("channel_left", None),
        ("member_joined_channel", "U0COUNTERSIGN"),
    ]
    assert {event["channel"] for event in heard} == {"C0OPS"}
