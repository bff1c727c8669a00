"""The audit log as somebody can change it who has the file, or the database, and knows how it is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from redis import Redis

FIELDS = ("body", "digest", "link")


class Tampering(Protocol):
    """Whatever is done in the block of `undone` is taken back at its end."""

    def undone(self) -> Any: ...

    def read(self, number: int, field: str) -> bytes:
        """The bytes of `body`, `digest` or `link` of an entry, as they are stored."""
        ...

    def write(self, number: int, field: str, value: bytes) -> None: ...

    def swap(self, one: int, another: int) -> None:
        """Let two entries change places, with all that is theirs."""
        ...

    def remove(self, number: int) -> None: ...

    def cut(self, number: int) -> None:
        """Remove this entry and all that follow it."""
        ...

    def insert(self, number: int, copy_of: int) -> None:
        """Put an entry before this one."""
        ...

    def file(self, number: int, task_id: str) -> None:
        """File an entry under another task."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteTampering:
    connection: sqlite3.Connection

    @classmethod
    @contextmanager
    def of(cls, path: Path) -> Iterator[SqliteTampering]:
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as file:
            for trigger in ("events_stay_as_they_are", "events_are_kept"):
                file.execute(f"DROP TRIGGER {trigger}")
            yield cls(connection=file)

    @contextmanager
    def undone(self) -> Iterator[None]:
        self.connection.execute("CREATE TABLE before AS SELECT * FROM events")
        self.connection.execute("CREATE TABLE counted AS SELECT * FROM sqlite_sequence")
        yield
        self.connection.execute("DELETE FROM events")
        self.connection.execute("INSERT INTO events SELECT * FROM before")
        self.connection.execute("UPDATE sqlite_sequence SET seq = (SELECT seq FROM counted WHERE name = 'events')")
        self.connection.execute("DROP TABLE before")
        self.connection.execute("DROP TABLE counted")

    def read(self, number: int, field: str) -> bytes:
        query = f"SELECT CAST({field} AS BLOB) FROM events WHERE seq = ?"  # noqa: S608
        ((value,),) = self.connection.execute(query, (number,)).fetchall()
        return bytes(value)

    def write(self, number: int, field: str, value: bytes) -> None:
        as_text = "TEXT" if field == "body" else "BLOB"
        self.connection.execute(f"UPDATE events SET {field} = CAST(? AS {as_text}) WHERE seq = ?", (value, number))  # noqa: S608

    def swap(self, one: int, another: int) -> None:
        for old, new in ((one, -1), (another, one), (-1, another)):
            self.connection.execute("UPDATE events SET seq = ? WHERE seq = ?", (new, old))

    def remove(self, number: int) -> None:
        self.connection.execute("DELETE FROM events WHERE seq = ?", (number,))

    def cut(self, number: int) -> None:
        self.connection.execute("DELETE FROM events WHERE seq >= ?", (number,))

    def insert(self, number: int, copy_of: int) -> None:
        copied = self.connection.execute(
            "SELECT task_id, request_id, body, digest, link FROM events WHERE seq = ?", (copy_of,)
        ).fetchall()
        for way in (-1, 1):  # through numbers that nobody has
            self.connection.execute(
                "UPDATE events SET seq = -seq + :one WHERE seq >= :number OR seq < 0",
                {"one": 1 if way == 1 else 0, "number": number},
            )
        self.connection.executemany(
            "INSERT INTO events (seq, task_id, request_id, body, digest, link) VALUES (?, ?, ?, ?, ?, ?)",
            [(number, *row) for row in copied],
        )

    def file(self, number: int, task_id: str) -> None:
        self.connection.execute("UPDATE events SET task_id = ? WHERE seq = ?", (task_id, number))


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisTampering:
    redis: Any
    prefix: str

    @classmethod
    @contextmanager
    def of(cls, url: str, prefix: str) -> Iterator[RedisTampering]:
        with Redis.from_url(url) as redis:
            yield cls(redis=redis, prefix=prefix)

    @contextmanager
    def undone(self) -> Iterator[None]:
        keys = [key for key in self.redis.keys(self.prefix + "*") if self.redis.type(key) == b"list"]
        before = {key: self.redis.lrange(key, 0, -1) for key in keys}
        yield
        for key, values in before.items():
            self.redis.delete(key)
            self.redis.rpush(key, *values)

    def read(self, number: int, field: str) -> bytes:
        if field == "body":
            return bytes(self.redis.lindex(*self._place(number)))
        return self._entry(number)[FIELDS.index(field) - 1]

    def write(self, number: int, field: str, value: bytes) -> None:
        if field == "body":
            self.redis.lset(*self._place(number), value)
            return
        parts = self._entry(number)
        parts[FIELDS.index(field) - 1] = value
        self.redis.lset(self._chain, number - 1, b" ".join(parts))

    def swap(self, one: int, another: int) -> None:
        first, second = (b" ".join(self._entry(number)) for number in (one, another))
        self.redis.lset(self._chain, one - 1, second)
        self.redis.lset(self._chain, another - 1, first)

    def remove(self, number: int) -> None:
        self.redis.lset(self._chain, number - 1, b"removed")
        self.redis.lrem(self._chain, 1, b"removed")

    def cut(self, number: int) -> None:
        self.redis.ltrim(self._chain, 0, number - 2) if number > 1 else self.redis.delete(self._chain)

    def insert(self, number: int, copy_of: int) -> None:
        copied, follower = b" ".join(self._entry(copy_of)), b" ".join(self._entry(number))
        self.redis.lset(self._chain, number - 1, b"here")
        self.redis.linsert(self._chain, "BEFORE", b"here", copied)
        self.redis.lset(self._chain, number, follower)

    def file(self, number: int, task_id: str) -> None:
        *parts, _ = self._entry(number)
        self.redis.lset(self._chain, number - 1, b" ".join([*parts, task_id.encode()]))

    @property
    def _chain(self) -> str:
        return self.prefix + "chain"

    def _entry(self, number: int) -> list[bytes]:
        return bytes(self.redis.lindex(self._chain, number - 1)).split(b" ", 3)

    def _place(self, number: int) -> tuple[str, int]:
        *_, place, task = self._entry(number)
        return f"{self.prefix}history:{task.decode()}", int(place)
