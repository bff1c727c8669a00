"""Examples of what a JSON Schema describes, made of the examples of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]
_REF: Final = "#/components/schemas/"
_TIME: Final = "2027-03-01T09:30:00Z"
_DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def resolved(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    """The schema that a reference means; of alternatives, the first that is not null."""
    if "$ref" in schema:
        return resolved(schemas[name_of(schema)], schemas)
    for option in schema.get("anyOf", ()):
        if option.get("type") != "null":
            return {**resolved(option, schemas), **{key: schema[key] for key in ("description",) if key in schema}}
    return schema


def name_of(schema: Schema) -> str:
    """The name of the schema that a reference means."""
    return str(schema["$ref"]).removeprefix(_REF)


def sample(schema: Schema, schemas: Mapping[str, Schema], name: str = "") -> Any:
    """A value of the schema."""
    found = resolved(schema, schemas)
    for each in (schema, found):
        if each.get("examples"):
            return _complete(each["examples"][0], found, schemas)
    if _may_be_null(schema):
        return None
    if "enum" in found:
        return found["enum"][0]
    match found.get("type"):
        case "object":
            return {key: sample(each, schemas, key) for key, each in found.get("properties", {}).items()}
        case "array":
            return [sample(found["items"], schemas, name)]
        case "string" if found.get("format") == "date-time":
            return _TIME
        case "string":
            return _DIGEST if name == "digest" else found.get("default", "")
        case "integer" | "number":
            return found.get("default", 1)
        case "boolean":
            return found.get("default", True)
        case _:
            return found.get("default")


def _complete(example: Any, schema: Schema, schemas: Mapping[str, Schema]) -> Any:
    """The example with its keys in the order in which the schema describes them, as FastAPI sorts them. Of what callers
    get, those that are null are added, as FastAPI leaves them out."""
    found = resolved(schema, schemas)
    if isinstance(example, list):
        return [_complete(each, found.get("items", {}), schemas) for each in example]
    if not isinstance(example, dict):
        return example
    described, given = found.get("properties", {}), found.get("additionalProperties") is not False
    known = {
        key: _complete(example.get(key), each, schemas)
        for key, each in described.items()
        if key in example or (given and _may_be_null(each))
    }
    return {**known, **{key: each for key, each in example.items() if key not in known}}


def _may_be_null(schema: Schema) -> bool:
    return any(option.get("type") == "null" for option in schema.get("anyOf", ()))


def type_of(schema: Schema, schemas: Mapping[str, Schema]) -> str:
    """What kind of value it is, in words, such as `text or null`."""
    if "$ref" in schema:
        return name_of(schema) if schemas[name_of(schema)] else "any JSON"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(option, schemas) for option in schema["anyOf"]))
    if "enum" in schema:
        return "text"
    match schema.get("type"):
        case "array":
            return f"list of {type_of(schema['items'], schemas)}"
        case "string":
            return {"date-time": "time (RFC 3339)", "uri": "address"}.get(schema.get("format", ""), "text")
        case "integer":
            return "whole number"
        case "number":
            return "number"
        case "boolean":
            return "true or false"
        case "object":
            return "object"
        case "null":
            return "null"
        case _:
            return "any JSON"
