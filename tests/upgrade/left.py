"""What earlier versions left, opened as the bot of today opens it.

`before` was written before fingerprints, digests on buttons, ids in policies and counted runs; `flat` before the open
stage of a request was a record of its own. In each, five tasks wait in either store, one of them decided and not
delivered. `worded` was written before questions had the titles and texts that they have now: each agent of
`worded_agents` waits in it. `one_process` was written when one process of the bot did everything and ran the agents
itself: its leases have no owner, its claims name nobody, and no catalog is published. It was killed at work; each agent
of `one_process_agents` has a task in it. `two_roles` was written by a gateway and a worker, before programs could ask.
`before_undo` was written when a decision was final once it was made, and is opened with `before_undo_left`.
`before_facts` was written by the version before this one: with undo windows and held decisions, without facts.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.approvals.model.ids import ThreadId
from bot.approvals.model.policy import Expire, Policy, Step, one_stage
from bot.approvals.model.task import Lease
from bot.approvals.ports.storage import Storage
from bot.approvals.rules.matching import Policies
from bot.engines.langgraph.checkpoints import Fence, sqlite_saver
from bot.engines.langgraph.checkpoints.redis import redis_saver
from bot.engines.langgraph.loading import inputs
from bot.engines.langgraph.loading.registry import LoadedGraph, Registry
from bot.engines.langgraph.runner import LangGraphEngine
from bot.storage.redis.store import RedisStorage, client
from bot.storage.sqlite.store import SqliteStorage
from tests.support.agent_stage import Stage, a_stage_on
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.directory import FakeDirectory
from tests.support.fakes.world import ALICE, RITA
from tests.support.redis_server import RedisServer

BEFORE = Path(__file__).parent / "before"
FLAT = Path(__file__).parent / "flat"
WORDED = Path(__file__).parent / "worded"
ONE_PROCESS = Path(__file__).parent / "one_process"
TWO_ROLES = Path(__file__).parent / "two_roles"
BEFORE_UNDO = Path(__file__).parent / "before_undo"
BEFORE_FACTS = Path(__file__).parent / "before_facts"

TWO_HOURS = timedelta(hours=2)
"""When a question expires that nobody answers."""


@asynccontextmanager
async def on_sqlite(folder: Path, left: Path = BEFORE) -> AsyncIterator[tuple[Storage, Any, ManualClock]]:
    """Copies of the files in this folder: records, graph state, and a clock that stands."""
    for name in ("records.sqlite", "checkpoints.sqlite"):
        shutil.copy(left / name, folder / name)
    clock = ManualClock()
    storage = await SqliteStorage.open(folder / "records.sqlite")
    try:
        async with sqlite_saver(folder / "checkpoints.sqlite", _fence(storage, clock)) as saver:
            yield storage, saver, clock
    finally:
        await storage.close()


@asynccontextmanager
async def on_redis(server: RedisServer, left: Path = BEFORE) -> AsyncIterator[tuple[Storage, Any, ManualClock]]:
    """The same on this server, which must not run yet."""
    shutil.copytree(left / "appendonlydir", server.folder / "appendonlydir")
    server.start()
    clock = ManualClock()
    storage = RedisStorage(client(server.url))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(storage.close)
        yield storage, await stack.enter_async_context(redis_saver(server.url, _fence(storage, clock))), clock


def stage_of(compiled: Mapping[str, Any], storage: Storage, saver: Any, clock: ManualClock) -> Stage:
    """A bot on what was left, with these agents by their names. Alice approves all."""
    directory = FakeDirectory()
    for person in (RITA, ALICE):
        directory.add(person)
    graphs = {
        name: LoadedGraph(name=name, description="", compiled=graph, form=inputs.read(graph, None))
        for name, graph in compiled.items()
    }
    engine = LangGraphEngine(registry=Registry(graphs=graphs, saver=saver))
    terms = one_stage((ALICE.user_id,), steps=(Step(after=TWO_HOURS, action=Expire()),))
    policies = Policies(rules=(), otherwise=Policy(name="all", stages=terms, reasons=()), graphs={})
    return a_stage_on(storage, engine, policies, clock, directory, graph=None, graphs=graphs)


def _fence(storage: Storage, clock: ManualClock) -> Fence:
    async def holds(thread_id: ThreadId, token: int) -> bool:
        return await storage.holds(Lease(thread_id=thread_id, token=token, until=clock.now), clock.now)

    return holds
