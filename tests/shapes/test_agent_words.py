"""Why an agent calls its tools, in its own words, on the card of LangChain's middleware and deepagents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from deepagents import create_deep_agent
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from bot.approvals.model.question import Question
from bot.engines.agent_words import MAX_REASON_CHARACTERS
from tests.shapes.agents import Outbox, model
from tests.support.agent_stage import a_stage

SEND = ("send", {"to": "ann", "copies": 2})
BURN = ("burn", {"path": "/x"})
REASON = "Ann asked for two copies."

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def says(content: Any, *named: tuple[str, dict[str, Any]]) -> AIMessage:
    """The model says this, and wants these tools called."""
    return AIMessage(
        content=content,
        tool_calls=[{"name": name, "args": args, "id": f"call-{n}"} for n, (name, args) in enumerate(named)],
    )


def agent(outbox: Outbox, line: AIMessage, on: Any, mode: Any = "batched", **more: Any) -> Any:
    middleware = HumanInTheLoopMiddleware(interrupt_on=on, interrupt_mode=mode)
    return create_agent(model(line), tools=outbox.tools, middleware=[middleware], **more)


def per_call(outbox: Outbox, line: AIMessage, on: Any) -> Any:
    return agent(outbox, line, on, mode="per_call")


def deep_agent(outbox: Outbox, line: AIMessage, on: Any) -> Any:
    return create_deep_agent(model=model(line), tools=outbox.tools, interrupt_on=on)


def below(outbox: Outbox, line: AIMessage, on: Any) -> Any:
    """The agent as a part of a larger graph, as in `graphs/assistant.py`."""
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(MessagesState)
    builder.add_node("begin", lambda state: {"messages": [HumanMessage("go")]})
    builder.add_node("agent", agent(outbox, line, on))
    builder.add_edge(START, "begin")
    builder.add_edge("begin", "agent")
    return builder


def helped(outbox: Outbox, line: AIMessage, on: Any) -> Any:
    """A subagent that an agent calls as a tool."""
    helper = {
        "name": "helper",
        "description": "Helps.",
        "system_prompt": "Help.",
        "model": model(line),
        "tools": outbox.tools,
        "interrupt_on": on,
    }
    asked = says("I let somebody help.", ("task", {"description": "send it", "subagent_type": "helper"}))
    return create_deep_agent(model=model(asked), tools=[], subagents=[helper])  # type: ignore[list-item]


EVERY = pytest.mark.parametrize("make", [agent, per_call, deep_agent, below, helped])


async def asked(tmp_path: Path, graph: Any) -> Question:
    async with a_stage(tmp_path, graph) as stage:
        return (await stage.question(await stage.started(messages="go"))).question


@EVERY
async def test_the_agents_own_words_are_the_reason_and_the_call_runs_once_it_is_approved(
    tmp_path: Path, make: Any
) -> None:
    outbox = Outbox()
    async with a_stage(tmp_path, make(outbox, says(REASON, SEND), {"send": True})) as stage:
        task = await stage.started(messages="go")
        request = await stage.question(task)
        await stage.delivery.drive(task.id)
        again = await stage.question(task)

        await stage.approve(request)

        assert request.question.text == REASON
        assert (again.version, again.digest) == (1, request.digest)
        assert outbox.ran == [SEND]


async def test_they_come_before_what_the_tools_author_says(tmp_path: Path) -> None:
    on = {"send": {"allowed_decisions": ["approve"], "description": "Costs a stamp."}}

    question = await asked(tmp_path, agent(Outbox(), says(REASON, SEND), on))

    assert question.text == f"{REASON}\n\nCosts a stamp."


async def test_what_the_author_says_is_not_repeated(tmp_path: Path) -> None:
    on = {"send": {"allowed_decisions": ["approve"], "description": "asked for two"}}

    assert (await asked(tmp_path, agent(Outbox(), says(REASON, SEND), on))).text == REASON


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "Ann asked"}, {"type": "text", "text": "for two."}], "Ann asked\n\nfor two."),
        ([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": REASON}], REASON),
        ([{"type": "thinking", "thinking": "hm", "signature": "s"}, REASON], REASON),
        ([{"type": "reasoning", "reasoning": "hm"}], ""),
        (f"<think>Is it safe?</think>\n\n{REASON}", REASON),
        ("<think>Is it", ""),
        (f"  {REASON}\n", REASON),
        ("", ""),
        ([], ""),
    ],
)
async def test_only_what_the_model_said_counts_and_not_what_it_thought(tmp_path: Path, content: Any, text: str) -> None:
    assert (await asked(tmp_path, agent(Outbox(), says(content, SEND), {"send": True}))).text == text


async def test_of_a_very_long_reason_the_beginning_is_shown(tmp_path: Path) -> None:
    question = await asked(tmp_path, agent(Outbox(), says("long " * 1_000, SEND), {"send": True}))

    assert len(question.text) <= MAX_REASON_CHARACTERS
    assert question.text.endswith("long…")


async def test_some_calls_of_the_message_are_enough_if_the_others_need_no_approval(tmp_path: Path) -> None:
    assert (await asked(tmp_path, agent(Outbox(), says(REASON, BURN, SEND), {"send": True}))).text == REASON


async def test_both_calls_of_a_message_have_its_reason(tmp_path: Path) -> None:
    async with a_stage(tmp_path, per_call(Outbox(), says(REASON, SEND, BURN), {"send": True, "burn": True})) as stage:
        requests = await stage.asked(await stage.started(messages="go"))

    assert [request.question.text for request in requests] == [REASON, REASON]


def request_of(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "action_requests": [{"name": name, "args": arguments, "description": ""}],
        "review_configs": [{"action_name": name, "allowed_decisions": ["approve"]}],
    }


@pytest.mark.parametrize(
    "call",
    [("burn", SEND[1]), ("send", {"to": "bob", "copies": 2}), ("send", {"to": "ann", "copies": 2.0}), ("send", {})],
)
async def test_a_message_that_makes_other_calls_is_no_reason(tmp_path: Path, call: tuple[str, dict[str, Any]]) -> None:
    """Else a reason for one call could stand over another."""

    def ask(state: MessagesState) -> Any:
        interrupt(request_of(*call))

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(MessagesState)
    builder.add_node("speak", lambda state: {"messages": [says(REASON, SEND)]})
    builder.add_node("ask", ask)
    builder.add_edge(START, "speak")
    builder.add_edge("speak", "ask")

    assert (await asked(tmp_path, builder)).text == ""


async def test_two_calls_alike_need_two_calls_in_the_message(tmp_path: Path) -> None:
    def ask(state: MessagesState) -> Any:
        once = request_of(*SEND)
        interrupt({**once, "action_requests": once["action_requests"] * 2})

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(MessagesState)
    builder.add_node("speak", lambda state: {"messages": [says(REASON, SEND)]})
    builder.add_node("ask", ask)
    builder.add_edge(START, "speak")
    builder.add_edge("speak", "ask")

    assert (await asked(tmp_path, builder)).text == ""


async def test_only_the_last_message_of_the_model_counts(tmp_path: Path) -> None:
    def ask(state: MessagesState) -> Any:
        interrupt(request_of(*SEND))

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(MessagesState)
    builder.add_node("speak", lambda state: {"messages": [says(REASON, SEND), AIMessage("Never mind.")]})
    builder.add_node("ask", ask)
    builder.add_edge(START, "speak")
    builder.add_edge("speak", "ask")

    assert (await asked(tmp_path, builder)).text == ""


async def test_if_two_conversations_make_the_call_nobody_can_tell_whose_words_count(tmp_path: Path) -> None:
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(MessagesState)
    builder.add_node("one", agent(Outbox(), says("Ann asked.", SEND), {"send": True}))
    builder.add_node("two", agent(Outbox(), says("Bob asked.", SEND), {"send": True}))
    builder.add_edge(START, "one")
    builder.add_edge(START, "two")

    async with a_stage(tmp_path, builder) as stage:
        requests = await stage.asked(await stage.started(messages="go"))

    assert [request.question.text for request in requests] == ["", ""]


async def test_another_question_of_the_agent_keeps_its_own_words(tmp_path: Path) -> None:
    def ask(state: MessagesState) -> Any:
        interrupt({"action": "send", "to": "ann", "message": "Send it?"})

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(MessagesState)
    builder.add_node("speak", lambda state: {"messages": [says(REASON, SEND)]})
    builder.add_node("ask", ask)
    builder.add_edge(START, "speak")
    builder.add_edge("speak", "ask")

    assert (await asked(tmp_path, builder)).text == ""
