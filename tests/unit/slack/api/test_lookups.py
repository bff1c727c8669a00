"""Look-ups keep to Slack's limits: they wait for their turn, and nobody is refused because of our own pace."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.approvals.model.ids import ChannelId
from bot.approvals.ports.slack import LookupFailed
from bot.slack.api.directory import (
    MAX_ABSENCE_SECONDS,
    MAX_PLACE_AGE_SECONDS,
    Joined,
    NotJoined,
    SlackDirectory,
)
from bot.slack.api.names import Names
from bot.slack.api.rate_limit import Pace
from tests.unit.slack.api.test_rate_limit import Time, settle
from tests.unit.slack.conftest import Slack
from tests.unit.slack.samples import ALICE, BOB, CAROL

OPS, FINANCE = ChannelId("C0OPS"), ChannelId("C0FINANCE")


class Stub:
    """A Slack that knows every channel, and says 429 as often as it is told."""

    def __init__(self, *, limited: int = 0, retry_after: str = "3") -> None:
        self.asked: list[str] = []
        self._limited = limited
        self._retry_after = retry_after

    async def conversations_info(self, *, channel: str) -> Any:
        self.asked.append(channel)
        response = Answer(self._retry_after, {"channel": {"id": channel, "is_member": True, "name": channel}})
        if self._limited:
            self._limited -= 1
            response.refuse()
        return response


class Answer:
    def __init__(self, retry_after: str, data: dict[str, Any]) -> None:
        self.headers = {"Retry-After": retry_after}
        self.data = data

    def refuse(self) -> None:
        answer = AsyncSlackResponse(
            client=None,
            http_verb="GET",
            api_url="",
            req_args={},
            data={"ok": False, "error": "ratelimited"},
            headers=self.headers,
            status_code=429,
        )
        raise SlackApiError("", answer)  # type: ignore[no-untyped-call]


def directory_of(stub: Stub, time: Time) -> SlackDirectory:
    return SlackDirectory(stub, time, Pace(time, time.sleep))  # type: ignore[arg-type]


async def test_eighty_channels_in_a_minute_queue_and_none_is_refused() -> None:
    time, stub = Time(), Stub()
    directory = directory_of(stub, time)
    asking = [asyncio.create_task(directory.may_post(ChannelId(f"C{n}"))) for n in range(80)]

    await time.pass_by(0)
    at_once = len(stub.asked)
    await time.pass_by(70)

    assert at_once == 50
    assert await asyncio.gather(*asking) == [Joined()] * 80
    assert len(set(stub.asked)) == len(stub.asked) == 80


async def test_a_short_429_is_waited_out() -> None:
    time, stub = Time(), Stub(limited=2)
    asking = asyncio.create_task(directory_of(stub, time).may_post(OPS))

    await time.pass_by(7)

    assert await asking == Joined()
    assert len(stub.asked) == 3


async def test_a_long_429_is_told_at_once_and_nobody_calls_meanwhile() -> None:
    time, stub = Time(), Stub(limited=1, retry_after="300")
    directory = directory_of(stub, time)

    for _ in range(2):
        with pytest.raises(LookupFailed):
            await directory.may_post(OPS)

    assert len(stub.asked) == 1


async def test_people_who_start_at_the_same_time_share_a_look_up() -> None:
    time, stub = Time(), Stub()
    directory = directory_of(stub, time)

    assert await asyncio.gather(*(directory.may_post(OPS) for _ in range(80))) == [Joined()] * 80

    assert stub.asked == [OPS]


async def test_a_name_that_has_to_wait_long_stays_an_id() -> None:
    time, stub = Time(), Stub()
    pace = Pace(time, time.sleep)
    pace.close("conversations.info", 10)

    assert "C0OPS" in await Names(stub, pace, time).typed("see <#C0OPS>")  # type: ignore[arg-type]
    assert not stub.asked


async def test_a_name_is_asked_for_once() -> None:
    time, stub = Time(), Stub()
    names = Names(stub, Pace(time, time.sleep), time)  # type: ignore[arg-type]

    assert [await names.typed("see <#C0OPS>") for _ in range(2)] == ["see #C0OPS"] * 2
    assert len(stub.asked) == 1


# --- Where the bot may post ---------------------------------------------------------------------


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def directory(client: AsyncWebClient, time: Time) -> SlackDirectory:
    return SlackDirectory(client, time)


async def test_a_channel_that_the_bot_is_in_is_remembered(directory: SlackDirectory, slack: Slack, time: Time) -> None:
    for wait in (0.0, MAX_PLACE_AGE_SECONDS - 1, 2.0):
        time.now += wait
        assert await directory.may_post(OPS) == Joined()

    assert len(await slack.calls("conversations.info")) == 2


async def test_a_channel_that_the_bot_is_not_in_is_asked_for_again_in_a_moment(
    directory: SlackDirectory, slack: Slack, time: Time
) -> None:
    for _ in range(3):
        assert await directory.may_post(FINANCE) == NotJoined()
    time.now += MAX_ABSENCE_SECONDS
    assert await directory.may_post(FINANCE) == NotJoined()

    assert len(await slack.calls("conversations.info")) == 2


async def test_a_change_is_asked_for_at_once(directory: SlackDirectory, slack: Slack) -> None:
    await directory.may_post(OPS)
    before = await directory.resolve([OPS])
    await slack.simulator.change_channel("#ops", remove=("carol",))
    try:
        directory.forget_channel(OPS)

        assert before - await directory.resolve([OPS]) == {CAROL}
        await directory.may_post(OPS)
        assert len(await slack.calls("conversations.info")) == 2
    finally:
        await slack.simulator.change_channel("#ops", add=("carol",))


async def test_an_answer_that_was_under_way_when_it_changed_is_not_remembered(time: Time) -> None:
    directory: SlackDirectory
    stub = Stub()

    class Changing(Stub):
        async def conversations_info(self, *, channel: str) -> Any:
            answer = await super().conversations_info(channel=channel)
            if len(self.asked) == 1:
                directory.forget_channel(OPS)
            return answer

    stub = Changing()
    directory = directory_of(stub, time)

    await directory.may_post(OPS)
    await directory.may_post(OPS)
    await directory.may_post(OPS)

    assert len(stub.asked) == 2


async def test_no_kind_of_look_up_is_asked_twice_at_the_same_time(client: AsyncWebClient, slack: Slack) -> None:
    """Each kind of question, ten times at once."""
    email = (await client.users_info(user="U0ALICE"))["user"]["profile"]["email"]
    kinds: list[Callable[[SlackDirectory], Awaitable[object]]] = [
        lambda directory: directory.member(ALICE),
        lambda directory: directory.resolve([email]),
        lambda directory: directory.resolve(["@ops-leads"]),
        lambda directory: directory.resolve(["C0OPS"]),
        lambda directory: directory.identify("#ops"),
        lambda directory: directory.groups_of(BOB),
        lambda directory: directory.names_of(CAROL),
    ]
    for kind in kinds:
        fresh = SlackDirectory(client)
        await fresh.team_id()
        before = len(await slack.simulator.traffic())

        await asyncio.gather(*(kind(fresh) for _ in range(10)))

        methods = [each.get("method") for each in await slack.simulator.traffic(after=before)]
        assert len(methods) == len(set(methods)), methods
    await settle()
