"""Values in full, as rows that people can read: lists as lists, text as text, an object as rows below its name. Pure.

Everything here is untrusted, so everything is rich text, and no value can be bold: only names are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot.approvals.model.ids import JSON
from bot.slack import blocks, display, text
from bot.slack.blocks import Element
from bot.slack.display import Reading
from bot.slack.forms import argument_labels, field_choice, option_lists
from bot.slack.forms.field_choice import Schema

MAX_INLINE_CHARACTERS: Final = 150
"""A longer text, and a text with line breaks, stands below its name."""
MAX_LEVELS: Final = 7
"""Of lists and objects in each other, as Slack indents lists eight times. Deeper ones are JSON."""
MAX_RECORD_FIELDS: Final = 4
"""Of an object in a list. A larger one has a row for each."""
_DATE_FORM: Final = "{date_short_pretty} {time}"
_SPACED: Final = re.compile(r"\s.*|.*\s|.*(\s\s|[\t\r\f\v]).*", re.DOTALL)
"""A text whose spaces would be lost or overlooked."""


def of(
    arguments: Mapping[str, JSON], schemas: Mapping[str, Schema] | None = None, own: Mapping[str, str] | None = None
) -> list[Element]:
    """Each argument with its whole value, as parts of rich text. `own` are the labels that the graph's owner chose."""
    sheet = _Sheet()
    sheet.entries(arguments, schemas or {}, own or {}, 0)
    return sheet.parts


def rows(values: Sequence[tuple[str, JSON]], depth: int = 0) -> list[Element]:
    """Values below names that are ours, or that need not be told apart."""
    sheet = _Sheet()
    for label, value in values:
        sheet.entry(Reading(name="", label=label, value=value), {}, {}, depth)
    return sheet.parts


def named(number: str, name: str) -> list[Element]:
    """The name of an action in words and as it is: a line of its own, which no argument's name looks like."""
    before = [blocks.run(f"{number}  ", "bold")] if number else []
    words = display.label(name)
    said = [] if words.casefold() == name.casefold() else [blocks.run(f"{text.visible(_one_line(words))}  ", "bold")]
    return [blocks.line(*before, *said, *(blocks.run(piece, "code") for piece in _pieces(_one_line(name))))]


def prose(words: str) -> list[Element]:
    """A text of the graph with its line breaks."""
    return [blocks.line(blocks.run(piece)) for piece in _pieces(words.strip("\n"))]


def quoted(words: str) -> list[Element]:
    """A text beside which nothing else stands, so that it can be taken for nothing else."""
    return [blocks.quote(blocks.run(piece)) for piece in _pieces(words)]


def written(parts: Sequence[Element]) -> str:
    """The same rows as plain text, for a file. A text that is spread over several quotes is one again."""
    lines: list[str] = []
    cut = False
    for part in parts:
        of_it = _written(part)
        if cut and part["type"] == _QUOTE:
            lines[-1] += of_it.pop(0).removeprefix(_QUOTED)
        lines += of_it
        cut = part["type"] == _QUOTE and len(_runs(part)) >= blocks.PIECE
    return "\n".join(lines)


_QUOTE: Final = "rich_text_quote"
_QUOTED: Final = "  > "


