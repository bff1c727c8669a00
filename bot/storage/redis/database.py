"""The keys under one prefix on a Redis server: read, and changed as a whole. `RedisStorage` works through it."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from itertools import accumulate, count
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast

from redis.exceptions import RedisError

from bot.approvals.model.audit import GENESIS, digest_of, link_of
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.facts import Recorded, StorageAnswered, StorageUnreachable, named
from bot.approvals.model.inbox import Inbox
from bot.approvals.model.message import Message
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.model.token import Token
from bot.approvals.model.trouble import Trouble
from bot.approvals.model.webhook import Webhook
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.shared_redis import SharedRedis
from bot.storage.codec import encode
from bot.storage.reader import Reader
from bot.storage.redis import scripts

PAUSE_SECONDS: Final = 0.002
"""How long a change waits before it tries again, while the audit log is reserved for another one."""

Step: TypeAlias = list[str]
"""A guard or a step of `scripts.COMMIT`: its name, then its arguments."""
Result = TypeVar("Result")
Found = TypeVar("Found", Task, Request, Message, Inbox, Token, Webhook, Trouble)


class Database:
    """All keys under one prefix. Any number of processes may use the same prefix at once."""

    def __init__(self, redis: SharedRedis, prefix: str, max_wait: timedelta, telemetry: Telemetry = SILENT) -> None:
        self.redis: Final = redis
        self.prefix: Final = prefix
        self.reader: Final = Reader()
        self.is_complete = False
        """Whether the indexes are known to hold what earlier versions stored (`listing.complete`)."""
        self.completing: asyncio.Task[None] | None = None
        self._max_wait = max_wait
        self._telemetry = telemetry
        self._head = GENESIS
        """The link of the audit log's head, as this process last saw it."""
        self._log = asyncio.Lock()
        self._name = secrets.token_hex(8)
        self._changes = count()
        self._digests = {text: sha1(text.encode(), usedforsecurity=False).hexdigest() for text in scripts.ALL}

    async def close(self) -> None:
        """End what is under way."""
        if self.completing is not None:
            self.completing.cancel()
            await asyncio.wait([self.completing])
        await self.redis.aclose()

    def key(self, kind: str, id: str) -> str:
        """The key of one record, or of what belongs to it."""
        return f"{self.prefix}{kind}:{id}"

    # --- Changes --------------------------------------------------------------------------------

    async def change(
        self, guards: Sequence[Step], steps: Sequence[Step] = (), *, events: Sequence[Recorded] = ()
    ) -> bool:
        """Add the events to the audit log and make the steps, all at once, and tell of the events. Returns False, and
        changes nothing, if a guard fails.

        The links of the events are made here, from the head of the log as this process last saw it. If the head has
        moved since, Redis refuses, tells the new head, and reserves the log for the next try.

        Raises `Unreachable` if Redis does not answer, or if the change waited for its turn for `max_wait`.
        """
        bodies = [encode(each.entry) for each in events]
        added = [
            [self.key("history", each.entry.task_id), body, digest_of(body.encode()), each.entry.task_id]
            for each, body in zip(events, bodies, strict=True)
        ]
        told = {"guards": guards, "events": added, "steps": steps, "at": moment(events[0].entry.at) if events else ""}
        change = [json.dumps(told), f"{self._name}{next(self._changes)}"]
        if not added:
            return await self._outcome(change) == "ok"
        async with self._log_for_one() as deadline:
            while True:
                links = _links(self._head, [digest for _, _, digest, _ in added])
                match await self._outcome([*change, self._head, *links]):
                    case "ok":
                        self._head = links[-1]
                        for each in events:
                            self._telemetry.tell(each)
                        return True
                    case "conflict":
                        return False
                    case "wait":
                        await asyncio.sleep(PAUSE_SECONDS)
                    case head:
                        self._head = head
                if asyncio.get_running_loop().time() >= deadline:
                    raise Unreachable("others kept adding to the audit log first")

    async def _outcome(self, arguments: Sequence[str]) -> str:
        """`ok`, `conflict`, `wait`, or the link of the head that the log has instead of the expected one."""
        return str(await self._answered("change", self._run(scripts.COMMIT, *arguments)))

    @asynccontextmanager
    async def _log_for_one(self) -> AsyncIterator[float]:
        """Let in one change of this process at a time, first come, first served. Of several at once, Redis would refuse
        all but one, because each needs to know the head. Yields the end of `max_wait`, in the loop's time."""
        deadline = asyncio.get_running_loop().time() + self._max_wait.total_seconds()
        if self._log.locked():
            try:
                async with asyncio.timeout_at(deadline):
                    await self._log.acquire()
            except TimeoutError as error:
                raise Unreachable("too many changes wait for their turn") from error
        else:
            await self._log.acquire()  # at once
        try:
            yield deadline
        finally:
            self._log.release()

    # --- Reads ----------------------------------------------------------------------------------

    async def run(self, script: str, *arguments: str | int) -> Any:
        """What one of the scripts returns."""
        return await self._answered("read", self._run(script, *arguments))

    async def body(self, kind: str, id: str) -> str | None:
        """The text of one record. Returns None if there is no such record."""
        found = cast("Awaitable[str | None]", self.redis.hget(self.key(kind, id), "body"))
        return await self._answered("read", found)

    async def records(self, cls: type[Found], kind: str, ids: Sequence[str]) -> tuple[Found, ...]:
        """The records with these ids, in this order, without those that do not exist."""
        if not ids:
            return ()
        async with self.redis.pipeline(transaction=False) as pipeline:
            for id in ids:
                pipeline.hget(self.key(kind, id), "body")
            bodies = await self._answered("read", pipeline.execute())
        return tuple(self.reader.read(cls, body) for body in bodies if body is not None)

    async def all_of(self, cls: type[Found], index: str, kind: str) -> tuple[Found, ...]:
        """The records of a list or a sorted set of ids, in its order."""
        return tuple(self.reader.read(cls, body) for body in await self.run(scripts.RELATED, index, kind))

    async def indexed(
        self, cls: type[Found], index: str, kind: str, *, most: str, limit: int, now: datetime, wanted: str = "all"
    ) -> tuple[Found, ...]:
        """The first records of a sorted set whose score is at most `most`; `wanted` as in `scripts.SELECT`."""
        found = await self.run(scripts.SELECT, index, most, limit, kind, moment(now), wanted)
        return tuple(self.reader.read(cls, body) for body in found)

    async def following(
        self, cls: type[Found], index: str, kind: str, after: tuple[datetime, str] | None, limit: int
    ) -> tuple[Found, ...]:
        """The first records of a sorted set that come after this moment and id, or the first of all."""
        least = "-inf" if after is None else moment(after[0])
        ids: list[str] = []
        offset = 0
        while len(ids) < limit:
            with reachable():
                found = await self.redis.zrange(
                    self.prefix + index, least, "+inf", byscore=True, offset=offset, num=limit, withscores=True
                )
            page = cast("list[tuple[str, float]]", found)
            ids += [id for id, at in page if after is None or (int(at), id) > (int(least), after[1])]
            if len(page) < limit:
                break
            offset += limit
        return await self.records(cls, kind, ids[:limit])

    @contextmanager
    def reachable(self, verb: Literal["read", "change"] = "read") -> Iterator[None]:
        """Raises `Unreachable` if Redis does not answer within the block, and tells of either."""
        began = time.perf_counter()
        try:
            with reachable():
                yield
        except Unreachable as away:
            self._telemetry.tell(StorageUnreachable(verb=verb, error=named(away)))
            raise
        self._telemetry.tell(StorageAnswered(verb=verb, seconds=time.perf_counter() - began))

    # --- Within ---------------------------------------------------------------------------------

    async def _run(self, script: str, *arguments: str | int) -> Any:
        return await self.redis.script(script, self._digests[script], 1, self.prefix, *arguments)

    async def _answered(self, verb: Literal["read", "change"], call: Awaitable[Result]) -> Result:
        """What Redis answers. Raises `Unreachable` if it does not, and tells of either."""
        with self.reachable(verb):
            return await call


@contextmanager
def reachable() -> Iterator[None]:
    """Raises `Unreachable` if Redis does not answer or refuses: it is down, full, read-only, or still loading."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise Unreachable(f"storage: {str(error) or type(error).__name__}") from error


def _links(head: str, digests: Sequence[str]) -> list[str]:
    """The links of entries with these digests that follow the head."""
    return list(accumulate(digests, link_of, initial=head))[1:]


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at: datetime) -> str:
    """Whole microseconds since 1970, so that scores compare as the times do."""
    return str((at - _EPOCH) // timedelta(microseconds=1))


def time_of(moment: str) -> datetime:
    """The time that a score is."""
    return _EPOCH + timedelta(microseconds=int(moment))
