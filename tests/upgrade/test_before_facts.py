"""What the version before this one left goes on, on both stores: it had no stamp in Redis, and told no facts.

`before_facts_agents` says how each task stands in the files of `before_facts`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.approvals.model.request import Delivered, Pending
from bot.approvals.model.task import Ended
from bot.approvals.services import claims
from bot.approvals.services.audit.proof import Intact, verify
from tests.support.agent_stage import Stage
from tests.support.fakes.world import RITA
from tests.upgrade.before_facts_agents import BUILDERS
from tests.upgrade.left import BEFORE_FACTS, on_redis, on_sqlite, stage_of


@pytest.fixture(params=["sqlite", "redis"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    store = (
        on_redis(request.getfixturevalue("redis_server"), BEFORE_FACTS)
        if request.param == "redis"
        else on_sqlite(tmp_path, BEFORE_FACTS)
    )
    async with store as (storage, saver, clock):
        compiled = {name: build().compile(checkpointer=saver) for name, build in BUILDERS.items()}
        yield stage_of(compiled, storage, saver, clock)


async def later(stage: Stage, span: timedelta) -> None:
    stage.clock.advance(span)
    await stage.sweeper.sweep(stage.clock.now)
    await stage.settle()


async def test_all_of_it_comes_to_its_end(stage: Stage) -> None:
    """And the audit log goes on from where it was left."""
    tasks = {task.graph: task for task in await stage.storage.tasks_of(RITA, 20)}
    (waiting,) = await stage.storage.requests_of(tasks["waits"].id)
    before = await verify(stage.storage)

    await stage.approve(waiting)
    await claims.void(stage.storage, ["worker-left"])
    await later(stage, timedelta(minutes=1))
    (window,) = await stage.storage.requests_of(tasks["window"].id)
    await later(stage, timedelta(minutes=10))

    assert isinstance(window.state, Pending), "its window is open for ten minutes"
    for name, task in tasks.items():
        records = await stage.storage.records_of(task.id)
        assert [type(request.state) for request in records.requests] == [Delivered], name
        assert isinstance(records.task.state, Ended)
        if name != "window":
            assert records.task.state.outcome == "told True"
    after = await verify(stage.storage, before.head) if isinstance(before, Intact) else before
    assert isinstance(after, Intact)
