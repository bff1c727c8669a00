"""/slack/events on the server of the API: what is handed on, and what is answered if nothing is taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from bot.http.parts import Parts
from bot.http.routes import slack_events
from tests.support.served import Api, served

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Said:
    status: int = 200
    body: str = '{"response_action": "clear"}'
    content_type: str = "application/json;charset=utf-8"


@dataclass
class Slack:
    """Whoever takes what is sent to the address."""

    taken: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    answer: Said | None = Said()

    async def take(self, headers: Mapping[str, str], body: bytes) -> Said | None:
        self.taken.append((dict(headers), body))
        return self.answer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both() -> AsyncIterator[tuple[Api, Slack]]:
    slack = Slack()

    @asynccontextmanager
    async def mounting(_: Parts) -> AsyncIterator[Mapping[str, ASGIApp]]:
        yield slack_events.mounted(slack.take)

    async with served(mounting=mounting) as api:
        yield api, slack


@pytest.fixture
def slack(both: tuple[Api, Slack]) -> Slack:
    both[1].taken.clear()
    both[1].answer = Said()
    return both[1]


@pytest.fixture
def address(both: tuple[Api, Slack]) -> Api:
    return both[0]


async def test_headers_and_body_are_handed_on_as_they_are_and_the_answer_is_slacks(address: Api, slack: Slack) -> None:
    answer = await address.post("/slack/events", token="", data=b"a=%20&b", headers={"X-Slack-Signature": "v0=1"})

    assert (answer.status, answer.text) == (200, Said.body)
    assert answer.headers["Content-Type"] == Said.content_type
    ((headers, body),) = slack.taken
    assert (headers["x-slack-signature"], body) == ("v0=1", b"a=%20&b")


async def test_what_is_not_taken_now_is_sent_again_in_a_moment(address: Api, slack: Slack) -> None:
    slack.answer = None

    answer = await address.post("/slack/events", token="", data=b"{}")

    assert (answer.status, answer.problem) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


async def test_another_method_is_refused(address: Api, slack: Slack) -> None:
    answer = await address.get("/slack/events", token="")

    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert slack.taken == []


async def test_a_body_that_is_too_long_is_not_handed_on(address: Api, slack: Slack) -> None:
    """Neither is it kept: whoever sends it has shown nothing yet."""
    reader, writer = await asyncio.open_connection(address.serving.host, address.serving.port)
    length = slack_events.MAX_BYTES + 1
    writer.write(b"POST /slack/events HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length)
    writer.write(b"x" * length)

    answer = await reader.readuntil(b"\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413")
    assert slack.taken == []
    writer.close()


async def test_a_body_that_does_not_come_is_not_waited_for(
    address: Api, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_events, "SECONDS", 0.02)
    reader, writer = await asyncio.open_connection(address.serving.host, address.serving.port)
    writer.write(b"POST /slack/events HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")

    answer = await reader.readuntil(b"\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 408")
    assert slack.taken == []
    writer.close()


async def test_without_a_signing_secret_there_is_nothing_at_the_address(api: Api) -> None:
    answer = await api.post("/slack/events", token="", data=b"{}")

    assert answer.status == 404
    assert slack_events.mounted(None) == {}
