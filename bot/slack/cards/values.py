"""A graph's values as people read them: labels in bold, values beside them, short ones in two columns, a sample of each
large one.

Everything here is untrusted. It is rich text, except for short values in which there is nothing that mrkdwn interprets:
those may stand in the two columns of a section.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot.approvals.model.ids import JSON
from bot.slack import blocks, display, text
from bot.slack.blocks import Block, Element
from bot.slack.display import Reading

MAX_INLINE_CHARACTERS: Final = 120
"""A longer value stands below its name."""
COLUMN: Final = 28
"""Characters of a label and a value that fit one of two columns."""
_MAX_NAME_CHARACTERS: Final = 60
_MAX_NAMED: Final = 20
"""Of arguments that are left out."""
_MAX_FLAT_FIELDS: Final = 8
_MAX_SEEN: Final = 100
"""Entries of a list by which it is decided how all of it is shown. No message shows more of them."""
_MAX_LISTED_CHARACTERS: Final = 130
"""Of a list's entries one behind the other. A longer list has a line for each."""
_MAX_ELEMENT_CHARACTERS: Final = 4000
"""On the wire, of the rows in one element."""
_PATHS: Final = frozenset({"path", "folder", "file", "directory"})
_LEAST_BEGUN: Final = 12
"""Characters of a value's beginning that are worth a place in a line."""
_FIELDS: Final = 10
"""Slack takes ten in a section."""
_MARKUP: Final = re.compile(r"[*~`<>|\\\n\t]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:\S")
"""An underscore within a word begins nothing (Slack: formatting text)."""
_INDENTED: Final = re.compile(r"^(?: {2}|\t)", re.MULTILINE)
_STRUCTURE: Final = re.compile(r"""\s*["\[{].*""", re.DOTALL)
_DATE_CHARACTERS: Final = 20
"""Of a moment as Slack writes it."""
_DAY_AND_TIME: Final = "{date_short_pretty} {time}"
_WITH_SECONDS: Final = "{date_short_pretty} {time_secs}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """How much of a payload a card shows."""

    text: int
    value: int
    rows: int
    entries: int
    items: int
    line: int = 0
    """Characters of a line that stands for one of several actions. 0 if each shows everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the graph and its owner want of a list of arguments."""

    labels: Mapping[str, str] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    """The arguments that come first, in this order."""


PLAIN: Final = Terms()


@dataclass(frozen=True, slots=True)
class Shown:
    """Parts of a rich_text block, and whether anything was left out."""

    parts: tuple[Element, ...]
    cut: bool


@dataclass(frozen=True, slots=True)
class Laid:
    """Blocks, and whether anything was left out."""

    blocks: tuple[Block, ...]
    cut: bool
    left: tuple[str, ...] = ()
    """The labels of the first arguments that were left out altogether. Untrusted."""
    more: int = 0
    """How many others were left out."""


def inert(words: str) -> bool:
    """Whether mrkdwn shows these words as they are, once they are escaped."""
    return words.isprintable() and not _MARKUP.search(words) and text.fits(words, len(words))


def laid(arguments: Mapping[str, JSON], detail: Detail, terms: Terms = PLAIN, action: str = "") -> Laid:
    """The arguments as blocks: short ones in two columns, then the others in rows, and below these the short ones that
    come after a long one that is wanted first. `action` is the action's name in
    words, to stand before them."""
    listed = display.readings(arguments, terms.labels, terms.first, detail.rows + _MAX_NAMED)
    named = [Reading(name="", label="Action", value=action)] if action else []
    shown = [*named, *listed[: detail.rows]]
    short = [each for each in shown if _column(each)]
    rest = [each for each in shown if each not in short]
    more = listed[detail.rows :]
    if len(short) == 1:
        short, rest = [], shown
    rows = _rows(rest, (), detail)
    wanted = next((at for at, each in enumerate(shown) if each in rest and each.name in terms.first), len(shown))
    above, below = _in_columns(short, shown[:wanted]), _in_columns(short, shown[wanted:])
    written: list[Block] = [blocks.rich(*rows.parts)] if rows.parts else []
    unnamed = display.number_of_readings(arguments, terms.labels) - len(listed)
    cut = rows.cut or bool(more) or unnamed > 0
    return Laid((*above, *written, *below), cut, tuple(each.label for each in more), unnamed)


def rows(arguments: Mapping[str, JSON], detail: Detail, terms: Terms = PLAIN) -> Shown:
    """One row per argument."""
    listed = display.readings(arguments, terms.labels, terms.first, detail.rows + _MAX_NAMED)
    left = display.number_of_readings(arguments, terms.labels) - detail.rows
    return _rows(listed[: detail.rows], listed[detail.rows :], detail, max(left, 0))


def call(name: str, arguments: Mapping[str, JSON], width: int, terms: Terms = PLAIN) -> Shown:
    """An action and its arguments in one line of at most `width` characters: `Refund order  A-10442 · 129.50 EUR`. An
    argument has its label unless its value or the action's name says the same."""
    listed = display.readings(arguments, terms.labels, terms.first, width)  # each takes a character at least
    runs, room = [blocks.run(name, "bold")], width - len(name) - 2
    for number, each in enumerate(listed):
        between = " · " if number else "  "
        label = "" if _says_itself(each, name, listed) else each.label
        long = _length(each) + (len(label) + 1 if label else 0)
        named = [blocks.run(text.visible(label), "bold"), blocks.run(" ")] if label else []
        if not _plain(each) or long > room:
            left = room - len(label) - 1
            said = text.label(each.words, left) if left > _LEAST_BEGUN and len(label) < left else ""
            rest = [blocks.run(between), *named, blocks.run(said)] if said else [blocks.run(" · …")]
            return Shown((blocks.line(*runs, *rest),), True)
        runs += [blocks.run(between), *named, _said(each)]
        room -= long + len(between)
    return Shown((blocks.line(*runs),), False)


