"""What a gateway and a worker left before programs could ask goes on, on both stores.

That version wrote the files of `two_roles` on a clock that stood at `MORNING`, with three of `one_process_agents`:
`waits` waits, `ended` has ended, and alice approved `decided`, which a worker held as it was killed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.approvals.model.request import Delivered
from bot.approvals.model.task import Ended
from bot.approvals.services import claims
from tests.support.agent_stage import Stage
from tests.support.fakes.world import RITA
from tests.upgrade.left import TWO_ROLES, on_redis, on_sqlite, stage_of
from tests.upgrade.one_process_agents import BUILDERS


@pytest.fixture(params=["sqlite", "redis"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    on_redis_now = request.param == "redis"
    store = (
        on_redis(request.getfixturevalue("redis_server"), TWO_ROLES) if on_redis_now else on_sqlite(tmp_path, TWO_ROLES)
    )
    async with store as (storage, saver, clock):
        compiled = {name: BUILDERS[name]().compile(checkpointer=saver) for name in ("waits", "decided", "ended")}
        yield stage_of(compiled, storage, saver, clock)


async def test_what_was_left_goes_on(stage: Stage) -> None:
    tasks = {task.graph: task for task in await stage.storage.tasks_of(RITA, 20)}
    (waiting,) = await stage.storage.requests_of(tasks["waits"].id)

    await stage.approve(waiting)
    await claims.void(stage.storage, ["worker-left"])
    stage.clock.advance(timedelta(seconds=1))
    await stage.sweeper.sweep(stage.clock.now)
    await stage.settle()

    for task in tasks.values():
        records = await stage.storage.records_of(task.id)
        assert isinstance(records.task.state, Ended)
        assert (records.task.state.outcome, records.task.caller) == ("told True", None)
        assert [type(request.state) for request in records.requests] == [Delivered]
        assert [vote.through for request in records.requests for vote in request.votes] == [""]


async def test_nothing_of_it_is_a_programs(stage: Stage) -> None:
    tasks = await stage.storage.tasks_of(RITA, 20)

    assert len(tasks) == 3
    assert await stage.storage.tokens() == ()
    assert [await stage.storage.webhooks_of(task.id) for task in tasks] == [(), (), ()]
    assert await stage.storage.undelivered(stage.clock.now, 20, elsewhere=True) == ()
