"""A graph's values as readable rows: names in bold, values beside them, a sample of each large value.

Everything here is untrusted, so everything is rich text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.approvals.model.ids import JSON
from bot.slack import blocks, text
from bot.slack.blocks import Element

_MAX_INLINE_CHARACTERS = 120
_MAX_NAME_CHARACTERS = 60
_MAX_FLAT_FIELDS = 8
_MAX_ELEMENT_CHARACTERS = 4000
"""On the wire, of the rows in one element."""
_LOOKS_LIKE_JSON = re.compile(r"""\s.*|.*\s|["\[{].*|true|false|null|-?\d+(\.\d*)?([eE][+-]?\d+)?""", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """How much of a payload a card shows."""

    text: int
    value: int
    rows: int
    entries: int
    items: int


@dataclass(frozen=True, slots=True)
class Shown:
    """Parts of a rich_text block, and whether anything was left out."""

    parts: tuple[Element, ...]
    cut: bool


def rows(arguments: Mapping[str, JSON], detail: Detail) -> Shown:
    """One row per argument, in the order in which they came."""
    parts: list[Element] = []
    lines: list[Element] = []
    anything_cut = len(arguments) > detail.rows

    def close() -> None:
        if lines:
            parts.append(blocks.line(*lines))
            lines.clear()

    for name, value in list(arguments.items())[: detail.rows]:
        if blocks.size(lines) > _MAX_ELEMENT_CHARACTERS:
            close()
        if lines:
            lines.append(blocks.run("\n"))
        lines.append(blocks.run(text.label(name, min(_MAX_NAME_CHARACTERS, detail.value)) or '""', "bold"))
        anything_cut |= not text.fits(name, min(_MAX_NAME_CHARACTERS, detail.value))
        runs, below, cut = _value(value, detail)
        anything_cut |= cut
        lines.extend(runs)
        if below is not None:
            close()
            parts.append(below)
    if (rest := len(arguments) - detail.rows) > 0:
        lines.extend([blocks.run("\n")] if lines else [])
        more = text.label(", ".join(list(arguments)[detail.rows :]), max(detail.value, 100))
        lines.append(blocks.run(f"… {text.counted(rest, 'more argument')}: {more}", "italic"))
    close()
    return Shown(tuple(parts), anything_cut)


def prose(words: str, limit: int) -> Shown:
    """A text from the graph, in paragraphs."""
    short = text.shown(words.strip("\n"), limit)
    return Shown((blocks.line(blocks.run(short.text)),), short.cut)


def answer(value: JSON, detail: Detail) -> Shown:
    """What somebody answered: words as a quote, a form as rows, anything else as JSON."""
    if isinstance(value, str):
        short = text.shown(value, detail.text)
        return Shown((blocks.quote(blocks.run(short.text)),), short.cut)
    if isinstance(value, dict) and value:
        return rows(value, detail)
    short = text.shown(text.pretty(value), detail.text)
    return Shown((blocks.code(short.text),), short.cut)


def summary(arguments: Mapping[str, JSON], limit: int) -> str:
    """The arguments in a few plain words."""
    words = "".join(str(run["text"]) for run in inline(arguments))
    return text.label(words, limit)


def inline(arguments: Mapping[str, JSON], entries: int = 4, limit: int = 60) -> list[Element]:
    """The arguments in one line, as a reminder of what they are."""
    runs: list[Element] = []
    for name, value in list(arguments.items())[:entries]:
        runs.extend([blocks.run(" · ")] if runs else [])
        runs.append(blocks.run(text.label(name, 30) or '""', "bold"))
        runs.append(blocks.run(f" {text.label(value if isinstance(value, str) else _json(value), limit) or '-'}"))
    if rest := max(len(arguments) - entries, 0):
        runs.append(blocks.run(f" · {rest:,} more", "italic"))
    return runs


def _value(value: JSON, detail: Detail) -> tuple[list[Element], Element | None, bool]:
    """What to show beside the name, what to show below it, and whether anything was cut."""
    match value:
        case str():
            return _words(value, detail.value)
        case [_, *_]:
            return _list(value, detail)
        case dict() if value:
            short = text.shown(text.pretty(value), detail.value)
            return [], blocks.code(short.text), short.cut
        case _:
            short = text.shown(_json(value), detail.value)
            return [blocks.run("  "), blocks.run(short.text)], None, short.cut


def _words(value: str, limit: int) -> tuple[list[Element], Element | None, bool]:
    several = "\n" in value.strip() and value[0] not in '"[{'  # a block of its own is unmistakable
    ambiguous = not value or (
        len(value) <= _MAX_INLINE_CHARACTERS and not several and _LOOKS_LIKE_JSON.fullmatch(value)
    )
    short = text.shown(_json(value) if ambiguous else value, limit)
    if "\n" in short.text or len(short.text) > _MAX_INLINE_CHARACTERS:
        return [], blocks.code(short.text), short.cut
    return [blocks.run("  "), blocks.run(short.text)], None, short.cut


def _list(value: Sequence[JSON], detail: Detail) -> tuple[list[Element], Element | None, bool]:
    total = text.counted(len(value), "entry") if len(value) == 1 else f"{len(value):,} entries"
    beside = blocks.run(f"  {total}")
    if all(isinstance(entry, dict) and _flat(entry) for entry in value):
        return _records(value, beside, detail)
    if any(isinstance(entry, list | dict) for entry in value):
        short = text.shown(text.pretty(list(value)), detail.value)
        return [beside], blocks.code(short.text), short.cut
    words = [word(entry) for entry in value[: detail.entries]]
    shorts = [text.shown(word, max(min(detail.value, 200), 20)) for word in words]
    lines = [blocks.line(blocks.run(short.text)) for short in shorts]
    rest = len(value) - len(words)
    if rest:
        lines.append(blocks.line(blocks.run(f"… {rest:,} more", "italic")))
    return [beside], blocks.bullets(lines), rest > 0 or any(short.cut for short in shorts)


def _records(records: Sequence[JSON], beside: Element, detail: Detail) -> tuple[list[Element], Element | None, bool]:
    """Objects of plain values, one per line, with their names in bold. No value can be bold."""
    lines: list[Element] = []
    cut = len(records) > detail.entries
    for record in records[: detail.entries]:
        runs: list[Element] = []
        for name, value in record.items() if isinstance(record, dict) else []:
            short, named = text.shown(word(value), max(min(detail.value, 200), 20)), text.label(name, 30) or '""'
            runs += [blocks.run(" · " if runs else ""), blocks.run(named, "bold"), blocks.run(f"  {short.text}")]
            cut |= short.cut or not text.fits(name, 30)
        lines.append(blocks.line(*runs[1:]))
    if rest := len(records) - len(lines):
        lines.append(blocks.line(blocks.run(f"… {rest:,} more", "italic")))
    return [beside], blocks.bullets(lines), cut


def _flat(record: Mapping[str, JSON]) -> bool:
    """Whether it fits a line: a few plain values."""
    return 0 < len(record) <= _MAX_FLAT_FIELDS and not any(isinstance(value, list | dict) for value in record.values())


def word(entry: JSON) -> str:
    """The value in one line; a text that could be mistaken for another value is quoted. The caller makes it
    `visible`."""
    if isinstance(entry, str) and entry and "\n" not in entry and not _LOOKS_LIKE_JSON.fullmatch(entry):
        return entry
    return _json(entry)


def _json(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False)
