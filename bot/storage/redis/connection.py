"""Clients of a Redis server, with time limits: one for the event loop, and one for threads that have none."""

from __future__ import annotations

from typing import Final, cast

from redis import Redis as BlockingRedis
from redis import connection
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.shared_redis import SharedRedis

PREFIX: Final = "{countersign}:"
"""Of every key. Its hash tag puts them all into one slot."""
MAX_ANSWER_SECONDS: Final = 1.0
"""How long one command may take. A click has to be answered within three seconds."""
MAX_QUEUE_SECONDS: Final = 2.0
"""How long a caller waits for its turn: for a free connection, and for the end of the audit log."""
MAX_CONNECTIONS: Final = 16
PATIENT_SECONDS: Final = 10.0
"""How long a client that waits for hints gives the server to answer."""


def client(url: str) -> SharedRedis:
    """A client with time limits, which repeats a command once if it got no answer.

    Repeating is harmless, because each change carries an id by which Redis recognizes it. Single commands share one
    connection. A pipeline that finds no free connection waits in line: a hundred at once would only slow each other
    down.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=MAX_QUEUE_SECONDS,
        decode_responses=True,
        socket_timeout=MAX_ANSWER_SECONDS,
        socket_connect_timeout=MAX_ANSWER_SECONDS,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 1),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    return cast("SharedRedis", SharedRedis.from_pool(pool))


def patient(url: str) -> SharedRedis:
    """A client for hints, which waits at the server until there is one."""
    return cast(
        "SharedRedis",
        SharedRedis.from_url(
            url, decode_responses=True, socket_timeout=PATIENT_SECONDS, socket_connect_timeout=MAX_ANSWER_SECONDS
        ),
    )


def blocking(redis: Redis) -> BlockingRedis:
    """A client of the same server for threads without an event loop. It connects when it is first used."""
    pool = redis.connection_pool
    only_asyncio = ("retry", "retry_on_error")
    settings = {name: value for name, value in pool.connection_kwargs.items() if name not in only_asyncio}
    kind = getattr(connection, pool.connection_class.__name__)  # the same name in both kinds of client
    return BlockingRedis.from_pool(connection.ConnectionPool(connection_class=kind, **settings))