def _says_itself(reading: Reading, action: str, beside: Sequence[Reading]) -> bool:
    """Whether nobody needs the label to know what the value is: an amount with its currency, the only path, or what the
    action is named after."""
    label = reading.label.casefold()
    plain = isinstance(reading.value, str | int | float) and not isinstance(reading.value, bool)
    if not plain or reading.value == "" or " · " in reading.words:
        return False
    paths = [each for each in beside if isinstance(each.value, str) and "/" in each.value]
    return (
        (label == "amount" and reading.beside != "")
        or (label in _PATHS and paths == [reading])
        or label in action.casefold().split()
    )


def prose(words: str, limit: int) -> Shown:
    """A text from the graph, in paragraphs."""
    short = text.folded(words.strip("\n"), limit)
    return Shown((blocks.line(blocks.run(short.text)),), short.cut)


def answer(value: JSON, detail: Detail) -> Shown:
    """What somebody answered: words as a quote, a form as rows, anything else as JSON."""
    if isinstance(value, str):
        short = text.folded(value, detail.text)
        return Shown((blocks.quote(blocks.run(short.text)),), short.cut)
    if isinstance(value, dict) and value:
        return rows(value, detail)
    short = text.folded(text.pretty(value), detail.text)
    return Shown((blocks.code(short.text),), short.cut)


def summary(arguments: Mapping[str, JSON], limit: int) -> str:
    """The arguments in a few plain words."""
    said = "".join(str(run["text"]) for run in inline(arguments))
    return text.label(said, limit)


def inline(arguments: Mapping[str, JSON], entries: int = 4, limit: int = 60) -> list[Element]:
    """The arguments in one line, as a reminder of what they are."""
    runs: list[Element] = []
    for each in display.readings(arguments, most=entries):
        runs.extend([blocks.run(" · ")] if runs else [])
        runs.append(blocks.run(text.label(each.label, 30) or '""', "bold"))
        said = each.value if isinstance(each.value, str) and not each.value.strip() else each.words
        runs.append(blocks.run(f" {text.label(said, limit) or '-'}"))
    if rest := max(display.number_of_readings(arguments) - entries, 0):
        runs.append(blocks.run(f" · {rest:,} more", "italic"))
    return runs


