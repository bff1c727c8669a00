"""What a newer version of the bot has written is refused in words, and left as it is: going back is a restore."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from redis import Redis

from bot import stores
from bot.approvals.model.errors import SettingsError
from bot.engines.langgraph.checkpoints import sqlite_saver
from bot.settings import RoleSettings
from bot.storage.redis.server import STAMP
from bot.stores import VERSION
from tests.support.fakes.world import RITA
from tests.support.redis_server import RedisServer
from tests.upgrade.left import BEFORE_FACTS


class Left(Protocol):
    """What an earlier run of the bot left."""

    settings: RoleSettings

    def version(self) -> int: ...

    def stamp(self, version: int) -> None: ...

    def change(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the record of each request."""

    def texts(self) -> list[str]:
        """The records of all requests."""
        ...


@dataclass
class OnSqlite:
    settings: RoleSettings

    def _run(self, statement: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self.settings.state_dir / stores.RECORDS)) as file, file:
            return file.execute(statement, values).fetchall()

    def version(self) -> int:
        return int(self._run("PRAGMA user_version")[0][0])

    def stamp(self, version: int) -> None:
        self._run(f"PRAGMA user_version = {version}")

    def change(self, change: Callable[[dict[str, Any]], object]) -> None:
        for id, text in self._run("SELECT id, body FROM requests"):
            record = json.loads(text)
            change(record)
            self._run("UPDATE requests SET body = ? WHERE id = ?", json.dumps(record), id)

    def texts(self) -> list[str]:
        return [text for (text,) in self._run("SELECT body FROM requests ORDER BY id")]


@dataclass
class OnRedis:
    settings: RoleSettings
    redis: Redis

    def _keys(self) -> list[str]:
        return sorted(self.redis.scan_iter(f"{STAMP.removesuffix('version')}request:*"))

    def version(self) -> int:
        return int(str(self.redis.get(STAMP) or 0))

    def stamp(self, version: int) -> None:
        self.redis.set(STAMP, version)

    def change(self, change: Callable[[dict[str, Any]], object]) -> None:
        for key in self._keys():
            record = json.loads(str(self.redis.hget(key, "body")))
            change(record)
            self.redis.hset(key, "body", json.dumps(record))

    def texts(self) -> list[str]:
        return [str(self.redis.hget(key, "body")) for key in self._keys()]


@pytest.fixture(params=["sqlite", "redis"])
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Left]:
    given: dict[str, Any] = {"slack_bot_token": "xoxb-1", "state_dir": tmp_path}
    if request.param == "sqlite":
        shutil.copy(BEFORE_FACTS / "records.sqlite", tmp_path / stores.RECORDS)
        yield OnSqlite(RoleSettings(**given))
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    shutil.copytree(BEFORE_FACTS / "appendonlydir", server.folder / "appendonlydir")
    server.start()
    with Redis.from_url(server.url, decode_responses=True) as redis:
        yield OnRedis(RoleSettings(**given, redis_url=server.url), redis)


async def read(left: Left) -> int:
    """How many requests a bot of this version reads, which has just started."""
    async with stores.opened(left.settings) as opened:
        tasks = await opened.storage.tasks_of(RITA, 20)
        return sum([len(await opened.storage.requests_of(task.id)) for task in tasks])


async def test_a_bot_that_starts_notes_its_version_beside_the_records(left: Left) -> None:
    """From then on, an earlier version that looks for the note leaves the records alone."""
    assert await read(left) == 5

    assert left.version() == VERSION
    assert await read(left) == 5


async def test_records_of_a_higher_version_stop_the_start_and_stay_as_they_are(left: Left) -> None:
    """The sentence says which version is too low, and what to do."""
    before = left.texts()
    left.stamp(VERSION + 1)

    with pytest.raises(SettingsError, match=f"newer Countersign .version {VERSION + 1} of the records.*backup"):
        await read(left)

    assert (left.version(), left.texts()) == (VERSION + 1, before)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda record: record.__setitem__("witness", "U1"), "witness"),
        (lambda record: record["question"].__setitem__("witness", "U1"), "witness"),
        (lambda record: record["state"].__setitem__("type", "Notarized"), "Notarized"),
        (lambda record: record["question"]["items"][0].__setitem__("verdicts", ["notarize"]), "notarize"),
    ],
    ids=["field", "field within", "state", "verdict"],
)
async def test_a_record_that_holds_something_new_is_refused_and_not_half_read(
    left: Left, change: Callable[[dict[str, Any]], object], named: str
) -> None:
    """A bot that was running when a newer one began to write does not store what it could not read."""
    left.change(change)
    before = left.texts()

    with pytest.raises(SettingsError, match=rf"(?s)left as it is.*{named}.*newer version"):
        await read(left)

    assert left.texts() == before


async def test_graph_state_of_a_higher_version_is_refused(tmp_path: Path) -> None:
    """The file of graph state has a version of its own, so that a wrong pair of files is noticed, too."""
    file = tmp_path / "checkpoints.sqlite"
    shutil.copy(BEFORE_FACTS / "checkpoints.sqlite", file)

    async def holds(thread_id: str, token: int) -> bool:
        return True

    async with sqlite_saver(file, holds):
        pass
    with closing(sqlite3.connect(file)) as connection, connection:
        ((noted,),) = connection.execute("PRAGMA user_version")
        connection.execute(f"PRAGMA user_version = {noted + 1}")

    assert noted == 1
    with pytest.raises(SettingsError, match=r"newer Countersign .version 2 of the graphs' state"):
        async with sqlite_saver(file, holds):
            pass
