"""What the engine relies on and LangGraph does not promise, on the server that is installed."""

from __future__ import annotations

import signal
from datetime import timedelta
from typing import Any

import pytest

from bot.engines.server.client import STRICT
from tests.server.stage import Stage
from tests.support.langgraph_server import LangGraphServer

pytestmark = pytest.mark.heavy


async def test_a_strict_answer_to_what_is_no_longer_open_is_refused(stage: Stage) -> None:
    """Sent as the engine sends it, to a node at its second question: the run fails, and nothing is taken."""
    task = await stage.started("twice")
    (first,) = await stage.open(task)
    await stage.answer(first)

    run = await stage.client.create_run(
        task.thread_id,
        "twice",
        given={"command": {"resume": {first.interrupt_id: "stale"}}},
        metadata={},
        context={},
        limit=None,
    )
    await stage.settled(task)

    assert await stage.client.run_status(task.thread_id, run) == "error"
    assert ((await stage.client.thread(task.thread_id))["error"] or {})["error"] == "UnknownInterruptError"
    (second,) = await stage.open(task)
    assert [each["id"] for each in await listed(stage, task.thread_id)] == [second.interrupt_id]


async def test_a_lax_answer_would_have_been_taken(stage: Stage) -> None:
    """So the refusal comes from the private key. If this fails, the server has become strict by itself."""
    task = await stage.started("twice")
    (first,) = await stage.open(task)
    await stage.answer(first)

    await stage.answer_elsewhere(task, first.interrupt_id, "stale")

    assert await listed(stage, task.thread_id) == [] or (await stage.runs(task))[0]["status"] == "success"


async def test_a_server_that_is_shut_down_within_a_step_gives_an_answer_twice_to_a_step_that_asks_twice(
    own_server: LangGraphServer,
) -> None:
    """It begins the run again with the answer to the step's first question. LangGraph 1.2.24 still counts that question
    as open, and its answer is also the next question's, which nobody is asked. No API call can keep it from that. If
    this fails, LangGraph has mended it, and the docs can say so."""
    async with Stage.of(own_server) as stage:
        task = await stage.started("slow_within")
        await stage.decide((await stage.open(task))[0])
        await stage.drive(task, bot=stage.another_bot(followed=timedelta(seconds=1)))
        own_server.kill(signal.SIGTERM)
        own_server.start()
        own_server.touch(f"go-{task.inputs['key']}")
        await stage.settled(task)
        await stage.drive(task)

        (answers,) = stage.effects("work_between", task)
        assert isinstance(answers, list)
        assert answers[0] == answers[1]


async def test_a_finished_node_lists_no_interrupt_beside_one_that_waits(stage: Stage) -> None:
    task = await stage.started("parallel")
    left, right = await stage.open(task)

    await stage.answer(left)

    assert [each["id"] for each in await listed(stage, task.thread_id)] == [right.interrupt_id]


async def test_the_key_is_not_part_of_a_context(stage: Stage) -> None:
    """A graph whose context is a class would refuse it."""
    task = await stage.started("in_context")

    (run,) = await stage.runs(task)

    assert STRICT in run["kwargs"]["config"]["configurable"]
    assert len(await stage.open(task)) == 1


async def listed(stage: Stage, thread_id: str) -> list[Any]:
    state = await stage.client.state(thread_id)
    return [each for task in state["tasks"] for each in task["interrupts"]]
