"""The saver for several processes: LangGraph's on Redis, with our serializer, the fence, and atomic writes.

`AsyncRedisSaver` itself keeps state as JSON, which loses types and creates classes from words in the data. It writes
in several steps, and once more when it is cancelled, which is when a lease was lost. Only its indexes, its keys, and
its ways to read and delete are used here. `tests/unit/engines/langgraph/test_canaries.py` watches the private names.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    PendingWrite,
    get_checkpoint_id,
    get_checkpoint_metadata,
    writes_sort_key,
)
from langgraph.checkpoint.redis.aio import AsyncRedisSaver
from langgraph.checkpoint.redis.util import to_storage_safe_id, to_storage_safe_str
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import TimeoutError as NoAnswer

from bot.approvals.model.errors import SettingsError
from bot.engines.langgraph.checkpoints.fence import Fence, asking, noted
from bot.engines.langgraph.checkpoints.ledger import ledger_of
from bot.engines.langgraph.checkpoints.patience import saved
from bot.engines.langgraph.checkpoints.serializer import TypedSerializer
from bot.shared_redis import SharedRedis

PREFIX = "countersign"
"""The prefix of the saver's keys and of its indexes' names."""

CONNECT_TIMEOUT, ANSWER_TIMEOUT = 3.0, 5.0
"""In seconds. Every command may be repeated, because each sets a value whatever was there."""
RETRIES = 2
PAUSES = (0.1, 0.5)
"""Before each of them."""
HEALTH_CHECK = 15
"""Seconds after which an idle connection is tested before it is used."""


class FencedRedisSaver(AsyncRedisSaver):
    """LangGraph's Redis saver, which keeps every value as it was put and writes only for the holder of the lease."""

    def __init__(self, client: SharedRedis, fence: Fence, prefix: str = PREFIX) -> None:
        super().__init__(
            redis_client=client,
            checkpoint_prefix=f"{prefix}:checkpoint",
            checkpoint_write_prefix=f"{prefix}:checkpoint_write",
        )
        self.serde = TypedSerializer()
        self._client = client
        self._json = client.json()
        self._fence = fence

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return noted(config, await super().aget_tuple(config))

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,  # noqa: ARG002 - every value is put each time
        stream_mode: str = "values",  # noqa: ARG002 - the parent's; it would decide what a cancelled put still writes
    ) -> RunnableConfig:
        """The checkpoint and the pointer to it, in one transaction."""
        configurable = config["configurable"]
        thread_id, namespace, id = str(configurable["thread_id"]), configurable["checkpoint_ns"], checkpoint["id"]
        parent = configurable.get("checkpoint_id")
        kept = get_checkpoint_metadata(config, metadata)
        document: dict[str, Any] = {
            **_place(thread_id, namespace, id),
            "parent_checkpoint_id": parent if parent and parent != id else "",
            "run_id": str(kept.get("run_id", "")),
            "source": kept.get("source", ""),
            "step": kept.get("step", 0),
            "has_writes": True,  # so that `alist` looks for them
            "checkpoint": self._blob(checkpoint),
            "metadata": json.dumps(kept),
        }
        key = self._make_redis_checkpoint_key(thread_id, namespace, id)
        latest, text = self._make_redis_checkpoint_latest_key(thread_id, namespace), json.dumps(document)

        async def put() -> None:
            await self._client.together([("JSON.SET", key, "$", text), ("SET", latest, key)])

        await saved(self._fence, config, put)
        place = {"thread_id": thread_id, "checkpoint_ns": namespace, "checkpoint_id": id}
        return RunnableConfig(configurable=place)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Stores all of the writes or none. A task's first results count, and its last answers and errors."""
        asking(config, writes, task_id)
        if not writes:
            return
        configurable = config["configurable"]
        place = (str(configurable["thread_id"]), configurable.get("checkpoint_ns", ""), configurable["checkpoint_id"])
        replaces = all(channel in WRITES_IDX_MAP for channel, _ in writes)
        documents: dict[str, str] = {}
        keys: dict[str, int] = {}
        for position, (channel, value) in enumerate(writes):
            idx = WRITES_IDX_MAP.get(channel, position)
            key = self._make_redis_checkpoint_writes_key(*place, task_id, idx)
            document: dict[str, Any] = {
                **_place(*place),
                "task_id": task_id,
                "task_path": task_path,
                "idx": idx,
                "channel": channel,
                **self._blob(value),
            }
            documents[key], keys[key] = json.dumps(document), idx
        assert self._key_registry is not None  # noqa: S101 - made by `asetup`
        index, only_new = self._key_registry.make_write_keys_zset_key(*place), () if replaces else ("NX",)

        async def put() -> None:
            numbered = [word for key, idx in keys.items() for word in (idx, key)]
            stored = [("JSON.SET", key, "$", text, *only_new) for key, text in documents.items()]
            await self._client.together([*stored, ("ZADD", index, *numbered)])

        await saved(self._fence, config, put)
        if (ledger := ledger_of(config)) is not None:
            ledger.saved(task_id, writes)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """The checkpoints, newest first. The index cannot tell the root's namespace from none, or compare LangGraph's
        ids, so this is done here."""
        configurable = config["configurable"] if config is not None else {}
        end = get_checkpoint_id(before) if before is not None else None
        found = 0
        async for entry in super().alist(config):
            place = entry.config["configurable"]
            wanted = (
                configurable.get("checkpoint_ns", place["checkpoint_ns"]) == place["checkpoint_ns"]
                and (end is None or place["checkpoint_id"] < end)
                and all(entry.metadata.get(key) == value for key, value in (filter or {}).items())
            )
            if not wanted:
                continue
            if limit is not None and found >= limit:
                return
            found += 1
            yield entry

    async def aprune(
        self,
        thread_ids: Sequence[str],
        *,
        strategy: str = "keep_latest",
        keep_last: int | None = None,
        max_results: int = 10_000,
    ) -> None:
        """Keeps only the newest checkpoint of each namespace, with its pending writes; with "delete", nothing.

        Not for graphs with a `DeltaChannel`, which needs its earlier checkpoints.
        """
        if thread_ids:
            await super().aprune(thread_ids, strategy=strategy, keep_last=keep_last, max_results=max_results)

    async def aget_channel_values(self, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
        """Empty, because a checkpoint contains its values."""
        return {}

    def _load_checkpoint(
        self,
        checkpoint: dict[str, Any] | str,
        channel_values: dict[str, Any],  # noqa: ARG002 - both are within
        pending_sends: list[Any],  # noqa: ARG002
    ) -> Checkpoint:
        document = json.loads(checkpoint) if isinstance(checkpoint, str) else checkpoint
        loaded: Checkpoint = self._value(document)
        return loaded

    async def _aload_pending_sends(self, *_args: Any, **_kwargs: Any) -> list[Any]:
        """Empty, because since 1.0 LangGraph keeps sends in a channel."""
        return []

    async def _abatch_load_pending_sends(self, *_args: Any) -> dict[Any, Any]:
        return {}

    async def _aload_pending_writes(
        self, thread_id: str, checkpoint_ns: str = "", checkpoint_id: str = ""
    ) -> list[PendingWrite]:
        """The pending writes, in the order in which LangGraph applies them."""
        assert self._key_registry is not None  # noqa: S101 - made by `asetup`
        keys = await self._key_registry.get_write_keys(thread_id, checkpoint_ns, checkpoint_id)
        if not keys:
            return []
        fetched: list[Any] = await self._json.mget(keys, "$")
        documents: list[dict[str, Any]] = [found[0] for found in fetched if found]
        documents.sort(key=lambda write: writes_sort_key(write["task_path"], write["task_id"], write["idx"]))
        return [(write["task_id"], write["channel"], self._value(write)) for write in documents]

    async def _abatch_load_pending_writes(
        self, batch_keys: list[tuple[str, str, str]]
    ) -> dict[tuple[str, str, str], list[PendingWrite]]:
        return {place: await self._aload_pending_writes(*place) for place in batch_keys}

    def _blob(self, value: Any) -> dict[str, str]:
        """The value as the two fields of a document."""
        format, content = self.serde.dumps_typed(value)
        return {"type": format, "blob": base64.b64encode(content).decode("ascii")}

    def _value(self, document: dict[str, str]) -> Any:
        return self.serde.loads_typed((document["type"], base64.b64decode(document["blob"])))


def _place(thread_id: str, namespace: str, checkpoint_id: str) -> dict[str, str]:
    """The indexed fields of a document, which say where it belongs."""
    return {
        "thread_id": to_storage_safe_id(thread_id),
        "checkpoint_ns": to_storage_safe_str(namespace),
        "checkpoint_id": to_storage_safe_id(checkpoint_id),
    }


@contextlib.asynccontextmanager
async def redis_saver(url: str, fence: Fence, prefix: str = PREFIX) -> AsyncIterator[FencedRedisSaver]:
    """A saver on the Redis at this address. Raises SettingsError if there is none, or if it lacks its modules."""
    client: Any = SharedRedis.from_url(
        url,
        protocol=2,  # as the saver's library reads the answers of the modules
        socket_connect_timeout=CONNECT_TIMEOUT,
        socket_timeout=ANSWER_TIMEOUT,
        health_check_interval=HEALTH_CHECK,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=1), RETRIES),
    )
    client.pauses = PAUSES
    async with client:
        await _refuse_unusable(client, url)
        saver = FencedRedisSaver(client, fence, prefix)
        await saver.asetup()
        yield saver


