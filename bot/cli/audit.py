"""`python -m bot audit verify | export`: proves the audit log, or exports it. The bot may run meanwhile."""

from __future__ import annotations

import argparse
import os
import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self, TextIO

from bot import stores
from bot.approvals.model.audit import Head
from bot.approvals.model.errors import NotFound, SettingsError
from bot.approvals.model.ids import TaskId
from bot.approvals.ports.storage import Storage
from bot.approvals.rules.masking import Masker
from bot.approvals.services.audit.proof import Broken, Intact, entries, verify
from bot.approvals.services.messages.masked import Masking
from bot.cli import audit_export
from bot.durations import duration
from bot.printable import printable
from bot.secrets import Detector
from bot.settings import load_store

MAX_CACHED_MASKERS = 200
"""Tasks whose maskers are kept during an export, because the entries of several tasks alternate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was typed."""

    env_file: Path
    does: Literal["verify", "export"]
    head: Head | None = None
    format: Literal["jsonl", "csv"] = "jsonl"
    since: datetime | None = None
    until: datetime | None = None
    task: str | None = None
    output: Path | None = None

    @classmethod
    def of(cls, typed: argparse.Namespace) -> Self:
        known = {name: value for name, value in vars(typed).items() if name in cls.__slots__}
        return cls(**known)


def add_options(parser: argparse.ArgumentParser) -> None:
    does = parser.add_subparsers(dest="does", required=True)
    proves = does.add_parser("verify", help="follow the chain; exit 1 and name the first entry that was changed")
    proves.add_argument(
        "--head",
        type=_head,
        metavar="NUMBER:LINK",
        help="a head that an earlier run printed and that you kept elsewhere",
    )
    writes = does.add_parser("export", help="write the entries out in order")
    writes.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
    writes.add_argument("--since", type=_moment, metavar="WHEN", help="2030-01-31, 2030-01-31T12:00+02:00, or 30d ago")
    writes.add_argument("--until", type=_moment, metavar="WHEN", help="leave out entries from this time on")
    writes.add_argument("--task", help="one task's id")
    writes.add_argument("--output", type=Path, help="write to this file instead of the standard output")
    for command in (proves, writes):
        command.add_argument("--env-file", type=Path, default=Path(".env"), help="read this file instead of .env")


async def main(options: Options) -> int:
    """Runs the command and returns its exit code. Raises SettingsError if there is no log, or if the output file cannot
    be written."""
    async with stores.records(load_store(options.env_file)) as storage:
        if options.does == "verify":
            return _say(await verify(storage, options.head))
        with _opened(options.output) as to:
            await _write(storage, options, to)
        return 0


class MaskerCache:
    """Masks each task's entries on export: what looks like a secret, and what the policies of its requests mask. The
    stored entries stay as they are, so the chain still verifies."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._masking = Masking(secrets=Detector(), marks=lambda _: (), learned=len)
        self._recent: OrderedDict[str, Masker] = OrderedDict()

    async def of(self, task_id: str) -> Masker:
        """The masker for this task. If its records are past their retention, it knows no policy's masks."""
        if task_id not in self._recent:
            try:
                records = await self._storage.records_of(TaskId(task_id))
            except NotFound:
                self._recent[task_id] = Masker(self._masking.secrets)
            else:
                self._recent[task_id] = self._masking.masker(records)
            if len(self._recent) > MAX_CACHED_MASKERS:
                self._recent.popitem(last=False)
        return self._recent[task_id]


def _say(proof: Intact | Broken) -> int:
    match proof:
        case Intact(entries=entries, purged=purged, head=head):
            gone = f", {purged} of them without their text, which is past its retention" if purged else ""
            sys.stdout.write(f"The audit log is intact: {entries} entries{gone}.\nhead {head}\n")
            return 0
        case Broken(number=number, why=why):
            sys.stdout.write(f"The audit log is broken at entry {number}. {printable(why)}\n")
            return 1


async def _write(storage: Storage, options: Options, to: TextIO) -> None:
    line, maskers = audit_export.jsonl, MaskerCache(storage)
    if options.format == "csv":
        to.write(audit_export.csv_header())
        line = audit_export.csv_line
    async for entry in entries(storage):
        if audit_export.wanted(entry, since=options.since, until=options.until, task=options.task):
            to.write(line(entry, await maskers.of(entry.task_id)))


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    """The file, or the standard output. If its reader goes away, the export ends without an error."""
    if path is None:
        try:
            yield sys.stdout
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it exits
        return
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise SettingsError(f"--output {path}: cannot be written ({error}).") from None
    with file:
        yield file


def _head(text: str) -> Head:
    try:
        return Head.read(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is the number and the link that `verify` prints, as in 17:3f0a...") from None


def _moment(text: str) -> datetime:
    """A date or a time, in UTC if it names no zone, or how long ago."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    try:
        return datetime.now(UTC) - duration(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time: write 2030-01-31, 2030-01-31T12:00+02:00, or a duration such as 30d"
        ) from None
