"""Homes through a strict Slack, and what is said to one person alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.inbox.queries import Front
from bot.approvals.model.ids import ChannelId
from bot.approvals.model.inbox import Section
from bot.approvals.ports.slack import MessageGone, NotNow, OutcomeUnknown, PlaceGone
from bot.slack import blocks
from bot.slack.api.messenger import SlackMessenger
from bot.slack.modals import views
from tests.support.fakes.secrets import masking
from tests.unit.slack import samples
from tests.unit.slack.conftest import Slack
from tests.unit.slack.inbox.test_home import contents, full, row
from tests.unit.slack.samples import ALICE, BOB

OPS = ChannelId("C0OPS")


@pytest.fixture
def messenger(client: AsyncWebClient) -> SlackMessenger:
    return SlackMessenger(client, masking(), address="https://acme.slack.com/")


async def test_it_is_the_front_port(messenger: SlackMessenger) -> None:
    front: Front = messenger

    assert front.page_size(Section.WAITING) > front.page_size(Section.ASKED) > 1
    assert front.summary_size(Section.WAITING) > 1 == front.summary_size(Section.DECIDED)


async def test_the_fullest_home_is_taken_by_slack_and_stands_there(messenger: SlackMessenger, slack: Slack) -> None:
    await messenger.publish(ALICE, messenger.draw_home(full()), "")

    shown = await slack.simulator.seat("alice").home()
    assert shown is not None
    assert len(shown["blocks"]) > 50


async def test_a_home_takes_the_place_of_the_one_that_is_named_and_of_no_other(messenger: SlackMessenger) -> None:
    first = await messenger.publish(BOB, messenger.draw_home(contents()), "")
    second = await messenger.publish(BOB, messenger.draw_home(full()), first)

    assert first != second
    with pytest.raises(MessageGone):
        await messenger.publish(BOB, messenger.draw_home(contents()), first)


async def test_what_slack_does_not_do_now_is_told_from_what_it_never_will(
    messenger: SlackMessenger, slack: Slack
) -> None:
    drawing = messenger.draw_home(contents([row(samples.request())]))

    await slack.fault("views.publish", "lose_response")
    with pytest.raises(OutcomeUnknown):
        await messenger.publish(BOB, drawing, "")
    with pytest.raises(PlaceGone):
        await messenger.publish(replace(BOB, user_id=type(BOB.user_id)("U0NOBODY")), drawing, "")
    await slack.fault("views.publish", "status", status=429, retry_after=30)
    for _ in range(2):  # the second does not even ask
        with pytest.raises(NotNow):
            await messenger.publish(BOB, drawing, "")


async def test_only_what_it_has_drawn_is_published(messenger: SlackMessenger) -> None:
    with pytest.raises(TypeError):
        await messenger.publish(BOB, messenger.draw_summary(contents()), "")


async def test_a_modal_without_a_living_trigger_is_not_put_before_anybody(messenger: SlackMessenger) -> None:
    assert not await messenger.put_before("1.2.3", views.notice("About your click", "Too late."))


async def test_one_person_alone_can_be_shown_blocks(messenger: SlackMessenger, slack: Slack) -> None:
    assert await messenger.tell(BOB, OPS, None, "Taken", [blocks.section("*Taken* as your answer")])

    shown = (await slack.simulator.seat("bob").notices())[-1]
    assert shown["blocks"][0]["text"]["text"] == "*Taken* as your answer"
