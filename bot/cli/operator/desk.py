"""What the commands of an operator share: the records beside a bot that may run, ids by their beginnings, and the
question whether it is meant."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from bot import policy_file, settings, stores
from bot.app import wire
from bot.approvals.model.errors import CountersignError, SettingsError
from bot.approvals.model.ids import Operator, RequestId, TaskId
from bot.approvals.model.token import TOKENS
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.ports.work import Clock
from bot.approvals.rules.matching import Policies
from bot.approvals.services.messages.masked import Masking, marks_of
from bot.approvals.services.operations import Operations
from bot.cli import arguments, output
from bot.cli.operator.tables import CUT
from bot.cli.operator_name import login, operator
from bot.printable import printable
from bot.secrets import Detector
from bot.settings import Operating

MAX_NAMED: Final = 5
"""Ids that are named if a beginning means several."""
MAX_LINES: Final = 100_000
"""Lines that a list may be asked for."""

Id = TypeVar("Id", TaskId, RequestId)


class Refused(CountersignError):
    """The command cannot be done. Its only argument says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where an operator works."""

    storage: Storage
    clock: Clock
    operations: Operations
    masking: Masking
    knows_marks: bool
    """Whether the policy file can be read here. If not, nobody knows which keys it hides besides those that the
    policies of requests name."""

    def masked(self, records: Records) -> Records:
        """The records with their secrets masked, as on cards."""
        return self.masking.records(records)

    async def task_id(self, typed: str) -> TaskId:
        """The task that this id, or the beginning of an id, means. Raises `Refused` if it means none, or several."""
        wanted = _wanted(typed)
        if (found := await _one("task", wanted, self.storage.task_ids)) is not None:
            return found
        if wanted == TOKENS:
            raise Refused(
                f"{TOKENS} is no task: the audit log keeps under this name what happened to tokens. "
                "`countersign tokens list` shows them."
            )
        if await self.storage.is_purged(TaskId(wanted)):
            raise Refused(f"The records of task {wanted} were removed, because they were past KEEP_RECORDS.")
        if ids := await self.storage.request_ids(wanted, 2):
            several = "requests begin" if len(ids) > 1 else "a request begins"
            raise Refused(
                f"There is no task {printable(wanted)}, but {several} with that: "
                f"`countersign requests show {printable(wanted)}`."
            )
        raise Refused(f"There is no task {printable(wanted)}. `countersign tasks list` shows which there are.")

    async def request_id(self, typed: str) -> RequestId:
        """The request that this id, or the beginning of an id, means. Raises `Refused` if it means none, or several."""
        wanted = _wanted(typed)
        if (found := await _one("request", wanted, self.storage.request_ids)) is not None:
            return found
        if ids := await self.storage.task_ids(wanted, 2):
            several = "tasks begin" if len(ids) > 1 else "a task begins"
            raise Refused(
                f"There is no request {printable(wanted)}, but {several} with that: "
                f"`countersign tasks show {printable(wanted)}`."
            )
        raise Refused(
            f"There is no request {printable(wanted)}. `countersign requests list` shows which are open. If it was "
            "settled long ago, its records may have been removed (KEEP_RECORDS)."
        )


@asynccontextmanager
async def opened(env_file: Path) -> AsyncIterator[Desk]:
    """The desk, with the records of the settings. Raises `SettingsError` if there are none."""
    store = settings.load_operating(env_file)
    async with stores.timed_records(store) as (storage, clock), wire.opened(store, "operator", "") as hints:
        operations = Operations(
            storage=storage,
            work=wire.OperatorWork(wire=hints),
            by=Operator(login=login()),
            signature=operator(),
        )
        policies = _policies(store)
        yield Desk(
            storage=storage,
            clock=clock,
            operations=operations,
            masking=Masking(
                secrets=Detector(),
                marks=lambda graph: () if policies is None else marks_of(policies, graph),
                learned=len,
            ),
            knows_marks=policies is not None,
        )


def refuse_unless_meant(question: str, *, sure: bool) -> None:
    """Ask on the terminal whether it is meant. Raises `Refused` if it is not, or if there is nobody to ask."""
    if sure:
        return
    if not sys.stdin.isatty():
        raise Refused("Nothing was changed: no terminal is there to ask whether you mean it. Add --yes.")
    sys.stderr.write(f"{printable(question)} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        raise Refused("Nothing was changed.")


def add_shared_options(commands: Sequence[argparse.ArgumentParser]) -> None:
    """`--json` and `--env-file`."""
    for command in commands:
        command.add_argument("--json", action="store_true", help="write JSON to the standard output, and nothing else")
        command.add_argument("--env-file", type=Path, default=Path(".env"), help="read this file instead of .env")


def add_yes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--yes", action="store_true", help="do not ask whether it is meant")


def add_graph_and_limit(lists: argparse.ArgumentParser, default_limit: int) -> None:
    """`--graph` and `--limit` of a list."""
    lists.add_argument(
        "--graph",
        type=arguments.text,
        metavar="NAME",
        help="only those of this graph, or of this program that asks",
    )
    lists.add_argument(
        "--limit",
        type=partial(arguments.number, most=MAX_LINES),
        default=default_limit,
        metavar="N",
        help="show at most this many",
    )


def write_json(value: object) -> None:
    """Write it to the standard output. What is not ASCII is escaped, so no terminal takes it for anything else."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


async def answered(work: Awaitable[int]) -> int:
    """The exit code of a command: 1 if it was refused, which the error output says. Wrong settings end it with 2, as
    everywhere."""
    try:
        code = await work
        sys.stdout.flush()
    except SettingsError:
        raise
    except BrokenPipeError:  # whoever reads it has seen enough
        output.drop_the_rest()
        return 0
    except OSError as error:
        output.drop_the_rest()
        sys.stderr.write(f"{output.unwritable('The output', error)}\n")
        return 1
    except CountersignError as refusal:
        sys.stderr.write(f"{printable(str(refusal))}\n")
        return 1
    return code


# --- Within -------------------------------------------------------------------------------------


def _wanted(typed: str) -> str:
    """What was typed, without what comes with it when it is copied from a table or a message."""
    wanted = typed.strip().strip("`").removesuffix(CUT)
    if not wanted or any("\ud800" <= sign <= "\udfff" for sign in wanted):
        raise Refused("That is no id. `countersign tasks list` and `countersign requests list` show them.")
    return wanted


async def _one(kind: str, wanted: str, ids: Callable[[str, int], Awaitable[Sequence[Id]]]) -> Id | None:
    found = await ids(wanted, MAX_NAMED + 1)
    if len(found) > 1 and found[0] != wanted:
        named = ", ".join(map(printable, found[:MAX_NAMED]))
        more = " and others" if len(found) > MAX_NAMED else ""
        raise Refused(f"Several {kind}s begin with {printable(wanted)}: {named}{more}. Type more of the id.")
    return found[0] if found else None


def _policies(operating: Operating) -> Policies | None:
    try:
        return policy_file.load(operating.policy_file)
    except SettingsError:
        return None
