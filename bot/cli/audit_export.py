"""Entries of the audit log as lines: JSON for machines, CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, TypeAlias

from bot.approvals.model.audit import AuditEvent, Entry
from bot.approvals.model.errors import CountersignError
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
)
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""If a cell begins with one of these, a spreadsheet takes it for a formula."""


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
    return _row(_COLUMNS)


def csv_line(entry: Entry, masker: Masker) -> str:
    """The entry as a row. A cell that would be a formula begins with an apostrophe, and control characters are written
    out. `masked` is `yes` if secrets are masked."""
    true = event_of(entry)
    event = None if true is None else masked_event(masker, true)
    if event is None:
        cells: list[Any] = [entry.number, "", "", entry.task_id, *[""] * 7]
    else:
        cells = [
            entry.number,
            event.at.isoformat(),
            event.kind,
            event.task_id,
            event.request_id or "",
            event.person.team_id if event.person else "",
            event.person.user_id if event.person else "",
            event.surface,
            event.digest,
            event.rule,
            json.dumps(event.data, ensure_ascii=False) if event.data else "",
        ]
    masked = "yes" if event is not None and true is not None and event.data != true.data else ""
    return _row([*cells, entry.digest, entry.link, masked, event.through if event is not None else ""])


def _row(cells: Iterable[object]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow([_harmless(cell) for cell in cells])
    return written.getvalue()


def _harmless(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    return f"'{printable(cell)}" if cell.lstrip().startswith(_FORMULAS) else printable(cell)
