"""Where records and graph state are kept: in Redis if REDIS_URL is set, else in two SQLite files. Opened for `app`.

Redis' libraries are imported only if it is used. The demo has none.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.approvals.model.errors import SettingsError
from bot.approvals.model.ids import ThreadId
from bot.approvals.model.task import Lease
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock
from bot.engines.langgraph.checkpoints import Fence, sqlite_saver
from bot.engines.langgraph.loading.factories import Saver
from bot.private_files import private_file, private_folder
from bot.settings import Settings, Store
from bot.storage.sqlite.store import SqliteStorage

log = logging.getLogger(__name__)

RECORDS = "countersign.sqlite"
"""The file of the records, in STATE_DIR."""
CHECKPOINTS = "checkpoints.sqlite"
"""The file of the graphs' state, in STATE_DIR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The open stores, with the one clock that goes with them."""

    storage: Storage
    saver: Saver
    clock: Clock
    set_clock: Callable[[], Awaitable[None]]
    """Sets the clock by the store's. Called now and then."""


def system_clock() -> datetime:
    """This machine's time."""
    return datetime.now(UTC)


@asynccontextmanager
async def opened(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Stores]:
    """The stores that the settings name. Raises `SettingsError`, with what to do, if they cannot be used.

    `clock` is used with SQLite. With Redis, all processes go by Redis' time.
    """
    private_folder(settings.state_dir)
    async with AsyncExitStack() as stack:
        if settings.redis_url is None:
            yield await _sqlite(settings, clock, stack)
        else:
            yield await _redis(settings, settings.redis_url.get_secret_value(), stack)


@asynccontextmanager
async def records(settings: Store) -> AsyncIterator[Storage]:
    """The records alone, for a command that runs beside the bot. Raises `SettingsError` if there are none."""
    async with AsyncExitStack() as stack:
        if settings.redis_url is None:
            file = settings.state_dir / RECORDS
            if not file.exists():
                raise SettingsError(
                    f"STATE_DIR {settings.state_dir}: there are no records in it, and REDIS_URL is not set."
                )
            storage = await SqliteStorage.open(file)
            stack.push_async_callback(storage.close)
            yield storage
        else:
            from bot.storage.redis import server
            from bot.storage.redis.store import RedisStorage, client

            redis = client(settings.redis_url.get_secret_value())
            stack.push_async_callback(redis.aclose)
            await server.refuse_unfit(redis)
            yield RedisStorage(redis)


@asynccontextmanager
async def timed_records(settings: Store) -> AsyncIterator[tuple[Storage, Clock]]:
    """The records as `records` opens them, with the clock that the bot goes by."""
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(records(settings))
        if settings.redis_url is None:
            yield storage, system_clock
            return
        from bot.storage.redis import server
        from bot.storage.redis.store import client

        redis = client(settings.redis_url.get_secret_value())
        stack.push_async_callback(redis.aclose)
        clock = server.RedisClock(redis=redis)
        await clock.set()
        yield storage, clock


async def _sqlite(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Stores:
    private_file(settings.state_dir / CHECKPOINTS)
    storage = await SqliteStorage.open(settings.state_dir / RECORDS)
    stack.push_async_callback(storage.close)
    fence = _fence(storage, clock, settings.lease_ttl)
    saver = await stack.enter_async_context(sqlite_saver(settings.state_dir / CHECKPOINTS, fence))
    return Stores(storage=storage, saver=saver, clock=clock, set_clock=_already_right)


async def _redis(settings: Settings, url: str, stack: AsyncExitStack) -> Stores:
    from bot.engines.langgraph.checkpoints.redis import redis_saver
    from bot.storage.redis import server
    from bot.storage.redis.store import RedisStorage, client

    redis = client(url)
    stack.push_async_callback(redis.aclose)
    for risk in await server.refuse_unfit(redis):
        log.warning("%s", risk)
    clock = server.RedisClock(redis=redis)
    await clock.set()
    storage = RedisStorage(redis)
    stack.push_async_callback(storage.close)
    fence = _fence(storage, clock, settings.lease_ttl)
    saver = await stack.enter_async_context(redis_saver(url, fence))
    return Stores(storage=storage, saver=saver, clock=clock, set_clock=clock.set)


def _fence(storage: Storage, clock: Clock, ttl: timedelta) -> Fence:
    """Tells whether a token still holds its thread. The savers ask before each write. A lease that ran out while
    storage was down, and that nobody took, is renewed first."""

    async def holds(thread_id: ThreadId, token: int) -> bool:
        lease = Lease(thread_id=thread_id, token=token, until=clock())
        if await storage.holds(lease, clock()):
            return True
        return storage.renew(lease, ttl, clock()) is not None

    return holds


async def _already_right() -> None:
    """This machine's clock needs no setting."""
