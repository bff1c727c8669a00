"""The adapter for Pydantic AI, beside the real package."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic_ai import Agent, AgentRunResult, DeferredToolRequests
from pydantic_ai.capabilities import HandleDeferredToolCalls
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

from countersign import AlreadyConsumed, AsyncCountersign, Countersign
from countersign.adapters.pydantic_ai import resolve, resolve_sync
from tests.clients.adapters.examples import example, killed_while_it_waits
from tests.clients.adapters.people import (
    Answered,
    Person,
    approves,
    edits,
    ignores,
    ignores_an_open_question,
    rejects,
    withdraws,
)

Output = str | DeferredToolRequests


def deletes(*paths: str) -> FunctionModel:
    """A model that deletes these files at once, and then reports what its tools said."""

    def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        if messages[-1].parts[-1].part_kind == "user-prompt":
            calls = [ToolCallPart("delete_file", {"path": path}, tool_call_id=f"call-{path}") for path in paths]
            return ModelResponse(parts=calls)
        said = [str(each.content) for each in messages[-1].parts if isinstance(each, ToolReturnPart)]
        return ModelResponse(parts=[TextPart(" | ".join(said))])

    return FunctionModel(model)


@pytest.fixture
def deleted() -> list[str]:
    """What the tool was called with."""
    return []


@pytest.fixture
def agent(deleted: list[str]) -> Agent[None, Output]:
    made = Agent(deletes("/x", "/y"), output_type=[str, DeferredToolRequests])

    @made.tool_plain(requires_approval=True)
    def delete_file(path: str) -> str:
        deleted.append(path)
        return f"deleted {path}"

    return made


def paused(agent: Agent[None, Output]) -> tuple[bytes, DeferredToolRequests]:
    """A run that waits, as it was saved."""
    result = agent.run_sync("tidy up")
    assert isinstance(result.output, DeferredToolRequests)
    return ModelMessagesTypeAdapter.dump_json(result.all_messages()), result.output


def resumed(agent: Agent[None, Output], saved: bytes, requests: DeferredToolRequests, client: Countersign) -> str:
    decided = resolve_sync(requests, client, key="tidy-1")
    messages = ModelMessagesTypeAdapter.validate_json(saved)
    result: AgentRunResult[Output] = agent.run_sync(message_history=messages, deferred_tool_results=decided)
    return str(result.output)


def test_each_call_is_asked_and_answered(
    agent: Agent[None, Output], api: Answered, client: Countersign, deleted: list[str]
) -> None:
    """An approval runs its call, and a rejection tells the model why."""
    api.people = [approves, rejects("not on a Friday")]

    said = resumed(agent, *paused(agent), client)

    assert deleted == ["/x"]
    assert said == "deleted /x | Rejected: not on a Friday"
    assert [each["action_requests"][0]["args"] for each in api.questions] == [{"path": "/x"}, {"path": "/y"}]


def test_an_edit_reaches_the_tool(
    agent: Agent[None, Output], api: Answered, client: Countersign, deleted: list[str]
) -> None:
    """The tool gets the arguments as people approved them."""
    api.people = [edits(path="/x/old"), rejects()]

    resumed(agent, *paused(agent), client)

    assert deleted == ["/x/old"]


@pytest.mark.parametrize("person", [rejects(""), ignores, ignores_an_open_question, withdraws])
def test_no_and_silence_run_nothing(
    agent: Agent[None, Output], api: Answered, client: Countersign, deleted: list[str], person: Person
) -> None:
    """A rejection without a reason, silence and a withdrawn request run no tool, and the run goes on."""
    api.people = [person, person]

    resumed(agent, *paused(agent), client)

    assert deleted == []


def test_one_approval_runs_once(
    agent: Agent[None, Output], api: Answered, client: Countersign, deleted: list[str]
) -> None:
    """A saved pause that is resumed a second time is refused before a tool runs."""
    api.people = [approves, approves]
    pause = paused(agent)
    resumed(agent, *pause, client)

    with pytest.raises(AlreadyConsumed):
        resumed(agent, *pause, client)

    assert deleted == ["/x", "/y"]
    assert len(api.requests) == 2


async def _resolved_inline(agent: Agent[None, Output], client: AsyncCountersign) -> str:
    handler = HandleDeferredToolCalls[None](handler=lambda ctx, requests: resolve(requests, client, key="tidy-2"))
    return str((await agent.run("tidy up", capabilities=[handler])).output)


def test_calls_are_answered_inside_a_run(
    agent: Agent[None, Output], api: Answered, async_client: AsyncCountersign, deleted: list[str]
) -> None:
    """The adapter is a handler of `HandleDeferredToolCalls`, with which the run waits. Run once more, it is refused."""
    api.people = [approves, edits(path="/z")]

    said = asyncio.run(_resolved_inline(agent, async_client))
    with pytest.raises(AlreadyConsumed):
        asyncio.run(_resolved_inline(agent, async_client))

    assert said == "deleted /x | deleted /z"
    assert deleted == ["/x", "/z"]


def test_the_example_survives_its_process(api: Answered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example goes on with a pause that an earlier process saved, and asks nothing twice."""
    module = example("pydantic_ai_approval", api, tmp_path, monkeypatch)
    log = tmp_path / "old.log"
    log.touch()
    model = deletes(str(log))

    killed_while_it_waits(api, module.run("tidy-3", "tidy up", model))
    api.settle(approves)
    said = asyncio.run(module.run("tidy-3", "tidy up", model))

    assert said == f"deleted {log}"
    assert not log.exists()
    assert len(api.requests) == 1