async def _refuse_unusable(client: Redis, url: str) -> None:
    """Raises SettingsError if the saver cannot work there. The error never contains the address's password."""
    parts = urlsplit(url)
    where = f"REDIS_URL, {parts.hostname or url}:{parts.port or 6379}"
    try:
        await client.ping()
        for command in (("JSON.GET", PREFIX), ("FT._LIST",)):
            await client.execute_command(*command)  # type: ignore[no-untyped-call]
    except AuthenticationError as error:
        raise SettingsError(f"{where}: Redis refuses the name or password in this address ({error}).") from None
    except (NoConnection, NoAnswer) as error:
        raise SettingsError(f"{where}: no Redis answers there ({error}).") from None
    except ResponseError as error:
        if "unknown command" not in str(error):
            raise SettingsError(f"{where}: Redis refuses to be used ({error}).") from None
        raise SettingsError(
            f"{where}: this Redis has no search and JSON modules, which the graphs' state needs. "
            "Redis 8 and Redis Stack have them."
        ) from None
    except RedisError as error:
        raise SettingsError(f"{where}: cannot be used ({error}).") from None
    database = client.connection_pool.connection_kwargs.get("db", 0)
    if database != 0:
        raise SettingsError(f"{where}: this address names database {database}, and Redis indexes only database 0.")
