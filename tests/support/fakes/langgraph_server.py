"""What a LangGraph Server answers to those who only look at it, over loopback: which threads and assistants it has."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.approvals.model.ids import ThreadId

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
"""The server's clock is far from the bot's: nothing may depend on that."""
PAGE = 100


@dataclass
class FakeLangGraphServer:
    url: str = ""
    key: str = ""
    """The key without which it answers 403. Empty if it takes any call."""
    info: dict[str, Any] | None = field(default_factory=lambda: {"version": "0.16.7", "langgraph_py_version": "1.2"})
    """None if it has no such page."""
    down: bool = False
    threads: dict[ThreadId, dict[str, Any]] = field(default_factory=dict)
    assistants: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The JSON Schema of the inputs of each graph."""
    searches: list[dict[str, Any]] = field(default_factory=list)
    now: datetime = LONG_AGO

    def thread(
        self,
        id: str = "",
        status: str = "interrupted",
        graph: str = "deploy",
        at: datetime | None = None,
        **metadata: Any,
    ) -> ThreadId:
        """A thread that is new, or has changed."""
        thread_id = ThreadId(id or str(uuid.uuid4()))
        self.threads[thread_id] = {
            "thread_id": thread_id,
            "updated_at": (at or self.now).isoformat(),
            "status": status,
            "metadata": {"graph_id": graph, **metadata},
        }
        return thread_id

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        app = web.Application(middlewares=[self._gate])
        app.router.add_get("/info", self._info)
        app.router.add_post("/threads/search", self._threads)
        app.router.add_post("/assistants/search", self._assistants)
        app.router.add_get("/assistants/{id}/schemas", self._schemas)
        app.router.add_get("/assistants/{id}/graph", self._graph)
        async with TestServer(app) as server:
            self.url = str(server.make_url("")).rstrip("/")
            yield

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.down:
            raise web.HTTPServiceUnavailable
        if self.key and request.headers.get("x-api-key") != self.key:
            return web.json_response({"detail": "Forbidden"}, status=403)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _info(self, _: web.Request) -> web.Response:
        if self.info is None:
            raise web.HTTPNotFound
        return web.json_response(self.info)

    async def _threads(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.searches.append(asked)
        status, metadata = asked.get("status"), asked.get("metadata") or {}
        found = [
            row
            for row in sorted(self.threads.values(), key=lambda row: str(row["updated_at"]), reverse=True)
            if status in (None, row["status"]) and metadata.items() <= row["metadata"].items()
        ]
        offset = asked.get("offset", 0)
        return web.json_response(found[offset : offset + asked["limit"]])

    async def _assistants(self, request: web.Request) -> web.Response:
        asked = await request.json()
        name = asked.get("graph_id") or asked.get("name")
        return web.json_response([_assistant(name)] if name in self.assistants else [])

    async def _schemas(self, request: web.Request) -> web.Response:
        graph = request.match_info["id"].removeprefix("assistant-of-")
        return web.json_response({"graph_id": graph, "input_schema": self.assistants[graph], "state_schema": {}})

    async def _graph(self, _: web.Request) -> web.Response:
        return web.json_response({"nodes": [{"id": "__start__"}, {"id": "act"}], "edges": []})


def _assistant(name: str) -> dict[str, Any]:
    return {
        "assistant_id": f"assistant-of-{name}",
        "graph_id": name,
        "name": name,
        "description": f"It can {name}.",
        "metadata": {"created_by": "system"},
    }
