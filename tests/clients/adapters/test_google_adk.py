"""The adapter for Google ADK, beside the real package."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from google.adk.agents import LlmAgent
from google.adk.events import Event
from google.adk.models import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.tools.function_tool import FunctionTool
from google.genai import types

from countersign import AlreadyConsumed, AsyncCountersign
from countersign.adapters.google_adk import before_tool, resolve
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


class Deletes(BaseLlm):
    """A model that deletes these files at once, and then reports what its tools said."""

    paths: list[str]

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        parts = [part for content in llm_request.contents for part in content.parts or []]
        said = [str(part.function_response.response or {}) for part in parts if part.function_response]
        if said:
            parts = [types.Part(text=" | ".join(said[-len(self.paths) :]))]
        else:
            calls = [
                types.FunctionCall(id=f"call-{each}", name="delete_file", args={"path": each}) for each in self.paths
            ]
            parts = [types.Part(function_call=call) for call in calls]
        yield LlmResponse(content=types.Content(role="model", parts=parts))


class App:
    """An agent with a session, as an application has it."""

    def __init__(self, *paths: str, callback: Any = before_tool) -> None:
        self.deleted: list[str] = []
        tool = FunctionTool(self._tool(), require_confirmation=True)
        model = Deletes(model="fake", paths=list(paths))
        agent = LlmAgent(name="tidy", model=model, tools=[tool], before_tool_callback=callback)
        self.sessions = InMemorySessionService()
        self.runner = Runner(app_name="app", agent=agent, session_service=self.sessions)
        asyncio.run(self.sessions.create_session(app_name="app", user_id="u", session_id="s"))

    def _tool(self) -> Any:
        def delete_file(path: str) -> dict[str, str]:
            self.deleted.append(path)
            return {"deleted": path}

        return delete_file

    def start(self) -> list[Event]:
        """The events until the run waits."""
        return self._run(types.Content(role="user", parts=[types.Part(text="tidy up")]))

    def resume(self, events: list[Event], client: AsyncCountersign) -> str:
        """What the agent says after the decisions."""
        decided = asyncio.run(resolve(events, client, key="tidy-1"))
        assert decided is not None
        last = self._run(decided)[-1].content
        return (last.parts or [])[0].text or "" if last else ""

    def _run(self, message: types.Content) -> list[Event]:
        async def run() -> list[Event]:
            return [each async for each in self.runner.run_async(user_id="u", session_id="s", new_message=message)]

        return asyncio.run(run())


def test_each_call_is_asked_and_answered(api: Answered, async_client: AsyncCountersign) -> None:
    """An approval runs its call, and a rejection tells the model why."""
    api.people = [approves, rejects("not on a Friday")]
    app = App("/x", "/y")

    said = app.resume(app.start(), async_client)

    assert app.deleted == ["/x"]
    assert said == "{'deleted': '/x'} | {'error': 'Rejected: not on a Friday'}"
    assert [each["action_requests"][0]["args"] for each in api.questions] == [{"path": "/x"}, {"path": "/y"}]


def test_an_edit_reaches_the_tool(api: Answered, async_client: AsyncCountersign) -> None:
    """The tool gets the arguments as people approved them."""
    api.people = [edits(path="/x/old")]
    app = App("/x")

    app.resume(app.start(), async_client)

    assert app.deleted == ["/x/old"]


@pytest.mark.parametrize("person", [edits(path="/x/old"), rejects("no")])
def test_without_the_callback_an_edit_runs_nothing(
    api: Answered, async_client: AsyncCountersign, person: Person
) -> None:
    """An agent without `before_tool` never runs a call as it was proposed when people approved something else."""
    api.people = [person]
    app = App("/x", callback=None)

    app.resume(app.start(), async_client)

    assert app.deleted == []


@pytest.mark.parametrize("person", [rejects(""), ignores, ignores_an_open_question, withdraws])
def test_no_and_silence_run_nothing(api: Answered, async_client: AsyncCountersign, person: Person) -> None:
    """A rejection without a reason, silence and a withdrawn request run no tool, and the run goes on."""
    api.people = [person]
    app = App("/x")

    app.resume(app.start(), async_client)

    assert app.deleted == []


def test_one_approval_runs_once(api: Answered, async_client: AsyncCountersign) -> None:
    """A pause that is resumed a second time is refused before a tool runs, also from a copy of the session."""
    api.people = [approves]
    app = App("/x")
    events = app.start()
    app.resume(events, async_client)

    with pytest.raises(AlreadyConsumed):
        app.resume(events, async_client)

    assert app.deleted == ["/x"]
    assert len(api.requests) == 1


def test_what_was_answered_is_not_asked_again(api: Answered, async_client: AsyncCountersign) -> None:
    """The events of a whole session hold confirmations of earlier turns, which have their responses."""
    api.people = [approves]
    app = App("/x")
    app.resume(app.start(), async_client)
    session = asyncio.run(app.sessions.get_session(app_name="app", user_id="u", session_id="s"))
    assert session is not None

    assert asyncio.run(resolve(session.events, async_client, key="tidy-1")) is None


def test_the_example_survives_its_process(api: Answered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example goes on with a session that an earlier process stored, and asks nothing twice."""
    module = example("google_adk_confirmation", api, tmp_path, monkeypatch)
    log = tmp_path / "old.log"
    log.touch()
    model = Deletes(model="fake", paths=[str(log)])

    killed_while_it_waits(api, module.run("tidy-3", "tidy up", model))
    api.settle(approves)
    said = asyncio.run(module.run("tidy-3", "tidy up", model))

    assert said == str({"deleted": str(log)})
    assert not log.exists()
    assert len(api.requests) == 1
