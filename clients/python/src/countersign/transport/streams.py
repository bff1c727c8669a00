"""Sends calls by asyncio's streams: no thread, and a cancelled call closes its connection at once."""

from __future__ import annotations

import asyncio
import base64
import http.client
import io
import socket
import ssl
import urllib.request
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from countersign.transport.address import Address, Server
from countersign.transport.blocking import no_answer
from countersign.transport.wire import Call, Flow, NoAnswer, Pause, Reply

T = TypeVar("T")
_HEAD_BYTES = 65_536


class Streams:
    """Sends calls to one address, each over a connection of its own. Proxies come from the environment, redirects are
    not followed, and certificates are verified."""

    def __init__(self, server: Server) -> None:
        self._address = server.address
        self._token = server.token
        self._context = _context(server)

    async def run(self, flow: Flow[T]) -> T:
        """What the flow returns."""
        try:
            step = next(flow)
            while True:
                step = flow.send(await self._do(step))
        except StopIteration as done:
            result: T = done.value
            return result

    async def send(self, call: Call) -> Reply | NoAnswer:
        sent = False

        async def exchange() -> Reply:
            nonlocal sent
            reader, writer = await self._connect()
            try:
                sent = True
                writer.write(self._head(call) + (call.body or b""))
                await writer.drain()
                return await _read(reader)
            finally:
                writer.transport.abort()

        exchanging = asyncio.ensure_future(exchange())
        exchanging.add_done_callback(_retrieve)
        try:
            # not wait_for: before Python 3.12 it loses a cancellation that comes with the answer
            await asyncio.wait({exchanging}, timeout=call.timeout)
        finally:
            over = exchanging.cancel()
        if over:
            await asyncio.wait({exchanging})
            return NoAnswer(why="it took too long", sent=sent)
        try:
            return exchanging.result()
        except (OSError, EOFError, http.client.HTTPException, ValueError, asyncio.LimitOverrunError) as error:
            found = no_answer(error)
            return NoAnswer(why=found.why, sent=sent, final=found.final)

    async def _do(self, step: Call | Pause) -> Reply | NoAnswer | None:
        if isinstance(step, Call):
            return await self.send(step)
        await asyncio.sleep(step.seconds)
        return None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        proxy = proxy_of(self._address)
        if proxy is None:
            return await asyncio.open_connection(
                self._address.host, self._address.port, ssl=self._context, limit=_HEAD_BYTES
            )
        if self._context is None:
            return await asyncio.open_connection(*proxy[:2], limit=_HEAD_BYTES)
        tunnel = await _tunnel(self._address, *proxy)
        try:
            return await asyncio.open_connection(
                sock=tunnel, ssl=self._context, server_hostname=self._address.host, limit=_HEAD_BYTES
            )
        except BaseException:
            tunnel.close()
            raise

    def _head(self, call: Call) -> bytes:
        proxy = proxy_of(self._address) if self._context is None else None
        target = self._address.url + call.path if proxy else self._address.path + call.path
        headers = {"Host": _authority(self._address), **call.headers(), "Authorization": self._token.header()}
        if proxy and proxy[2]:
            headers["Proxy-Authorization"] = proxy[2]
        if call.body is not None or call.method == "POST":
            headers["Content-Length"] = str(len(call.body or b""))
        headers["Connection"] = "close"
        lines = [f"{call.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("A header cannot have a line break.")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _retrieve(done: asyncio.Future[Reply]) -> None:
    """Nobody may be left to look at what a cancelled call raised."""
    if not done.cancelled():
        done.exception()


def _context(server: Server) -> ssl.SSLContext | None:
    if server.address.scheme != "https":
        return None
    return server.context or ssl.create_default_context()


def proxy_of(address: Address) -> tuple[str, int, str | None] | None:
    """The host, port and authorization of the proxy that the environment names for this address. None if there is
    none."""
    named = urllib.request.getproxies().get(address.scheme)
    if not named or urllib.request.proxy_bypass(f"{address.host}:{address.port}"):
        return None
    parts = urlsplit(named if "://" in named else f"http://{named}")
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"the proxy of the environment is not an http:// address: {parts.scheme}")
    login = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        login = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return parts.hostname, parts.port or 80, login


async def _tunnel(address: Address, host: str, port: int, login: str | None) -> socket.socket:
    """A socket to the address, through the proxy."""
    loop = asyncio.get_running_loop()
    family, kind, protocol, _, where = (await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
    tunnel = socket.socket(family, kind, protocol)
    try:
        tunnel.setblocking(False)
        await loop.sock_connect(tunnel, where)
        there = f"{_bracketed(address.host)}:{address.port}"
        head = f"CONNECT {there} HTTP/1.1\r\nHost: {there}\r\n"
        head += f"Proxy-Authorization: {login}\r\n" if login else ""
        await loop.sock_sendall(tunnel, f"{head}\r\n".encode("latin-1"))
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = await loop.sock_recv(tunnel, 1)  # not a byte of what follows
            if not more or len(answer) > _HEAD_BYTES:
                raise OSError("the proxy closed the connection")
            answer += more
        status = answer.split(b" ", 2)[1:2]
        if status != [b"200"]:
            raise OSError(f"the proxy refused the connection ({b''.join(status).decode('latin-1')})")
    except BaseException:
        tunnel.close()
        raise
    return tunnel


async def _read(reader: asyncio.StreamReader) -> Reply:
    """A whole answer. Interim ones (1xx) are passed over."""
    while True:
        status, headers = _parsed(await reader.readuntil(b"\r\n\r\n"))
        if status >= 200:
            return Reply(status=status, headers=headers, body=await _body(reader, status, headers))


def _parsed(head: bytes) -> tuple[int, dict[str, str]]:
    first, _, rest = head.partition(b"\r\n")
    version, _, after = first.partition(b" ")
    code = after[:3]
    if not version.startswith(b"HTTP/1.") or not code.isdigit() or len(code) != 3:
        raise http.client.BadStatusLine("what answered does not speak HTTP/1.1")
    message = http.client.parse_headers(io.BytesIO(rest))
    return int(code), {name.lower(): value for name, value in message.items()}


async def _body(reader: asyncio.StreamReader, status: int, headers: dict[str, str]) -> bytes:
    if status in (204, 304):
        return b""
    if headers.get("transfer-encoding", "").lower().endswith("chunked"):
        return await _chunks(reader)
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return await reader.read()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    return b"".join(parts)


def _authority(address: Address) -> str:
    usual = 443 if address.scheme == "https" else 80
    host = _bracketed(address.host)
    return host if address.port == usual else f"{host}:{address.port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
