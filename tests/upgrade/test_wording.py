"""Questions that wait since the program had other words for them: nobody is asked again, and votes on them count."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.approvals.model.decision import Approve
from bot.approvals.model.request import Delivered, Pending, Request
from bot.approvals.model.task import Task
from tests.support.agent_stage import Stage
from tests.support.fakes.world import RITA
from tests.upgrade.left import WORDED, on_redis, on_sqlite, stage_of
from tests.upgrade.worded_agents import REASON, compiled

WERE = {
    "one": "Run send_email?",
    "two": "Run these 2 tools?",
    "per_call": "Run send_email?",
    "untitled": "A question",
    "elicits": "book_flight asks",
    "inbox": "send_email",
    "clarifies": "Some questions first",
}
"""What the version that asked them called them."""

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(params=["sqlite", "redis"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """A bot on what was left. It has not looked at what waits yet."""
    opened = on_sqlite(tmp_path, WORDED)
    if request.param == "redis":
        opened = on_redis(request.getfixturevalue("redis_server"), WORDED)
    async with opened as (storage, saver, clock):
        yield stage_of(compiled(saver), storage, saver, clock)


async def test_nobody_is_asked_again_because_the_words_are_others_now(stage: Stage) -> None:
    before = {name: await _of(stage, name) for name in WERE}

    for task, _ in before.values():
        await stage.delivery.look(task.id)
        await stage.delivery.drive(task.id)
    await stage.settle()

    for name, title in WERE.items():
        _, request = await _of(stage, name)
        assert isinstance(request.state, Pending)
        assert (request.question.title, request.version) == (title, 1)
        assert request.digest == before[name][1].digest
        assert "asked_anew" not in [event.kind for event in await stage.storage.history(request.task_id)]


@pytest.mark.parametrize("name", ["one", "two", "per_call", "inbox"])
async def test_what_was_shown_then_is_approved_and_runs(stage: Stage, name: str) -> None:
    _, request = await _of(stage, name)

    await stage.approve(request)

    _, after = await _of(stage, name)
    assert (after.version, after.digest) == (1, request.digest)
    assert isinstance(after.state, Delivered)


async def test_what_was_decided_then_is_delivered(stage: Stage) -> None:
    task, _ = await _of(stage, "decided")

    await stage.delivery.drive(task.id)

    _, request = await _of(stage, "decided")
    assert isinstance(request.state, Delivered)
    assert request.state.decision.verdicts == (Approve(),)  # type: ignore[union-attr]


async def test_a_task_that_starts_now_says_why(stage: Stage) -> None:
    task = await stage.tasks.start(stage.actor(RITA, "command"), "one", {"messages": "please"}, "C1")  # type: ignore[arg-type]
    await stage.settle()

    (request,) = await stage.storage.requests_of(task.id)

    assert request.question.text == REASON


async def _of(stage: Stage, graph: str) -> tuple[Task, Request]:
    (task,) = [each for each in await stage.storage.tasks_of(RITA, 20) if each.graph == graph]
    (request,) = await stage.storage.requests_of(task.id)
    return task, request
