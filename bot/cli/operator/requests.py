"""`countersign requests list | show | repolicy`: what people are asked, for whoever runs the bot. The bot may run
meanwhile."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Literal, Self

from bot import policy_file, settings
from bot.approvals.model.errors import AlreadySettled, NotFound
from bot.approvals.model.ids import RequestId
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.ports.storage import Records
from bot.approvals.rules.standing import is_given_up
from bot.approvals.services.overview import MAX_TASKS, Overview
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.amendment import Amending
from bot.approvals.services.policies.choice import PolicyChoice
from bot.cli import arguments, policy_apply
from bot.cli.operator import desk as operator_desk
from bot.cli.operator import record_words, request_words, tables
from bot.cli.operator.desk import Desk, Refused
from bot.cli.operator_name import operator
from bot.printable import printable
from bot.slack.api.calls import web_client
from bot.slack.api.directory import SlackDirectory

DEFAULT_LIMIT: Final = 50


def _any(_: Request, __: datetime) -> bool:
    return True


_STATES: Final[Mapping[str, Callable[[Request, datetime], bool]]] = {
    "pending": lambda request, _: isinstance(request.state, Pending),
    "overdue": record_words.is_overdue,
    "undelivered": lambda request, _: isinstance(request.state, Decided),
    "stuck": lambda request, _: is_given_up(request) or request.gone is not None,
    "decided": lambda request, _: request.decision is not None,
    "all": _any,
}
STATES: Final = tuple(_STATES)
_OF_ALL: Final = ("decided", "all")
"""Those that are not only looked for among open requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was typed."""

    env_file: Path
    does: Literal["list", "show", "repolicy"]
    id: str = ""
    state: str | None = None
    graph: str | None = None
    approver: str | None = None
    limit: int = DEFAULT_LIMIT
    tasks: int = MAX_TASKS
    yes: bool = False
    json: bool = False

    @classmethod
    def of(cls, typed: argparse.Namespace) -> Self:
        return cls(**{name: value for name, value in vars(typed).items() if name in cls.__slots__})


def add_options(parser: argparse.ArgumentParser) -> None:
    """`list`, `show ID`, and `repolicy ID`."""
    does = parser.add_subparsers(dest="does", required=True)
    lists = does.add_parser("list", help="what people are asked, and what agents are still to be told; newest first")
    lists.add_argument(
        "--state",
        choices=STATES,
        help="only these; stuck: those whose agent cannot be told unless a person does something",
    )
    lists.add_argument(
        "--approver",
        type=arguments.text,
        metavar="NAME",
        help='only those that ask it, as the policy writes it: "@finance", "#ops" or U012AB3CD',
    )
    operator_desk.add_graph_and_limit(lists, DEFAULT_LIMIT)
    lists.add_argument(
        "--tasks",
        type=partial(arguments.number, most=1_000_000_000),
        default=MAX_TASKS,
        metavar="N",
        help=f"with decided or all: look through the requests of the newest N tasks ({MAX_TASKS})",
    )
    shows = does.add_parser(
        "show", help="what is asked, who may answer and who did, what comes next, and what can be done"
    )
    repolicies = does.add_parser(
        "repolicy", help="put it under the policy of the file as it is now; its votes no longer count"
    )
    for command in (shows, repolicies):
        command.add_argument("id", metavar="REQUEST_ID", help="the id at the end of the card, or the beginning of it")
    operator_desk.add_yes(repolicies)
    operator_desk.add_shared_options([lists, shows, repolicies])


async def main(options: Options) -> int:
    """Runs the command. Returns 0, or 1 if it was refused. Raises SettingsError if there are no records, or if the
    policy cannot be applied with these settings."""
    return await operator_desk.answered(_done(options))


async def _done(options: Options) -> int:
    async with operator_desk.opened(options.env_file) as desk:
        match options.does:
            case "list":
                await _list(desk, options)
            case "show":
                await _show(desk, await desk.request_id(options.id), options)
            case "repolicy":
                await _repolicy(desk, await desk.request_id(options.id), options)
    return 0


async def _list(desk: Desk, options: Options) -> None:
    now, more = desk.clock(), options.limit + 1
    is_wanted = _STATES[options.state] if options.state is not None else _any
    approver = options.approver.casefold() if options.approver is not None else None

    def wanted(request: Request) -> bool:
        return is_wanted(request, now) and (approver is None or _asks(request, approver))

    overview = Overview(storage=desk.storage)
    unsettled = options.state not in _OF_ALL
    listed = await overview.requests(more, wanted, unsettled=unsettled, graph=options.graph, tasks=options.tasks)
    if listed.cut:
        sys.stderr.write(f"Only the newest {options.tasks:,} tasks were looked at: --tasks looks at more.\n")
    found, shown = listed.requests, []
    for each in found[: options.limit]:
        with suppress(NotFound):  # it was removed meanwhile
            shown.append((await _asked(desk, each)).request)
    if options.json:
        operator_desk.write_json([request_words.as_json(each, now) for each in shown])
        return
    if not shown:
        sys.stdout.write("There is no such request.\n")
        return
    rows = [request_words.row(each, now) for each in shown]
    sys.stdout.write(tables.table(request_words.HEAD, rows, tables.width(), tables.LEAST))
    if len(found) > options.limit:
        sys.stdout.write(f"There are more than these {options.limit}: --limit shows more, --state fewer.\n")


async def _show(desk: Desk, request_id: RequestId, options: Options) -> None:
    try:
        asked = await _asked(desk, await desk.storage.request(request_id))
    except NotFound:
        raise Refused(_GONE.format(request_id)) from None
    if options.json:
        operator_desk.write_json(request_words.page_as_json(asked))
    else:
        sys.stdout.write(request_words.page(asked, tables.width()))


async def _repolicy(desk: Desk, request_id: RequestId, options: Options) -> None:
    """Like `policy apply`, which asks nothing, for this one request."""
    loaded = settings.load(options.env_file)
    directory = SlackDirectory(web_client(loaded.slack_bot_token.get_secret_value(), loaded.slack_api_url))
    amending = Amending(
        storage=desk.storage,
        policy_choice=PolicyChoice(policies=policy_file.load(loaded.policy_file), directory=directory),
        eligibility=Eligibility(directory=directory),
    )
    try:
        planned = await amending.preview(request_id, desk.clock())
        if planned.changed:
            sys.stderr.write(f"{printable(f'{request_id}: {policy_apply.said(planned, planned=True)}')}\n")
            operator_desk.refuse_unless_meant("Is that meant?", sure=options.yes)
        amended = await amending.apply(request_id, operator(), desk.clock())
    except AlreadySettled:
        request = await desk.storage.request(request_id)
        how = record_words.stands(request, desk.clock())
        raise Refused(f"Request {request_id} is no longer open: {how}. Nothing was changed.") from None
    except NotFound:
        raise Refused(_GONE.format(request_id)) from None
    desk.operations.work.show(amended.after.task_id)
    if options.json:
        operator_desk.write_json(request_words.page_as_json(await _asked(desk, amended.after)))
    else:
        sys.stdout.write(f"{printable(f'{request_id}: {policy_apply.said(amended)}')}\n")


# --- Within -------------------------------------------------------------------------------------

_GONE: Final = "The records of request {} were removed meanwhile."


async def _asked(desk: Desk, request: Request) -> request_words.Asked:
    """The request as it may be shown, with its task."""
    task, by = await desk.storage.task(request.task_id), ""
    if request.amended_at is not None:
        applied = [each for each in await desk.storage.history(task.id, request.id) if each.kind == "policy_applied"]
        by = str(applied[-1].data.get("by", "")) if applied else ""
    records = desk.masked(Records(task=task, requests=(request,), messages=()))
    return request_words.Asked(task=records.task, request=records.requests[0], now=desk.clock(), amended_by=by)


def _asks(request: Request, approver: str) -> bool:
    """Whether it asks this name, as the policy writes it, or this person, as was known when it was opened."""
    names = {name.casefold() for name in request.approvers}
    return approver in names or approver in {person.user_id.casefold() for person in request.open.asked}
