"""What goes over the wire to a real receiver, and what each of its answers means."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook as Signature
from standardwebhooks import WebhookVerificationError

from bot.approvals.model.trace import Trace
from bot.approvals.model.webhook import WebhookId
from bot.approvals.ports.webhooks import NotTaken, NotWanted, Reply, Taken
from bot.webhooks import sender
from bot.webhooks.allow_list import AllowList
from bot.webhooks.sender import CheckedResolver, HttpSender

NEW, OLD, OTHER = (f"whsec_{base64.b64encode(each * 32).decode()}" for each in (b"n", b"o", b"x"))
ID = WebhookId("msg_1")
BODY = json.dumps({"type": "request.decided", "data": {"reason": "schön"}}, ensure_ascii=False)
HERE = AllowList.read("127.0.0.0/8")


@dataclass
class Receiver:
    """An address that keeps what is posted to it, and answers as it is told."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.got.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        return web.Response(status=self.status, headers=self.headers, body=b"x" * (self.status >= 400) * 100_000)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/hook", receiver.take)
    async with TestServer(application, host="127.0.0.1") as server:
        receiver.url = f"http://127.0.0.1:{server.port}/hook"
        yield receiver


async def sent(url: str, *secrets: str, allowed: AllowList = HERE, resolver: CheckedResolver | None = None) -> Reply:
    async with sender.sending(allowed, secrets or (NEW,), resolver) as posts:
        return await posts.send(url, ID, BODY)


# --- What is sent -------------------------------------------------------------------------------


