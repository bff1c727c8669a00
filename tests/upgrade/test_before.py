"""What earlier versions wrote opens and goes on, on both stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.approvals.model.request import Delivered, Request
from bot.approvals.model.task import Ended, Task
from tests.support.agent_stage import Stage
from tests.support.fakes.world import RITA
from tests.upgrade.agents import BUILDERS, STOPS
from tests.upgrade.left import BEFORE, FLAT, TWO_HOURS, on_redis, on_sqlite, stage_of


@pytest.fixture(params=[BEFORE, FLAT], ids=lambda left: left.name)
def left(request: pytest.FixtureRequest) -> Path:
    """The folder that an earlier version left."""
    folder: Path = request.param
    return folder


@pytest.fixture(params=["sqlite", "redis"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path, left: Path) -> AsyncIterator[Stage]:
    """A bot on what was left, once it has looked at what waits."""
    opened = on_sqlite(tmp_path, left)
    if request.param == "redis":
        opened = on_redis(request.getfixturevalue("redis_server"), left)
    async with opened as (storage, saver, clock):
        graphs: dict[str, Any] = {
            name: builder().compile(checkpointer=saver, interrupt_before=STOPS.get(name))
            for name, builder in BUILDERS.items()
        }
        stage = stage_of(graphs, storage, saver, clock)
        for task_id in await storage.unsettled():
            await stage.delivery.look(task_id)
        await stage.sweeper.sweep(clock.now)
        await stage.settle()
        yield stage


async def test_what_was_decided_is_delivered(stage: Stage) -> None:
    task, (request,) = await _of(stage, "decided")

    assert isinstance(request.state, Delivered)
    assert await stage.outcome(task) == "told True None"


async def test_an_open_question_is_approved(stage: Stage) -> None:
    task, (request,) = await _of(stage, "pays")

    await stage.approve(request)

    assert await stage.outcome(task) == "told True None"
    assert await stage.is_delivered(request)


async def test_the_second_question_of_a_node_is_approved_and_the_first_answer_stays(stage: Stage) -> None:
    task, (_, second) = await _of(stage, "twice")

    await stage.reject(second)

    assert await stage.outcome(task) == "told True False"


async def test_a_breakpoint_is_approved(stage: Stage) -> None:
    task, (request,) = await _of(stage, "stops")

    await stage.approve(request)

    assert await stage.outcome(task) == "told 'planned' None"


async def test_a_question_for_words_is_read_anew_and_takes_a_no(stage: Stage) -> None:
    task, (request,) = await _of(stage, "words")

    await stage.reject(request)

    assert await stage.outcome(task) == "told False None"


async def test_nobody_answers_and_nothing_is_consented_to(stage: Stage) -> None:
    stage.clock.advance(TWO_HOURS)
    await stage.sweeper.sweep(stage.clock.now)
    await stage.settle()

    for name, told in (("pays", "told False None"), ("words", "told False None"), ("twice", "told True False")):
        task, _ = await _of(stage, name)
        assert await stage.outcome(task) == told
    task, _ = await _of(stage, "stops")
    assert isinstance(task.state, Ended)
    assert task.state.outcome.startswith("Stopped: before act it was rejected.")


async def _of(stage: Stage, graph: str) -> tuple[Task, tuple[Request, ...]]:
    (task,) = [each for each in await stage.storage.tasks_of(RITA, 10) if each.graph == graph]
    return task, await stage.storage.requests_of(task.id)
