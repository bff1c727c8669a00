"""A server that is away, killed or shut down: no decision is lost, and what cannot be said is not said."""

from __future__ import annotations

import signal
from datetime import timedelta

import pytest

from bot.approvals.model.errors import Unreachable
from bot.approvals.model.facts import ServerAway, ServerReached
from bot.approvals.model.request import Decided, Delivered, Superseded
from bot.approvals.model.task import Ended, Failed
from tests.server.stage import Stage
from tests.support.fakes.telemetry import Heard
from tests.support.langgraph_server import LangGraphServer

pytestmark = pytest.mark.heavy


async def test_a_server_that_is_shut_down_and_comes_back_has_every_decision(
    own_server: LangGraphServer,
) -> None:
    """While it is away, whoever delivers is told so, and the operator once. It begins the run again that it was in,
    with an answer that was taken already, and nothing else gets that answer."""
    async with Stage.of(own_server) as stage:
        waiting, within = await stage.started("plain"), await stage.started("slow_after_answer")
        for task in (waiting, within):
            await stage.decide((await stage.open(task))[0])
        await stage.drive(within, bot=stage.another_bot(followed=timedelta(seconds=1)))
        heard = stage.client.telemetry = Heard()
        own_server.kill(signal.SIGTERM)

        for task in (waiting, within, waiting):
            with pytest.raises(Unreachable, match="nothing answers at its address"):
                await stage.drive(task)
        meanwhile = (await stage.requests(waiting))[0].state
        own_server.start()
        own_server.touch(f"go-{within.inputs['key']}")
        await stage.settled(within)
        for task in (waiting, within, within):
            await stage.drive(task)

        assert isinstance(meanwhile, Decided)
        for task in (waiting, within):
            assert isinstance((await stage.requests(task))[0].state, Delivered)
            assert isinstance((await stage.now(task)).state, Ended)
            assert len(stage.effects("ask", task)) == len(stage.effects("act", task)) == 1
        assert heard.facts == [ServerAway(server="dev", error="ConnectError"), ServerReached(server="dev")]


async def test_a_thread_that_the_server_has_lost_is_told_so(own_server: LangGraphServer) -> None:
    """`langgraph dev` keeps its threads in memory. After a kill nobody can be answered any more, and nothing begins
    anew by itself."""
    async with Stage.of(own_server) as stage:
        task = await stage.started("plain")
        await stage.decide((await stage.open(task))[0])
        own_server.kill()
        own_server.forget()
        own_server.start()

        await stage.drive(task)

        state = (await stage.now(task)).state
        assert isinstance(state, Failed)
        assert (state.failure.summary, state.retryable) == ("the graph's saved state is gone", False)
        assert isinstance((await stage.requests(task))[0].state, Superseded)
        assert stage.effects("ask", task) == []