async def test_it_is_signed_as_the_standard_says(receiver: Receiver) -> None:
    assert await sent(receiver.url) == Taken()

    ((headers, body),) = receiver.got
    assert body.decode() == BODY
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == ID
    assert Signature(NEW).verify(body, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Signature(OTHER).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Signature(NEW).verify(body + b" ", headers)


async def test_while_the_secret_changes_either_verifies(receiver: Receiver) -> None:
    await sent(receiver.url, NEW, OLD)

    ((headers, body),) = receiver.got
    for secret in (NEW, OLD):
        Signature(secret).verify(body, headers)


async def test_nothing_else_is_told(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cookies of an earlier answer, and no proxy or login of the environment."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    receiver.headers = {"Set-Cookie": "a=b"}

    async with sender.sending(HERE, [NEW]) as posts:
        assert await posts.send(receiver.url, ID, BODY) == Taken()
        assert await posts.send(receiver.url, ID, BODY) == Taken()

    known = {"host", "accept", "accept-encoding", "content-type", "content-length", "user-agent", "connection"}
    known |= {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert all(set(headers) <= known for headers, _ in receiver.got)


async def test_it_says_where_the_answer_is_traced(receiver: Receiver) -> None:
    """The receiver can go on in that trace."""
    trace = Trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")

    async with sender.sending(HERE, [NEW]) as posts:
        assert await posts.send(receiver.url, ID, BODY, trace) == Taken()

    ((headers, _),) = receiver.got
    assert headers["traceparent"] == trace


# --- What the answer means ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (200, Taken()),
        (202, Taken()),
        (302, NotTaken(why="it answered 302, and redirects are not followed")),
        (307, NotTaken(why="it answered 307, and redirects are not followed")),
        (400, NotTaken(why="it answered 400")),
        (410, NotWanted(why="it answered 410, which means that it wants no more")),
        (500, NotTaken(why="it answered 500")),
    ],
)
async def test_only_a_two_hundred_takes_it(receiver: Receiver, status: int, reply: Reply) -> None:
    receiver.status = status
    receiver.headers = {"Location": receiver.url} if 300 <= status < 400 else {}

    assert await sent(receiver.url) == reply
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("0", timedelta()),
        ("99999999999999999999", timedelta(days=1)),
        ("Wed, 02 Jan 2030 12:01:00 GMT", timedelta(seconds=60)),
        ("Wed, 02 Jan 2030 11:00:00 GMT", timedelta()),
        ("Fri, 31 Dec 9999 23:59:59 -2359", timedelta(days=1)),
        ("Fri, 31 Dec 9999 23:59:59 -0000", timedelta(days=1)),
        ("Mon, 01 Jan 0001 00:00:00 +2359", timedelta()),
        (f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT", None),
        (f"Mon, 01 Jan 2026 {'9' * 20}:00:00 GMT", None),
        (f"Mon, 01 Jan 2026 00:00:00 +{'9' * 14}", None),
        ("soon", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("-5", None),
        ("٣", None),
    ],
)
def test_a_receiver_may_say_when_it_wants_to_be_asked_again(text: str, wait: timedelta | None) -> None:
    assert sender._wait(text, datetime(2030, 1, 2, 12, tzinfo=UTC)) == wait


async def test_what_it_says_is_handed_on(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 503, {"Retry-After": "7"}

    assert await sent(receiver.url) == NotTaken(why="it answered 503", retry_after=timedelta(seconds=7))


async def test_an_answer_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reply = await sent(f"http://127.0.0.1:{silent.getsockname()[1]}/")

    assert reply == NotTaken(why="it did not answer within 0.2 seconds")


async def test_who_is_not_there_and_who_breaks_off_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert await sent(f"http://127.0.0.1:{port}/") == NotTaken(why="nobody could be reached there")

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"nonsense\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        reply = await sent(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert reply == NotTaken(why="the connection broke off before it had answered")


@pytest.fixture
def unknown_certificate(tmp_path: Path) -> ssl.SSLContext:
    """A certificate for localhost that vouches for itself."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    about = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "1", "-nodes"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    made: list[str | Path] = ["openssl", "req", *kind, *about, "-keyout", key, "-out", certificate]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(unknown_certificate: ssl.SSLContext) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=unknown_certificate)
    async with server:
        reply = await sent(f"https://localhost:{server.sockets[0].getsockname()[1]}/")

    assert reply == NotTaken(why="its certificate is not one for localhost that this machine trusts")


# --- Where it may go ----------------------------------------------------------------------------


class Rebinding(CheckedResolver):
    """A name server that gives other addresses from time to time."""

    def __init__(self, allowed: AllowList, *answers: list[str]) -> None:
        super().__init__(allowed)
        self.answers = list(answers)

    async def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[str]:
        return self.answers.pop(0)


def port_of(receiver: Receiver) -> str:
    return receiver.url.split(":")[2].partition("/")[0]


async def test_a_name_that_leads_inside_is_not_followed(receiver: Receiver) -> None:
    port = port_of(receiver)
    allowed = AllowList.read(f"hooks.example.com:{port}")
    url = f"http://hooks.example.com:{port}/hook"

    reply = await sent(url, allowed=allowed, resolver=Rebinding(allowed, ["127.0.0.1", "::1", "10.0.0.1"]))

    said = (
        "hooks.example.com has no address that may be called: none is public or in a network that WEBHOOK_ALLOW lists"
    )
    assert reply == NotTaken(why=said)
    assert receiver.got == []


async def test_a_name_is_looked_up_anew_each_time_and_only_what_is_allowed_is_connected_to(receiver: Receiver) -> None:
    port = port_of(receiver)
    allowed = AllowList.read("127.0.0.0/8")
    url = f"http://billing.internal:{port}/hook"
    resolver = Rebinding(allowed, ["169.254.169.254", "127.0.0.1"], ["169.254.169.254"], ["::ffff:10.0.0.1"])

    async with sender.sending(allowed, [NEW], resolver) as posts:
        replies = [await posts.send(url, ID, BODY) for _ in range(3)]

    assert replies[0] == Taken()
    assert [type(reply) for reply in replies[1:]] == [NotTaken, NotTaken]
    ((headers, _),) = receiver.got
    assert headers["host"] == f"billing.internal:{port}"


async def test_a_real_name_is_looked_up(receiver: Receiver) -> None:
    allowed = AllowList.read("localhost")

    assert await sent(f"http://localhost:{port_of(receiver)}/hook", allowed=allowed) == Taken()


async def test_a_name_that_does_not_exist_is_said() -> None:
    class Unknown(CheckedResolver):
        async def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[str]:
            raise socket.gaierror(-2, "Name or service not known")

    allowed = AllowList.read("hooks.example.com")

    reply = await sent("https://hooks.example.com/", allowed=allowed, resolver=Unknown(allowed))

    assert reply == NotTaken(why="the name hooks.example.com is not known")


async def test_an_address_that_is_listed_no_more_gets_nothing(receiver: Receiver) -> None:
    reply = await sent(receiver.url, allowed=AllowList.read("hooks.example.com"))

    assert isinstance(reply, NotTaken)
    assert reply.why.startswith("its address leads to 127.0.0.1 at port ")
    assert receiver.got == []


@asynccontextmanager
async def without(allowed: str, *secrets: str) -> AsyncIterator[HttpSender]:
    async with sender.sending(AllowList.read(allowed), secrets) as posts:
        yield posts


async def test_without_a_list_or_a_secret_nothing_is_sent(receiver: Receiver) -> None:
    off = "cannot be called: this bot sends no webhooks, because"
    async with without("", NEW) as posts:
        assert posts.problem_with(receiver.url) == f"{off} WEBHOOK_ALLOW is not set"
    async with without("127.0.0.1") as posts:
        assert posts.problem_with(receiver.url) == f"{off} WEBHOOK_SECRET is not set"
        assert isinstance(await posts.send(receiver.url, ID, BODY), NotTaken)
    async with without("127.0.0.1", NEW) as posts:
        assert posts.problem_with(receiver.url) == ""
        assert posts.problem_with("https://evil.example/").startswith("leads to evil.example at port 443, which")

    assert receiver.got == []
