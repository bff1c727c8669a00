"""LangChain's middleware and deepagents, as their users run them: from the model's call to what the tool was given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from deepagents import create_deep_agent
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.runnables import RunnableConfig

from bot.approvals.model.decision import Approve, Reject, Respond
from bot.approvals.model.errors import InvalidAnswer, VerdictNotOffered
from bot.approvals.model.question import Verdict
from bot.approvals.model.task import Task
from tests.shapes.agents import Outbox, calls, model, results
from tests.support.agent_stage import Stage, a_stage

ONE = calls(("send", {"to": "ann", "copies": 2}))
TWO = calls(("send", {"to": "ann", "copies": 2}), ("burn", {"path": "/x"}))
ALL = {"send": True, "burn": {"allowed_decisions": ["approve", "reject"]}}
SILENCE = "nobody answered by 2026-03-02 11:00 UTC."

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def agent(outbox: Outbox, line: Any, interrupt_on: Any, mode: Any = "batched") -> Any:
    middleware = HumanInTheLoopMiddleware(interrupt_on=interrupt_on, interrupt_mode=mode)
    return create_agent(model(line), tools=outbox.tools, middleware=[middleware])


def deep_agent(outbox: Outbox, line: Any, interrupt_on: Any) -> Any:
    return create_deep_agent(model=model(line), tools=outbox.tools, interrupt_on=interrupt_on)


async def told(stage: Stage, task: Task) -> list[str]:
    """What the model was told of its calls, by the state's messages."""
    compiled = stage.graph
    state = await compiled.aget_state(RunnableConfig(configurable={"thread_id": task.thread_id}))
    return results(state.values["messages"])


BOTH = pytest.mark.parametrize("make", [agent, deep_agent], ids=["langchain", "deepagents"])
EVERY = pytest.mark.parametrize(
    "make",
    [agent, lambda outbox, line, on: agent(outbox, line, on, mode="per_call"), deep_agent],
    ids=["langchain", "langchain per call", "deepagents"],
)


@EVERY
async def test_an_approved_call_runs_as_it_was_proposed(tmp_path: Path, make: Any) -> None:
    outbox = Outbox()
    async with a_stage(tmp_path, make(outbox, ONE, ALL)) as stage:
        task = await stage.started(messages="please write to Ann")
        request = await stage.question(task)

        await stage.approve(request)

        assert request.question.title == "Send to ann?"
        assert request.question.items[0].arguments == {"to": "ann", "copies": 2}
        assert request.question.items[0].verdicts == (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT, Verdict.RESPOND)
        assert outbox.ran == [("send", {"to": "ann", "copies": 2})]
        assert await stage.is_delivered(request)
        assert await stage.outcome(task) == "All done."


@EVERY
async def test_an_edited_call_runs_with_what_was_approved(tmp_path: Path, make: Any) -> None:
    outbox = Outbox()
    async with a_stage(tmp_path, make(outbox, ONE, ALL)) as stage:
        request = await stage.question(await stage.started(messages="please write to Ann"))

        await stage.edit(request, copies=1)
        await stage.approve(request)

        assert outbox.ran == [("send", {"to": "ann", "copies": 1})]


@EVERY
async def test_a_rejected_call_does_not_run_and_the_model_is_told_why(tmp_path: Path, make: Any) -> None:
    outbox = Outbox()
    async with a_stage(tmp_path, make(outbox, ONE, ALL)) as stage:
        task = await stage.started(messages="please write to Ann")

        await stage.reject(await stage.question(task), "she has moved")

        assert outbox.ran == []
        assert "she has moved" in (await told(stage, task))[0]
        assert await stage.outcome(task) == "All done."


@EVERY
async def test_an_answer_takes_the_place_of_the_tools_own(tmp_path: Path, make: Any) -> None:
    outbox = Outbox()
    async with a_stage(tmp_path, make(outbox, ONE, ALL)) as stage:
        task = await stage.started(messages="please write to Ann")

        await stage.respond(await stage.question(task), "I have told her myself")

        assert outbox.ran == []
        assert await told(stage, task) == ["I have told her myself"]


@EVERY
async def test_of_a_call_that_nobody_decided_the_model_is_told_and_the_tool_does_not_run(
    tmp_path: Path, make: Any
) -> None:
    outbox = Outbox()
    async with a_stage(tmp_path, make(outbox, ONE, ALL)) as stage:
        task = await stage.started(messages="please write to Ann")

        await stage.expire()

        assert outbox.ran == []
        assert SILENCE in (await told(stage, task))[0]


