"""A server that is away, killed or shut down: no decision is lost, and what cannot be said is not said."""

from __future__ import annotations

import logging
import signal
from datetime import timedelta

import pytest

from bot.approvals.model.errors import Unreachable
from bot.approvals.model.request import Decided, Delivered, Superseded
from bot.approvals.model.task import Ended, Failed
from tests.server.stage import Stage
from tests.support.langgraph_server import LangGraphServer

pytestmark = pytest.mark.heavy
TWO_MINUTES = timedelta(minutes=2)


async def test_a_decision_waits_for_a_server_that_is_away(
    own_server: LangGraphServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever delivers it is told so, the log once. It was shut down in order, so that it keeps its threads."""
    own_server.start()
    async with Stage.of(own_server) as stage:
        task = await stage.started("plain")
        (request,) = await stage.open(task)
        await stage.decide(request)
        own_server.kill(signal.SIGTERM)

        with caplog.at_level(logging.INFO, "bot.engines.server.client"):
            for _ in range(3):
                with pytest.raises(Unreachable, match="nothing answers at its address"):
                    await stage.drive(task)
            waiting = (await stage.requests(task))[0].state
            own_server.start()
            await stage.drive(task)

        assert isinstance(waiting, Decided)
        assert isinstance((await stage.requests(task))[0].state, Delivered)
        assert isinstance((await stage.now(task)).state, Ended)
        assert [record.message for record in caplog.records if record.name == "bot.engines.server.client"] == [
            "the LangGraph Server dev cannot be used: nothing answers at its address",
            "the LangGraph Server dev is back",
        ]


async def test_a_thread_that_the_server_has_lost_is_told_so(own_server: LangGraphServer) -> None:
    """`langgraph dev` keeps its threads in memory. After a kill nobody can be answered any more, and nothing begins
    anew by itself."""
    own_server.start()
    async with Stage.of(own_server) as stage:
        task = await stage.started("plain")
        (request,) = await stage.open(task)
        await stage.decide(request)
        own_server.kill()
        own_server.forget()
        own_server.start()

        await stage.drive(task)

        state = (await stage.now(task)).state
        assert isinstance(state, Failed)
        assert (state.failure.summary, state.retryable) == ("the graph's saved state is gone", False)
        assert isinstance((await stage.requests(task))[0].state, Superseded)
        assert stage.effects("ask", task) == []


async def test_a_server_that_is_shut_down_within_a_run_goes_on_with_it(own_server: LangGraphServer) -> None:
    """It begins the run again, with the answer that was taken already. Nothing else gets that answer."""
    own_server.start()
    async with Stage.of(own_server) as stage:
        task = await stage.started("slow_after_answer")
        (request,) = await stage.open(task)
        await stage.decide(request)
        await stage.drive(task, bot=stage.another_bot(followed=timedelta(seconds=1)))
        own_server.kill(signal.SIGTERM)
        own_server.start()
        own_server.touch(f"go-{task.inputs['key']}")
        await stage.settled(task)

        for _ in range(3):
            await stage.drive(task)
            stage.bot.clock.advance(TWO_MINUTES)

        assert isinstance((await stage.now(task)).state, Ended)
        assert len(stage.effects("ask", task)) == 1
        assert len(stage.effects("act", task)) == 1
