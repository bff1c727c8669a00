"""Sends calls by urllib, in the thread that asks."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from typing import IO, TypeVar

from countersign.transport.address import Server
from countersign.transport.wire import Call, Flow, NoAnswer, Pause, Reply

T = TypeVar("T")
BROKEN = (OSError, http.client.HTTPException, OverflowError, MemoryError)
"""What the network raises, and what http.client raises if an answer claims a length that no machine can hold."""


class Blocking:
    """Sends calls to one address. Threads may share it. Proxies come from the environment, redirects are not
    followed, and certificates are verified."""

    def __init__(self, server: Server) -> None:
        self._address = server.address
        self._token = server.token
        self._opener = _opener(server)

    def run(self, flow: Flow[T]) -> T:
        """What the flow returns."""
        try:
            step = next(flow)
            while True:
                step = flow.send(self._do(step))
        except StopIteration as done:
            result: T = done.value
            return result

    def send(self, call: Call) -> Reply | NoAnswer:
        try:
            with self._opener.open(self._request(call), timeout=call.timeout) as response:
                return _reply(response.status, response.headers, response.read())
        except urllib.error.HTTPError as refused:
            return _refusal(refused)
        except BROKEN as error:
            return no_answer(error)

    @contextmanager
    def stream(self, call: Call) -> Iterator[IO[bytes] | Reply | NoAnswer]:
        """The body of a success while it arrives, or what came instead."""
        try:
            response = self._opener.open(self._request(call), timeout=call.timeout)
        except urllib.error.HTTPError as refused:
            yield _refusal(refused)
        except BROKEN as error:
            yield no_answer(error)
        else:
            with response:
                yield response

    def _do(self, step: Call | Pause) -> Reply | NoAnswer | None:
        if isinstance(step, Call):
            return self.send(step)
        time.sleep(step.seconds)
        return None

    def _request(self, call: Call) -> urllib.request.Request:
        request = urllib.request.Request(  # noqa: S310
            self._address.url + call.path, data=call.body, method=call.method, headers=call.headers()
        )
        request.add_unredirected_header("Authorization", self._token.header())
        return request


def no_answer(error: Exception) -> NoAnswer:
    """What an error of the network means for the call."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return NoAnswer(why=f"its certificate is not valid ({reason.verify_message})", sent=False, final=True)
    if isinstance(reason, TimeoutError):
        return NoAnswer(why="it took too long", sent=True)
    return NoAnswer(
        why=str(reason) or type(reason).__name__,
        sent=not isinstance(reason, (ConnectionRefusedError, socket.gaierror)),
    )


def _opener(server: Server) -> urllib.request.OpenerDirector:
    """One that knows http or https alone: no redirect, no file, no password of anybody."""
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.ProxyHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ]
    if server.address.scheme == "https":
        handlers.append(urllib.request.HTTPSHandler(context=server.context or ssl.create_default_context()))
    else:
        handlers.append(urllib.request.HTTPHandler())
    opener = urllib.request.OpenerDirector()
    for handler in handlers:
        opener.add_handler(handler)
    return opener


def _refusal(refused: urllib.error.HTTPError) -> Reply | NoAnswer:
    with refused:
        try:
            return _reply(refused.code, refused.headers, refused.read())
        except BROKEN as error:
            return no_answer(error)


def _reply(status: int, headers: Message, body: bytes) -> Reply:
    return Reply(status=status, headers={name.lower(): value for name, value in headers.items()}, body=body)
