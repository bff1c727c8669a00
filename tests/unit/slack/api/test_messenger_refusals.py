"""What Slack refuses, loses or finds too long, and a Slack that pages and never answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model.ids import MessageId, MessageRef, Ts
from bot.approvals.ports.slack import MessageGone, NotNow, OutcomeUnknown, PlaceGone
from bot.slack.api.calls import web_client
from bot.slack.api.messenger import EVENT_TYPE, SlackMessenger
from bot.slack.api.rate_limit import Pace
from bot.slack.cards.render import Card
from tests.support.fakes.secrets import masking
from tests.unit.slack import samples
from tests.unit.slack.api.posting import OPS, since
from tests.unit.slack.conftest import Slack


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


@pytest.mark.parametrize(
    ("error", "told"),
    [("not_in_channel", [OPS]), ("is_archived", [OPS]), ("channel_not_found", [OPS]), ("internal_error", [])],
)
async def test_a_channel_that_refuses_a_post_is_told_of(
    client: AsyncWebClient, slack: Slack, error: str, told: list[str], id: MessageId
) -> None:
    shut: list[str] = []
    messenger = SlackMessenger(client, masking(), shut_out=shut.append)
    await slack.fault("chat.postMessage", "error", error=error)

    with pytest.raises((NotNow, PlaceGone, OutcomeUnknown)):
        await messenger.post(OPS, None, messenger.draw(samples.view()), id)

    assert shut == told


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
        session = None

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
