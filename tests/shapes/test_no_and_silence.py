"""Over all shapes and conventions: nothing but an approval gives a graph a value that could be taken for one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import assume, event, given
from hypothesis import strategies as st

from bot.approvals.model.decision import Answered, Approve, Choose, Decision, Expired, Reject, Respond
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Question, Verdict
from bot.engines import questions
from bot.engines.questions import conventions
from tests.support.examples import examples

AT: Final = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
EXPIRED: Final = Expired(at=AT)
SILENCE: Final = "Rejected: nobody answered by 2030-01-02 03:04 UTC."
NOTHING: Final = object()
"""No value at all: the task stops, or the answer is refused before it is stored."""
OWN_NO: Final = (
    *("tool_calls", "tool_approval", "agent_inbox", "elicitation", "tool_arguments", "breakpoint", "undo_window"),
)
"""Shapes with a word of their own for no, which is no empty value."""
GRAPHS_OWN: Final = ("options", "response_schema")
"""Shapes whose values are the graph's: its options, its schema."""

WORDS = [
    "", " ", "yes", "no", "No", "approve", "reject", "delete_all", "cancel", "stop", "skip", "go", "true", "false",
    "text", "json", "object", "boolean", "undeclared", "1", "null", "Rejected",
]  # fmt: skip
KEYS = [
    "question", "message", "prompt", "title", "details", "plan", "action", "risk_level", "reason", "error", "answer",
    "options", "choices", "label", "value", "id", "instruction", "content", "type", "samples", "questions", "amount",
    "frage", "", "approved", "feedback",
]  # fmt: skip
texts = st.sampled_from(WORDS) | st.text(max_size=5)
values: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | texts, inner, max_size=4),
    max_leaves=12,
)
arguments = st.dictionaries(texts, values, max_size=2)
allowed: st.SearchStrategy[list[JSON]] = st.lists(
    st.sampled_from(["approve", "edit", "reject", "respond"]), min_size=1, unique=True
)


@st.composite
def tool_calls(draw: st.DrawFn) -> JSON:
    count = draw(st.integers(1, 3))
    return {
        "action_requests": [{"name": f"t{n}", "args": draw(arguments)} for n in range(count)],
        "review_configs": [{"action_name": f"t{n}", "allowed_decisions": [*draw(allowed)]} for n in range(count)],
    }


@st.composite
def inboxes(draw: st.DrawFn) -> JSON:
    config = {f"allow_{name}": draw(st.booleans()) for name in ("accept", "edit", "respond", "ignore")}
    one: JSON = {"action_request": {"action": "write", "args": draw(arguments)}, "config": config}  # type: ignore[dict-item]
    return draw(st.sampled_from([one, [one, one]]))


@st.composite
def elicitations(draw: st.DrawFn) -> JSON:
    schema: st.SearchStrategy[JSON] = st.sampled_from(
        [None, {}, {"type": "object", "properties": {"a": {"type": "string"}}}]
    )
    return {
        "type": "mcp_elicitation",
        "tool_name": "crm",
        "requests": [
            {"key": f"k{n}", "message": draw(texts), "mode": draw(st.sampled_from(["form", "url"])),
             "requested_schema": draw(schema), "url": "https://example.com"}
            for n in range(draw(st.integers(1, 3)))
        ],
    }  # fmt: skip


feints = st.fixed_dictionaries(
    {
        "label": st.sampled_from(["No", "Reject.", "deny"]),
        "value": st.sampled_from(["delete_all", "yes", True, 1, "no"]),
    }
)
"""Options whose label says no, and whose value may be what runs."""
listed = st.one_of(feints, texts, values, st.fixed_dictionaries({"label": texts, "value": values}))
shaped: st.SearchStrategy[JSON] = st.one_of(
    texts,
    values,
    tool_calls(),
    inboxes(),
    elicitations(),
    st.fixed_dictionaries({"question": texts}),
    st.fixed_dictionaries({"question": texts, "details": values, "answer": texts}),
    st.fixed_dictionaries({"message": texts, "amount": st.integers()}),
    st.fixed_dictionaries({"action": texts, "message": texts, "to": texts}),
    st.fixed_dictionaries({"question": texts, "options": st.lists(listed, min_size=1, max_size=4)}),
    st.fixed_dictionaries({"question": texts, "choices": st.lists(listed, min_size=1, max_size=4)}),
    st.fixed_dictionaries({"instruction": texts, "content": texts}),
    st.fixed_dictionaries({"type": st.just("quality_check"), "samples": values, "answer": texts}),
    st.fixed_dictionaries({"type": st.just("clarification_needed"), "questions": st.lists(texts, max_size=3)}),
    st.fixed_dictionaries({"type": st.just("undo_window"), "action": values}, optional={"undo": values}),
    st.fixed_dictionaries(
        {"type": st.just("tool_approval"), "tool_call_id": texts, "name": texts, "args": arguments, "answer": texts}
    ),
)
schemas: st.SearchStrategy[JSON] = st.one_of(
    st.none(),
    values,
    st.sampled_from(
        [
            {"type": "boolean"},
            {"type": "string"},
            {"type": "integer"},
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
            {"type": "object", "properties": {}},
            {"type": "object", "properties": {"approved": {"type": "boolean"}, "feedback": {"type": "string"}}},
            {"type": "object", "properties": {"approved": {"type": "string"}, "message": {"type": "string"}}},
            {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]},
        ]
    ),
    st.lists(texts, min_size=1, max_size=3, unique=True).map(lambda words: {"enum": list(words)}),
)
named = st.one_of(
    st.sampled_from(["", *conventions.CONVENTIONS, "yes/no", "go/stop", "True/False."]),
    st.tuples(texts, texts).map("/".join).filter(conventions.is_known),
)


