"""Whatever a redeploy changes while people are asked: nothing runs but what they approved, and the card says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.approvals.model.request import Request
from bot.approvals.model.task import Failed
from tests.adversarial.redeploys import CASES, EXPIRE, REJECT, Agent, Case
from tests.support.agent_stage import Stage, a_stage
from tests.support.fakes.world import ALICE


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_a_redeploy_between_a_question_and_its_answer(case: Case, tmp_path: Path) -> None:
    did: list[str] = []
    async with a_stage(tmp_path, _compiled(case.old, did)) as stage:
        task = await stage.started()
        request = await stage.question(task)
        did.clear()
        await _deploy(stage, case.new, did)

        await _answer(stage, case, request)

        assert did == list(case.did)
        assert [each.question.title for each in await stage.asked(task)] == list(case.asks)
        after = await stage.storage.request(request.id)
        assert (after.gone.part if after.gone else None) == case.gone
        if case.gone is not None:
            assert isinstance((await stage.storage.task(task.id)).state, Failed)
            await stage.settle()
            await stage.sweeper.sweep(stage.clock.now)
            await stage.settle()
            assert did == list(case.did), "the sweep ran it on"
        if case.back is not None:
            await _deploy(stage, case.old, did)
            if case.retried:
                await stage.tasks.retry(stage.actor(ALICE), task.id)
                await stage.settle()
            assert did == list(case.back)


async def test_what_was_decided_before_is_in_view_when_something_else_is_asked(tmp_path: Path) -> None:
    """With who decided it; and how often in a row that happened."""
    did: list[str] = []
    async with a_stage(tmp_path, Agent(asks=("Pay 10?",)).graph(did)) as stage:
        task = await stage.started()
        for round, text in enumerate(["Pay 20?", "Pay 30?"], start=1):
            before = await stage.question(task)
            await _deploy(stage, Agent(asks=(text,)), did)
            await stage.approve(before)
            now = await stage.question(task)

            assert now.before is not None
            assert (now.question.title, now.before.question, now.before.times) == (text, before.question, round)

        await stage.approve(await stage.question(task))
        assert did == ["Pay 30?"]


async def test_an_open_request_says_that_its_code_is_gone_before_anybody_answers(tmp_path: Path) -> None:
    did: list[str] = []
    async with a_stage(tmp_path, Agent().graph(did)) as stage:
        task = await stage.started()

        await _deploy(stage, Agent(gate="approval"), did)
        lost = await stage.question(task)
        await _deploy(stage, Agent(), did)
        found = await stage.question(task)

        assert lost.gone is not None
        assert found.gone is None
        await stage.approve(found)
        assert did == ["Send the newsletter?"]


async def test_a_sibling_that_is_answered_does_not_take_a_removed_question_with_it(tmp_path: Path) -> None:
    """What is still open is not passed over because another branch goes on."""
    did: list[str] = []
    async with a_stage(tmp_path, Agent(side="Which host?").graph(did)) as stage:
        task = await stage.started()
        open = {each.question.title: each for each in await stage.asked(task)}
        await _deploy(stage, Agent(asks=(), side="Which host?"), did)

        await stage.approve(open["Which host?"])

        assert did == []
        assert [each.question.title for each in await stage.asked(task)] == ["Send the newsletter?"]


def _compiled(agent: Agent, did: list[str]) -> object:
    return agent.graph(did).compile(interrupt_before=list(agent.stops))


async def _deploy(stage: Stage, agent: Agent | None, did: list[str]) -> None:
    await stage.redeploy(
        None if agent is None else agent.graph(did), interrupt_before=list(agent.stops if agent else ())
    )


async def _answer(stage: Stage, case: Case, request: Request) -> None:
    if case.answer == EXPIRE:
        await stage.expire()
    elif case.answer == REJECT:
        await stage.reject(request)
    else:
        await stage.approve(request)
