"""Writes sixty events of one task to a store, in a process of its own.

`python -m tests.conformance.writer sqlite FILE TASK`, or `... redis://... PREFIX TASK`.
"""

from __future__ import annotations

import asyncio
import sys

from bot.storage.redis.store import RedisStorage, client
from bot.storage.sqlite.store import SqliteStorage
from tests.support.builders import a_task, an_event


async def main(where: str, name: str, task_id: str) -> None:
    storage = await SqliteStorage.open(name) if where == "sqlite" else RedisStorage(client(where), name)
    for number in range(60):
        await storage.record(an_event(str(number), a_task(task_id)))
    await storage.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
