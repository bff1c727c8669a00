"""Serves the metrics and the health of a worker role that runs without a gateway beside it.

It is a process of its own, so that the parent of workers stays free of threads, and it opens no store.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6
from threading import Thread
from typing import Final

from bot.app.watched.watching import Sweeps
from bot.http.routes.watched import PATHS, Answer, headers, page, verdict
from bot.runtime import health
from bot.runtime.children import Channel
from bot.runtime.hints import WORKER
from bot.settings import Bind, RoleSettings
from bot.telemetry.exposition import Exposition
from bot.telemetry.standing import Standing

log = logging.getLogger(__name__)

CALL_SECONDS: Final = 10.0
"""How long a caller may take to say what it wants."""
BIND_SECONDS: Final = 10.0
"""Between two tries to listen at an address that is taken."""
TIDY_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 1.0
BETWEEN_SECONDS: Final = 1.0
"""A sweep that storage has answered is followed by a heartbeat within this time."""


@dataclass(slots=True, kw_only=True)
class WorkersWatched:
    """The worker role of this machine, as those see it that watch it."""

    settings: RoleSettings
    exposition: Exposition
    sweeps: Sweeps
    draining: bool = False

    def answer(self, path: str) -> Answer:
        """What is answered at one of `PATHS`."""
        match path:
            case "/metrics":
                standing = Standing(sweep_interval=self.settings.sweep_interval)
                return page(self.exposition.page(standing.metrics(datetime.now(UTC))))
            case "/healthz":
                return verdict([] if self.draining else self.sweeps.problems())
            case _:
                return verdict(self._unready())

    def _unready(self) -> Sequence[str]:
        if self.draining:
            return ["The worker is shutting down."]
        folder, interval = self.settings.state_dir, self.settings.sweep_interval
        swept, well = health.last_sweep(folder, WORKER), health.last_beat(folder, interval, WORKER)
        if swept is None or self.sweeps.problems():
            return ["No worker is ready."]
        if well is None or swept - well > BETWEEN_SECONDS:
            return ["Storage did not answer the worker's last sweep."]
        return []


def serve(settings: RoleSettings, channel: Channel) -> int:
    """Serves them until the worker role has ended. Returns the exit code."""
    watched = WorkersWatched(
        settings=settings,
        exposition=Exposition(),
        sweeps=Sweeps(state_dir=settings.state_dir, interval=settings.sweep_interval, roles=[WORKER]),
    )

    def asked(*_: object) -> None:
        watched.draining = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)
    assert settings.http_bind is not None  # noqa: S101 - or this role does not run
    server = _Listening(settings.http_bind, watched.answer)
    channel.send(ready=True)
    tidied = time.monotonic()
    try:
        while not _is_over(channel):
            server.try_to_listen()
            if time.monotonic() - tidied > TIDY_SECONDS:
                watched.exposition.tidy()
                tidied = time.monotonic()
    finally:
        server.close()
    return 0


def _is_over(channel: Channel) -> bool:
    """Waits a moment. Whether the supervisor has said that the worker role has ended, or is gone itself."""
    try:
        words = channel.received(LOOK_SECONDS)
    except EOFError:
        return True
    return bool(words and words.get("alone"))


@dataclass(slots=True)
class _Listening:
    """A server that is up as soon as its address is free: a gateway of this machine may have the same settings."""

    bind: Bind
    answer: Callable[[str], Answer]
    _server: ThreadingHTTPServer | None = None
    _next_try: float = 0.0
    _said: bool = field(default=False)

    def try_to_listen(self) -> None:
        if self._server is not None or time.monotonic() < self._next_try:
            return
        try:
            self._server = _server(self.bind, self.answer)
        except OSError as error:
            self._next_try = time.monotonic() + BIND_SECONDS
            if not self._said:
                self._said = True
                log.warning(
                    "HTTP_BIND %s: the worker's metrics and health cannot be served there (%s). The worker works all "
                    "the same. If a gateway of this machine has the address, give the worker another one",
                    self.bind,
                    error.strerror,
                )
            return
        log.info("the worker's metrics and health are served at http://%s", self.bind)
        Thread(target=self._server.serve_forever, name="watched", daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            self._server.server_close()


def _server(bind: Bind, answer: Callable[[str], Answer]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        timeout = CALL_SECONDS
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(whole=True)

        def do_HEAD(self) -> None:
            self._send(whole=False)

        def _send(self, *, whole: bool) -> None:
            path = self.path.partition("?")[0]
            if path not in PATHS:
                self.send_error(404, "A worker serves /metrics, /healthz and /readyz")
                return
            found = answer(path)
            self.send_response_only(found.status)
            for name, value in headers(found):
                self.send_header(name.decode(), value.decode())
            self.end_headers()
            if whole:
                self.wfile.write(found.body)

        def log_message(self, *_: object) -> None:
            """Scrapes are no news."""

    class Server(ThreadingHTTPServer):
        address_family = AF_INET6 if ":" in bind.host else AF_INET
        daemon_threads = True

    return Server((bind.host, bind.port), Handler)
