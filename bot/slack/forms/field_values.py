"""What a person left in a form's field, as a value again.

A value that nobody touched comes back as the very value that it was; a secret that was shown under its mask comes back
as the true one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, assert_never

from bot.approvals.model.ids import JSON
from bot.approvals.rules.masking import MASK
from bot.slack.forms import notation
from bot.slack.forms.fields import Field, Kind, State, plain_lines, shown_words, typed, words_of
from bot.slack.forms.notation import Wrong


def read(field: Field, state: State) -> tuple[JSON, ...]:
    """The field's value in a submission, or `field.empty` if it was left empty. Raises Wrong if it is not valid."""
    words = typed(field, state)
    if words is not None:
        return (_value(field, words),)
    if field.empty is None:
        raise Wrong("Please fill this in.")
    return field.empty


def _value(field: Field, words: str) -> JSON:
    if field.holds and plain_lines(words) == plain_lines(shown_words(field)):
        return field.initial
    value = _read(field, words)
    if MASK in json.dumps(value, ensure_ascii=False) and MASK not in words_of(field):
        return _unmasked(value, dict(_behind(field.shown, field.initial)) if field.masked else {})
    return value


def _behind(shown: JSON, true: JSON) -> Iterator[tuple[str, JSON]]:
    """Each masked text of a value, with the true one."""
    match shown, true:
        case dict(), dict():
            for (name, each), (true_name, true_each) in zip(shown.items(), true.items(), strict=True):
                yield name, true_name
                yield from _behind(each, true_each)
        case list(), list():
            for each, true_each in zip(shown, true, strict=True):
                yield from _behind(each, true_each)
        case str(), _ if shown != true:
            yield shown, true


def _unmasked(value: JSON, behind: Mapping[str, JSON]) -> JSON:
    """The value, with the true text in place of each text that still is masked. Raises Wrong if a mask was changed, or
    stands where nothing was hidden."""
    match value:
        case str() if MASK in value:
            if value not in behind:
                raise Wrong(
                    f"A hidden part ({MASK}) was changed or moved. Leave it as it was, or write the whole value."
                )
            return behind[value]
        case dict():
            return {str(_unmasked(name, behind)): _unmasked(each, behind) for name, each in value.items()}
        case list():
            return [_unmasked(each, behind) for each in value]
        case _:
            return value


def _read(field: Field, words: str) -> JSON:
    match field.kind:
        case Kind.LINE | Kind.LONG | Kind.DATE:
            return words
        case Kind.LINES:
            return [line for line in plain_lines(words).split("\n") if line.strip()]
        case Kind.INTEGER | Kind.NUMBER:
            return notation.integer(words) if field.kind is Kind.INTEGER else _number(field, words)
        case Kind.BOOLEAN | Kind.ENUM | Kind.SEVERAL:
            value: JSON = json.loads(words)
            return value
        case Kind.MOMENT:
            return datetime.fromtimestamp(int(words), UTC).isoformat().replace("+00:00", "Z")
        case Kind.JSON:
            return _parsed(field, words)
        case _ as never:
            assert_never(never)


def _takes_text(schema: Mapping[str, JSON]) -> bool:
    """Whether a text can be a value of this schema."""
    kinds = schema.get("type")
    if kinds is not None:
        return kinds == "string" or (isinstance(kinds, list) and "string" in kinds)
    options = next((schema[key] for key in ("anyOf", "oneOf") if isinstance(schema.get(key), list)), None)
    if isinstance(options, list):
        return any(isinstance(each, dict) and _takes_text(each) for each in options)
    return not schema


def _number(field: Field, words: str) -> JSON:
    """The number. If the field held a whole number and a whole number was typed, it stays one."""
    whole = isinstance(field.initial, int) and words.strip().lstrip("+-").isdecimal()
    return notation.integer(words) if whole else notation.number(words)


def _parsed(field: Field, words: str) -> JSON:
    """The words as JSON. If the schema takes a text, words that are no JSON are a text. Without a schema, the value
    keeps its type."""
    kept = field.initial if not field.schema else None
    wanted = _EXAMPLES.get(type(kept), "")
    try:
        value = notation.parsed(words, notation.numbers(words_of(field)))
    except notation.NoJSON as wrong:
        free = _takes_text(field.schema) and (kept is None or isinstance(kept, str))
        if free and words.strip()[:1] not in ("{", "[", '"'):
            return words
        raise Wrong(f"{wrong} {wanted or _example(field.schema)}") from None
    if wanted and value is not None and _kind(value) is not _kind(kept):
        raise Wrong(wanted)
    return value


_EXAMPLES: Final[Mapping[type, str]] = {
    list: "This has to be a list, for example [1, 2].",
    dict: 'This has to be an object, for example {"key": 1}.',
    str: 'This has to be a text in quotes, for example "12".',
    int: "This has to be a number, for example 12.",
    float: "This has to be a number, for example 12.5.",
    bool: "This has to be true or false.",
}
"""What to say if a value would change its type."""


def _kind(value: JSON) -> type:
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


def _example(schema: Mapping[str, JSON]) -> str:
    kinds = {"array": list, "object": dict, "string": str, "integer": int, "number": float, "boolean": bool}
    return _EXAMPLES.get(kinds.get(str(schema.get("type")), type(None)), 'For example: ["a", 1].')
