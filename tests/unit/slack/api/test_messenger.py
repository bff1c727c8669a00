"""The messenger against a strict Slack that misbehaves on demand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model.ids import MessageId, Person, TeamId, UserId
from bot.approvals.ports.slack import Messenger, NotNow, OutcomeUnknown, PlaceGone
from bot.slack.api.calls import web_client
from bot.slack.api.messenger import SlackMessenger
from tests.support.fakes.secrets import masking
from tests.unit.slack import samples
from tests.unit.slack.api.posting import OPS, since
from tests.unit.slack.conftest import Slack
from tests.unit.slack.samples import ALICE, BOB


async def test_it_is_the_messenger_port(messenger: SlackMessenger) -> None:
    port: Messenger = messenger

    assert port.draw(samples.view()).fingerprint == messenger.draw(samples.view()).fingerprint


async def test_every_state_is_taken_by_slack(client: AsyncWebClient) -> None:
    for number, view in enumerate(samples.every_view().values()):
        messenger = SlackMessenger(client, masking())
        await messenger.post(OPS, None, messenger.draw(view), MessageId(f"s-{number}"))


async def test_a_process_that_stands_still_while_a_message_waits_for_its_turn_does_not_send_it(
    client: AsyncWebClient, id: MessageId
) -> None:
    messenger = SlackMessenger(client, masking(), unbroken=lambda: lambda: False)

    with pytest.raises(NotNow, match="stood still"):
        await messenger.post(OPS, None, messenger.draw(samples.view()), id)

    assert await messenger.find(OPS, None, id, since()) == ()


async def test_a_post_is_found_again_by_its_id(messenger: SlackMessenger, id: MessageId) -> None:
    ref = await messenger.post(OPS, None, messenger.draw(samples.view()), id)

    assert await messenger.find(OPS, None, id, since()) == (ref,)
    assert await messenger.find(OPS, None, MessageId("another"), since()) == ()


async def test_a_reply_is_found_in_its_thread(messenger: SlackMessenger, id: MessageId) -> None:
    opening = await messenger.post(OPS, None, messenger.draw(samples.view()), MessageId("opening"))
    reply = await messenger.post(OPS, opening.ts, messenger.draw(samples.view()), id)

    assert await messenger.find(OPS, opening.ts, id, since()) == (reply,)


async def test_every_message_of_the_id_is_found_the_oldest_first(messenger: SlackMessenger, id: MessageId) -> None:
    posted = [await messenger.post(OPS, None, messenger.draw(samples.view()), id) for _ in range(2)]

    assert await messenger.find(OPS, None, id, None) == tuple(posted)


async def test_slacks_own_clock_says_since_when_a_message_is_sought(
    client: AsyncWebClient, slack: Slack, id: MessageId
) -> None:
    elapsed = 0.0
    messenger = SlackMessenger(client, masking(), monotonic=lambda: elapsed)
    await slack.simulator.advance(3600.0)

    begun = await messenger.time()
    ref = await messenger.post(OPS, None, messenger.draw(samples.view()), id)

    assert begun is not None
    assert begun > datetime.now(tz=UTC) + timedelta(minutes=59)
    assert await messenger.find(OPS, None, id, begun) == (ref,)
    elapsed = 60.0
    later = await messenger.time()
    assert later is not None
    assert later - begun >= timedelta(seconds=59)


async def test_slack_out_of_reach_tells_no_time() -> None:
    assert await SlackMessenger(web_client("xoxb-1", "http://127.0.0.1:9/api/"), masking()).time() is None


async def test_a_copy_that_is_closed_is_gone(messenger: SlackMessenger, slack: Slack, id: MessageId) -> None:
    ref = await messenger.post(OPS, None, messenger.draw(samples.view()), id)

    await messenger.close(ref)
    await messenger.close(ref)

    assert await messenger.find(OPS, None, id, None) == ()


async def test_a_copy_that_slack_does_not_let_us_delete_has_nothing_to_press(
    messenger: SlackMessenger, slack: Slack, id: MessageId
) -> None:
    ref = await messenger.post(OPS, None, messenger.draw(samples.view()), id)
    await slack.fault("chat.delete", "error", error="compliance_exports_prevent_deletion")

    await messenger.close(ref)

    shown = await slack.simulator.seat("bob").messages(OPS)
    (copy,) = [each for each in shown if each["ts"] == ref.ts]
    assert [block["type"] for block in copy["blocks"]] == ["section"]


@pytest.mark.parametrize("method", ["chat.delete", "chat.update"])
async def test_a_copy_that_cannot_be_closed_now_is_worth_another_try(
    messenger: SlackMessenger, slack: Slack, id: MessageId, method: str
) -> None:
    ref = await messenger.post(OPS, None, messenger.draw(samples.view()), id)
    if method == "chat.update":
        await slack.fault("chat.delete", "error", error="cant_delete_message")
    await slack.fault(method, "status", status=503)

    with pytest.raises(NotNow):
        await messenger.close(ref)


async def test_a_copy_that_can_neither_be_deleted_nor_changed_is_left(
    messenger: SlackMessenger, slack: Slack, id: MessageId, caplog: pytest.LogCaptureFixture
) -> None:
    ref = await messenger.post(OPS, None, messenger.draw(samples.view()), id)
    await slack.fault("chat.delete", "error", error="cant_delete_message")
    await slack.fault("chat.update", "error", error="restricted_action")

    await messenger.close(ref)

    assert "could not be emptied either" in caplog.text


async def test_an_update_keeps_the_id(messenger: SlackMessenger, id: MessageId) -> None:
    ref = await messenger.post(OPS, None, messenger.draw(samples.view()), id)

    await messenger.update(ref, messenger.draw(samples.every_view()["card, approved"]))

    assert await messenger.find(OPS, None, id, since()) == (ref,)


async def test_a_lost_response_is_told_and_never_posted_again(
    messenger: SlackMessenger, slack: Slack, id: MessageId
) -> None:
    await slack.fault("chat.postMessage", "lose_response")

    with pytest.raises(OutcomeUnknown):
        await messenger.post(OPS, None, messenger.draw(samples.view()), id)

    assert len(await slack.calls("chat.postMessage")) == 1
    assert len(await messenger.find(OPS, None, id, since())) == 1


async def test_a_429_says_how_long_and_holds_the_next_one_back(
    messenger: SlackMessenger, slack: Slack, id: MessageId
) -> None:
    await slack.fault("chat.postMessage", "status", status=429, retry_after=42)

    with pytest.raises(NotNow) as first:
        await messenger.post(OPS, None, messenger.draw(samples.view()), id)
    with pytest.raises(NotNow) as second:
        await messenger.post(OPS, None, messenger.draw(samples.view()), id)

    assert first.value.retry_after == 42
    assert second.value.retry_after == pytest.approx(42, abs=2)
    assert len(await slack.calls("chat.postMessage")) == 1


async def test_a_direct_conversation_is_opened_once(messenger: SlackMessenger, slack: Slack) -> None:
    first = await messenger.open_direct(BOB)
    second = await messenger.open_direct(BOB)

    assert first == second
    assert first.startswith("D")
    assert len(await slack.calls("conversations.open")) == 1


async def test_nobody_there_to_write_to_is_no_place(messenger: SlackMessenger) -> None:
    nobody = Person(team_id=TeamId("T0ACME"), user_id=UserId("U0NOBODY"))

    with pytest.raises(PlaceGone):
        await messenger.open_direct(nobody)


async def test_feedback_reaches_one_person_or_says_that_it_did_not(messenger: SlackMessenger) -> None:
    stranger = replace(ALICE, user_id=UserId("U0NOBODY"))

    assert await messenger.tell(ALICE, OPS, None, "You may not answer this request.")
    assert not await messenger.tell(stranger, OPS, None, "You may not answer this request.")


async def test_feedback_never_raises(messenger: SlackMessenger, slack: Slack) -> None:
    await slack.fault("chat.postEphemeral", "status", status=429, retry_after=30)

    assert not await messenger.tell(ALICE, OPS, None, "Hello")
    assert not await messenger.tell(ALICE, OPS, None, "Hello")
