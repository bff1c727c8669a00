"""The whole of a question as a file in its thread."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from bot.approvals.model.ids import MessageId
from bot.approvals.model.message import MessageKind
from bot.approvals.ports.slack import FileRefused, NotNow, OutcomeUnknown, View
from bot.slack.api import files
from bot.slack.api.calls import NotSent, Refused
from bot.slack.api.messenger import SlackMessenger
from tests.unit.slack import samples
from tests.unit.slack.api.posting import OPS, since
from tests.unit.slack.conftest import Slack


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
    assert content.count("äöü <!channel> ") == 2 * 20_000  # in words, and as JSON


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
