"""The adapter for CrewAI, beside the real package."""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from crewai import Agent, BaseLLM, Crew, Task
from crewai.core.providers.human_input import set_provider
from crewai.flow.async_feedback import HumanFeedbackPending
from crewai.flow.flow import Flow, listen, router, start
from crewai.flow.human_feedback import HumanFeedbackResult, human_feedback
from crewai.hooks import HookAborted, get_after_tool_call_hooks, get_before_tool_call_hooks
from crewai.tools import tool

from countersign import AlreadyConsumed, Cancelled, Countersign, Expired, NotApproved, Rejected
from countersign.adapters.crewai import FlowFeedback, HumanInput, ToolGate, approved_tools
from tests.clients.adapters.examples import FOLDER, example
from tests.clients.adapters.people import (
    Answered,
    Person,
    approves,
    edits,
    ignores,
    ignores_an_open_question,
    rejects,
    says,
    withdraws,
)
from tests.support.stub_api import TOKEN


class Scripted(BaseLLM):
    """A model that says these things, one after the other. A list is a call of tools, as providers make it."""

    replies: list[Any]
    native: bool = False
    heard: str = ""
    """The last messages that it was given."""

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        self.heard = json.dumps(messages, default=str)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def supports_function_calling(self) -> bool:
        return self.native

    def supports_stop_words(self) -> bool:
        return True

    def get_context_window_size(self) -> int:
        return 8000


def says_final(words: str) -> str:
    return f"Thought: I now know the final answer\nFinal Answer: {words}"


def deletes(*paths: str, native: bool = False) -> Scripted:
    """A model that deletes these files, one after the other, and then is done."""
    if native:
        calls: list[Any] = [
            [{"id": f"call-{each}", "name": "delete_file", "arguments": json.dumps({"path": each})}] for each in paths
        ]
        return Scripted(model="fake", native=True, replies=[*calls, "done"])
    calls = [f"Thought: use it\nAction: Delete File\nAction Input: {json.dumps({'path': each})}" for each in paths]
    return Scripted(model="fake", replies=[*calls, says_final("done")])


def crew(llm: Scripted, tools: list[Any] | None = None, human_input: bool = False) -> Crew:
    agent = Agent(role="Janitor", goal="g", backstory="b", llm=llm, tools=tools or [], verbose=False)
    task = Task(description="tidy up", expected_output="x", agent=agent, human_input=human_input)
    return Crew(agents=[agent], tasks=[task], verbose=False)


@pytest.fixture
def deleted() -> list[str]:
    """What the tool was called with."""
    return []


@pytest.fixture
def delete_file(deleted: list[str]) -> Any:
    @tool("Delete File")
    def delete_file(path: str) -> str:
        """Deletes a file."""
        deleted.append(path)
        return f"deleted {path}"

    return delete_file


# --- Tools --------------------------------------------------------------------------------------


@pytest.mark.parametrize("native", [False, True], ids=["text", "native"])
def test_a_call_waits_for_approval(
    api: Answered, client: Countersign, delete_file: Any, deleted: list[str], native: bool
) -> None:
    """An approval runs the tool, with models that write calls as text and with those that have tool calls."""
    api.people = [approves]

    with approved_tools(client, ["Delete File"], key="tidy-1"):
        crew(deletes("/x", native=native), [delete_file]).kickoff()

    assert deleted == ["/x"]
    assert api.questions[0]["action_requests"] == [
        {"name": "delete_file", "args": {"path": "/x"}, "description": "Agent: Janitor"}
    ]


@pytest.mark.parametrize("native", [False, True], ids=["text", "native"])
def test_an_edit_reaches_the_tool(
    api: Answered, client: Countersign, delete_file: Any, deleted: list[str], native: bool
) -> None:
    """The tool gets the arguments as people approved them."""
    api.people = [edits(path="/x/old")]

    with approved_tools(client, ["Delete File"], key="tidy-1"):
        crew(deletes("/x", native=native), [delete_file]).kickoff()

    assert deleted == ["/x/old"]


@pytest.mark.parametrize("native", [False, True], ids=["text", "native"])
def test_the_agent_reads_why(
    api: Answered, client: Countersign, delete_file: Any, deleted: list[str], native: bool
) -> None:
    """After a rejection the agent reads the reason, not "blocked by hook"."""
    api.people = [rejects("not on a Friday")]
    llm = deletes("/x", native=native)

    with approved_tools(client, ["Delete File"], key="tidy-1"):
        crew(llm, [delete_file]).kickoff()

    assert deleted == []
    assert "Rejected: not on a Friday" in llm.heard
    assert "blocked by hook" not in llm.heard


