"""Where records are kept: in Redis if REDIS_URL is set, else in a SQLite file. Opened for `app`.

Redis' libraries are imported only if it is used. The demo has none.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias

from bot.approvals.model.errors import SettingsError
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Clock
from bot.private_files import private_folder
from bot.runtime.one_bot import role_held
from bot.settings import RoleSettings, Store
from bot.storage.sqlite.schema import MIGRATIONS
from bot.storage.sqlite.store import SqliteStorage

log = logging.getLogger(__name__)

RECORDS = "countersign.sqlite"
"""The file of the records, in STATE_DIR."""
CHECKPOINTS: Final = "checkpoints.sqlite"
"""The file of the graphs' state, in STATE_DIR."""
VERSION: Final = len(MIGRATIONS)
"""The highest version of records that this bot knows; see `bot.storage.version`."""


Timed: TypeAlias = Callable[[], AbstractAsyncContextManager[Clock]]
"""Opens the clock that a process goes by, if its records are in SQLite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The open records, with the one clock that goes with them."""

    storage: Storage
    clock: Clock
    set_clock: Callable[[], Awaitable[None]]
    """Sets the clock by the store's. Called now and then."""


def system_clock() -> datetime:
    """This machine's time."""
    return datetime.now(UTC)


@asynccontextmanager
async def opened(
    settings: RoleSettings, clock: Clock = system_clock, telemetry: Telemetry = SILENT
) -> AsyncIterator[Stores]:
    """The stores that the settings name. Raises `SettingsError`, with what to do, if they cannot be used.

    `clock` is used with SQLite. With Redis, all processes go by Redis' time.
    """
    private_folder(settings.state_dir)
    async with AsyncExitStack() as stack:
        if settings.redis_url is None:
            yield await _sqlite(settings, clock, stack, telemetry)
        else:
            yield await _redis(settings.redis_url.get_secret_value(), stack, telemetry)


@contextmanager
def one_of_its_kind(settings: RoleSettings, role: str) -> Iterator[None]:
    """Makes sure, while the block runs, that no other process of this role uses the SQLite files of STATE_DIR. Raises
    `SettingsError` if one does. On Redis there may be any number."""
    if settings.redis_url is not None:
        yield
        return
    with role_held(settings.state_dir, role):
        yield


@asynccontextmanager
async def records(settings: Store) -> AsyncIterator[Storage]:
    """The records alone, for a command that runs beside the bot. Raises `SettingsError` if there are none."""
    async with AsyncExitStack() as stack:
        if settings.redis_url is None:
            file = settings.state_dir / RECORDS
            if not file.exists():
                raise SettingsError(
                    f"STATE_DIR {settings.state_dir}: there are no records in it, and REDIS_URL is not set. "
                    "Start the bot once, or name its folder: the demo's is STATE_DIR=var/demo/state."
                )
            storage = await SqliteStorage.open(file)
            stack.push_async_callback(storage.close)
            yield storage
        else:
            from bot.storage.redis import server
            from bot.storage.redis.store import RedisStorage, client

            redis = client(settings.redis_url.get_secret_value())
            stack.push_async_callback(redis.aclose)
            await server.refuse_unfit(redis, VERSION)
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


async def _sqlite(settings: RoleSettings, clock: Clock, stack: AsyncExitStack, telemetry: Telemetry) -> Stores:
    storage = await SqliteStorage.open(settings.state_dir / RECORDS, telemetry=telemetry)
    stack.push_async_callback(storage.close)
    return Stores(storage=storage, clock=clock, set_clock=_already_right)


async def _redis(url: str, stack: AsyncExitStack, telemetry: Telemetry) -> Stores:
    from bot.storage.redis import server
    from bot.storage.redis.store import RedisStorage, client

    redis = client(url)
    stack.push_async_callback(redis.aclose)
    for risk in await server.refuse_unfit(redis, VERSION):
        log.warning("%s", risk)
    await server.stamp(redis, VERSION)
    clock = server.RedisClock(redis=redis)
    await clock.set()
    storage = RedisStorage(redis, telemetry=telemetry)
    stack.push_async_callback(storage.close)
    return Stores(storage=storage, clock=clock, set_clock=clock.set)


async def _already_right() -> None:
    """This machine's clock needs no setting."""
