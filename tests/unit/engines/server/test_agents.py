"""The forms of assistants, from the schemas that a real server sent."""

from __future__ import annotations

from bot.engines.server import agents, stops
from tests.unit.engines.server.recordings import assistant

MESSAGES = {"type": "array", "items": {"oneOf": [{"$ref": "#/$defs/HumanMessage"}]}}


def test_an_input_schema_is_the_form() -> None:
    form = agents.form_of(assistant()["schemas"])

    assert [(each.name, each.required) for each in form.inputs] == [("key", True)]
    assert form.misfits({}) == {"key": "is missing"}
    assert form.given({"key": "k"}) == {"key": "k"}
    assert form.example("stop") == "/task stop key=STRING"


def test_of_one_state_for_everything_nobody_is_asked_for_decisions() -> None:
    state = {"type": "object", "properties": {"order": {"type": "string"}, "approved": {"type": "boolean"}}}
    form = agents.form_of({"input_schema": {**state, "required": ["order"]}, "state_schema": state})

    assert [(each.name, each.required) for each in form.inputs] == [("order", False)]
    assert form.example("refund") == "/task refund order=STRING"


def test_a_conversation_is_one_sentence() -> None:
    schema = {"type": "object", "properties": {"messages": MESSAGES}, "$defs": {"HumanMessage": {}}}
    form = agents.form_of({"input_schema": schema, "state_schema": schema})

    assert [(each.name, each.required) for each in form.inputs] == [("messages", True)]
    assert form.given({"messages": "tidy up"}) == {"messages": [{"role": "user", "content": "tidy up"}]}


def test_a_graph_that_takes_one_value_gets_it_alone() -> None:
    form = agents.form_of({"input_schema": {"type": "string"}, "state_schema": None})

    assert [each.name for each in form.inputs] == ["input"]
    assert form.given({"input": "word"}) == "word"


def test_a_server_without_schemas_has_a_form_that_takes_anything() -> None:
    form = agents.form_of({"input_schema": None, "state_schema": None})

    assert form.misfits({"input": {"any": 1}}) == {}


def test_the_nodes_of_a_drawing_are_those_of_the_graph_itself() -> None:
    assert stops.nodes(assistant("assistant_within")["drawing"]) == ("act", "inner")
    assert stops.drawn(assistant("assistant_within")["drawing"]).before == {"inner:pay"}
