"""How calls travel: many at once, redirects, proxies, certificates, and where the token shows."""

import asyncio
import contextlib
import logging
import pickle
import socket
import ssl
import subprocess
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from countersign import Countersign, UnexpectedAnswer, Unreachable
from countersign.transport import streams
from countersign.transport.address import Token
from countersign.transport.wire import Reply
from tests.clients.conftest import Either
from tests.support.stub_api import TOKEN, Fault, StubApi


async def test_hundreds_of_waits_need_no_threads(api: StubApi, blocking: Countersign) -> None:
    client = blocking.asynchronous()
    requests = [await client.request("Go on?", key=f"key-{number}") for number in range(200)]
    before = threading.active_count()
    waits = [asyncio.create_task(client.wait(request.id)) for request in requests]
    await asyncio.to_thread(api.wait_until, lambda: api.waiting == len(waits))
    ours = [each for each in threading.enumerate() if "process_request_thread" not in each.name]
    for request in requests:
        api.decide(request.id)

    assert all(await asyncio.gather(*waits))
    assert len(ours) <= before + 1


async def test_a_cancelled_wait_closes_its_connection() -> None:
    closed = asyncio.Event()
    called = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        called.set()
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()
        closed.set()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with server:
        client = Countersign(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", TOKEN).asynchronous()
        wait = asyncio.create_task(client.wait("req_1"))
        await called.wait()

        wait.cancel()

        await closed.wait()
    assert wait.cancelled()


async def test_a_cancellation_that_comes_with_the_answer(
    api: StubApi, blocking: Countersign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not lost, as it is in `asyncio.wait_for` before Python 3.12: a program that is told to end does end."""
    asking = asyncio.create_task(blocking.asynchronous().request("Go?", key="k"))
    read = streams._read

    async def read_and_cancel(reader: asyncio.StreamReader) -> Reply:
        reply = await read(reader)
        asking.cancel()
        return reply

    monkeypatch.setattr(streams, "_read", read_and_cancel)

    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_redirects_are_not_followed(api: StubApi, client: Either) -> None:
    """The token would go wherever they point."""
    other = StubApi()
    other.start()
    try:
        api.faults.append(Fault(status=307, headers={"Location": f"{other.url}/v1/requests"}))
        with pytest.raises(UnexpectedAnswer, match="redirect"):
            await client("request", "Go on?", key="a")
        api.faults.append(Fault(status=302, headers={"Location": f"{other.url}/v1/requests/req_1"}))
        with pytest.raises(UnexpectedAnswer, match="redirect"):
            await client("get", "req_1")
    finally:
        other.stop()

    assert other.calls == []


# --- The token ----------------------------------------------------------------------------------


async def test_the_token_shows_nowhere(api: StubApi, client: Either, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "countersign")
    api.faults += [Fault(status=500), Fault(status=502), Fault(status=503), Fault(), Fault(status=422)]
    shown = [repr(client.client), str(vars(client.client))]
    try:
        await client("request", "Go on?", key="a")
    except Exception as error:
        shown += traceback.format_exception(error)
        frames = traceback.walk_tb(error.__traceback__)
        shown += [repr(value) for frame, _ in frames for value in frame.f_locals.values()]

    assert len(caplog.messages) == 4
    assert TOKEN not in "".join([*shown, caplog.text])
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Token(TOKEN))


# --- Servers of another kind --------------------------------------------------------------------


@dataclass
class Speaker:
    """Answers every connection with the same bytes, and keeps what it was sent."""

    answer: bytes
    heard: list[bytes] = field(default_factory=list)
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection:
                    self.heard.append(connection.recv(65536))
                    connection.sendall(self.answer)


@contextlib.contextmanager
def speaking(answer: bytes) -> Iterator[Speaker]:
    speaker = Speaker(answer)
    thread = threading.Thread(target=speaker.serve, daemon=True)
    thread.start()
    yield speaker
    speaker.listener.shutdown(socket.SHUT_RDWR)
    speaker.listener.close()
    thread.join()


REQUEST = b'{"id": "req_1", "status": "pending"}'


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(REQUEST), REQUEST),
        b"HTTP/1.0 200 OK\r\n\r\n" + REQUEST,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\n%s\r\n%x\r\n%s\r\n0\r\nX: y\r\n\r\n"
        % (REQUEST[:5], len(REQUEST) - 5, REQUEST[5:]),
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nContent-Length: %d\r\n\r\n%s" % (len(REQUEST), REQUEST),
    ],
    ids=["length", "to the end", "chunked", "interim"],
)
async def test_ways_to_answer(answer: bytes) -> None:
    with speaking(answer) as speaker:
        host = speaker.url.removeprefix("http://")
        client = Countersign(f"{speaker.url}/below/", TOKEN)
        for each in (Either(client), Either(client.asynchronous())):
            assert (await each("get", "req_1")).id == "req_1"

    for heard in speaker.heard:
        lines = heard.decode().split("\r\n")
        assert lines[0] == "GET /below/v1/requests/req_1 HTTP/1.1"
        assert {"Accept: application/json", f"Authorization: Bearer {TOKEN}", "Connection: close"} <= set(lines)
        assert f"Host: {host}" in lines


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n{}" % 10**30,
        b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n{}" % (b"9" * 5000),
        b"HTTP/1.1 503 OK\r\nContent-Length: %d\r\n\r\n{}" % 10**30,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n{}" % 10**30,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n{}",
    ],
    ids=[
        *("nothing", "no http", "cut", "bad length", "huge length", "endless length", "huge length of a refusal"),
        *("bad chunk", "huge chunk", "endless head", "many headers"),
    ],
)
async def test_what_is_no_answer(answer: bytes) -> None:
    with speaking(answer) as speaker:
        client = Countersign(speaker.url, TOKEN, retry_for=0)
        for each in (Either(client), Either(client.asynchronous())):
            with pytest.raises((Unreachable, UnexpectedAnswer)):
                await each("get", "req_1")


# --- Proxies ------------------------------------------------------------------------------------


async def test_a_proxy_of_the_environment(api: StubApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in serves as one: it takes whole addresses."""
    monkeypatch.setenv("http_proxy", api.url.replace("http://", "http://me:secret@"))
    client = Countersign("http://approvals.example.org", TOKEN)
    for number, each in enumerate((Either(client), Either(client.asynchronous()))):
        assert (await each("request", "Go on?", key=f"key-{number}")).status == "pending"

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    near = Countersign(api.url, TOKEN)
    for each in (Either(near), Either(near.asynchronous())):
        assert (await each("request", "Go on?", key="key-0")).status == "pending"


# --- Certificates -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that no system trusts, and its key, in one file."""
    folder = tmp_path_factory.mktemp("certificate")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1"
    command += f" -addext subjectAltName=IP:127.0.0.1 -keyout {folder}/key.pem -out {folder}/cert.pem"
    subprocess.run(command.split(), check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    return both


@pytest.fixture
def secured(certificate: Path) -> Iterator[StubApi]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    stub = StubApi()
    stub.context = context
    stub.start()
    yield stub
    stub.stop()


async def test_a_certificate_that_is_not_trusted(secured: StubApi) -> None:
    client = Countersign(secured.url, TOKEN)
    for each in (Either(client), Either(client.asynchronous())):
        with pytest.raises(Unreachable, match="certificate is not valid"):
            await each("request", "Go on?", key="a")

    assert secured.calls == []


async def test_a_certificate_of_ones_own(secured: StubApi, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directly, and through a proxy that sees nothing of it."""
    client = Countersign(secured.url, TOKEN, ssl_context=ssl.create_default_context(cafile=certificate))
    for number, each in enumerate((Either(client), Either(client.asynchronous()))):
        assert (await each("request", "Go on?", key=f"key-{number}")).status == "pending"
    with tunnelling(secured.port) as proxy:
        monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{proxy.port}")
        client = Countersign(secured.url, TOKEN, ssl_context=ssl.create_default_context(cafile=certificate))
        for each in (Either(client), Either(client.asynchronous())):
            assert (await each("request", "Go on?", key="key-0")).status == "pending"

    assert len(proxy.heads) == 2
    assert all(head.startswith(b"CONNECT 127.0.0.1:") and b"Basic bWU6c2VjcmV0" in head for head in proxy.heads)
    assert not any(TOKEN.encode() in head for head in proxy.heads)


async def test_a_proxy_that_refuses(secured: StubApi, monkeypatch: pytest.MonkeyPatch) -> None:
    with speaking(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        client = Countersign(secured.url, TOKEN, retry_for=0)
        for each in (Either(client), Either(client.asynchronous())):
            with pytest.raises(Unreachable, match="403"):
                await each("request", "Go on?", key="a")


@dataclass
class Tunnel:
    """A proxy that connects to one port, whatever it is asked for."""

    target: int
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    heads: list[bytes] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._relay, args=(connection,), daemon=True).start()

    def _relay(self, connection: socket.socket) -> None:
        self.heads.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with connection, socket.create_connection(("127.0.0.1", self.target)) as there:
            back = threading.Thread(target=partial(_pipe, there, connection), daemon=True)
            back.start()
            _pipe(connection, there)
            back.join()


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def tunnelling(target: int) -> Iterator[Tunnel]:
    tunnel = Tunnel(target)
    thread = threading.Thread(target=tunnel.serve, daemon=True)
    thread.start()
    yield tunnel
    tunnel.listener.shutdown(socket.SHUT_RDWR)
    tunnel.listener.close()
    thread.join()
