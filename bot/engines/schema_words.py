"""What is wrong with a value, for the person who typed it: what is wanted, with an example, and no regular expression.

Every function takes jsonschema's errors. The sentences come without a subject ("has to be at least 1, such as 5"), so
that a form begins them with "This" and a command with the input's name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from bot.approvals.model.ids import JSON
from bot.engines import patterns

MAX_LISTED: Final = 8
"""Of the values that may be given, in one sentence."""
_MAX_VALUE_CHARACTERS: Final = 60
_MAX_DESCRIPTION_CHARACTERS: Final = 200

FORMATS: Final[Mapping[str, tuple[str, str]]] = {
    "date": ("a date", "2030-01-31"),
    "date-time": ("a date and time with its zone", "2030-01-31T12:00:00Z"),
    "time": ("a time of day", "12:00:00Z"),
    "duration": ("a duration", "PT1H"),
    "email": ("an e-mail address", "somebody@example.com"),
    "idn-email": ("an e-mail address", "somebody@example.com"),
    "hostname": ("the name of a host", "www.example.com"),
    "uri": ("a web address", "https://example.com"),
    "url": ("a web address", "https://example.com"),
    "uuid": ("a UUID", "00000000-0000-4000-8000-000000000000"),
    "ipv4": ("an IPv4 address", "192.0.2.1"),
    "ipv6": ("an IPv6 address", "2001:db8::1"),
    "regex": ("a regular expression", "[0-9]+"),
}
"""What each format is in words, and an example of it."""
_KINDS: Final[Mapping[str, tuple[str, JSON]]] = {
    "string": ("a text", "abc"),
    "integer": ("a whole number", 12),
    "number": ("a number", 12.5),
    "boolean": ("true or false", None),
    "array": ("a list", ["a", "b"]),
    "object": ("an object", {"key": 1}),
    "null": ("empty", None),
}
"""What each type is in words, and an example of it."""


def wanted(error: ValidationError) -> str:
    """What the value has to be, such as `has to be a whole number, such as 12`."""
    schema: Mapping[str, JSON] = error.schema if isinstance(error.schema, dict) else {}
    rule, held = cast("JSON", error.validator_value), cast("JSON", error.instance)
    match error.validator:
        case "type":
            return of_kind(schema, rule)
        case "enum" if isinstance(rule, list):
            return f"has to be one of these: {_listed(rule)}"
        case "const":
            return f"has to be {_short(rule)}"
        case "pattern":
            return _pattern(schema, str(rule))
        case "format":
            return _format(schema, str(rule))
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            return f"has to be {_range(schema)}{_such_as(schema, held)}"
        case "multipleOf":
            return f"{_multiple(rule)}{_such_as(schema, held)}"
        case "minLength" | "maxLength":
            return f"has to have {_between(schema, 'Length', 'character')}; it has {len(str(held)):,}"
        case "minItems" | "maxItems" if isinstance(held, list):
            return f"has to have {_between(schema, 'Items', 'entry')}; it has {len(held):,}"
        case "minProperties" | "maxProperties" if isinstance(held, dict):
            return f"has to have {_between(schema, 'Properties', 'key')}; it has {len(held):,}"
        case "uniqueItems":
            return "has the same entry twice"
        case "required" | "dependentRequired" if isinstance(held, dict):
            missing_keys: list[JSON] = [f'"{name}"' for name in _names(error) if name not in held]
            return f"also needs {_listed(missing_keys)}"
        case "additionalProperties" | "unevaluatedProperties" if isinstance(held, dict):
            return _unknown(schema, held)
        case "anyOf" | "oneOf" if error.context:
            return _alternatives(schema, error.context)
        case _:
            return _last_resort(error)


def kind_in_json(schema: Mapping[str, JSON], kind: str) -> str:
    """What an input of this type has to be if it is typed as JSON."""
    words, such_as, shown = of_kind(schema, kind).partition(", such as ")
    return f"{words} in JSON{such_as}{shown}"


def example(schema: Mapping[str, JSON]) -> JSON:
    """The schema's own example: an example, the default, or the first value that it lists. None if it has none."""
    listed = schema.get("examples")
    candidates: list[JSON] = [*listed] if isinstance(listed, list) else []
    candidates += [schema[key] for key in ("example", "default", "const") if key in schema]
    enumerated = schema.get("enum")
    candidates += enumerated if isinstance(enumerated, list) else []
    return next((each for each in candidates if each not in (None, "") and _fits(schema, each)), None)


