"""A bot of today on the files of `one_process`, and the records in them as they are stored."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from redis import Redis

from bot.approvals.model.ids import JSON
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.storage.redis.store import PREFIX
from tests.support.agent_stage import Stage
from tests.support.fakes import messenger
from tests.support.fakes.messenger import FakeDrawing
from tests.support.fakes.world import RITA
from tests.upgrade.left import ONE_PROCESS, on_redis, on_sqlite, stage_of
from tests.upgrade.one_process_agents import BUILDERS

Texts: TypeAlias = Mapping[str, dict[str, JSON]]
"""Each record's text, by its kind and id as in Redis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A bot on what was left. It has not looked at what waits yet."""

    stage: Stage
    before: Texts
    """As they were written then."""
    now: Callable[[], Texts]

    async def task(self, graph: str) -> Task:
        (task,) = [each for each in await self.stage.storage.tasks_of(RITA, 20) if each.graph == graph]
        return task

    async def request(self, graph: str) -> Request:
        (request,) = await self.stage.storage.requests_of((await self.task(graph)).id)
        return request

    async def card(self, graph: str) -> Message:
        found = await self.stage.storage.messages_of((await self.task(graph)).id)
        (card,) = [message for message in found if message.kind is MessageKind.CARD]
        return card

    async def stands_in_slack(self, graph: str) -> None:
        """What was posted of the task is in Slack."""
        records = await self.stage.storage.records_of((await self.task(graph)).id)
        opening = records.messages[0]
        for each in records.messages:
            if each.ref is not None:
                self.stage.messenger.messages[each.ref] = messenger.Message(
                    channel=each.ref.channel,
                    thread_ts=None if each is opening or opening.ref is None else opening.ref.ts,
                    message_id=each.id,
                    drawing=FakeDrawing(kind=each.kind, words=""),
                )

    async def later(self, by: timedelta) -> None:
        """Time passes, then a sweep and what it wakes."""
        self.stage.clock.advance(by)
        await self.stage.sweeper.sweep(self.stage.clock.now)
        await self.stage.settle()


@asynccontextmanager
async def opened(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Left]:
    """Copies of the files, on the store that the fixture's parameter names. Its clock stands where theirs stood."""
    if request.param == "sqlite":
        async with on_sqlite(folder, ONE_PROCESS) as (storage, saver, clock):
            stage = stage_of(_agents(saver), storage, saver, clock)
            yield Left(stage=stage, before=_in_file(copy(folder)), now=lambda: _in_file(folder / "records.sqlite"))
    else:
        server = request.getfixturevalue("redis_server")
        async with on_redis(server, ONE_PROCESS) as (storage, saver, clock):
            stage = stage_of(_agents(saver), storage, saver, clock)
            yield Left(stage=stage, before=_in_redis(server.url), now=lambda: _in_redis(server.url))


def copy(folder: Path) -> Path:
    """The file as it was left, which nobody opens with today's code."""
    return Path(shutil.copy(ONE_PROCESS / "records.sqlite", folder / "before.sqlite"))


def _agents(saver: Any) -> Mapping[str, Any]:
    return {name: builder().compile(checkpointer=saver) for name, builder in BUILDERS.items()}


def _in_file(path: Path) -> Texts:
    query = """
        SELECT 'task:' || id, body FROM tasks UNION ALL SELECT 'request:' || id, body FROM requests
        UNION ALL SELECT 'surface:' || id, body FROM surfaces UNION ALL SELECT 'inbox:' || person, body FROM inboxes
    """
    with closing(sqlite3.connect(path)) as file:
        return {key: json.loads(body) for key, body in file.execute(query)}


def _in_redis(url: str) -> Texts:
    with Redis.from_url(url, decode_responses=True) as redis:
        keys = [key for kind in ("task", "request", "surface", "inbox") for key in redis.scan_iter(f"{PREFIX}{kind}:*")]
        return {key.removeprefix(PREFIX): json.loads(str(redis.hget(key, "body"))) for key in keys}
