"""Whatever a graph asks with, and whatever a person answers: nothing breaks, and what passes is taken by the graph."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Choose,
    Decision,
    Expired,
    ItemVerdict,
    Keep,
    Reject,
    Respond,
    Undo,
)
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Question, Verdict
from bot.durations import MAX_DURATION
from bot.engines import questions, schemas
from bot.engines.langgraph.checkpoints.serializer import TypedSerializer
from bot.engines.payload import to_json
from tests.shapes.agents import Outbox, calls, model
from tests.support.agent_stage import asks
from tests.support.examples import examples

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

KEYS = [
    "question",
    "options",
    "choices",
    "details",
    "plan",
    "action",
    "message",
    "instruction",
    "content",
    "type",
    "questions",
    "samples",
    "action_requests",
    "review_configs",
    "name",
    "args",
    "description",
    "action_name",
    "allowed_decisions",
    "tool_call_id",
    "action_request",
    "config",
    "allow_accept",
    "allow_edit",
    "allow_ignore",
    "requests",
    "key",
    "mode",
    "url",
    "requested_schema",
    "answer",
    "risk_level",
    "reason",
    "error",
    "id",
    "label",
    "value",
    "properties",
    "$ref",
    "$defs",
    "enum",
    "anyOf",
    "oneOf",
    "allOf",
    "required",
    "title",
    "format",
    "pattern",
    "const",
    "items",
    "default",
    "additionalProperties",
    "result",
    "undo",
    "how",
    "window",
    "at",
    "summary",
    "look_again",
]
WORDS = [
    "tool_approval",
    "mcp_elicitation",
    "clarification_needed",
    "quality_check",
    "undo_window",
    "10m",
    "2026-11-29T10:00:00Z",
    "0" * 64,
    "form",
    "url",
    "approve",
    "edit",
    "reject",
    "respond",
    "string",
    "object",
    "boolean",
    "integer",
    "array",
    "null",
    "#/$defs/name",
    "#",
    "high",
    "text",
    "date-time",
    "(",
    "<!channel>",
    "```",
]
texts = st.sampled_from([*WORDS, "\u202eevil", "\u200b", "\ud800"]) | st.text(max_size=6)
values: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | texts, inner, max_size=4),
    max_leaves=15,
)
conventions = st.sampled_from(["", "boolean", "object", "text", "json", "approve/reject", "go/stop"])
verdicts: st.SearchStrategy[ItemVerdict] = st.one_of(
    st.just(Approve()),
    st.builds(Reject, reason=texts),
    st.builds(Respond, value=values),
    st.builds(Choose, choice=texts),
    st.sampled_from([Undo(), Keep()]),
)


def answered(*given: ItemVerdict) -> Answered:
    return Answered(verdicts=given, voters=(), edited=False, at=NOW)


@examples(100)
@given(values, values, conventions, st.lists(verdicts, max_size=3))
def test_no_payload_and_no_answer_breaks_a_question(
    value: JSON, schema: JSON, convention: str, given: list[ItemVerdict]
) -> None:
    question = questions.read(to_json(value), to_json(schema), convention)

    assert question.items
    assert all(item.verdicts for item in question.items)
    assert question.digest == questions.read(to_json(value), to_json(schema), convention).digest
    for decision in (Expired(at=NOW), answered(*given), answered(*(given[:1] * len(question.items)))):
        with contextlib.suppress(InvalidAnswer):
            json.dumps(questions.answer(question, question, decision))


undo_windows = st.fixed_dictionaries(
    {"type": st.just("undo_window")},
    optional=dict.fromkeys(("action", "result", "undo", "window", "at", "summary", "details", "look_again"), values),
)


@examples(100)
@given(undo_windows)
def test_every_offer_to_undo_has_a_window_and_gives_the_way_back_as_it_was(value: dict[str, JSON]) -> None:
    payload = to_json(value)
    assert isinstance(payload, dict)

    question = questions.read(payload)

    assert question.window is not None
    assert timedelta() < question.window.length <= MAX_DURATION
    assert questions.answer(question, question, answered(Keep())) == {"type": "keep"}
    if Verdict.UNDO in question.items[0].verdicts:
        told = questions.answer(question, question, answered(Undo()))
        assert isinstance(told, dict)
        assert json.dumps(told["undo"]) == json.dumps(payload.get("undo"))


@examples(100)
@given(values, values)
def test_no_schema_breaks_a_form_or_its_check(schema: JSON, value: JSON) -> None:
    question = questions.read("Tell me", to_json(schema))

    assert isinstance(question.form, dict) or schema is None
    with contextlib.suppress(InvalidAnswer):
        schemas.check(to_json(schema), value)


def test_a_payload_as_deep_as_a_checkpoint_takes_is_read() -> None:
    value: JSON = "deep"
    for level in range(100):
        value = {"details": value} if level % 2 else [value]

    assert questions.read(value).digest


@examples(50)
@given(st.dictionaries(texts, values, max_size=3), values)
def test_a_form_that_refers_to_itself_ends(definitions: dict[str, JSON], value: JSON) -> None:
    tree: dict[str, JSON] = {"type": "object", "properties": {"next": {"$ref": "#/$defs/tree"}, "value": value}}
    question = questions.read("A tree?", {"$ref": "#/$defs/tree", "$defs": {**definitions, "tree": tree}})

    assert len(json.dumps(question.form)) < 100_000


def test_a_schema_that_doubles_at_every_step_stays_small() -> None:
    definitions: dict[str, JSON] = {
        f"d{n}": {"type": "object", "properties": {side: {"$ref": f"#/$defs/d{n + 1}"} for side in "ab"}}
        for n in range(40)
    }
    definitions["d40"] = {"type": "string"}

    question = questions.read("How many?", {"$ref": "#/$defs/d0", "$defs": definitions})

    assert len(json.dumps(question.form)) < 200_000


# --- What passes is taken -----------------------------------------------------------------------------


def offered(question: Question, draw: st.DataObject) -> Decision:
    """A decision that the rules would let pass, with whatever words."""
    chosen: list[ItemVerdict] = []
    for item in question.items:
        match draw.draw(st.sampled_from(sorted(set(item.verdicts) - {Verdict.EDIT} or {Verdict.APPROVE}))):
            case Verdict.REJECT:
                chosen.append(Reject(reason=draw.draw(texts)))
            case Verdict.RESPOND:
                chosen.append(Respond(value=draw.draw(values)))
            case Verdict.CHOOSE:
                chosen.append(Choose(choice=draw.draw(st.sampled_from(question.choices))))
            case _:
                chosen.append(Approve())
    return answered(*chosen)


async def taken(graph: Any, given: Any, decide: Any) -> bool:
    """Run the graph to its interrupts and answer the first; whether it took what the questions' module let pass."""
    config: Any = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke(given, config)
    interrupt = (await graph.aget_state(config)).interrupts[0]
    question = questions.read(to_json(interrupt.value), to_json(interrupt.response_schema))
    try:
        answer = questions.answer(question, question, decide(question))
    except InvalidAnswer:
        return False
    await graph.ainvoke(Command(resume={interrupt.id: answer}), config)
    return interrupt.id not in [each.id for each in (await graph.aget_state(config)).interrupts]


