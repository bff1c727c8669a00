"""The app's side of a local Slack: a desk of tests/simulator in a thread of its own, as a browser has the test's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from simulator.client import Simulator
from simulator.server import Server
from tests.browser.people import WAIT
from tests.support.desk import Desk, Socket, make_world

Result = TypeVar("Result")


@dataclass(slots=True)
class Backstage:
    """What an app would do, said by the test."""

    loop: asyncio.AbstractEventLoop
    desk: Desk
    socket: Socket

    @property
    def url(self) -> str:
        return self.desk.world.base_url

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What that comes to."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT)

    def posts(self, *blocks: dict[str, Any], channel: str = "C0OPS", text: str = "A message", **fields: Any) -> str:
        """Posts a message; returns its ts."""
        sent = self._call("chat_postMessage", channel=channel, text=text, blocks=list(blocks) or None, **fields)
        ts: str = sent["ts"]
        return ts

    def publishes(self, *blocks: dict[str, Any], user: str = "U0BOB") -> None:
        """Publishes a Home tab."""
        self._call("views_publish", user_id=user, view={"type": "home", "blocks": list(blocks)})

    def opens(self, view: dict[str, Any]) -> dict[str, Any]:
        """Opens this modal for whoever did what comes next; returns what that was."""
        return self._shows("views_open", view)

    def pushes(self, view: dict[str, Any]) -> dict[str, Any]:
        """Pushes this modal for whoever did what comes next; returns what that was."""
        return self._shows("views_push", view)

    def hears(self, answer: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the app is sent next, but events, acknowledged with this."""
        return self.do(self._next(answer))

    def call(self, method: str, **arguments: Any) -> Any:
        """A call of the Web API."""
        return self._call(method, **arguments)

    def _shows(self, method: str, view: dict[str, Any]) -> dict[str, Any]:
        body = self.hears()
        self._call(method, trigger_id=body["trigger_id"], view=view)
        return body

    def _call(self, method: str, **arguments: Any) -> Any:
        async def made() -> Any:
            return (await getattr(self.desk.bot, method)(**arguments)).data

        return self.do(made())

    async def _next(self, answer: dict[str, Any] | None) -> dict[str, Any]:
        while True:
            envelope = await self.socket.next()
            is_event = envelope["type"] == "events_api"
            await self.socket.acknowledge(envelope, None if is_event else answer)
            if not is_event:
                content: dict[str, Any] = envelope["payload"]
                return content


@contextmanager
def backstage() -> Iterator[Backstage]:
    """A simulator whose app is the test, ended with the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="backstage")
    thread.start()
    asleep: asyncio.Future[None] = loop.create_future()
    ready: asyncio.Queue[Backstage] = asyncio.Queue()

    async def run() -> None:
        async with (
            Server(make_world()) as server,
            Simulator.connect(server.world.base_url) as simulator,
            aiohttp.ClientSession() as session,
        ):
            desk = Desk(server, simulator, session)
            socket = await desk.socket()
            await ready.put(Backstage(loop, desk, socket))
            await asleep
            await socket.stream.close()

    running = asyncio.run_coroutine_threadsafe(run(), loop)
    try:
        yield asyncio.run_coroutine_threadsafe(ready.get(), loop).result(WAIT)
    finally:
        loop.call_soon_threadsafe(asleep.set_result, None)
        running.result(WAIT)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