def missing(error: ValidationError) -> str:
    """The first key that a `required` misses. Empty if it misses none."""
    held = error.instance if isinstance(error.instance, dict) else {}
    return next((name for name in _names(error) if name not in held), "")


# --- One rule at a time -------------------------------------------------------------------------


def of_kind(schema: Mapping[str, JSON], rule: JSON) -> str:
    """What a value of this type, or of one of several types, has to be."""
    names = [str(each) for each in rule] if isinstance(rule, list) else [str(rule)]
    known = [_KINDS.get(name, (f"of the type {name}", None)) for name in names]
    words = " or ".join(each for each, _ in known)
    items = schema.get("items")
    numbers = isinstance(items, dict) and items.get("type") in ("integer", "number")
    usual: JSON = [12, 34] if numbers else known[0][1]
    candidates: list[JSON] = [example(schema), *(each for each in (usual, *_near(schema, None)) if _fits(schema, each))]
    shown = next((each for each in candidates if each is not None), None)
    return f"has to be {words}" if shown is None else f"has to be {words}, such as {_short(shown)}"


def _pattern(schema: Mapping[str, JSON], rule: str) -> str:
    """The schema's own words if it has any; the pattern itself only if nothing else is known."""
    own = example(schema)
    found = own if isinstance(own, str) else next(filter(None, [patterns.example(rule)]), None)
    if found is not None and not _fits(schema, found):
        found = None
    described = _described(schema)
    if found is not None:
        return f"has to look like {_short(found)}{f'. {described}' if described else ''}"
    if described:
        return f"is not written as it has to be. {described}"
    return f"has to match the pattern {_short(rule)}"


def _format(schema: Mapping[str, JSON], rule: str) -> str:
    words, usual = FORMATS.get(rule, (f"written as {rule}", ""))
    own = example(schema)
    shown = own if own is not None else usual
    return f"has to be {words}{f', such as {_short(shown)}' if shown else ''}"


def _range(schema: Mapping[str, JSON]) -> str:
    least, most, above, below = (
        _number(schema.get(key)) for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    )
    if least is not None and most is not None and above is None and below is None:
        return f"between {least} and {most}"
    words = [
        f"{least} or more" if least is not None else "",
        f"more than {above}" if above is not None else "",
        f"{most} or less" if most is not None else "",
        f"less than {below}" if below is not None else "",
    ]
    return " and ".join(word for word in words if word)


def _multiple(rule: JSON) -> str:
    step = rule if isinstance(rule, int | float) and not isinstance(rule, bool) else 0
    digits = round(-math.log10(step)) if 0 < step < 1 else 0
    if digits and math.isclose(step, 10.0**-digits):
        return f"can have at most {digits} {'digit' if digits == 1 else 'digits'} after the point"
    return "has to be a whole number" if step == 1 else f"has to be a multiple of {rule}"


def _between(schema: Mapping[str, JSON], of: str, thing: str) -> str:
    things = f"{thing[:-1]}ies" if thing.endswith("y") and thing != "key" else f"{thing}s"
    least, most = _number(schema.get(f"min{of}")), _number(schema.get(f"max{of}"))
    if least is not None and least == most:
        return f"exactly {least} {thing if least == '1' else things}"
    if least is not None and most is not None:
        return f"{least} to {most} {things}"
    if least is not None:
        return f"at least {least} {thing if least == '1' else things}"
    return f"at most {most} {thing if most == '1' else things}"


def _unknown(schema: Mapping[str, JSON], held: Mapping[str, JSON]) -> str:
    properties = schema.get("properties")
    known = list(properties) if isinstance(properties, dict) else []
    strange = [name for name in held if name not in known]
    taken = f"it takes {_listed([*known])}" if known else "it takes no keys"
    return f"takes no {_listed([*strange])}; {taken}"


