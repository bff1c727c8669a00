"""A worker keeps nothing of the tasks that have passed through it."""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import sys
import uuid
import weakref
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
import uvloop

from bot.app import wire, worker
from bot.app.worker import Place
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.ids import ChannelId, TaskId, ThreadId
from bot.approvals.model.task import Ended, Task
from bot.approvals.ports.storage import Storage
from bot.approvals.rules.matching import Policies
from bot.approvals.services.messages import wanted
from bot.approvals.services.policies.current import CurrentPolicies
from bot.runtime.process import Ending
from bot.settings import Settings
from bot.storage import reader
from bot.stores import opened
from tests.support.builders import a_policy
from tests.support.fakes.world import ALICE

GRAPH: Final = """
from typing_extensions import TypedDict
from langgraph.graph import END, START, StateGraph

class State(TypedDict):
    outcome: str

graph = StateGraph(State)
graph.add_node("act", lambda state: {"outcome": "done"})
graph.add_edge(START, "act")
graph.add_edge("act", END)
"""
TASKS: Final = 50
"""Of one round."""
MAX_ROUNDS: Final = 8


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Tables that forget what is old are so small that the first round fills them."""
    monkeypatch.setattr(reader, "MAX_KEPT", 16)
    monkeypatch.setattr(wire, "_MAX_REMEMBERED", 4)
    (tmp_path / "plain.py").write_text(GRAPH)
    (tmp_path / "langgraph.json").write_text(json.dumps({"graphs": {"plain": "./plain.py:graph"}}))
    tokens = {"slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1", "slack_api_url": "http://127.0.0.1:9/"}
    return Settings.model_validate(
        {**tokens, "state_dir": tmp_path / "state", "langgraph_config": tmp_path / "langgraph.json"}
    )


async def begun(storage: Storage) -> TaskId:
    id = uuid.uuid4()
    task = Task(
        id=TaskId(id.hex[:8]),
        thread_id=ThreadId(str(id)),
        graph="plain",
        inputs={"outcome": id.hex},
        requester=ALICE,
        channel=ChannelId("C1"),
        created_at=datetime.now(UTC),
    )
    event = AuditEvent(kind="started", at=task.created_at, task_id=task.id)
    await storage.create_task(task, event, [wanted.opening_of(task)])
    return task.id


async def finished(storage: Storage, running: worker.Worker) -> None:
    """A round of tasks begins, and each comes to its end."""
    ids = [await begun(storage) for _ in range(TASKS)]
    for id in ids:
        running.queues.deliver(id)
    assert running.queues.deliveries is not None
    while running.queues.deliveries.at_work:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    for id in ids:
        assert isinstance((await storage.task(id)).state, Ended)


def kept() -> int:
    """How many objects the process holds, without what answers that are remembered hold, and without weak references,
    which come and go by hundreds."""
    for each in gc.get_objects():
        if isinstance(each, functools._lru_cache_wrapper):
            each.cache_clear()
    gc.collect()
    weak = sum(isinstance(each, weakref.ReferenceType) for each in gc.get_objects())
    return sys.getallocatedblocks() - weak


async def added(settings: Settings) -> list[int]:
    """How many objects each round has added, up to the first one that adds fewer than it has tasks."""
    place, policies = Place(owner="worker-1"), CurrentPolicies(Policies(rules=(), otherwise=a_policy()))
    async with opened(settings) as stores, worker.running(settings, policies, Ending(1.0), place) as running:
        await finished(stores.storage, running)
        before, grown = kept(), list[int]()
        while len(grown) < MAX_ROUNDS and (not grown or grown[-1] >= TASKS):
            await finished(stores.storage, running)
            grown.append(kept() - before)
            before += grown[-1]
    return grown


@pytest.mark.slow
def test_nothing_is_kept_of_finished_tasks(settings: Settings) -> None:
    """If one object of each task were kept, every round would add as many as it has tasks. What else grows at first is
    full after some rounds, so one that adds fewer is proof."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        grown = runner.run(added(settings))

    assert grown[-1] < TASKS, grown
