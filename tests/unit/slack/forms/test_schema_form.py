"""Forms of JSON Schemas: what they ask, that no schema breaks one, and that what comes back fits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bot.approvals.model.decision import Respond
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Verdict
from bot.approvals.model.request import Request
from bot.slack.forms import field_choice, field_values, fields, schema_form
from bot.slack.forms.fields import Kind
from bot.slack.modals import answer_modal
from bot.slack.modals.answer_modal import Problems
from tests.support.examples import examples
from tests.unit.slack import limits, samples
from tests.unit.slack.cards.reading import VALUES
from tests.unit.slack.modals.typed import option, submitted
from tests.unit.slack.test_text import HOSTILE

ADDRESS: dict[str, JSON] = {
    "type": "object",
    "properties": {"street": {"type": "string"}, "zip code": {"type": "string", "maxLength": 5}},
    "required": ["street"],
}
DAYS: list[JSON] = ["Mon", "Tue", "Wed"]


def answering(form: JSON) -> Request:
    item = Item(name="ask", arguments={}, verdicts=(Verdict.RESPOND,))
    return samples.request(samples.question(item, title="Who?", form=form))


def answered(form: JSON, *typed: Any, **by_id: Any) -> JSON | Problems:
    """What comes of the form where the n-th field was filled in so; None leaves it as it is."""
    asked = answering(form)
    modal = answer_modal.respond(asked)
    limits.check_modal(modal)
    ids = [block["block_id"] for block in modal["blocks"] if block["type"] == "input"]
    changes = {block_id: change for block_id, change in zip(ids, typed, strict=False) if change is not None}
    read = answer_modal.response(asked, submitted(modal, **changes, **by_id))
    return read if isinstance(read, Problems) else read.value


def object_of(**properties: JSON) -> dict[str, JSON]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def labels(form: JSON) -> list[str]:
    return [
        block["label"]["text"] for block in answer_modal.respond(answering(form))["blocks"] if block["type"] == "input"
    ]


@pytest.mark.parametrize(
    ("schema", "typed", "value"),
    [
        ({"type": "string"}, {"value": "a"}, "a"),
        ({"type": "string", "maxLength": 2000}, {"value": "a\nb"}, "a\nb"),
        ({"type": "integer", "minimum": 1}, {"value": "3"}, 3),
        ({"type": "number"}, {"value": "2.5"}, 2.5),
        ({"type": "string", "format": "date"}, {"selected_date": "2026-05-01"}, "2026-05-01"),
        ({"type": "string", "format": "date-time"}, {"selected_date_time": 1_772_631_000}, "2026-03-04T13:30:00Z"),
        ({"type": "array", "items": {"type": "string"}}, {"value": "a\n\n b\n"}, ["a", " b"]),
        ({"type": "array", "items": {"type": "integer"}}, {"value": "[1, 2]"}, [1, 2]),
        ({"type": "object", "additionalProperties": True}, {"value": '{"a": null}'}, {"a": None}),
        ({}, {"value": "free words"}, "free words"),
        ({}, {"value": "17"}, 17),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"value": None}, None),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"value": "free words"}, "free words"),
        ({"type": ["integer", "string"]}, {"value": "17"}, 17),
    ],
)
def test_what_was_filled_in_is_a_value_of_its_type(schema: JSON, typed: dict[str, Any], value: JSON) -> None:
    assert answered(object_of(it=schema), typed) == {"it": value}
    assert answered(schema, typed) == value


def test_a_boolean_is_yes_or_no_and_an_enumeration_a_menu() -> None:
    form = object_of(sure={"type": "boolean"}, size={"enum": ["S", 1, "1", None]}, days=_days())
    modal = answer_modal.respond(answering(form))

    value = answered(
        form,
        option(modal, "answer:0", "No"),
        option(modal, "answer:1", '"1"'),
        {"selected_options": [option(modal, "answer:2", day)["selected_option"] for day in ("Wed", "Mon")]},
    )

    assert value == {"sure": False, "size": "1", "days": ["Mon", "Wed"]}


def test_values_with_titles_are_chosen_by_their_titles() -> None:
    colours: list[JSON] = [{"const": "#f00", "title": "Red"}, {"const": "#00f", "title": "Blue"}, {"const": "none"}]
    alike: list[JSON] = [{"const": 1, "title": "One"}, {"const": 2, "title": "One"}]
    form = object_of(
        colour={"type": "string", "oneOf": colours},
        several={"type": "array", "items": {"anyOf": colours}},
        alike={"oneOf": alike},
    )
    modal = answer_modal.respond(answering(form))

    value = answered(
        form,
        option(modal, "answer:0", "Blue"),
        {"selected_options": [option(modal, "answer:1", each)["selected_option"] for each in ("none", "Red")]},
        option(modal, "answer:2", "One (2)"),
    )

    assert value == {"colour": "#00f", "several": ["#f00", "none"], "alike": 2}


def test_any_number_of_choices_is_none_where_that_fits() -> None:
    assert answered(object_of(days=_days())) == {"days": []}
    assert answered(object_of(days={**_days(), "minItems": 1})) == Problems(
        by_block={"answer:0": "Please fill this in."}
    )


def test_an_object_in_an_object_is_fields_of_its_own() -> None:
    form = object_of(name={"type": "string"}, address=ADDRESS)

    assert labels(form) == ["Name", "Address: Street", "Address: Zip code"]
    assert answered(form, {"value": "Ann"}, {"value": "High St"}) == {"name": "Ann", "address": {"street": "High St"}}


def test_an_object_that_may_be_left_out_is_left_out_until_something_of_it_is_there() -> None:
    form: JSON = {"type": "object", "properties": {"address": ADDRESS}}

    assert answered(form) == {}
    assert answered(form, {"value": "High St"}) == {"address": {"street": "High St"}}
    assert answered(form, None, {"value": "12345"}) == Problems(by_block={"answer:0": "Please fill this in."})


def test_objects_too_deep_are_asked_for_as_json() -> None:
    deep = object_of(a=object_of(b=object_of(c=object_of(d={"type": "string"}))))

    assert labels(deep) == ["A: B: C"]
    assert answered(deep, {"value": '{"d": "x"}'}) == {"a": {"b": {"c": {"d": "x"}}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {}}, "required": ["b"]},
        {"type": "object", "properties": {"a": {}}, "oneOf": [{"properties": {"b": {}}}, {}]},
        {"type": "object", "properties": {"a": {}}, "patternProperties": {"x": {}}},
        {"type": "object", "properties": {f"p{number}": {} for number in range(200)}},
        {"oneOf": [ADDRESS, {"type": "string"}]},
        {"$ref": "#/$defs/nowhere"},
        {"type": ["object", "array"]},
    ],
)
def test_what_fields_cannot_hold_is_one_editor_of_json(schema: JSON) -> None:
    modal = answer_modal.respond(answering(schema))

    assert [block["block_id"] for block in modal["blocks"] if block["type"] == "input"] == ["answer"]
    assert answered(schema, {"value": '{"b": [1]}'}) == {"b": [1]}
    assert isinstance(answered(schema, {"value": "{"}), Problems)


def test_a_default_stands_in_its_field_and_comes_back_untouched() -> None:
    form = object_of(
        at={"type": "string", "format": "date-time", "default": "2026-03-04T14:30:00+01:00"},
        on={"type": "string", "format": "date", "default": "tomorrow"},
        days={**_days(), "default": ["Tue"]},
        twice={**_days(), "default": ["Tue", "Tue"]},
        share={"type": "number", "default": 1.0},
        sure={"type": "boolean", "default": False},
        size={"enum": ["S", "M"], "default": "M"},
        tags={"type": "array", "items": {"type": "string"}, "default": ["a", "b"]},
        address={**ADDRESS, "default": {"street": "High St"}},
    )

    assert answered(form) == {
        "at": "2026-03-04T14:30:00+01:00",
        "on": "tomorrow",
        "days": ["Tue"],
        "twice": ["Tue", "Tue"],
        "share": 1.0,
        "sure": False,
        "size": "M",
        "tags": ["a", "b"],
        "address": {"street": "High St"},
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "default": "many"},
        {"type": "integer", "minimum": 3, "default": 1},
        {"type": "boolean", "default": 1},
        {"enum": ["a"], "default": "b"},
        {"type": "string", "default": "\ud800"},
    ],
)
def test_a_default_that_is_no_value_is_not_filled_in(schema: JSON) -> None:
    assert answered(object_of(it=schema)) == Problems(by_block={"answer:0": "Please fill this in."})


def test_what_a_default_was_and_is_emptied_is_gone() -> None:
    form: JSON = {"type": "object", "properties": {"note": {"type": "string", "default": "x"}, "days": _days("Mon")}}

    assert answered(form, {"value": None}, {"selected_options": []}) == {"days": []}


def test_descriptions_are_hints_and_titles_are_labels() -> None:
    form = object_of(
        email={"type": "string", "title": "Where to?", "description": "One address", "examples": ["a@b.c"]}
    )

    (block,) = [block for block in answer_modal.respond(answering(form))["blocks"] if block["type"] == "input"]
    assert block["label"]["text"] == "Where to?"
    assert block["hint"]["text"] == "One address"
    assert block["element"]["placeholder"]["text"] == "For example: a@b.c"


def test_what_the_graph_refuses_stands_beside_the_inner_field() -> None:
    asked = answering(object_of(name={"type": "string"}, address=ADDRESS))

    assert answer_modal.response_problem(asked, "address", "zip code: 'x' is too long.").by_block == {
        "answer:2": "'x' is too long."
    }
    assert answer_modal.response_problem(asked, "address", "This is missing.").by_block == {
        "answer:1": "This is missing."
    }


def test_a_long_text_is_spread_over_inputs_and_comes_back_whole() -> None:
    words = "\n".join(f"line {number} " + "x" * 80 for number in range(120)) + "\n"
    field = field_choice.of_value("b", ("body",), words)
    assert field is not None
    modal = {"blocks": fields.blocks_of(field)}

    assert len(modal["blocks"]) > 3
    assert all(len(block["element"]["initial_value"]) <= 3000 for block in modal["blocks"])
    assert field_values.read(field, submitted(modal)) == (words,)
    assert field_values.read(field, submitted(modal, b={"value": "short"}))[0] == "short\n" + words.split("\n", 31)[31]


TITLED = st.lists(st.fixed_dictionaries({"const": VALUES}, optional={"title": HOSTILE | VALUES}), max_size=4)
JSON_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
LEAVES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(JSON_TYPES) | st.lists(st.sampled_from(JSON_TYPES), max_size=3) | VALUES,
        "enum": st.lists(VALUES, max_size=5),
        "const": VALUES,
        "oneOf": TITLED,
        "default": VALUES,
        "title": HOSTILE | VALUES,
        "description": HOSTILE | VALUES,
        "examples": st.lists(VALUES, max_size=2),
        "format": st.sampled_from(["date", "date-time", "time", "email", "textarea"]) | VALUES,
        "minimum": VALUES | st.integers() | st.floats(),
        "maximum": VALUES | st.integers() | st.floats(),
        "minLength": st.integers(-5, 9000) | VALUES,
        "maxLength": st.integers(-5, 9000) | VALUES,
        "minItems": st.integers(0, 3),
        "maxItems": st.integers(-1, 3) | VALUES,
    },
)
SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda one, **others: {**one, **others},
        LEAVES,
        type=st.sampled_from(["object", "object", "array"]),
        properties=st.dictionaries(HOSTILE, inner | st.booleans(), max_size=6) | VALUES,
        required=st.lists(HOSTILE, max_size=2) | VALUES,
        items=inner | VALUES,
        anyOf=st.lists(inner, max_size=3) | st.just([{"type": "null"}]) | TITLED | VALUES,
    ),
    max_leaves=8,
)


@pytest.mark.heavy
@examples(30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(SCHEMAS)
def test_no_schema_breaks_a_form(schema: JSON) -> None:
    asked = answering(schema)
    modal = answer_modal.respond(asked)

    limits.check_modal(modal)
    assert isinstance(answer_modal.response(asked, submitted(modal)), Respond | Problems)


@st.composite
def held(draw: st.DrawFn, depth: int = 0) -> tuple[dict[str, Any], Any]:
    """A schema with a value that fits it."""
    kinds = ["string", "integer", "number", "boolean", "enum", "date", "moment", "texts", "several", "null", "json"]
    match draw(st.sampled_from([*kinds, *(["object"] * 4 if depth < 4 else [])])):
        case "string":
            words = draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400))
            bounds = draw(st.sampled_from([{}, {"maxLength": len(words)}, {"minLength": len(words)}]))
            return {"type": "string", **bounds}, words
        case "integer":
            value = draw(st.integers(-(2**60), 2**60))
            return {"type": "integer", **draw(st.sampled_from([{}, {"minimum": value}, {"maximum": value}]))}, value
        case "number":
            return {"type": "number"}, draw(st.floats(allow_nan=False, allow_infinity=False))
        case "boolean":
            return {"type": "boolean"}, draw(st.booleans())
        case "enum":
            values = draw(st.lists(VALUES.filter(_clean), min_size=1, max_size=150, unique_by=json.dumps))
            return {"enum": values}, draw(st.sampled_from(values))
        case "date":
            return {"type": "string", "format": "date"}, draw(st.dates()).isoformat()
        case "moment":
            return {"type": "string", "format": "date-time"}, draw(st.datetimes()).isoformat() + "Z"
        case "texts":
            return {"type": "array", "items": {"type": "string"}}, draw(st.lists(st.text("ab \n", max_size=9)))
        case "several":
            return _days(), [day for day in DAYS if draw(st.booleans())]
        case "null":
            schema, value = draw(held(depth=9))
            return {"anyOf": [schema, {"type": "null"}]}, draw(st.sampled_from([value, None]))
        case "json":
            return {}, draw(VALUES.filter(_clean))
        case _:
            parts = draw(st.dictionaries(st.text("abc_ ", min_size=1), held(depth=depth + 1), max_size=5))
            needed = [name for name in parts if draw(st.booleans())]
            given = {name: part for name, (_, part) in parts.items() if name in needed or draw(st.booleans())}
            properties = {name: schema for name, (schema, _) in parts.items()}
            return {"type": "object", "properties": properties, "required": needed}, given


def _clean(value: Any) -> bool:
    """Without lone surrogates, which no JSON on the wire has."""
    return "\\ud" not in json.dumps(value)


@examples(40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(held())
def test_what_a_form_shows_at_first_comes_back_to_the_letter(pair: tuple[dict[str, Any], Any]) -> None:
    schema, value = pair
    form = schema_form.of("answer", {**schema, "default": value})
    modal = {"blocks": schema_form.rendered(form)}

    read = schema_form.read(form, submitted(modal))

    if isinstance(read, Problems):
        assert any(not field.holds for field in form.fields)
    elif all(field.holds or not _given(value, field.path) for field in form.fields):
        assert json.dumps(read, sort_keys=True) == json.dumps(_seen(value, read), sort_keys=True)
        assert not list(Draft202012Validator(schema).iter_errors(read))


def test_every_kind_of_field_is_drawn() -> None:
    drawn = {field.kind for field in schema_form.of("answer", _everything()).fields}

    assert drawn == set(Kind)


def _everything() -> dict[str, JSON]:
    return object_of(
        line={"type": "string"},
        body={"type": "string"},
        lines={"type": "array", "items": {"type": "string"}},
        count={"type": "integer"},
        share={"type": "number"},
        sure={"type": "boolean"},
        size={"enum": ["S", "M"]},
        days=_days(),
        on={"type": "string", "format": "date"},
        at={"type": "string", "format": "date-time"},
        more={"type": "object"},
    )


def _days(*default: JSON) -> dict[str, JSON]:
    return {"type": "array", "items": {"enum": DAYS}, **({"default": list(default)} if default else {})}


def _given(value: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return False
        value = value[name]
    return True


def _seen(value: Any, read: Any) -> Any:
    """The value as it can come back: what may be left out and holds nothing may be left out, or be null or empty."""
    if not isinstance(value, dict) or not isinstance(read, dict):
        return value if read not in (None, [], {}) or value not in (None, [], {}) else read
    names = [name for name in (*value, *read) if name in read or value.get(name) not in (None, [], {})]
    return {name: _seen(value.get(name), read.get(name)) for name in names}
