"""`countersign tasks list | show | cancel | retry`: everybody's tasks, for whoever runs the bot. The bot may run
meanwhile."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, Self

from bot.approvals.model.errors import NotFound, NothingToRetry, TaskFinished
from bot.approvals.model.ids import TaskId
from bot.approvals.model.server import runs_elsewhere, server_of
from bot.approvals.model.task import Failed, Running, Starting
from bot.approvals.ports.storage import Among, Records
from bot.approvals.rules.standing import Stands, standing
from bot.approvals.services.overview import Line, Overview, Wanted
from bot.cli import arguments
from bot.cli.operator import desk as operator_desk
from bot.cli.operator import tables, task_words
from bot.cli.operator.desk import Desk, Refused

DEFAULT_LIMIT: Final = 50
MAX_REASON_CHARACTERS: Final = 500
_ORPHANS: Final = 1_000
"""Of the tasks that no process runs, how many are looked through for the one that is shown."""


def _any(_: object) -> bool:
    return True


def _stands(*wanted: Stands) -> Wanted:
    return lambda of: of.stands in wanted


_STATES: Final[Mapping[str, tuple[Among, Wanted]]] = {
    "open": (Among.OPEN, _any),
    "running": (Among.OPEN, _stands(Stands.STARTING, Stands.RUNNING)),
    "waiting": (Among.OPEN, _stands(Stands.WAITING)),
    "delivering": (Among.OPEN, _stands(Stands.DELIVERING)),
    "retrying": (Among.OPEN, _stands(Stands.RETRYING)),
    "failed": (Among.FAILED, _any),
    "lost": (Among.FAILED, _stands(Stands.LOST)),
    "ended": (Among.ENDED, _any),
    "cancelled": (Among.ENDED, _stands(Stands.CANCELLED)),
}
STUCK: Final = "stuck"
STATES: Final = (STUCK, *_STATES)
"""What `--state` takes. `stuck`: whatever needs a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was typed."""

    env_file: Path
    does: Literal["list", "show", "cancel", "retry"]
    id: str = ""
    state: str | None = None
    graph: str | None = None
    since: datetime | None = None
    limit: int = DEFAULT_LIMIT
    reason: str = ""
    yes: bool = False
    json: bool = False

    @classmethod
    def of(cls, typed: argparse.Namespace) -> Self:
        return cls(**{name: value for name, value in vars(typed).items() if name in cls.__slots__})


def add_options(parser: argparse.ArgumentParser) -> None:
    """`list`, `show ID`, `cancel ID`, and `retry ID`."""
    does = parser.add_subparsers(dest="does", required=True)
    lists = does.add_parser("list", help="everybody's tasks, the newest first")
    lists.add_argument(
        "--state", choices=STATES, help="only these; stuck: those that do not go on unless a person does something"
    )
    lists.add_argument(
        "--since",
        type=arguments.moment,
        metavar="WHEN",
        help="only those that began then or later: 2030-01-31, 30d ago",
    )
    operator_desk.add_graph_and_limit(lists, DEFAULT_LIMIT)
    shows = does.add_parser("show", help="what a task is, how it stands, what failed, and what can be done")
    cancels = does.add_parser("cancel", help="end a task: its open requests are closed, its agent is not told")
    cancels.add_argument("--reason", default="", type=_reason, help="why; its card and the audit log say it")
    retries = does.add_parser("retry", help="try a task again now that an error has stopped")
    for command in (shows, cancels, retries):
        command.add_argument("id", metavar="TASK_ID", help="its id, or the beginning of it")
    for command in (cancels, retries):
        operator_desk.add_yes(command)
    operator_desk.add_shared_options([lists, shows, cancels, retries])


async def main(options: Options) -> int:
    """Runs the command. Returns 0, or 1 if it was refused. Raises SettingsError if there are no records."""
    return await operator_desk.answered(_done(options))


async def _done(options: Options) -> int:
    async with operator_desk.opened(options.env_file) as desk:
        match options.does:
            case "list":
                await _list(desk, options)
            case "show":
                await _show(desk, await desk.task_id(options.id), options)
            case "cancel":
                await _cancel(desk, await desk.task_id(options.id), options)
            case "retry":
                await _retry(desk, await desk.task_id(options.id), options)
    return 0


# --- What is looked at --------------------------------------------------------------------------


async def _list(desk: Desk, options: Options) -> None:
    overview, now = Overview(storage=desk.storage), desk.clock()
    more = options.limit + 1
    if options.state == STUCK:
        lines = await overview.needing_person(more, since=options.since, graph=options.graph)
    else:
        among, wanted = _STATES[options.state] if options.state is not None else (Among.ALL, _any)
        lines = await overview.tasks(more, wanted, among=among, since=options.since, graph=options.graph)
    lines = [_masked(desk, line) for line in lines]
    if options.json:
        operator_desk.write_json([task_words.as_json(line, now) for line in lines[: options.limit]])
        return
    if not lines:
        sys.stdout.write("There is no such task.\n" if options != _bare(options) else "There are no tasks.\n")
        return
    rows = [task_words.row(line, now) for line in lines[: options.limit]]
    sys.stdout.write(tables.table(task_words.HEAD, rows, tables.width(), tables.LEAST))
    if len(lines) > options.limit:
        sys.stdout.write(f"There are more than these {options.limit}: --limit shows more, --since fewer.\n")


async def _show(desk: Desk, task_id: TaskId, options: Options) -> None:
    seen = await _seen(desk, task_id)
    if options.json:
        operator_desk.write_json(task_words.page_as_json(seen))
    else:
        sys.stdout.write(task_words.page(seen, tables.width()))


async def _seen(desk: Desk, task_id: TaskId) -> task_words.Seen:
    records, now = await _records(desk, task_id), desk.clock()
    alone = False
    if isinstance(records.task.state, Starting | Running) and server_of(task_id) is None:
        orphans = await desk.storage.orphans(now, _ORPHANS, elsewhere=runs_elsewhere(task_id))
        alone = any(each.id == task_id for each in orphans)
    return task_words.Seen(
        records=desk.masked(records),
        standing=standing(records.task, records.requests),
        webhooks=await desk.storage.webhooks_of(task_id),
        now=now,
        inputs=desk.knows_marks,
        alone=alone,
    )


def _masked(desk: Desk, line: Line) -> Line:
    masked = desk.masked(Records(task=line.task, requests=line.requests, messages=()))
    return Line(task=masked.task, requests=masked.requests, standing=line.standing)


# --- What is changed ----------------------------------------------------------------------------


async def _cancel(desk: Desk, task_id: TaskId, options: Options) -> None:
    seen = await _seen(desk, task_id)
    task = seen.records.task
    if not task.finished:
        what = f"{task_words.graph(task)}, {seen.standing.stands}"
        operator_desk.refuse_unless_meant(f"Cancel task {task_id} ({what})?", sure=options.yes)
    try:
        records = await desk.operations.cancel(task_id, desk.clock(), options.reason)
    except TaskFinished:
        raise Refused(task_words.refusal_to_cancel((await _seen(desk, task_id)).records.task)) from None
    except NotFound:
        raise Refused(_GONE.format(task_id)) from None
    running = (
        " Its run is stopped within seconds, or when a step is over that cannot be interrupted."
        if isinstance(task.state, Running)
        else ""
    )
    await _say(desk, records, f"Task {task_id} is cancelled.{running}", options)


async def _retry(desk: Desk, task_id: TaskId, options: Options) -> None:
    state = (await _records(desk, task_id)).task.state
    if isinstance(state, Failed) and state.retryable and state.failure.unsaved:
        operator_desk.refuse_unless_meant(
            f"Retry task {task_id}? A step may have acted although that could not be saved, and may act again.",
            sure=options.yes,
        )
    try:
        records = await desk.operations.retry(task_id, desk.clock())
    except NothingToRetry:
        seen = await _seen(desk, task_id)
        raise Refused(
            task_words.refusal_to_retry(seen.records.task, seen.records.requests, seen.standing, seen.now)
        ) from None
    except NotFound:
        raise Refused(_GONE.format(task_id)) from None
    await _say(desk, records, f"Task {task_id} is tried again, by the bot that runs or by the next one.", options)


async def _say(desk: Desk, records: Records, words: str, options: Options) -> None:
    if options.json:
        operator_desk.write_json(task_words.page_as_json(await _seen(desk, records.task.id)))
    else:
        sys.stdout.write(f"{words}\n")


# --- Within -------------------------------------------------------------------------------------

_GONE: Final = "The records of task {} were removed meanwhile."


async def _records(desk: Desk, task_id: TaskId) -> Records:
    try:
        return await desk.storage.records_of(task_id)
    except NotFound:
        raise Refused(_GONE.format(task_id)) from None


def _bare(options: Options) -> Options:
    """The options of a list that leaves nothing out."""
    return Options(env_file=options.env_file, does=options.does, limit=options.limit)


def _reason(text: str) -> str:
    if len(text) > MAX_REASON_CHARACTERS:
        raise argparse.ArgumentTypeError(f"has more than {MAX_REASON_CHARACTERS} characters")
    return arguments.text(text.strip())
