"""The implementations of `Storage` that the suite proves. A new one is one factory and one entry here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.storage.redis.store import RedisStorage, client
from bot.storage.sqlite.store import SqliteStorage


class Handle(Storage, Protocol):
    """A store as one process has it open."""

    async def close(self) -> None: ...


class Store:
    """One body of data, at first empty, that any number of handles can be opened to."""

    def __init__(self, connect: Callable[[Telemetry], AbstractAsyncContextManager[Handle]]) -> None:
        self._connect = connect
        self._open: list[AbstractAsyncContextManager[Handle]] = []

    async def open(self, telemetry: Telemetry = SILENT) -> Storage:
        """Another handle, as another process would have it."""
        handle = self._connect(telemetry)
        self._open.append(handle)
        return await handle.__aenter__()

    async def close(self) -> None:
        """Close all handles, as when every process ends; the data stays."""
        while self._open:
            await self._open.pop().__aexit__(None, None, None)

    async def reopen(self) -> Storage:
        """What a process finds that starts after all others have ended."""
        await self.close()
        return await self.open()


Factory = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Store]]
"""Given the test's request, the store; leaving it closes all handles and drops the data."""


@asynccontextmanager
async def sqlite(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    folder: Path = request.getfixturevalue("tmp_path")

    @asynccontextmanager
    async def connect(telemetry: Telemetry) -> AsyncIterator[Handle]:
        handle = await SqliteStorage.open(folder / "records.db", telemetry=telemetry)
        try:
            yield handle
        finally:
            await handle.close()

    store = Store(connect)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def redis(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    url: str = request.getfixturevalue("redis_url")
    prefix = "{" + request.getfixturevalue("redis_prefix") + "}:"

    @asynccontextmanager
    async def connect(telemetry: Telemetry) -> AsyncIterator[Handle]:
        handle = RedisStorage(client(url), prefix, telemetry=telemetry)
        try:
            yield handle
        finally:
            await handle.close()

    store = Store(connect)
    try:
        yield store
    finally:
        await store.close()
        async with client(url) as cleaner:
            async for key in cleaner.scan_iter(match=prefix + "*", count=1000):
                await cleaner.delete(key)


FACTORIES: dict[str, Factory] = {"sqlite": sqlite, "redis": redis}