def word(entry: JSON, name: str = "") -> str:
    """The value in one line; a text that could be mistaken for another value is quoted. The caller makes it
    `visible`."""
    said = display.words(entry, name)
    return json.dumps(entry, ensure_ascii=False) if "\n" in said else said


def raw(entry: JSON) -> str:
    """The value as JSON, for two values that read the same in words."""
    return json.dumps(entry, ensure_ascii=False)


# --- Columns ------------------------------------------------------------------------------------


def _plain(reading: Reading) -> bool:
    """Whether label and value are short words of one line."""
    scalar = not isinstance(reading.value, list | dict)
    return scalar and all(text.fits(words, MAX_INLINE_CHARACTERS) for words in (reading.label, reading.words))


def _column(reading: Reading) -> bool:
    """Whether the argument fits one of two columns, and mrkdwn changes nothing in it."""
    if reading.label == "" or not _plain(reading) or display.instant(reading.value) is not None:
        return False
    written = reading.label + reading.words
    return len(written) + 2 <= COLUMN and inert(written)


def _said(reading: Reading) -> Element:
    """A plain value: a moment in the reader's own time zone, anything else in words."""
    at = display.instant(reading.value)
    if at is None:
        return blocks.run(text.visible(reading.words))
    return blocks.date(at, _WITH_SECONDS if at.second else _DAY_AND_TIME, str(reading.value))


def _length(reading: Reading) -> int:
    return len(reading.words) if display.instant(reading.value) is None else _DATE_CHARACTERS


def _in_columns(short: Sequence[Reading], among: Sequence[Reading]) -> list[Block]:
    """Those of the short arguments that are among these, in two columns."""
    found = [each for each in among if each in short]
    return [_columns(found[at : at + _FIELDS]) for at in range(0, len(found), _FIELDS)]


def _columns(readings: Sequence[Reading]) -> Block:
    fields = [f"*{text.escape(each.label)}*  {text.escape(each.words)}" for each in readings]
    return {"type": "section", "fields": [blocks.mrkdwn(words) for words in fields]}


# --- Rows ---------------------------------------------------------------------------------------


def _rows(listed: Sequence[Reading], more: Sequence[Reading], detail: Detail, left: int = 0) -> Shown:
    """A row for each that is listed, then how many are `left` out, with the names of the first."""
    parts: list[Element] = []
    lines: list[Element] = []
    anything_cut = bool(more)

    def close() -> None:
        if lines:
            parts.append(blocks.line(*lines))
            lines.clear()

    for each in listed:
        if blocks.size(lines) > _MAX_ELEMENT_CHARACTERS:
            close()
        if lines:
            lines.append(blocks.run("\n"))
        limit = min(_MAX_NAME_CHARACTERS, detail.value)
        lines.append(blocks.run(text.label(each.label, limit) or '""', "bold"))
        anything_cut |= not text.fits(each.label, limit)
        runs, below, cut = _value(each, detail)
        anything_cut |= cut
        lines.extend(runs)
        if below is not None:
            close()
            parts.append(below)
    if more:
        lines.extend([blocks.run("\n")] if lines else [])
        names = text.label(", ".join(each.label for each in more), max(detail.value, 40))
        lines.append(blocks.run(f"… {left:,} more: {names}", "italic"))
    close()
    return Shown(tuple(parts), anything_cut)


def _value(reading: Reading, detail: Detail) -> tuple[list[Element], Element | None, bool]:
    """What to show beside the name, what to show below it, and whether anything was cut."""
    match reading.value:
        case [_, *_] as entries:
            return _list(entries, reading.name, detail)
        case dict() as record if record and _flat(record):
            line, cut = _record(record, detail)
            return [], blocks.bullets([line]), cut
        case dict() as record if record:
            short = text.folded(text.pretty(record), detail.value)
            return [], blocks.code(short.text), short.cut
        case str() as value if display.instant(value) is not None:
            return [blocks.run("  "), _said(reading)], None, False
        case str() as value if "\n" in value.strip() and detail.line:
            return [blocks.run(f"  {text.label(value, detail.value)}")], None, True
        case str() as value if "\n" in value.strip() and not _STRUCTURE.match(value):
            short = text.folded(value, detail.value)
            return [], _text(short.text), short.cut
        case _:
            short = text.folded(reading.words, detail.value)
            if "\n" in short.text or len(short.text) > MAX_INLINE_CHARACTERS:
                return [], _text(short.text), short.cut
            return [blocks.run("  "), blocks.run(short.text)], None, short.cut


