"""Entries of the audit log as lines: JSON for machines, CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final, TypeAlias

from bot.approvals.model.audit import AuditEvent, Entry
from bot.approvals.model.errors import CountersignError
from bot.approvals.model.ids import TaskId
from bot.approvals.rules.masking import Masker
from bot.approvals.services.messages.masked import masked_event
from bot.printable import printable
from bot.storage.codec import decode

Line: TypeAlias = Callable[[Entry, Masker], str]
"""Writes one entry as a line, including the line end."""
_COLUMNS: Final = (
    "number",
    "at",
    "kind",
    "task",
    "request",
    "team",
    "user",
    "surface",
    "digest",
    "rule",
    "data",
    "entry_digest",
    "link",
    "masked",
    "through",
    "cut",
)
BOM: Final = "\ufeff"
"""Begins the table, so that Excel reads it as UTF-8."""
MAX_CELL_UNITS: Final = 32_767
"""UTF-16 code units. Excel puts the rest of a longer cell into cells of its own, which may then be formulas."""
_CUT: Final = "…"
_BEGINS_FORMULA: Final = frozenset("=+-@\t\r\n\u2212")
_NUMBER: Final = re.compile(r"[\d.,:/\s-]*\d[\d.,:/\s-]*(?:[eE][+-]?\d+)?%?")
"""What a spreadsheet takes for a number, a date or a time, and writes in another way: the id 12345e10, or 01234567."""
_NEW_CELL: Final = re.compile(r";(?=[\s\"'\\]*[=+\-@\u2212\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b])")
"""Where a spreadsheet that separates cells by semicolons, as in much of Europe, would find a formula."""


class Unreadable(CountersignError):
    """An entry's text is not an event."""

    def __init__(self, number: int) -> None:
        super().__init__(f"Entry {number} cannot be read. `python -m bot audit verify` says more.")


def event_of(entry: Entry) -> AuditEvent | None:
    """The entry's event. Returns None if its text is past its retention. Raises Unreadable if it is not an event."""
    if entry.body == b"":
        return None
    try:
        return decode(AuditEvent, (entry.body or b"").decode())
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Unreadable(entry.number) from error


def wanted(entry: Entry, *, since: datetime | None, until: datetime | None, task: str | None) -> bool:
    """Whether the entry is of this task and of a time from `since` on and before `until`. An entry whose text is past
    its retention has neither, so it is exported only if none of these is given."""
    if task is not None and entry.task_id != task:
        return False
    if since is None and until is None:
        return True
    event = event_of(entry)
    if event is None:
        return False
    return (since is None or event.at >= since) and (until is None or event.at < until)


def jsonl(entry: Entry, masker: Masker) -> str:
    """The entry, with its event to the letter, as it is hashed; null if its text is past its retention. Numbers that
    JSON does not have (NaN) are written as words. If secrets are masked, the line says `"masked":true`: the digest is
    that of the true event, which stays stored."""
    event_of(entry)
    event = (entry.body or b"null").decode()
    numbers: list[str] = []

    def word(name: str) -> str:
        numbers.append(name)
        return name

    read = json.loads(event, parse_constant=word)
    head = {"number": entry.number, "task": entry.task_id, "digest": entry.digest, "link": entry.link}
    if read is not None and (shown := masker.value(read.get("data", {}), "data")) != read.get("data", {}):
        read, head = {**read, "data": shown}, {**head, "masked": True}
    if numbers or "masked" in head:
        event = json.dumps(read, separators=(",", ":"))
    return f'{json.dumps(head, separators=(",", ":"))[:-1]},"event":{event}}}\n'


def csv_header() -> str:
    return BOM + _row(_COLUMNS)


def csv_line(entry: Entry, masker: Masker) -> str:
    """The entry as a row that no spreadsheet takes for anything else. `masked` is `yes` if secrets are masked.

    A cell that would be a formula or a number begins with an apostrophe, and so does one that begins with an
    apostrophe: who reads the table takes one away. Control characters are written out. `cut` is the number of
    characters of the data if a spreadsheet could not hold them all.
    """
    true = event_of(entry)
    event = None if true is None else masked_event(masker, true)
    data, cut = _data(event)
    of = event or _NOTHING
    cells: list[object] = [
        entry.number,
        of.at.isoformat() if event is not None else "",
        of.kind,
        entry.task_id if event is None else of.task_id,
        of.request_id or "",
        of.person.team_id if of.person else "",
        of.person.user_id if of.person else "",
        of.surface,
        of.digest,
        of.rule,
        data,
        entry.digest,
        entry.link,
        "yes" if event is not None and true is not None and event.data != true.data else "",
        of.through,
        cut,
    ]
    return _row(cells)


_NOTHING: Final = AuditEvent(kind="", at=datetime.max.replace(tzinfo=UTC), task_id=TaskId(""))


def _data(event: AuditEvent | None) -> tuple[str, int | str]:
    """The event's data as JSON, and how many characters that has if it is cut."""
    if event is None or not event.data:
        return "", ""
    # the same text for whoever reads JSON, and no cell of its own for a spreadsheet
    text = _NEW_CELL.sub(r"\\u003b", _printable_json(json.dumps(event.data, ensure_ascii=False)))
    return text, len(text) if _units(text) > MAX_CELL_UNITS else ""


def _printable_json(text: str) -> str:
    """The same JSON, with what nobody can see written as JSON does."""
    if printable(text) == text:
        return text
    return "".join(each if printable(each) == each else json.dumps(each)[1:-1] for each in text)


def _row(cells: Iterable[object]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow([_harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return written.getvalue()


def _harmless(cell: str) -> str:
    text = _NEW_CELL.sub(r"\\x3b", printable(cell))
    begins = unicodedata.normalize("NFKC", cell.lstrip()[:1] or cell[:1])[:1]
    if begins in _BEGINS_FORMULA or begins == "'" or cell[:1] in _BEGINS_FORMULA or _NUMBER.fullmatch(text):
        text = f"'{text}"
    if _units(text) <= MAX_CELL_UNITS:
        return text
    cut = text.encode("utf-16-le")[: 2 * (MAX_CELL_UNITS - len(_CUT))]
    return cut.decode("utf-16-le", "ignore") + _CUT


def _units(text: str) -> int:
    """The length of the text as Excel counts it."""
    return len(text) if len(text) <= MAX_CELL_UNITS // 2 else len(text.encode("utf-16-le")) // 2