@EVERY
async def test_where_rejecting_is_not_allowed_silence_ends_the_task(tmp_path: Path, make: Any) -> None:
    outbox = Outbox()
    async with a_stage(tmp_path, make(outbox, ONE, {"send": {"allowed_decisions": ["approve", "respond"]}})) as stage:
        task = await stage.started(messages="please write to Ann")

        await stage.expire()

        assert outbox.ran == []
        assert (await stage.outcome(task)).startswith("Stopped: Nobody answered")


@EVERY
async def test_where_there_is_no_way_to_say_no_silence_ends_the_task(tmp_path: Path, make: Any) -> None:
    outbox = Outbox()
    async with a_stage(tmp_path, make(outbox, ONE, {"send": {"allowed_decisions": ["approve", "edit"]}})) as stage:
        task = await stage.started(messages="please write to Ann")

        await stage.expire()

        assert outbox.ran == []
        assert (await stage.outcome(task)).startswith("Stopped: Nobody answered")


@EVERY
async def test_a_call_that_may_only_be_edited_is_approved_by_its_edit(tmp_path: Path, make: Any) -> None:
    outbox = Outbox()
    async with a_stage(tmp_path, make(outbox, ONE, {"send": {"allowed_decisions": ["edit"]}})) as stage:
        request = await stage.question(await stage.started(messages="please write to Ann"))

        with pytest.raises(VerdictNotOffered):
            await stage.approve(request)
        await stage.edit(request, to="bob")
        await stage.approve(request)

        assert outbox.ran == [("send", {"to": "bob", "copies": 2})]


@BOTH
async def test_each_of_several_calls_has_its_own_verdict(tmp_path: Path, make: Any) -> None:
    outbox = Outbox()
    async with a_stage(tmp_path, make(outbox, TWO, ALL)) as stage:
        task = await stage.started(messages="please write to Ann")
        request = await stage.question(task)

        with pytest.raises(VerdictNotOffered):
            await stage.vote(request, Approve(), Respond(value="burnt"))
        with pytest.raises(VerdictNotOffered):
            await stage.vote(request, Approve())
        await stage.edit(request, 0, to="bob")
        await stage.vote(request, Approve(), Reject(reason="keep it"))

        assert request.question.items[1].verdicts == (Verdict.APPROVE, Verdict.REJECT)
        assert outbox.ran == [("send", {"to": "bob", "copies": 2})]
        said = await told(stage, task)
        assert any("keep it" in each for each in said)
        assert any("sent to bob" in each for each in said)


@BOTH
async def test_all_of_several_calls_can_be_approved_at_once(tmp_path: Path, make: Any) -> None:
    outbox = Outbox()
    async with a_stage(tmp_path, make(outbox, TWO, ALL)) as stage:
        await stage.approve(await stage.question(await stage.started(messages="go")))

        assert sorted(outbox.ran) == [("burn", {"path": "/x"}), ("send", {"to": "ann", "copies": 2})]


async def test_asked_call_by_call_each_has_its_own_card_and_any_may_be_first(tmp_path: Path) -> None:
    outbox = Outbox()
    async with a_stage(tmp_path, agent(outbox, TWO, ALL, mode="per_call")) as stage:
        task = await stage.started(messages="go")
        asked = {request.question.items[0].name: request for request in await stage.asked(task)}

        await stage.reject(asked["burn"], "keep it")
        await stage.approve(asked["send"])

        assert set(asked) == {"send", "burn"}
        assert asked["burn"].question.items[0].verdicts == (Verdict.APPROVE, Verdict.REJECT)
        assert outbox.ran == [("send", {"to": "ann", "copies": 2})]
        assert await stage.outcome(task) == "All done."


async def test_asked_call_by_call_an_edit_has_to_fit_the_tools_own_arguments(tmp_path: Path) -> None:
    outbox = Outbox()
    async with a_stage(tmp_path, agent(outbox, ONE, ALL, mode="per_call")) as stage:
        request = await stage.question(await stage.started(messages="go"))

        with pytest.raises(InvalidAnswer) as refused:
            await stage.edit(request, copies="many")

        assert refused.value.field == "copies"
        assert (await stage.storage.request(request.id)).version == 1


async def test_what_a_tools_author_says_of_a_call_is_shown_and_the_middlewares_own_words_are_not(
    tmp_path: Path,
) -> None:
    outbox = Outbox()
    described = {"allowed_decisions": ["approve"], "description": "Costs a stamp."}
    async with a_stage(tmp_path, agent(outbox, TWO, {"send": described, "burn": True})) as stage:
        request = await stage.question(await stage.started(messages="go"))

        assert request.question.text == "1. Costs a stamp."