def _text(words: str) -> Element:
    """A long text, set apart: as prose, or if its lines are indented, in letters of one width."""
    return blocks.code(words) if _INDENTED.search(words) else blocks.quote(blocks.run(words))


def _list(value: Sequence[JSON], name: str, detail: Detail) -> tuple[list[Element], Element | None, bool]:
    some, seen = len(value) > detail.entries, value[:_MAX_SEEN]
    beside = [blocks.run(f"  {detail.entries:,} of {len(value):,}")] if some else []
    if all(isinstance(entry, dict) and _flat(entry) for entry in seen):
        return _records(value, beside, detail)
    if any(isinstance(entry, list | dict) for entry in seen):
        short = text.folded(text.pretty(list(seen)), detail.value)
        count = [blocks.run(f"  {len(value):,} entries")] if len(value) > 1 else []
        return count, blocks.code(short.text), short.cut or len(value) > len(seen)
    if len(value) <= detail.entries and (joined := _joined(value, name)) and len(joined) <= detail.value:
        return [blocks.run("  "), blocks.run(joined)], None, False
    if len(value) > detail.entries == 1:
        first = text.label(word(value[0], name), detail.value)
        return [blocks.run(f"  {first} and {len(value) - 1:,} more")], None, True
    words = [word(entry, name) for entry in value[: detail.entries]]
    shorts = [text.folded(word, max(min(detail.value, 200), 20)) for word in words]
    lines = [blocks.line(blocks.run(short.text)) for short in shorts]
    return beside, blocks.bullets(lines), some or any(short.cut for short in shorts)


def _joined(value: Sequence[JSON], name: str) -> str:
    """The entries of a short list, one behind the other. Empty if they are too long, or if one could be taken for
    two."""
    words = [word(entry, name) for entry in value[:_MAX_LISTED_CHARACTERS]]
    between = next((mark for mark in (",", " ·") if not any(mark.strip() in each for each in words)), "")
    joined = f"{between} ".join(words)
    fits = len(words) == len(value) and text.fits(joined, _MAX_LISTED_CHARACTERS)
    return joined if fits and between else ""


def _records(
    records: Sequence[JSON], beside: list[Element], detail: Detail
) -> tuple[list[Element], Element | None, bool]:
    """Objects of plain values, one per line, with their names in bold. No value can be bold."""
    lines: list[Element] = []
    cut = len(records) > detail.entries
    for record in records[: detail.entries]:
        line, shortened = _record(record if isinstance(record, dict) else {}, detail)
        lines.append(line)
        cut |= shortened
    return beside, blocks.bullets(lines), cut


def _record(record: Mapping[str, JSON], detail: Detail) -> tuple[Element, bool]:
    """The object in a line. On a card that folds, as much of it as fits one."""
    runs: list[Element] = []
    cut, room = False, detail.line
    for each in display.readings(record):
        said = each.words if "\n" not in each.words else raw(each.value)
        named = text.label(each.label, 30) or '""'
        left = room - len(named) - 5
        if detail.line and left < len(said):
            runs += [blocks.run(" · " if runs else "")]
            begun = text.label(said, left) if left > _LEAST_BEGUN else ""
            runs += [blocks.run(named, "bold"), blocks.run(f" {begun}")] if begun else [blocks.run("…")]
            cut = True
            break
        short = text.folded(said, max(min(detail.value, 200), 20))
        runs += [blocks.run(" · " if runs else ""), blocks.run(named, "bold"), blocks.run(f" {short.text}")]
        cut |= short.cut or not text.fits(each.label, 30)
        room = left - len(said) + 1
    return blocks.line(*runs[1:]), cut


def _flat(record: Mapping[str, JSON]) -> bool:
    """Whether it fits a line: a few plain values."""
    return 0 < len(record) <= _MAX_FLAT_FIELDS and not any(isinstance(value, list | dict) for value in record.values())
