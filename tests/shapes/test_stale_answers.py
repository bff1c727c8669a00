"""A decision that was not delivered as long as it was valid is asked again, and the agent never gets the old answer.

Not even if LangGraph has stored it with the node that failed on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from bot.approvals.model.actor import Shown
from bot.approvals.model.decision import Answered, Respond
from bot.approvals.model.policy import GraphTerms, OnStale
from bot.approvals.model.request import Decided, Delivered, NotUsed, Pending, Request, Superseded
from bot.approvals.model.task import Task
from tests.support.agent_stage import Stage, State, a_stage
from tests.support.fakes.world import ALICE

VALID = timedelta(minutes=30)
TEXT = GraphTerms(answer="text")


@dataclass
class Agent:
    """Nodes that fail while `broken`, and note what they got once they are past that."""

    broken: bool = True
    got: list[tuple[str, str]] = field(default_factory=list)

    def asks(self, *titles: str, fails: bool = True) -> Callable[[State], State]:
        def node(state: State) -> State:
            answers = [(title, str(interrupt(title))) for title in titles]
            if fails and self.broken:
                raise RuntimeError("the other side is away")
            self.got += answers
            return {}

        return node


def graph(*nodes: Any) -> StateGraph[Any, Any, Any, Any]:
    """These nodes side by side."""
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    for number, node in enumerate(nodes):
        builder.add_node(f"n{number}", node)
        builder.add_edge(START, f"n{number}")
    return builder


async def answered(stage: Stage, task: Task, words: str) -> Request:
    """The one open request, answered with these words."""
    request = await stage.question(task)
    await stage.respond(request, words)
    return await stage.storage.request(request.id)


async def later(stage: Stage, span: timedelta) -> None:
    """After this time, with all that a sweep finds."""
    stage.clock.advance(span)
    await stage.sweeper.sweep(stage.clock.now)
    await stage.settle()


async def test_an_answer_that_its_node_failed_on_is_asked_again_and_only_the_new_one_is_given(tmp_path: Path) -> None:
    agent = Agent()
    async with a_stage(tmp_path, graph(agent.asks("How?")), terms=TEXT, valid_for=VALID) as stage:
        task = await stage.started()
        failed = await answered(stage, task, "old")
        assert isinstance(failed.state, Decided)
        assert failed.state.failure is not None

        await later(stage, VALID)
        again = await stage.question(task)
        assert (again.id, again.interrupt_id, again.version) == (failed.id, failed.interrupt_id, 2)
        assert again.before is not None
        assert again.before.why is NotUsed.STALE
        agent.broken = False
        await later(stage, timedelta(minutes=5))
        assert agent.got == []

        await answered(stage, task, "new")

        assert agent.got == [("How?", "new")]
        assert isinstance((await stage.storage.request(again.id)).state, Delivered)


async def test_as_long_as_it_is_valid_a_retry_gives_the_old_answer(tmp_path: Path) -> None:
    agent = Agent()
    async with a_stage(tmp_path, graph(agent.asks("How?")), terms=TEXT, valid_for=VALID) as stage:
        task = await stage.started()
        await answered(stage, task, "old")
        agent.broken = False

        await later(stage, timedelta(minutes=5))

        assert agent.got == [("How?", "old")]
        assert await stage.asked(task) == []


async def test_another_process_asks_again_and_gives_only_the_new_answer(tmp_path: Path) -> None:
    """It knows the old one from the checkpoint alone, and is started again before and after people answer."""
    agent = Agent()
    asking = graph(agent.asks("How?"))
    async with a_stage(tmp_path, asking, terms=TEXT, valid_for=VALID) as stage:
        task = await stage.started()
        await answered(stage, task, "old")
        stage.clock.advance(VALID)
        agent.broken = False
        await stage.redeploy(asking)
        await later(stage, timedelta())
        assert (await stage.question(task)).version == 2
        await stage.redeploy(asking)
        assert agent.got == []

        await answered(stage, task, "new")

        assert agent.got == [("How?", "new")]


async def test_a_new_answer_that_fails_too_is_the_one_that_a_retry_gives(tmp_path: Path) -> None:
    agent = Agent()
    async with a_stage(tmp_path, graph(agent.asks("How?")), terms=TEXT, valid_for=VALID) as stage:
        task = await stage.started()
        await answered(stage, task, "old")
        await later(stage, VALID)
        await answered(stage, task, "new")
        agent.broken = False

        await later(stage, timedelta(minutes=5))

        assert agent.got == [("How?", "new")]


async def test_the_answer_of_another_branch_does_not_bring_the_old_one_along(tmp_path: Path) -> None:
    """It runs the failed node again, whose old answer LangGraph still holds."""
    agent = Agent()
    nodes = graph(agent.asks("How?"), agent.asks("When?", fails=False))
    async with a_stage(tmp_path, nodes, terms=TEXT, valid_for=VALID) as stage:
        task = await stage.started()
        how, when = sorted(await stage.asked(task), key=lambda each: each.question.title)
        await stage.respond(how, "old")
        await later(stage, VALID)
        agent.broken = False

        await stage.respond(await stage.storage.request(when.id), "noon")

        assert agent.got == [("When?", "noon")]
        again = await stage.storage.request(how.id)
        assert isinstance(again.state, Pending)
        await stage.respond(again, "new")
        assert agent.got == [("When?", "noon"), ("How?", "new")]


async def test_only_the_stale_one_of_a_nodes_questions_is_asked_again(tmp_path: Path) -> None:
    agent = Agent()
    async with a_stage(tmp_path, graph(agent.asks("How?", "When?")), terms=TEXT, valid_for=VALID) as stage:
        task = await stage.started()
        agent.broken = False
        await answered(stage, task, "by train")
        agent.broken = True
        await answered(stage, task, "old")

        await later(stage, VALID)
        agent.broken = False
        assert (await stage.question(task)).question.title == "When?"
        await answered(stage, task, "new")

        assert agent.got == [("How?", "by train"), ("When?", "new")]


async def test_an_answer_that_waited_out_an_outage_is_never_given(tmp_path: Path) -> None:
    """Nobody has begun to deliver it, so LangGraph holds nothing."""
    agent = Agent(broken=False)
    async with a_stage(tmp_path, graph(agent.asks("How?")), terms=TEXT, valid_for=VALID) as stage:
        task = await stage.started()
        request = await stage.question(task)
        await stage.answers.vote(stage.actor(ALICE), Shown.of(request), (Respond(value="old"),))
        stage.work.forget()

        await later(stage, VALID)
        assert agent.got == []
        await answered(stage, task, "new")

        assert agent.got == [("How?", "new")]


async def test_a_policy_may_stop_the_task_instead_and_nothing_is_given(tmp_path: Path) -> None:
    agent = Agent()
    policy: dict[str, Any] = {"valid_for": VALID, "on_stale": OnStale.STOP}
    async with a_stage(tmp_path, graph(agent.asks("How?")), terms=TEXT, **policy) as stage:
        task = await stage.started()
        failed = await answered(stage, task, "old")
        agent.broken = False

        await later(stage, VALID)

        assert agent.got == []
        assert (await stage.outcome(task)).startswith("Stopped: The decision could not be delivered within 30m")
        state = (await stage.storage.request(failed.id)).state
        assert isinstance(state, Superseded)
        assert isinstance(state.decision, Answered)


@pytest.mark.parametrize("span", [timedelta(0), timedelta(minutes=29)])
async def test_what_is_asked_after_a_stale_answer_has_a_validity_of_its_own(tmp_path: Path, span: timedelta) -> None:
    agent = Agent()
    async with a_stage(tmp_path, graph(agent.asks("How?")), terms=TEXT, valid_for=VALID) as stage:
        task = await stage.started()
        await answered(stage, task, "old")
        await later(stage, VALID)
        await answered(stage, task, "new")
        agent.broken = False

        await later(stage, span)

        assert await stage.asked(task) == []
