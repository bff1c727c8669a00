"""What a Redis server needs to be trusted with approvals, and its clock. Each finding says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError

from bot.approvals.model.errors import SettingsError
from bot.storage.redis.connection import PREFIX
from bot.storage.version import refusal

OLDEST: Final = {"redis": (7, 2), "valkey": (8, 0)}
STAMP: Final = f"{PREFIX}version"
"""The key that holds the highest version of any bot that has worked on these records (`bot.storage.version`)."""
_RAISE: Final = """
local stamp = tonumber(redis.call('GET', KEYS[1]) or '0')
if tonumber(ARGV[1]) > stamp then redis.call('SET', KEYS[1], ARGV[1]) end
return stamp
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What an examination of the server found. The bot cannot work on it if anything is in `fatal`."""

    good: tuple[str, ...]
    fatal: tuple[str, ...]
    risky: tuple[str, ...]


async def examine(redis: Redis, version: int) -> Findings:
    """Examine the server for a bot that knows records up to this version. Changes nothing. It is a finding, too, if the
    server does not answer."""
    where = _address(redis)
    if number := redis.connection_pool.connection_kwargs.get("db"):
        return _unfit(
            f"REDIS_URL: it names database {number}. The search module has its index on database 0 alone: "
            "let the address end in /0."
        )
    try:
        look = _Look(redis=redis, info=cast("Mapping[str, Any]", await redis.info()), good=["database 0"])
        look.version()
        await look.modules()
        await look.stamp(version)
    except AuthenticationError:
        return _unfit(
            f"REDIS_URL: Redis at {where} refuses the user or password, or wants one: redis://USER:PASSWORD@HOST:6379/0."
        )
    except BusyLoadingError:
        return _unfit(f"REDIS_URL: Redis at {where} is still loading its data. Try again in a moment.")
    except ResponseError as error:
        return _unfit(f"REDIS_URL: Redis at {where} does not let this user look at it: {error}.")
    except (RedisError, OSError) as error:
        return _unfit(
            f"REDIS_URL: no Redis answers at {where} ({type(error).__name__}). Start it, or correct the address; "
            "without REDIS_URL the embedded SQLite is used."
        )
    look.append_only()
    look.eviction()
    return Findings(good=tuple(look.good), fatal=tuple(look.fatal), risky=tuple(look.risky))


async def refuse_unfit(redis: Redis, version: int) -> tuple[str, ...]:
    """Returns what is risky about this server. Raises `SettingsError`, with what is missing or too new, if a bot that
    knows records up to this version cannot work on it."""
    findings = await examine(redis, version)
    if findings.fatal:
        raise SettingsError("\n".join(findings.fatal))
    return findings.risky


async def stamp(redis: Redis, version: int) -> None:
    """Notes beside the records that a bot of this version works on them from now on. Raises `SettingsError` if a newer
    one does already."""
    found = int(await redis.eval(_RAISE, 1, STAMP, str(version)))
    if found > version:
        raise SettingsError(_newer(found, version))


def _newer(found: int, known: int) -> str:
    return refusal("REDIS_URL: what is in this Redis", found, known, "or restore a backup of before the upgrade")


@dataclass(slots=True, kw_only=True)
class _Look:
    redis: Redis
    info: Mapping[str, Any]
    good: list[str] = field(default_factory=list)
    fatal: list[str] = field(default_factory=list)
    risky: list[str] = field(default_factory=list)

    def version(self) -> None:
        kind = "valkey" if "valkey_version" in self.info else "redis"
        text = str(self.info[f"{kind}_version"])
        number = tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
        if number < OLDEST[kind]:
            oldest = ".".join(map(str, OLDEST[kind]))
            self.fatal.append(f"REDIS_URL: {kind} {text} is too old. Countersign needs {kind} {oldest} or newer.")
        else:
            self.good.append(f"{kind} {text}")

    async def modules(self) -> None:
        """Look for the commands that checkpoints use, because managed servers do not always list their modules."""
        needed = {"search": "FT.SEARCH", "JSON": "JSON.SET"}
        known = cast("list[Any]", await self.redis.execute_command("COMMAND INFO", *needed.values()))  # type: ignore[no-untyped-call]
        missing = [name for name, command in zip(needed, known, strict=True) if not command]
        if missing:
            self.fatal.append(
                f"REDIS_URL: this server lacks the {' and the '.join(missing)} module, in which graphs keep their "
                "state. Use Redis 8, which has them built in (image redis:8), or Redis Stack."
            )
        else:
            self.good.append("search and JSON modules")

    async def stamp(self, known: int) -> None:
        found = int(await self.redis.get(STAMP) or 0)
        if found > known:
            self.fatal.append(_newer(found, known))

    def append_only(self) -> None:
        if self.info.get("aof_enabled"):
            self.good.append("append-only file on")
        else:
            self.risky.append(
                "Redis keeps no append-only file, so a crash of it loses approvals. "
                "Set appendonly yes (CONFIG SET appendonly yes, and in redis.conf)."
            )

    def eviction(self) -> None:
        policy = str(self.info.get("maxmemory_policy", "unknown"))
        if policy == "noeviction":
            self.good.append("noeviction")
        else:
            self.risky.append(
                f"Redis evicts keys when its memory is full (maxmemory-policy {policy}), so approvals can vanish. "
                "Set maxmemory-policy noeviction."
            )


def _unfit(why: str) -> Findings:
    return Findings(good=(), fatal=(why,), risky=())


def _address(redis: Redis) -> str:
    keywords = redis.connection_pool.connection_kwargs
    return str(keywords.get("path") or f"{keywords.get('host', 'localhost')}:{keywords.get('port', 6379)}")


@dataclass(slots=True, kw_only=True)
class RedisClock:
    """The server's time, so that all replicas agree on what is due, even if their own clocks do not."""

    redis: Redis
    _offset: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._offset

    async def set(self) -> None:
        """Ask the server for its time, and take half of the round trip as the way back. Keeps the last answer if the
        server does not answer."""
        before = datetime.now(UTC)
        try:
            seconds, microseconds = await self.redis.time()
        except (RedisError, OSError):
            return
        halfway = before + (datetime.now(UTC) - before) / 2
        self._offset = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds) - halfway