decisions = st.sets(st.sampled_from(["approve", "edit", "reject", "respond"]), min_size=1).map(sorted)


@examples(15, suppress_health_check=[HealthCheck.too_slow])
@given(decisions, decisions, st.sampled_from(["batched", "per_call"]), st.data())
def test_the_middleware_takes_every_decision_that_passes(
    send: list[str], burn: list[str], mode: str, data: st.DataObject
) -> None:
    from langchain.agents import create_agent
    from langchain.agents.middleware import HumanInTheLoopMiddleware

    line = calls(("send", {"to": "ann"}), ("burn", {"path": "/x"}))
    gates: Any = {"send": {"allowed_decisions": send}, "burn": {"allowed_decisions": burn}}
    graph = create_agent(
        model(line),
        tools=Outbox().tools,
        middleware=[HumanInTheLoopMiddleware(interrupt_on=gates, interrupt_mode=mode)],  # type: ignore[arg-type]
        checkpointer=InMemorySaver(serde=TypedSerializer()),
    )
    silent = data.draw(st.booleans())
    decided = asyncio.run(
        taken(
            graph,
            {"messages": [("user", "go")]},
            lambda question: Expired(at=NOW) if silent else offered(question, data),
        )
    )

    words = silent or not {"respond"} & {*send, *burn}
    no = all("reject" in each for each in (send, burn))
    assert decided or not words or (silent and not no)


@examples(20)
@given(st.sampled_from([bool, int, str, list[int], dict[str, int], bool | None, {"type": "string"}]), st.data())
def test_a_schema_takes_every_answer_that_passes(schema: Any, data: st.DataObject) -> None:
    graph = asks("Tell me", schema).compile(checkpointer=InMemorySaver(serde=TypedSerializer()))

    asyncio.run(taken(graph, {}, lambda question: offered(question, data)))  # raises where the graph refuses
