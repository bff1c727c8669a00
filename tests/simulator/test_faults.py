"""What goes wrong on demand, and the rates that go wrong by themselves."""

import asyncio

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError, SlackRequestError

from simulator.client import ControlError
from tests.support.desk import Desk, refusal, wait_for_sleeper


async def test_a_lost_response_leaves_the_post_and_the_sdk_posts_again(desk: Desk) -> None:
    await desk.sim.fault("chat.postMessage", "lose_response")

    await desk.bot.chat_postMessage(channel="C0OPS", text="Twice")

    posts = await desk.sim.traffic(method="chat.postMessage")
    assert [(post["ok"], post["lost"]) for post in posts] == [(True, True), (True, False)]
    assert len(await desk.seat("alice").messages("#ops")) == 2


async def test_a_lost_response_reaches_a_client_that_does_not_retry_as_an_error(desk: Desk) -> None:
    careful = desk.bot
    careful.retry_handlers.clear()
    await desk.sim.fault("chat.postMessage", "lose_response")

    with pytest.raises(aiohttp.ClientError):
        await careful.chat_postMessage(channel="C0OPS", text="Once")

    assert len(await desk.seat("alice").messages("#ops")) == 1


async def test_a_lost_request_does_nothing(desk: Desk) -> None:
    careful = desk.bot
    careful.retry_handlers.clear()
    await desk.sim.fault("chat.postMessage", "lose_request")

    with pytest.raises(aiohttp.ClientError):
        await careful.chat_postMessage(channel="C0OPS", text="Never")

    assert await desk.seat("alice").messages("#ops") == []


async def test_a_fault_of_429_says_when_to_come_back(desk: Desk) -> None:
    await desk.sim.fault("chat.update", "status", status=429, retry_after=7)

    answer = await refusal(desk.bot.chat_update(channel="C0OPS", ts="1.0", text="x"))

    assert (answer["status"], answer["headers"]["Retry-After"], answer["error"]) == (429, "7", "ratelimited")


async def test_a_fault_of_500_happens_as_often_as_asked_for(desk: Desk) -> None:
    await desk.sim.fault("auth.test", "status", status=500, times=2)

    statuses = [(await refusal(desk.bot.auth_test()))["status"] for _ in range(2)]

    assert statuses == [500, 500]
    assert (await desk.bot.auth_test())["ok"]


async def test_a_fault_may_be_an_error_of_slack_for_any_method(desk: Desk) -> None:
    await desk.sim.fault("*", "error", error="token_revoked")

    assert (await refusal(desk.bot.auth_test()))["error"] == "token_revoked"


async def test_the_file_itself_may_be_lost_on_its_way(desk: Desk) -> None:
    await desk.sim.fault("files.upload", "status", status=500)
    with pytest.raises(SlackRequestError):
        await desk.bot.files_upload_v2(channel="C0OPS", filename="plan.txt", content="All of it")
    await desk.sim.fault("files.upload", "lose_request")
    address = await desk.bot.files_getUploadURLExternal(filename="plan.txt", length=3)

    with pytest.raises(aiohttp.ClientError):
        await desk.session.post(address["upload_url"], data=b"abc")

    lost = await refusal(desk.bot.files_completeUploadExternal(files=[{"id": address["file_id"]}]))
    assert lost["error"] == "file_not_found"


async def test_planned_faults_can_be_cancelled(desk: Desk) -> None:
    await desk.sim.fault("auth.test", "error", times=100)

    await desk.sim.clear_faults()

    assert (await desk.bot.auth_test())["ok"]


async def test_planned_faults_can_be_seen_with_what_is_left_of_them(desk: Desk) -> None:
    await desk.sim.fault("auth.test", "status", status=500, times=2)
    await refusal(desk.bot.auth_test())

    [left] = await desk.sim.faults()

    assert (left["method"], left["kind"], left["status"], left["times"]) == ("auth.test", "status", 500, 1)


STANDINGS = {
    "member": [],
    "guest": ["is_restricted"],
    "single-channel guest": ["is_restricted", "is_ultra_restricted"],
    "stranger": ["is_stranger"],
    "deactivated": ["deleted"],
}


@pytest.mark.parametrize(("standing", "flags"), STANDINGS.items(), ids=STANDINGS.keys())
async def test_somebody_becomes_something_else_and_the_directory_says_so(
    desk: Desk, standing: str, flags: list[str]
) -> None:
    await desk.sim.change_standing("bob", "stranger")

    await desk.sim.change_standing("bob", standing)

    user = (await desk.bot.users_info(user="U0BOB"))["user"]
    people = {person["name"]: person["standing"] for person in (await desk.sim.state())["people"]}
    assert [flag for flag in ("is_restricted", "is_ultra_restricted", "is_stranger", "deleted") if user[flag]] == flags
    assert user["team_id"] == ("T0OTHER" if standing == "stranger" else "T0ACME")
    assert people["bob"] == standing


async def test_an_unknown_standing_is_refused(desk: Desk) -> None:
    with pytest.raises(ControlError, match="no such standing: boss"):
        await desk.sim.change_standing("bob", "boss")


async def test_a_delay_holds_the_call_until_its_time(desk: Desk) -> None:
    await desk.sim.fault("auth.test", "delay", seconds=5)

    call = asyncio.create_task(desk.bot.auth_test())
    await wait_for_sleeper(desk)

    assert not call.done()
    await desk.sim.advance(5)
    assert (await call)["ok"]


async def test_an_unknown_fault_is_refused(desk: Desk) -> None:
    with pytest.raises(ControlError, match="no such fault"):
        await desk.sim.fault("auth.test", "explode")


async def test_a_channel_takes_a_short_burst_of_posts_and_then_one_a_second(limited_desk: Desk) -> None:
    for _ in range(5):
        await limited_desk.bot.chat_postMessage(channel="C0OPS", text="x")

    with pytest.raises(SlackApiError) as refused:
        await limited_desk.bot.chat_postMessage(channel="C0OPS", text="x")

    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "1"
    await limited_desk.bot.chat_postMessage(channel="C0GENERAL", text="Another channel has its own pace")
    await limited_desk.sim.advance(1)
    await limited_desk.bot.chat_postMessage(channel="C0OPS", text="x")


async def test_a_method_of_tier_two_is_refused_at_the_twenty_first_call_of_a_minute(limited_desk: Desk) -> None:
    for _ in range(20):
        await limited_desk.bot.usergroups_list()

    answer = await refusal(limited_desk.bot.usergroups_list())

    assert (answer["status"], answer["headers"]["Retry-After"]) == (429, "60")
    await limited_desk.sim.advance(60)
    assert (await limited_desk.bot.usergroups_list())["ok"]


async def test_without_limits_nothing_is_paced(desk: Desk) -> None:
    for _ in range(30):
        await desk.bot.chat_postMessage(channel="C0OPS", text="x")

    assert len(await desk.seat("alice").messages("#ops")) == 30