# --- Within -------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sheet:
    """Collects rows. Rows in a row with the same depth share a list."""

    parts: list[Element] = field(default_factory=list)

    def entries(
        self, values: Mapping[str, JSON], schemas: Mapping[str, Schema], own: Mapping[str, str], depth: int
    ) -> None:
        for each in argument_labels.readings(values, schemas, own):
            self.entry(each, schemas.get(each.name, {}), own, depth)

    def entry(self, reading: Reading, schema: Schema, own: Mapping[str, str], depth: int) -> None:
        """A label with its value: beside it if it is short and plain, else below it."""
        named = [blocks.run(piece, "bold") for piece in _pieces(_one_line(reading.label))]
        match value := reading.value:
            case dict() | list() if value and depth >= MAX_LEVELS:
                self.row(named, depth)
                self.parts += [blocks.code(piece) for piece in _pieces(text.pretty(value))]
            case dict() if value:
                self.row(named, depth)
                self.entries(value, argument_labels.schemas(dict(field_choice.without_null(schema)[0])), own, depth + 1)
            case [_, *_]:
                count = text.counted(len(value), "entry") if len(value) == 1 else f"{len(value):,} entries"
                self.row([*named, blocks.run(f"  {count}")], depth)
                items = schema.get("items")
                self.listed(value, items if isinstance(items, dict) else {}, own, depth + 1, reading.name)
            case str() if not _inline(value):
                self.row(named, depth)
                self.parts += quoted(value)
            case _:
                self.row([*named, blocks.run("  "), *_plain(reading, schema)], depth)

    def listed(self, values: Sequence[JSON], schema: Schema, own: Mapping[str, str], depth: int, name: str) -> None:
        """Plain values as a list; anything else under its number. Objects that are all short have a line each."""
        if all(not isinstance(each, dict | list) and (not isinstance(each, str) or _inline(each)) for each in values):
            for each in values:
                self.row(_plain(Reading(name=name, label="", value=each), schema), depth)
            return
        alike = all(not isinstance(each, dict) or _flat(each) for each in values)
        for number, each in enumerate(values, start=1):
            if isinstance(each, dict) and alike:
                self.row(_record(each, argument_labels.schemas(dict(schema)), own), depth)
                continue
            self.entry(Reading(name=name, label=f"{number}.", value=each), schema, own, depth)

    def row(self, runs: Sequence[Element], depth: int) -> None:
        line = blocks.line(*runs)
        if depth == 0:
            self.parts.append(line)
            return
        last = self.parts[-1] if self.parts else {}
        same = last.get("type") == "rich_text_list" and last.get("indent", 0) == depth - 1
        if same and blocks.size([last, line]) <= blocks.PIECE:
            last["elements"].append(line)
            return
        self.parts.append({**blocks.bullets([line]), **({"indent": depth - 1} if depth > 1 else {})})


def _inline(words: str) -> bool:
    return len(words) <= MAX_INLINE_CHARACTERS and not set("\n\r") & set(words)


def _flat(record: Mapping[str, JSON]) -> bool:
    """Whether an object is read best in one line: a few short plain values."""
    plain = all(not isinstance(each, dict | list) and _inline(_word(each)) for each in record.values())
    characters = sum(len(name) + len(_word(each)) for name, each in record.items()) if plain else 0
    return 0 < len(record) <= MAX_RECORD_FIELDS and plain and characters <= MAX_INLINE_CHARACTERS


def _record(record: Mapping[str, JSON], schemas: Mapping[str, Schema], own: Mapping[str, str]) -> list[Element]:
    runs: list[Element] = []
    for each in argument_labels.readings(record, schemas, own):
        runs += [blocks.run(" · ")] if runs else []
        runs += [
            blocks.run(f"{text.visible(_one_line(each.label))}  ", "bold"),
            *_plain(each, schemas.get(each.name, {})),
        ]
    return runs


def _plain(reading: Reading, schema: Schema) -> list[Element]:
    """A plain value in one line, with what stands behind it. A value that the schema has a name for is called by that,
    with the value behind it."""
    value, after = reading.value, [blocks.run(f" {reading.beside}")] if reading.beside else []
    plain = field_choice.without_null(schema)[0]
    named = option_lists.name_of(plain, value) if not isinstance(value, dict | list) else ""
    if named and named != value:
        return [
            blocks.run(f"{text.visible(_one_line(named))}  "),
            blocks.run(text.visible(_word(value)), "code"),
            *after,
        ]
    if (at := display.instant(value)) is not None and isinstance(value, str):
        return [blocks.date(at, _DATE_FORM, value), blocks.run("  "), blocks.run(value, "code")]
    if isinstance(value, str) and _SPACED.fullmatch(value):
        return [blocks.run(text.visible(value), "code")]
    return [blocks.run(text.visible(reading.words))]


def _word(value: JSON) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _one_line(words: str) -> str:
    return words if words and " ".join(words.split()) == words else json.dumps(words, ensure_ascii=False)


def _pieces(words: str) -> list[str]:
    """The text, visible, in pieces that each fit an element."""
    return [piece.removesuffix("\n") or " " for piece in blocks.split(text.visible(words))]


def _written(part: Element) -> list[str]:
    match part["type"]:
        case "rich_text_list":
            indent = "  " * (part.get("indent", 0) + 1)
            return [f"{indent}- {line}" for row in part["elements"] for line in _written(row)]
        case "rich_text_quote":
            return [f"{_QUOTED}{line}" for line in _runs(part).split("\n")]
        case _:
            return _runs(part).split("\n")


def _runs(part: Element) -> str:
    return "".join(str(run.get("text") or run.get("fallback", "")) for run in part["elements"])
