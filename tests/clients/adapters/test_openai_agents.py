"""The adapter for the OpenAI Agents SDK, beside the real package."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, Model, ModelResponse, Runner, RunState, Usage, function_tool, set_tracing_disabled
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from countersign import AlreadyConsumed, AsyncCountersign
from countersign.adapters.openai_agents import resolve
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

set_tracing_disabled(True)


class Deletes(Model):
    """A model that deletes these files at once, and then reports what its tools said."""

    def __init__(self, *paths: str) -> None:
        self._paths = paths

    async def get_response(self, system_instructions: Any, input: Any, *args: Any, **kwargs: Any) -> ModelResponse:
        said = [] if isinstance(input, str) else [each["output"] for each in input if "output" in each]
        output: list[Any] = [self._report(said)] if said else [self._call(path) for path in self._paths]
        return ModelResponse(output=output, usage=Usage(), response_id=None)

    def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        raise NotImplementedError

    @staticmethod
    def _call(path: str) -> ResponseFunctionToolCall:
        arguments = json.dumps({"path": path})
        return ResponseFunctionToolCall(
            name="delete_file", arguments=arguments, call_id=f"call-{path}", type="function_call"
        )

    @staticmethod
    def _report(said: list[str]) -> ResponseOutputMessage:
        text = ResponseOutputText(text=" | ".join(said), type="output_text", annotations=[])
        return ResponseOutputMessage(id="m", role="assistant", status="completed", type="message", content=[text])


@pytest.fixture
def deleted() -> list[str]:
    """What the tool was called with."""
    return []


@pytest.fixture
def agent(deleted: list[str]) -> Agent[Any]:
    @function_tool(needs_approval=True)
    def delete_file(path: str) -> str:
        deleted.append(path)
        return f"deleted {path}"

    return Agent(name="Tidy", model=Deletes("/x", "/y"), tools=[delete_file])


def paused(agent: Agent[Any]) -> str:
    """A run that waits, as it was saved."""
    return json.dumps(asyncio.run(Runner.run(agent, "tidy up")).to_state().to_json())


def resumed(agent: Agent[Any], saved: str, client: AsyncCountersign) -> str:
    async def run() -> str:
        state: RunState[Any, Any] = await RunState.from_json(agent, json.loads(saved))
        await resolve(state, client, key="tidy-1")
        return str((await Runner.run(agent, state)).final_output)

    return asyncio.run(run())


def test_each_call_is_asked_and_answered(
    agent: Agent[Any], api: Answered, async_client: AsyncCountersign, deleted: list[str]
) -> None:
    """An approval runs its call, and a rejection tells the model why."""
    api.people = [approves, rejects("not on a Friday")]

    said = resumed(agent, paused(agent), async_client)

    assert deleted == ["/x"]
    assert said == "deleted /x | Rejected: not on a Friday"
    assert [each["action_requests"][0]["args"] for each in api.questions] == [{"path": "/x"}, {"path": "/y"}]


def test_no_edit_is_offered(
    agent: Agent[Any], api: Answered, async_client: AsyncCountersign, deleted: list[str]
) -> None:
    """The SDK runs a call only as its model wrote it. So people cannot edit, and an edit that comes all the same runs
    nothing: the model reads what would be approved."""
    api.people = [edits(path="/x/old"), rejects()]

    said = resumed(agent, paused(agent), async_client)

    assert deleted == []
    assert '{"path": "/x/old"}' in said
    assert [each["review_configs"][0]["allowed_decisions"] for each in api.questions] == [["approve", "reject"]] * 2


@pytest.mark.parametrize("person", [rejects(""), ignores, ignores_an_open_question, withdraws])
def test_no_and_silence_run_nothing(
    agent: Agent[Any], api: Answered, async_client: AsyncCountersign, deleted: list[str], person: Person
) -> None:
    """A rejection without a reason, silence and a withdrawn request run no tool, and the run goes on."""
    api.people = [person, person]

    resumed(agent, paused(agent), async_client)

    assert deleted == []


def test_one_approval_runs_once(
    agent: Agent[Any], api: Answered, async_client: AsyncCountersign, deleted: list[str]
) -> None:
    """A saved state that is resumed a second time is refused before a tool runs."""
    api.people = [approves, approves]
    saved = paused(agent)
    resumed(agent, saved, async_client)

    with pytest.raises(AlreadyConsumed):
        resumed(agent, saved, async_client)

    assert deleted == ["/x", "/y"]
    assert len(api.requests) == 2


def test_the_example_survives_its_process(api: Answered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example goes on with a state that an earlier process saved, and asks nothing twice."""
    module = example("openai_agents_approval", api, tmp_path, monkeypatch)
    log = tmp_path / "old.log"
    log.touch()
    module.agent.model = Deletes(str(log))

    killed_while_it_waits(api, module.run("tidy-3", "tidy up"))
    api.settle(approves)
    said = asyncio.run(module.run("tidy-3", "tidy up"))

    assert said == f"deleted {log}"
    assert not log.exists()
    assert len(api.requests) == 1
