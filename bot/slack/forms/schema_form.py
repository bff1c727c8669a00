"""JSON Schemas as forms, and back: each property of an object, and of the objects inside it, is a field.

What fields cannot hold (alternatives, references, maps, objects too deep, too many properties) is asked for as JSON
in its place. The engine checks whether a value fits its schema; this module only renders and reads fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.approvals.model.ids import JSON
from bot.slack import blocks, text
from bot.slack.blocks import Block
from bot.slack.forms import field_values, fields
from bot.slack.forms.field_choice import Path, Schema, label_of, of_schema, titled, without_null
from bot.slack.forms.fields import Field, State, Wrong
from bot.slack.forms.problems import Problems

MAX_FIELDS: Final = 40
"""In one modal, which takes 100 blocks. A larger form asks for its value as a whole."""
MAX_BYTES: Final = 150_000
"""Of the fields of one modal, whose view may have 250 KB (Slack)."""
MAX_LEVELS: Final = 3
"""Of objects whose properties are fields of their own."""

_NOT_IN_FIELDS: Final = frozenset(
    {"$ref", "$dynamicRef", "allOf", "anyOf", "dependencies", "dependentSchemas", "if", "oneOf", "patternProperties"}
)
"""Keywords with which an object may require more than its properties say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The fields of one value, in their order."""

    fields: tuple[Field, ...]
    needed: frozenset[Path] = frozenset()
    """The paths that are required if the object around them is there."""
    optional: frozenset[Path] = frozenset()
    """The paths of objects that may be left out."""
    objects: tuple[Path, ...] = ()
    """The paths of all objects, each before those inside it."""


def of(prefix: str, schema: Schema) -> Form:
    """The form for a value of the schema. Its fields' block_ids begin with the prefix."""
    plain, nullable = without_null(schema)
    form = _Reader(prefix).read(plain) if not nullable else None
    rendered = [block for field in form.fields for block in fields.blocks_of(field)] if form else []
    if form and len(rendered) <= MAX_FIELDS and blocks.size(rendered) <= MAX_BYTES:
        return form
    return whole(prefix, schema)


def whole(prefix: str, schema: Schema) -> Form:
    """The form that asks for the value in one field, as JSON if it is an object."""
    return Form(fields=(of_schema(prefix, (), schema, required=True, whole=True),))


def read(form: Form, state: State) -> JSON | Problems:
    """The value, or what is wrong with each field."""
    given: dict[Path, JSON] = {}
    problems: dict[str, str] = {}
    for field in form.fields:
        try:
            given.update((field.path, value) for value in field_values.read(field, state))
        except Wrong as wrong:
            problems[field.block_id] = str(wrong)
    absent = _absent(form, given)
    for field in form.fields:
        missing = field.path in form.needed and field.path not in given and field.block_id not in problems
        if missing and not _within(field.path, absent):
            problems[field.block_id] = "Please fill this in."
    if problems:
        return Problems(by_block=problems)
    if form.fields and form.fields[0].path == ():
        return given.get((), "")
    return _built(given, [path for path in form.objects if not _within(path, absent)])


def beside(listed: Sequence[Field], name: str, sentence: str) -> Problems:
    """The sentence beside the field that it is about, or beside the first field if it is about none of them.

    `name` is the first part of the field's path. The sentence may begin with the other parts (`street: ...`).
    """
    named = [field for field in listed if field.name == name] or list(listed)
    for field in named:
        rest = f"{'.'.join(field.path[1:])}: "
        if len(field.path) > 1 and sentence.startswith(rest):
            return Problems(by_block={field.block_id: text.label(sentence.removeprefix(rest), 300)})
    return Problems(by_block={named[0].block_id: text.label(sentence, 300)} if named else {})


def rendered(form: Form) -> list[Block]:
    return [block for field in form.fields for block in fields.blocks_of(field)]


