"""A client whose callers share one connection to Redis. It takes a quarter of the CPU of redis-py's pool: commands are
written together, whoever sends them, and the answers come in the same order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.client import NEVER_DECODE
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, NoScriptError
from redis.exceptions import TimeoutError as RedisTimeoutError

Words: TypeAlias = tuple[Any, ...]
"""A command: texts, bytes and numbers."""
GRACE_SECONDS: Final = 0.05
"""An event loop that stood still reads answers within this time before anything counts as unanswered."""


class SharedRedis(Redis):
    """A client that repeats a command if it got no answer within the pool's `socket_timeout`.

    Pipelines, and replies that are not to be decoded, go through the pool. A command that waits at Redis keeps all who
    share the connection waiting.
    """

    pauses: Sequence[float] = (0.05,)
    """In seconds, before each time that a command is repeated."""
    _line: _Line | None = None
    _connecting: asyncio.Task[_Line] | None = None
    _is_closed = False

    async def execute_command(self, *words: Any, **options: Any) -> Any:
        if NEVER_DECODE in options:
            return await super().execute_command(*words, **options)  # type: ignore[no-untyped-call]
        answer = await self._answer([(*words[0].split(), *words[1:])])
        options.pop("keys", None)
        understood = self.response_callbacks.get(words[0])
        return answer if understood is None else understood(answer, **options)

    async def together(self, commands: Sequence[Words]) -> list[Any]:
        """The answers to these commands, which Redis runs as one. Raises what it refused."""
        answers: list[Any] = await self._answer([("MULTI",), *commands, ("EXEC",)])
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    async def script(self, text: str, digest: str, *words: str | int) -> Any:
        """What the Lua script returns; `digest` is its SHA-1. The words are the number of keys, keys and arguments."""
        try:
            return await self.execute_command("EVALSHA", digest, *words)
        except NoScriptError:
            return await self.execute_command("EVAL", text, *words)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        self._is_closed = True
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
            await asyncio.wait([connecting])
        line, self._line = self._line, None
        if line is not None:
            await line.close()
        await super().aclose(close_connection_pool)

    async def _answer(self, commands: Sequence[Words]) -> Any:
        """The answer to the last of these commands, which are sent in one piece."""
        for pause in self.pauses:
            try:
                return await (await self._connected()).ask(commands)
            except (RedisConnectionError, RedisTimeoutError):
                await asyncio.sleep(pause)
        return await (await self._connected()).ask(commands)

    async def _connected(self) -> _Line:
        """The connection. Those who need a new one at the same time wait for the same one."""
        if self._line is not None and not self._line.is_over:
            return self._line
        if self._is_closed:
            raise RedisConnectionError("the client was closed")
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name="connect to Redis")
            self._connecting.add_done_callback(self._is_decided)
        connecting = self._connecting
        await asyncio.wait([connecting])
        if connecting.cancelled():
            raise RedisConnectionError("the client was closed")
        return connecting.result()

    def _is_decided(self, connecting: asyncio.Task[_Line]) -> None:
        if self._connecting is connecting:
            self._connecting = None
        if not connecting.cancelled():
            connecting.exception()  # has been seen, even if nobody waits any more

    async def _connect(self) -> _Line:
        before, self._line = self._line, None
        if before is not None:
            await before.close()
        pool = self.connection_pool
        connection = pool.connection_class(**{**pool.connection_kwargs, "retry": Retry(NoBackoff(), 0)})
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            self._line = _Line(connection, pool.connection_kwargs["socket_timeout"])
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return self._line


class _Line(asyncio.Protocol):
    """An open connection. redis-py has made it, with its address, certificates and password; what is said from now on
    is this object's."""

    def __init__(self, connection: AbstractConnection, limit: float) -> None:
        writer = connection._writer  # redis-py gives out no transport
        assert writer is not None  # noqa: S101 - it is connected
        self._connection: Final = connection
        self._transport: Final = writer.transport
        self._loop: Final = asyncio.get_running_loop()
        self._limit: Final = limit
        self._answers: Final = hiredis.Reader(
            protocolError=InvalidResponse,
            replyError=connection._parser.parse_error,
            encoding="utf-8" if connection.encoder.decode_responses else None,
            notEnoughData=_NOTHING,
        )
        self._waiting: Final[deque[tuple[asyncio.Future[Any] | None, float]]] = deque()
        """Who waits for the next answers, and since when. None: nobody does."""
        self._unsent: Final[list[bytes]] = []
        self._overdue: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.is_over = False
        self._transport.set_protocol(self)

    def ask(self, commands: Sequence[Words]) -> asyncio.Future[Any]:
        """Send commands. The last one's answer is passed over, too, if nobody waits for it any more."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        if self.is_over:
            answer.set_exception(RedisConnectionError("the connection was lost"))
            return answer
        now = self._loop.time()
        self._waiting.extend([(None, now)] * (len(commands) - 1))
        self._waiting.append((answer, now))
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.extend(map(hiredis.pack_command, commands))
        if self._timer is None:
            self._timer = self._loop.call_later(self._limit, self._look)
        return answer

    def _send(self) -> None:
        """One system call for all commands of this turn of the loop."""
        if not self.is_over:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        self._answers.feed(data)
        try:
            while (answer := self._answers.gets()) is not _NOTHING:
                if not isinstance(answer, hiredis.PushNotification):
                    _give(self._waiting.popleft()[0], answer)
        except (InvalidResponse, IndexError) as nonsense:
            self._end(RedisConnectionError(f"Redis said something else than an answer: {nonsense}"))

    def connection_lost(self, why: Exception | None) -> None:
        self._end(RedisConnectionError(f"the connection was lost: {why or 'Redis closed it'}"))

    async def close(self) -> None:
        self._end(RedisConnectionError("the client was closed"))
        with suppress(OSError):
            await self._connection.disconnect(nowait=True)

    def _look(self) -> None:
        """End the connection if an answer is overdue. The timer may be earlier than an answer that is there to be read,
        so the answer is given a moment."""
        self._timer = None
        if not self._waiting:
            return
        since = self._waiting[0][1]
        left = since + self._limit - self._loop.time()
        if left <= 0 and since == self._overdue:
            self._end(RedisTimeoutError(f"no answer within {self._limit:g} s"))
            return
        if left <= 0:
            self._overdue = since
        self._timer = self._loop.call_later(max(left, GRACE_SECONDS), self._look)

    def _end(self, why: Exception) -> None:
        self.is_over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport.abort()
        while self._waiting:
            _give(self._waiting.popleft()[0], why)


_NOTHING: Final = object()


def _give(waiting: asyncio.Future[Any] | None, answer: Any) -> None:
    if waiting is None or waiting.done():
        return
    if isinstance(answer, Exception):
        waiting.set_exception(answer)
    else:
        waiting.set_result(answer)