@pytest.mark.parametrize("person", [rejects(""), ignores, ignores_an_open_question, withdraws])
def test_no_and_silence_run_nothing(
    api: Answered, client: Countersign, delete_file: Any, deleted: list[str], person: Person
) -> None:
    """A rejection without a reason, silence and a withdrawn request run no tool, and the crew goes on."""
    api.people = [person]

    with approved_tools(client, ["Delete File"], key="tidy-1"):
        crew(deletes("/x"), [delete_file]).kickoff()

    assert deleted == []


@pytest.mark.parametrize(
    ("url", "key"),
    [("http://127.0.0.1:1", "tidy-1"), ("", lambda context: context.nothing_of_the_kind)],
    ids=["unreachable", "a bug"],
)
def test_a_failure_runs_nothing(api: Answered, delete_file: Any, deleted: list[str], url: str, key: Any) -> None:
    """CrewAI runs a tool if its hook raises. So an API that is away, or a bug, blocks the call."""
    llm = deletes("/x")

    with approved_tools(Countersign(url or api.url, TOKEN, retry_for=0), ["Delete File"], key=key):
        crew(llm, [delete_file]).kickoff()

    assert deleted == []
    assert "Not approved: " in llm.heard


def test_one_approval_runs_once(api: Answered, client: Countersign, delete_file: Any, deleted: list[str]) -> None:
    """A crew that is run again under the same key does not run again what was approved once."""
    api.people = [approves]

    for _ in range(2):
        with approved_tools(client, ["Delete File"], key="tidy-1"):
            crew(deletes("/x"), [delete_file]).kickoff()

    assert deleted == ["/x"]
    assert len(api.requests) == 1


def test_each_of_two_equal_calls_is_asked(client: Countersign, api: Answered) -> None:
    """The second of two equal calls in a run is a wish of its own."""
    api.people = [approves, rejects()]
    gate = ToolGate(client, ["pay"], key="order-1")

    call: Any = SimpleNamespace(tool_name="pay", tool_input={"amount": "9.00"}, agent=None)

    assert gate.before(call) is None
    assert gate.before(call) is False
    assert len(api.requests) == 2


def test_the_hooks_are_gone_afterwards(client: Countersign) -> None:
    """Outside the context no tool waits. A single name is no list of names."""
    with approved_tools(client, ["pay"], key="order-1"):
        assert len(get_before_tool_call_hooks()) == len(get_after_tool_call_hooks()) == 1

    assert not get_before_tool_call_hooks()
    assert not get_after_tool_call_hooks()
    with pytest.raises(TypeError):
        ToolGate(client, "pay", key="order-1")


# --- human_input=True ---------------------------------------------------------------------------


def reviewed(client: Countersign, llm: Scripted, asynchronously: bool = False) -> str:
    """The result that people accepted. The provider is set in this context alone."""

    def run() -> str:
        set_provider(HumanInput(client, key="report-1"))
        reviewing = crew(llm, human_input=True)
        return str(asyncio.run(reviewing.akickoff()) if asynchronously else reviewing.kickoff())

    return contextvars.copy_context().run(run)


@pytest.mark.parametrize("asynchronously", [False, True], ids=["kickoff", "akickoff"])
def test_words_are_another_round(api: Answered, client: Countersign, asynchronously: bool) -> None:
    """The agent works on with what people wrote, until they approve."""
    api.people = [says("shorter"), approves]
    llm = Scripted(model="fake", replies=[says_final("a long report"), says_final("a report")])

    assert reviewed(client, llm, asynchronously) == "a report"

    assert [each["result"] for each in api.questions] == ["a long report", "a report"]
    assert "shorter" in llm.heard


@pytest.mark.parametrize(
    ("person", "cause"),
    [
        (says(""), NotApproved),
        (says(" \n"), NotApproved),
        (says(None), NotApproved),
        (rejects(""), Rejected),
        (rejects("wrong"), Rejected),
        (ignores, Expired),
        (withdraws, Cancelled),
    ],
)
def test_only_an_approval_accepts(api: Answered, client: Countersign, person: Person, cause: type[Exception]) -> None:
    """Empty words, a rejection, silence and a withdrawn request stop the crew at once. CrewAI's own provider would
    accept empty words, and CrewAI would run the task again after any other error."""
    api.people = [person, approves]

    with pytest.raises(HookAborted) as stopped:
        reviewed(client, Scripted(model="fake", replies=[says_final("a report")]))

    assert type(stopped.value.__cause__) is cause
    assert len(api.requests) == 1