# --- Objects ------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reader:
    """Collects the fields of an object and of the objects inside it."""

    prefix: str

    def read(self, schema: Schema) -> Form | None:
        """The form. None if the object cannot be asked for in fields."""
        properties = _properties(schema)
        if properties is None:
            return None
        start = schema.get("default")
        made = list(self._object((), schema, properties, start if isinstance(start, dict) else {}, sure=True))
        listed = [each for each in made if isinstance(each, Field)]
        objects = [each for each in made if isinstance(each, _Object)]
        numbered = tuple(replace(field, block_id=f"{self.prefix}:{n}") for n, field in enumerate(listed))
        needed = {(*each.path, name) for each in objects for name in each.needed}
        return Form(
            fields=numbered,
            needed=frozenset(needed),
            optional=frozenset(each.path for each in objects if not each.sure),
            objects=tuple(each.path for each in objects if each.path),
        )

    def _object(
        self, path: Path, schema: Schema, properties: Mapping[str, Schema], start: Mapping[str, JSON], *, sure: bool
    ) -> Iterator[Field | _Object]:
        """Collects the object, then its fields. The fields of an object that may be left out start empty."""
        needed = _names(schema.get("required"))
        yield _Object(path, needed, sure)
        for name, entry in properties.items():
            at = (*path, name)
            plain, nullable = without_null(entry)
            below = None if nullable or len(at) >= MAX_LEVELS else _properties(plain)
            given = start.get(name, plain.get("default"))
            required = sure and name in needed
            if below is not None and (given is None or isinstance(given, dict)):
                kept = given if isinstance(given, dict) and sure else {}
                yield from self._object(at, plain, below, kept, sure=required or bool(kept))
                continue
            plain = {key: value for key, value in entry.items() if key != "default"}
            yield of_schema("", at, plain, required=required, initial=given if sure else None, label=_titled(at, entry))


@dataclass(frozen=True, slots=True)
class _Object:
    path: Path
    needed: frozenset[str]
    sure: bool
    """Whether the object is always there."""


def _properties(schema: Schema) -> Mapping[str, Schema] | None:
    """The object's properties. None if the object may need more than fields for these."""
    properties = schema.get("properties")
    if schema.get("type", "object") != "object" or not isinstance(properties, dict) or not properties:
        return None
    if any(key in schema and not _only_requires(schema[key]) for key in _NOT_IN_FIELDS):
        return None
    if "const" in schema or "enum" in schema or not _names(schema.get("required")) <= set(properties):
        return None
    if not all(isinstance(entry, dict | bool) for entry in properties.values()):
        return None
    return {name: entry if isinstance(entry, dict) else {} for name, entry in properties.items() if entry is not False}


def _only_requires(rule: JSON) -> bool:
    """Whether an alternative only says which properties are required, which the check of the answer says as well."""
    return isinstance(rule, list) and all(isinstance(each, dict) and set(each) <= {"required"} for each in rule)


def _names(value: JSON) -> frozenset[str]:
    return frozenset(name for name in value if isinstance(name, str)) if isinstance(value, list) else frozenset()


def _absent(form: Form, given: Mapping[Path, JSON]) -> set[Path]:
    """The objects that are left out, because nothing in them was filled in and no other object requires them."""
    absent: set[Path] = set()
    for path in form.objects:
        filled = any(at[: len(path)] == path for at in given)
        wanted = path in form.needed and not _within(path[:-1], absent)
        if path in form.optional and not filled and not wanted:
            absent.add(path)
    return absent


def _within(path: Path, places: set[Path]) -> bool:
    return any(path[: len(place)] == place for place in places)


def _built(given: Mapping[Path, JSON], objects: Sequence[Path]) -> JSON:
    whole: dict[str, JSON] = {}
    for path in objects:
        _at(whole, path)
    for path, value in given.items():
        _at(whole, path[:-1])[path[-1]] = value
    return whole


def _at(whole: dict[str, JSON], path: Path) -> dict[str, JSON]:
    place = whole
    for name in path:
        inner = place.setdefault(name, {})
        if not isinstance(inner, dict):
            raise TypeError("a field where an object is")
        place = inner
    return place


def _titled(path: Path, schema: Schema) -> str:
    """The property's title, after the names of the objects around it."""
    return ": ".join([*(label_of(name) for name in path[:-1]), titled(path[-1], without_null(schema)[0])])
