"""A small language that describes what Slack accepts, and a check that words each mistake as Slack does."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME: Final = re.compile(r"\d{2}:\d{2}")


@dataclass(frozen=True, slots=True)
class Str:
    """A string of `least` to `most` characters."""

    most: int | None = None
    least: int = 1
    pattern: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few strings."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A text object: plain_text, or mrkdwn too if `mrkdwn` is set."""

    most: int
    mrkdwn: bool = False
    least: int = 1


@dataclass(frozen=True, slots=True)
class Items:
    """A list of `least` to `most` entries of one shape."""

    of: "Spec"
    most: int | None = None
    least: int = 1


@dataclass(frozen=True, slots=True)
class Fields:
    """An object with these fields and no others."""

    fields: Mapping[str, "Spec"]
    required: frozenset[str] = field(default_factory=frozenset)
    one_of: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Kinds:
    """An object whose `type` decides which fields it has."""

    kinds: Mapping[str, Fields]


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value. Slack's own check is not simulated."""


Spec = Str | Flag | Number | Choice | Text | Items | Fields | Kinds | Anything

DATE: Final = Str(10, pattern=_DATE)
TIME: Final = Str(5, pattern=_TIME)


def fields(required: Mapping[str, Spec] | None = None, /, **optional: Spec) -> Fields:
    """An object with these required and these optional fields."""
    needed = required or {}
    return Fields({**needed, **optional}, frozenset(needed))


def violations(value: Any, spec: Spec, pointer: str) -> Iterator[str]:
    """Every mistake in `value`, compared with `spec`, with its place, worded as Slack does."""
    match spec:
        case Str():
            yield from _string(value, spec, pointer)
        case Flag():
            if not isinstance(value, bool):
                yield at(pointer, "must be a boolean")
        case Number():
            yield from _number(value, spec, pointer)
        case Choice(values):
            if value not in values:
                yield at(pointer, f"must be a valid enum value: {', '.join(values)}")
        case Text():
            yield from _text(value, spec, pointer)
        case Items(of, most, least):
            if not isinstance(value, list):
                yield at(pointer, "must be an array")
                return
            if len(value) < least:
                yield at(pointer, f"no fewer than {least} items allowed")
            if most is not None and len(value) > most:
                yield at(pointer, f"no more than {most} items allowed")
            for index, item in enumerate(value):
                yield from violations(item, of, f"{pointer}/{index}")
        case Fields():
            yield from _object(value, spec, pointer)
        case Kinds(kinds):
            if not isinstance(value, dict):
                yield at(pointer, "must be an object")
            elif "type" not in value:
                yield at(pointer, "missing required field: type")
            elif not isinstance(value["type"], str) or value["type"] not in kinds:
                yield at(f"{pointer}/type", f"unsupported type: {value['type']}")
            else:
                yield from _object(value, kinds[value["type"]], pointer, "type")
        case Anything():
            return
        case _:
            assert_never(spec)


def at(pointer: str, complaint: str) -> str:
    """A mistake with its place, in Slack's form."""
    return f"{complaint} [json-pointer:{pointer}]"


def _string(value: Any, spec: Str, pointer: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield at(pointer, "must be a string")
        return
    if len(value) < spec.least:
        yield at(pointer, f"must be more than {spec.least - 1} characters")
    if spec.most is not None and len(value) > spec.most:
        yield at(pointer, f"must be less than {spec.most + 1} characters")
    if spec.pattern is not None and not spec.pattern.fullmatch(value):
        yield at(pointer, "failed to match the required pattern")


def _number(value: Any, spec: Number, pointer: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield at(pointer, "must be an integer")
    elif spec.least is not None and value < spec.least:
        yield at(pointer, f"must be at least {spec.least}")
    elif spec.most is not None and value > spec.most:
        yield at(pointer, f"must be at most {spec.most}")


def _text(value: Any, spec: Text, pointer: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield at(pointer, "must be an object")
        return
    kind = value.get("type")
    allowed = ("plain_text", "mrkdwn") if spec.mrkdwn else ("plain_text",)
    if kind not in allowed:
        yield at(f"{pointer}/type", f"must be a valid enum value: {', '.join(allowed)}")
        return
    if "text" not in value:
        yield at(pointer, "missing required field: text")
        return
    yield from _string(value["text"], Str(spec.most, spec.least), f"{pointer}/text")
    extra = "verbatim" if kind == "mrkdwn" else "emoji"
    for name in value.keys() - {"type", "text", extra}:
        yield at(pointer, f"invalid additional property: {name}")


def _object(value: Any, spec: Fields, pointer: str, *known: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield at(pointer, "must be an object")
        return
    for name in sorted(spec.required - value.keys()):
        yield at(pointer, f"missing required field: {name}")
    if spec.one_of and not spec.one_of & value.keys():
        yield at(pointer, f"must provide one of: {', '.join(sorted(spec.one_of))}")
    for name, item in value.items():
        if name in known:
            continue
        if name not in spec.fields:
            yield at(pointer, f"invalid additional property: {name}")
        else:
            yield from violations(item, spec.fields[name], f"{pointer}/{name}")