def test_one_acceptance_is_for_one_run(api: Answered, client: Countersign) -> None:
    """A crew that is run again under the same key does not take an acceptance that was taken."""
    api.people = [approves]
    llm = Scripted(model="fake", replies=[says_final("a report")])
    reviewed(client, llm)

    with pytest.raises(HookAborted, match="already-consumed"):
        reviewed(client, llm)


# --- Flows --------------------------------------------------------------------------------------


def flow_of(feedback: FlowFeedback, emit: list[str] | None = None) -> type[Flow[Any]]:
    class Review(Flow[Any]):
        @start()
        @human_feedback(message="Publish?", provider=feedback, emit=emit, llm="none" if emit else None)
        def draft(self) -> dict[str, str]:
            return {"text": "a draft"}

        @router(draft)
        def decide(self, result: HumanFeedbackResult) -> str:
            return "yes" if json.loads(result.feedback)["approved"] else "no"

        @listen("yes")
        def publish(self) -> str:
            return "published"

        @listen("no")
        def drop(self) -> str:
            return "dropped"

    return Review


@pytest.mark.parametrize(
    ("person", "outcome"),
    [
        (approves, "published"),
        (rejects("no"), "dropped"),
        (says(""), "dropped"),
        (says("approved"), "dropped"),
        (ignores, "dropped"),
        (ignores_an_open_question, "dropped"),
        (withdraws, "dropped"),
    ],
)
def test_only_an_approval_publishes(api: Answered, client: Countersign, person: Person, outcome: str) -> None:
    """A stored flow goes on with the decision. Empty words, silence and a no are never an approval."""
    feedback = FlowFeedback(client)
    review = flow_of(feedback)
    pending = review(suppress_flow_events=True).kickoff()
    assert isinstance(pending, HumanFeedbackPending)
    api.settle(person)

    said = feedback.resume(review.from_pending(pending.context.flow_id))

    assert said == outcome
    assert api.questions == [{"question": "Publish?", "output": {"text": "a draft"}}]


def test_one_pause_is_resumed_once(api: Answered, client: Countersign) -> None:
    """Two processes that restored the same pause do not both go on."""
    api.people = [approves]
    feedback = FlowFeedback(client)
    review = flow_of(feedback)
    flow_id = review(suppress_flow_events=True).kickoff().context.flow_id
    first, second = review.from_pending(flow_id), review.from_pending(flow_id)

    assert feedback.resume(first) == "published"
    with pytest.raises(AlreadyConsumed):
        feedback.resume(second)
    with pytest.raises(ValueError, match="from_pending"):
        feedback.resume(first)


def test_a_flow_is_resumed_in_an_event_loop(api: Answered, client: Countersign) -> None:
    """There the blocking way takes nothing, so that the other way still can."""
    api.people = [approves]
    feedback = FlowFeedback(client)
    review = flow_of(feedback)
    flow_id = review(suppress_flow_events=True).kickoff().context.flow_id

    async def run() -> object:
        with pytest.raises(RuntimeError, match="resume_async"):
            feedback.resume(review.from_pending(flow_id))
        return await feedback.resume_async(review.from_pending(flow_id))

    assert asyncio.run(run()) == "published"


def test_emit_is_refused(api: Answered, client: Countersign) -> None:
    """With `emit`, CrewAI takes its first outcome for an empty feedback. So nothing is asked."""
    review = flow_of(FlowFeedback(client), emit=["approved", "rejected"])

    with pytest.raises(ValueError, match="emit"):
        review(suppress_flow_events=True).kickoff()

    assert api.requests == {}


# --- Examples -----------------------------------------------------------------------------------


def test_the_crew_of_the_example(api: Answered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is deleted after an approval, and the report is accepted."""
    api.people = [approves, approves]
    module = example("crewai_tools", api, tmp_path, monkeypatch)
    log = tmp_path / "old.log"
    log.touch()
    llm = Scripted(
        model="fake",
        replies=[
            f"Thought: use it\nAction: delete_file\nAction Input: {json.dumps({'path': str(log)})}",
            says_final("one file"),
        ],
    )

    said = contextvars.copy_context().run(module.run, "tidy-3", str(tmp_path), llm)

    assert said == "one file"
    assert not log.exists()


def test_the_flow_of_the_example_is_resumed_by_another_process(api: Answered, tmp_path: Path) -> None:
    """One process asks and ends, and another one goes on."""

    def run(*arguments: str) -> str:
        environment = {**os.environ, "COUNTERSIGN_URL": api.url, "COUNTERSIGN_TOKEN": TOKEN}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        command = [sys.executable, str(FOLDER / "crewai_flow.py"), *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()[-1]

    flow_id = run("We open on Monday.")
    api.settle(approves)

    assert "published: We open on Monday." in run("--resume", flow_id)
