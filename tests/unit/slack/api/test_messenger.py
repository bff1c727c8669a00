"""The messenger against a strict Slack that misbehaves on demand."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model.ids import ChannelId, MessageId, MessageRef, Person, TeamId, Ts, UserId
from bot.approvals.model.message import MessageKind
from bot.approvals.ports.slack import FileRefused, MessageGone, Messenger, NotNow, OutcomeUnknown, PlaceGone, View
from bot.slack.api import files
from bot.slack.api.calls import NotSent, Refused, web_client
from bot.slack.api.messenger import EVENT_TYPE, SlackMessenger
from bot.slack.api.rate_limit import Pace
from bot.slack.cards.render import Card
from tests.fakes.secrets import masking
from tests.unit.slack import samples
from tests.unit.slack.conftest import Slack
from tests.unit.slack.samples import ALICE, BOB

OPS = ChannelId("C0OPS")


@pytest.fixture
def id() -> MessageId:
    """An id that no other test has posted."""
    return MessageId(uuid.uuid4().hex)


@pytest.fixture
def messenger(client: AsyncWebClient) -> SlackMessenger:
    return SlackMessenger(client, masking())


def since() -> datetime:
    return datetime.now(tz=UTC) - timedelta(seconds=5)


async def test_it_is_the_messenger_port(messenger: SlackMessenger) -> None:
    port: Messenger = messenger

    assert port.draw(samples.view()).fingerprint == messenger.draw(samples.view()).fingerprint


async def test_every_state_is_taken_by_slack(client: AsyncWebClient) -> None:
    for number, view in enumerate(samples.every_view().values()):
        messenger = SlackMessenger(client, masking())
        await messenger.post(OPS, None, messenger.draw(view), MessageId(f"s-{number}"))


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


async def test_a_card_that_slack_finds_too_long_is_sent_small(
    messenger: SlackMessenger, slack: Slack, id: MessageId
) -> None:
    await slack.fault("chat.postMessage", "error", error="msg_blocks_too_long")
    card = messenger.draw(samples.view())
    assert isinstance(card, Card)

    await messenger.post(OPS, None, card, id)

    assert [len(entry["arguments"]["blocks"]) for entry in await slack.calls("chat.postMessage")] == [
        len(card.blocks),
        len(card.small),
    ]


async def test_a_card_that_is_too_long_even_when_small_is_given_up(messenger: SlackMessenger, slack: Slack) -> None:
    await slack.fault("chat.update", "error", error="invalid_blocks", times=2)

    with pytest.raises(PlaceGone, match="even for the smallest"):
        await messenger.update(MessageRef(channel=OPS, ts=Ts("1.0")), messenger.draw(samples.view()))


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        ("message_not_found", MessageGone),
        ("cant_update_message", MessageGone),
        ("edit_window_closed", MessageGone),
        ("is_archived", NotNow),
        ("channel_not_found", PlaceGone),
        ("not_in_channel", NotNow),
        ("restricted_action", NotNow),
        ("restricted_action_read_only_channel", NotNow),
        ("missing_scope", NotNow),
        ("account_inactive", NotNow),
        ("token_revoked", NotNow),
        ("internal_error", OutcomeUnknown),
        ("fatal_error", OutcomeUnknown),
        ("service_unavailable", OutcomeUnknown),
        ("request_timeout", OutcomeUnknown),
        ("ratelimited", NotNow),
        ("an_error_of_next_year", NotNow),
    ],
)
async def test_what_somebody_can_undo_waits_and_what_nobody_can_is_given_up(
    messenger: SlackMessenger, slack: Slack, error: str, becomes: type[Exception]
) -> None:
    await slack.fault("chat.update", "error", error=error)

    with pytest.raises(becomes):
        await messenger.update(MessageRef(channel=OPS, ts=Ts("1.0")), messenger.draw(samples.view()))


@pytest.mark.parametrize("kind", ["lose_response", "status"])
async def test_a_search_that_failed_is_worth_another_try(
    messenger: SlackMessenger, slack: Slack, kind: str, id: MessageId
) -> None:
    await slack.fault("conversations.history", kind, times=2)  # aiohttp asks again for a GET, once

    with pytest.raises(NotNow):
        await messenger.find(OPS, None, id, since())


async def test_slack_out_of_reach_did_nothing(id: MessageId) -> None:
    messenger = SlackMessenger(web_client("xoxb-1", "http://127.0.0.1:9/api/"), masking())

    with pytest.raises(NotNow, match="did not reach Slack"):
        await messenger.post(OPS, None, messenger.draw(samples.view()), id)


async def test_a_drawing_of_somebody_else_is_a_bug(messenger: SlackMessenger, id: MessageId) -> None:
    class Scribble:
        fingerprint = ""

    with pytest.raises(TypeError):
        await messenger.post(OPS, None, Scribble(), id)


# --- A Slack of two lines, for what the simulator does not do -----------------------------------


@pytest.fixture
async def proxy() -> AsyncIterator[tuple[SlackMessenger, list[web.Request]]]:
    """A messenger whose Slack is a proxy's error page, and which never has to wait for its turn."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(status=502, text="<html>Bad gateway</html>", content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield SlackMessenger(web_client("xoxb-1", f"http://127.0.0.1:{runner.addresses[0][1]}/"), masking()), seen
    await runner.cleanup()


async def test_a_proxys_error_page_leaves_the_outcome_unknown(
    proxy: tuple[SlackMessenger, list[web.Request]], id: MessageId
) -> None:
    messenger, seen = proxy

    with pytest.raises(OutcomeUnknown):
        await messenger.post(OPS, None, messenger.draw(samples.view()), id)

    assert len(seen) == 1


