"""`python -m bot audit verify | export | anchor`: proves the audit log, exports it, or notes its head. The bot may run
meanwhile."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, Literal, Self, TextIO

from bot import stores
from bot.approvals.model.audit import Entry, Head
from bot.approvals.model.errors import NotFound, SettingsError
from bot.approvals.model.ids import TaskId
from bot.approvals.ports.storage import Storage
from bot.approvals.rules.masking import Masker
from bot.approvals.services.audit.proof import Intact, entries, verify
from bot.approvals.services.messages.masked import Masking
from bot.cli import output
from bot.cli.arguments import moment
from bot.cli.audit import rows
from bot.cli.audit.anchor import Anchor, append
from bot.cli.audit.rounds import NobodyReads, Source, UntilAsked, to_stdout
from bot.cli.audit.text import Text
from bot.cli.audit.values import when
from bot.cli.audit.verify import Anchors, Follow, verified
from bot.durations import duration
from bot.printable import printable
from bot.secrets import Detector
from bot.settings import Store, load_store

LOOK: Final = timedelta(seconds=10)
"""How often `verify --follow` looks."""
REREAD: Final = timedelta(hours=6)
"""How often it reads the whole log again."""
MAX_CACHED_MASKERS: Final = 200
"""Tasks whose maskers are kept during an export, because the entries of several tasks alternate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was typed."""

    env_file: Path
    does: Literal["verify", "export", "anchor"]
    head: Head | None = None
    anchors: Path | None = None
    follow: bool = False
    every: timedelta | None = None
    reread: timedelta | None = None
    format: Literal["jsonl", "csv", "text"] = "jsonl"
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
    proves.add_argument("--anchors", type=Path, metavar="FILE", help="heads that `anchor` wrote: each has to fit")
    proves.add_argument(
        "--follow", action="store_true", help="go on with each new entry, and exit 1 at the first break"
    )
    proves.add_argument("--every", type=_span, metavar="SPAN", help="with --follow: how often to look (10s)")
    proves.add_argument("--reread", type=_span, metavar="SPAN", help="with --follow: when to read all of it again (6h)")
    writes = does.add_parser("export", help="write the entries out in order")
    writes.add_argument(
        "--format", choices=("jsonl", "csv", "text"), default="jsonl", help="for programs, spreadsheets or people"
    )
    writes.add_argument("--since", type=moment, metavar="WHEN", help="2030-01-31, 2030-01-31T12:00+02:00, or 30d ago")
    writes.add_argument("--until", type=moment, metavar="WHEN", help="leave out entries from this time on")
    writes.add_argument("--task", help="one task's id")
    writes.add_argument("--output", type=Path, help="write to this file instead of the standard output")
    notes = does.add_parser("anchor", help="print the head of the log, to be kept where the bot cannot write")
    notes.add_argument("--every", type=_span, metavar="SPAN", help="repeat this often, such as 1h; without it, once")
    notes.add_argument("--output", type=Path, help="append to this file instead of the standard output")
    for command in (proves, writes, notes):
        command.add_argument("--env-file", type=Path, default=Path(".env"), help="read this file instead of .env")


async def main(options: Options) -> int:
    """Runs the command and returns its exit code: 1 if the log is broken, or is not there any more in a file that had
    one. Raises SettingsError if there are no records, or if a file cannot be read or written."""
    settings = load_store(options.env_file)
    try:
        match options.does:
            case "export":
                async with stores.records(settings) as storage:
                    with _opened(options.output) as to:
                        if options.format == "text":
                            return await _write_text(storage, options, to)
                        await _write(storage, options, to)
                return 0
            case "verify" if not options.follow:
                _refuse_without_follow(options)
                async with stores.records(settings) as storage:
                    well, said = await verified(storage, options.head, options.anchors)
                to_stdout(f"{said}\n")
                return 0 if well else 1
            case _:
                return await _in_rounds(options, settings)
    except NobodyReads:
        return 1
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        output.to_stderr(
            f"The audit log cannot be read: {printable(str(error))}. Somebody has removed or changed a part of the "
            "file that holds the records. Keep that file for whoever looks into it, and restore a backup.\n"
        )
        return 1


async def _in_rounds(options: Options, settings: Store) -> int:
    source = Source(settings)
    try:
        await source.storage()  # what is wrong from the beginning ends it
        async with UntilAsked.listening() as rounds:
            if options.does == "verify":
                if options.anchors is not None:
                    Anchors.read(options.anchors)
                return await Follow(
                    opened=source.storage,
                    clock=stores.system_clock,
                    write=to_stdout,
                    rounds=rounds,
                    every=options.every or LOOK,
                    reread=options.reread or REREAD,
                    noted=options.head,
                    anchors=options.anchors,
                    close=source.close,
                ).run()
            file = options.output
            note = to_stdout if file is None else partial(append, file)
            anchor = Anchor(opened=source.storage, clock=stores.system_clock, note=note, rounds=rounds)
            return await (anchor.once() if options.every is None else anchor.run(options.every))
    finally:
        await source.close()


def _refuse_without_follow(options: Options) -> None:
    for name, given in (("--every", options.every), ("--reread", options.reread)):
        if given is not None:
            raise SettingsError(f"{name} is for `verify --follow`, which goes on with each new entry.")


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


async def _write(storage: Storage, options: Options, to: TextIO) -> None:
    line, maskers = rows.jsonl, MaskerCache(storage)
    if options.format == "csv":
        to.write(rows.csv_header())
        line = rows.csv_line
    async for entry in entries(storage):
        if rows.wanted(entry, since=options.since, until=options.until, task=options.task):
            to.write(line(entry, await maskers.of(entry.task_id)))


async def _write_text(storage: Storage, options: Options, to: TextIO) -> int:
    """Returns 1 if the log is broken, which the text says at its end."""
    text, maskers = Text(), MaskerCache(storage)
    to.write(text.beginning(stores.system_clock(), _selection(options)))
    async for entry in entries(storage):
        text.passed(entry)
        if _is_wanted(entry, options):
            to.write(text.entry(entry, await maskers.of(entry.task_id)))
    proof = await verify(storage)
    to.write(text.end(proof))
    return 0 if isinstance(proof, Intact) else 1


def _is_wanted(entry: Entry, options: Options) -> bool:
    try:
        return rows.wanted(entry, since=options.since, until=options.until, task=options.task)
    except rows.Unreadable:  # nobody can tell, so it is shown
        return True


def _selection(options: Options) -> str:
    words = [
        f"the task {printable(options.task)}" if options.task else "",
        f"entries from {when(options.since)} on" if options.since else "",
        f"entries before {when(options.until)}" if options.until else "",
    ]
    return ", ".join(each for each in words if each)


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    """The file, or the standard output. If its reader goes away, the export ends without an error. Raises SettingsError
    if it cannot be written."""
    if path is None:
        try:
            yield sys.stdout
            sys.stdout.flush()
        except BrokenPipeError:
            output.drop_the_rest()
        except OSError as error:
            output.drop_the_rest()
            raise output.unwritable("The output", error) from None
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise output.unwritable(f"--output {path}", error) from None


def _head(text: str) -> Head:
    try:
        return Head.read(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is the number and the link that `verify` prints, as in 17:3f0a...") from None


def _span(text: str) -> timedelta:
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