worded: st.SearchStrategy[JSON] = st.one_of(texts, values)
"""What most often asks in plain text."""


@st.composite
def asked(
    draw: st.DrawFn, values: st.SearchStrategy[JSON] = shaped, schemas: st.SearchStrategy[JSON] = schemas
) -> Question:
    question = questions.read(draw(values), draw(schemas) if draw(st.booleans()) else None, draw(named))
    event(f"{question.shape}, {'two words' if '/' in question.convention else question.convention or 'its own way'}")
    return question


def received(question: Question, decision: Decision) -> Any:
    """What the graph is resumed with."""
    try:
        return questions.answer(question, question, decision)
    except InvalidAnswer:
        return NOTHING


def answered(question: Question, verdict: Approve | Reject | Respond | Choose) -> Answered:
    return Answered(verdicts=tuple(verdict for _ in question.items), voters=(), edited=False, at=AT)


def refuses(question: Question, value: Any) -> None:
    """The value can be taken for no consent: it is false, or the no that the graph or its shape has a word for."""
    if value is NOTHING:
        return
    approval = received(question, answered(question, Approve()))
    assert approval is NOTHING or value != approval
    if question.shape in OWN_NO:
        assert not {"approve", "accept", "edit", "respond", "response", "undo"} & set(_words(value))
    elif question.shape in GRAPHS_OWN:
        assert not value or _says_no(value)
    elif question.convention == conventions.OBJECT:
        assert value["approved"] is False
    elif "/" in question.convention:
        yes, no = question.convention.split("/")
        assert value == no != yes
    else:
        assert value is False


def _words(value: Any) -> list[str]:
    """What stands under the keys by which a shape says yes or no."""
    match value:
        case {"type": str(word)} | {"action": str(word)}:
            return [word]
        case dict():
            return [word for each in value.values() for word in _words(each)]
        case list():
            return [word for each in value for word in _words(each)]
        case _:
            return []


def _says_no(value: Any) -> bool:
    """By the graph's own words: an option, or a form in which every consent is refused."""
    if isinstance(value, str):
        return value.strip(" .!").casefold() in {"no", "reject", "deny", "decline", "disapprove"}
    return isinstance(value, dict) and value["approved"] is False


@examples(100)
@given(asked())
def test_silence_gives_nothing_that_could_be_a_yes(question: Question) -> None:
    refuses(question, received(question, EXPIRED))


@examples(100)
@given(asked(), texts)
def test_a_rejection_gives_nothing_that_could_be_a_yes(question: Question, reason: str) -> None:
    assume(all(Verdict.REJECT in item.verdicts for item in question.items))

    value = received(question, answered(question, Reject(reason=reason)))

    assert value is not NOTHING
    refuses(question, value)


@examples(100)
@given(asked())
def test_silence_gives_what_a_rejection_gives_or_nothing(question: Question) -> None:
    """But for MCP, which has a word for silence itself, for what people choose or fill in and cannot reject, and for
    what was done, which silence keeps."""
    value = received(question, EXPIRED)
    if all(Verdict.REJECT in item.verdicts for item in question.items):
        rejected = received(question, answered(question, Reject(reason=SILENCE)))
        if question.shape == "elicitation":
            assert set(_words(value)) == {"cancel"}
        else:
            assert value == rejected
    elif question.shape not in GRAPHS_OWN:
        assert value is NOTHING or question.shape in ("elicitation", "undo_window")


@examples(60)
@given(asked(), texts)
def test_words_are_never_an_approval(question: Question, words: str) -> None:
    """They reach the graph as they are, if at all, or as what a shape or a schema has for words."""
    assume(all(Verdict.RESPOND in item.verdicts for item in question.items))
    approval = received(question, answered(question, Approve()))

    value = received(question, answered(question, Respond(value=words)))

    assert value is NOTHING or approval is NOTHING or value != approval
    if question.convention in (conventions.UNDECLARED, conventions.TEXT):
        assert value is NOTHING if not words.strip() else value == words


@examples(60)
@given(asked(worded, st.none()), texts)
def test_what_an_earlier_version_asked_in_words_gives_words_or_nothing(question: Question, words: str) -> None:
    assume(question.shape == "text")
    items = tuple(replace(item, verdicts=(Verdict.RESPOND,)) for item in question.items)
    before = replace(question, items=items, convention="unrejectable")

    assert received(before, EXPIRED) is NOTHING
    assert received(before, answered(before, Respond(value=words))) in (words, NOTHING)
    assert received(before, answered(before, Approve())) is NOTHING