def _alternatives(schema: Mapping[str, JSON], context: Sequence[ValidationError]) -> str:
    """What fits the alternatives. Of `X | None`, what X has to be; of several types, all of them."""
    by_alternative: dict[int, list[ValidationError]] = {}
    for each in context:
        by_alternative.setdefault(int(each.schema_path[0]), []).append(each)
    real = [errors for errors in by_alternative.values() if errors[0].validator_value != "null"]
    constants = [errors[0].validator_value for errors in real if errors[0].validator == "const"]
    if constants and len(constants) == len(real):
        return f"has to be one of these: {_listed(cast('list[JSON]', constants))}"
    kinds = [errors[0] for errors in real if errors[0].validator == "type" and not errors[0].path]
    if len(real) > 1 and len(kinds) == len(real):
        return of_kind(schema, [str(each.validator_value) for each in kinds])
    nearest = [errors for errors in real if errors[0] not in kinds] or real or [list(context)]
    error = nearest[0][0]
    own = error.schema if isinstance(error.schema, dict) else {}
    outer = {key: schema[key] for key in ("examples", "description") if key in schema}
    error = ValidationError(
        error.message,
        validator=error.validator,
        validator_value=error.validator_value,
        instance=error.instance,
        schema={**outer, **own},
        context=error.context,
        path=error.path,
    )
    place = ".".join(str(part) for part in error.path)
    return f"is not right at {place}: it {wanted(error)}" if place else wanted(error)


def _last_resort(error: ValidationError) -> str:
    described = _described(error.schema if isinstance(error.schema, dict) else {})
    own = example(error.schema if isinstance(error.schema, dict) else {})
    shown = f", such as {_short(own)}" if own is not None else ""
    if described or shown:
        return f"is not as it has to be{shown}{f'. {described}' if described else ''}"
    if error.schema is False or error.validator is None:
        return "cannot be given"
    return "is not one of the values that are taken here"


# --- Examples -----------------------------------------------------------------------------------


def _such_as(schema: Mapping[str, JSON], held: JSON) -> str:
    """The schema's own example, or the number that fits and is nearest to what was given."""
    own = example(schema)
    if own is None:
        with suppress(ArithmeticError):  # a number too large to reckon with, which then has no example
            own = next((each for each in _near(schema, held) if _fits(schema, each)), None)
    return "" if own is None else f", such as {_short(own)}"


def _near(schema: Mapping[str, JSON], held: JSON) -> list[JSON]:
    limits = [schema.get(key) for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")]
    known = [each for each in limits if isinstance(each, int | float) and not isinstance(each, bool)]
    near: list[JSON] = [limit + by for limit in known for by in (0, 1, -1, 0.5, -0.5)]
    step = schema.get("multipleOf")
    if isinstance(step, int | float) and not isinstance(step, bool) and step > 0:
        for given in (held, *known):
            if isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given):
                places = max(round(-math.log10(step)), 0) + 2 if step < 1 else 6
                near += [round(math.floor(given / step + by) * step, places) for by in (0, 1)]
    return [int(each) if isinstance(each, float) and each.is_integer() else each for each in near]


def _fits(schema: Mapping[str, JSON], value: JSON) -> bool:
    try:
        return bool(Draft202012Validator(dict(schema)).is_valid(value))
    except Exception:  # whatever a schema raises: its example is then not shown
        return False


def _described(schema: Mapping[str, JSON]) -> str:
    words = schema.get("description")
    line = " ".join(words.split()).rstrip(".") if isinstance(words, str) else ""
    return line if len(line) <= _MAX_DESCRIPTION_CHARACTERS else f"{line[:_MAX_DESCRIPTION_CHARACTERS]}…"


def _names(error: ValidationError) -> list[str]:
    rule = error.validator_value
    if isinstance(rule, dict):  # dependentRequired
        held = error.instance if isinstance(error.instance, dict) else {}
        rule = [name for key, names in rule.items() if key in held and isinstance(names, list) for name in names]
    return [name for name in rule if isinstance(name, str)] if isinstance(rule, list) else []


def _listed(values: Sequence[JSON]) -> str:
    shown = [_short(value) for value in values[:MAX_LISTED]]
    rest = len(values) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")


def _short(value: JSON) -> str:
    words = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return words if len(words) <= _MAX_VALUE_CHARACTERS else f"{words[: _MAX_VALUE_CHARACTERS - 1]}…"


def _number(value: JSON) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return f"{value:,}"