async def test_a_search_turns_pages_and_gives_up_in_the_end(id: MessageId) -> None:
    pages: list[dict[str, Any]] = []

    class Client:
        async def conversations_history(self, **arguments: Any) -> Any:
            pages.append(arguments)

            class Response:
                headers: dict[str, str] = {}  # noqa: RUF012
                data = {"messages": [{"ts": "1.0", "metadata": None}], "response_metadata": {"next_cursor": "more"}}  # noqa: RUF012

            return Response()

    messenger = SlackMessenger(Client(), masking(), Pace())  # type: ignore[arg-type]

    assert await messenger.find(OPS, None, id, since()) == ()
    assert len(pages) == 10
    assert [page.get("cursor") for page in pages[:2]] == [None, "more"]


async def test_the_id_is_all_that_the_metadata_says(messenger: SlackMessenger, slack: Slack, id: MessageId) -> None:
    await messenger.post(OPS, None, messenger.draw(samples.view()), id)

    (call,) = await slack.calls("chat.postMessage")
    assert call["arguments"]["metadata"] == {"event_type": EVENT_TYPE, "event_payload": {"id": id}}
    assert call["arguments"]["unfurl_links"] in (False, "0", 0)


async def test_a_card_waits_no_longer_than_patience(client: AsyncWebClient, slack: Slack) -> None:
    pace = Pace(monotonic=lambda: 0.0)
    messenger = SlackMessenger(client, masking(), pace)
    pace.close("chat.update", 60)

    with pytest.raises(NotNow, match="has used up its rate"):
        await messenger.update(MessageRef(channel=OPS, ts=Ts("1.0")), messenger.draw(samples.view()))

    assert not await slack.calls("chat.update")


# --- Files --------------------------------------------------------------------------------------


def a_file(words: str = "x" * 300_000) -> View:
    """What is too long for a modal."""
    item = replace(samples.DELETE, arguments={"body": words})
    asked = samples.request(samples.question(item, payload=None))
    message = replace(samples.message(MessageKind.FILE), version=1)
    return replace(samples.view(asked=asked), message=message)


async def test_the_whole_is_a_file_in_the_thread(messenger: SlackMessenger, slack: Slack, id: MessageId) -> None:
    opening = await messenger.post(OPS, None, messenger.draw(samples.view()), id)

    ref = await messenger.post(OPS, opening.ts, messenger.draw(a_file("äöü <!channel> " * 20_000)), MessageId("s-file"))

    bob = slack.simulator.seat("bob")
    _, shared = await bob.thread(OPS, opening.ts)
    (file,) = shared["files"]
    assert file["id"] == ref.ts
    assert file["name"] == "request-4be1d07c-version-1.txt"
    assert "Everything that request `4be1d07c` asks" in shared["blocks"][0]["text"]["text"]
    async with aiohttp.ClientSession() as session, session.get(file["url_private"]) as response:
        content = (await response.read()).decode()
    assert content.count("äöü <!channel> ") == 20_000


async def test_a_file_that_was_shared_is_found_and_never_changed(
    messenger: SlackMessenger, slack: Slack, id: MessageId
) -> None:
    opening = await messenger.post(OPS, None, messenger.draw(samples.view()), id)
    file = MessageId(f"file-{id}")
    await slack.fault("files.completeUploadExternal", "lose_response")

    with pytest.raises(OutcomeUnknown):
        await messenger.post(OPS, opening.ts, messenger.draw(a_file()), file)

    (found,) = await messenger.find(OPS, opening.ts, file, since())
    await messenger.update(found, messenger.draw(a_file()))
    assert not await slack.calls("chat.update")


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
async def test_an_upload_that_slack_refuses_for_the_moment_is_put_off(
    messenger: SlackMessenger, slack: Slack, id: MessageId, method: str
) -> None:
    await slack.fault(method, "status", status=429, retry_after=7)

    with pytest.raises(NotNow):
        await messenger.post(OPS, None, messenger.draw(a_file()), id)


async def test_an_upload_that_does_not_get_through_is_put_off() -> None:
    assert isinstance(await files.send("http://127.0.0.1:9/nowhere", b"x"), NotSent)


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
@pytest.mark.parametrize("error", ["missing_scope", "file_uploads_disabled", "file_upload_size_restricted", "no_idea"])
async def test_an_upload_that_slack_refuses_is_not_for_later(
    messenger: SlackMessenger, slack: Slack, id: MessageId, method: str, error: str
) -> None:
    await slack.fault(method, "error", error=error)

    with pytest.raises(FileRefused, match=error):
        await messenger.post(OPS, None, messenger.draw(a_file()), id)


@pytest.mark.parametrize(("status", "reason"), [(413, "file_too_large"), (403, "status_403")])
async def test_an_upload_that_is_answered_with_a_refusal_is_one(status: int, reason: str) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application(client_max_size=10**7)
    app.router.add_post("/upload", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        sent = await files.send(f"http://127.0.0.1:{runner.addresses[0][1]}/upload", b"x")
    finally:
        await runner.cleanup()

    assert sent == Refused(reason)


async def test_in_the_place_of_a_file_that_was_refused_stands_why_and_how_to_see_it(
    messenger: SlackMessenger, slack: Slack, id: MessageId
) -> None:
    file = a_file()
    refused = replace(file, message=replace(file.message, refused="files.getUploadURLExternal: missing_scope"))

    ref = await messenger.post(OPS, None, messenger.draw(refused), id)

    shown = await slack.simulator.seat("bob").messages(OPS)
    (note,) = [each for each in shown if each["ts"] == ref.ts]
    assert "could not be attached: the app may not upload files (scope `files:write`)" in note["text"]
    assert [each["action_id"] for each in note["blocks"][-1]["elements"]] == ["view_all"]
