"""`python -m bot tokens add | list | revoke`: the tokens of the HTTP API. The bot may run meanwhile."""

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal, Self

from bot import settings, stores
from bot.approvals.model.errors import Conflict, CountersignError, NotFound
from bot.approvals.model.ids import JSON
from bot.approvals.model.token import Scope, Token, digest_of
from bot.approvals.services.tokens import Tokens, new_token
from bot.cli.operator_name import operator
from bot.durations import duration

DEFAULT_SCOPES: Final = (Scope.WRITE_REQUESTS, Scope.READ_REQUESTS)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_SOURCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_CHANNEL: Final = re.compile(r"#[^\s#,<>|@]{1,80}|[CG][A-Z0-9]{6,20}")


class Unfit(CountersignError):
    """The command cannot be done. Its only argument says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was typed."""

    env_file: Path
    does: Literal["add", "list", "revoke"]
    name: str = ""
    sources: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = ()
    channels: tuple[str, ...] = ()
    expires: timedelta | None = None
    json: bool = False

    @classmethod
    def of(cls, typed: argparse.Namespace) -> Self:
        known = {name: value for name, value in vars(typed).items() if name in cls.__slots__}
        for several in ("sources", "scopes", "channels"):
            if several in known:  # each of them may be given several times, or as a list
                known[several] = tuple(dict.fromkeys(each for given in known[several] for each in given))
        return cls(**known)


def add_options(parser: argparse.ArgumentParser) -> None:
    """`add NAME --source ...`, `list`, and `revoke NAME`."""
    does = parser.add_subparsers(dest="does", required=True)
    adds = does.add_parser("add", help="make a token, and print it this once")
    adds.add_argument(
        "name", type=_name, metavar="NAME", help="what the audit log and policies call it; never used twice"
    )
    adds.add_argument(
        "--source",
        dest="sources",
        metavar="SOURCE",
        type=_each(_source),
        action="append",
        required=True,
        help="the program that it speaks for, such as billing-service; several with commas, the first is the default",
    )
    adds.add_argument(
        "--scope",
        dest="scopes",
        metavar="SCOPE",
        type=_each(_scope),
        action="append",
        default=[],
        help=f"what it allows, with commas: {', '.join(Scope)}. Default: {','.join(DEFAULT_SCOPES)}",
    )
    adds.add_argument(
        "--channel",
        dest="channels",
        metavar="CHANNEL",
        type=_each(_channel),
        action="append",
        default=[],
        help='a channel that it may ask in, such as "#ops"; several with commas, the first one counts. Default: any',
    )
    adds.add_argument(
        "--expires", type=_span, metavar="90d", help="after how long it opens nothing any more. Default: never"
    )
    lists = does.add_parser("list", help="show which tokens there are, and when each was last used")
    lists.add_argument("--json", action="store_true", help="write them as JSON")
    revokes = does.add_parser("revoke", help="make a token open nothing any more, at once")
    revokes.add_argument("name", metavar="NAME", help="the token's name")
    for command in (adds, lists, revokes):
        command.add_argument("--env-file", type=Path, default=Path(".env"), help="read this file instead of .env")


async def main(options: Options) -> int:
    """Runs the command and returns its exit code. Raises SettingsError if there are no records, and Unfit if it cannot
    be done."""
    async with stores.timed_records(settings.load_store(options.env_file)) as (storage, clock):
        match options.does:
            case "add":
                return await _add(Tokens(storage=storage, by=operator()), options, clock())
            case "list":
                known, now = await storage.tokens(), clock()
                sys.stdout.write(_as_json(known, now) if options.json else _as_table(known, now))
                return 0
            case "revoke":
                return await _revoke(Tokens(storage=storage, by=operator()), options.name, clock())


async def _add(tokens: Tokens, options: Options, now: datetime) -> int:
    """The token is all that goes to the standard output, so that a script can take it from there."""
    text = new_token()
    token = Token(
        name=options.name,
        digest=digest_of(text),
        scopes=frozenset(options.scopes or DEFAULT_SCOPES),
        sources=options.sources,
        channels=options.channels,
        created_at=now,
        expires_at=now + options.expires if options.expires else None,
    )
    try:
        await tokens.add(token)
    except Conflict:
        raise Unfit(
            f"There is, or was, a token named {token.name}. A name is never used twice, because the audit log and "
            f"policies mean tokens by their names: choose another one, such as {token.name}-2."
        ) from None
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    sys.stderr.write(_what_next(token))
    return 0


async def _revoke(tokens: Tokens, name: str, now: datetime) -> int:
    try:
        before = await tokens.revoke(name, now)
    except NotFound:
        names = [each.name for each in await tokens.storage.tokens()]
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"Did you mean {near[0]}?" if near else "`countersign tokens list` shows which there are."
        raise Unfit(f"There is no token named {name}. {hint}") from None
    if before.revoked_at is not None:
        sys.stdout.write(f"{name} was revoked already, on {_day(before.revoked_at)}.\n")
    else:
        sys.stdout.write(f"{name} is revoked. From now on it opens nothing, on any replica.\n")
    return 0


# --- What is printed ----------------------------------------------------------------------------


def _what_next(token: Token) -> str:
    lines = [
        f"\nThis is the token {token.name}. It is shown this once, because only its hash is stored.",
        f"It speaks for {_listed(token.sources)}. Give it to your program as COUNTERSIGN_TOKEN, or send the header "
        "`Authorization: Bearer csk_...`.",
        f"It allows {_listed(sorted(token.scopes))}, {_where(token)}, and "
        f"{'expires on ' + _day(token.expires_at) if token.expires_at else 'does not expire'}.",
    ]
    if Scope.VOTES in token.scopes:
        lines.append(f"Votes through it count only under policies that list {token.name} under `via`.")
    return "\n".join([*lines, f"If it leaks: countersign tokens revoke {token.name}", ""])


def _where(token: Token) -> str:
    return f"in {_listed(token.channels)}" if token.channels else "in every channel that the bot is in"


def _as_json(tokens: Sequence[Token], now: datetime) -> str:
    """What is known of each token, except its hash."""
    told: list[dict[str, JSON]] = [
        {
            "name": token.name,
            "state": _state(token, now),
            "sources": [*token.sources],
            "scopes": [*sorted(token.scopes)],
            "channels": [*token.channels],
            "created_at": token.created_at.isoformat(),
            "expires_at": token.expires_at.isoformat() if token.expires_at else None,
            "used_at": token.used_at.isoformat() if token.used_at else None,
            "revoked_at": token.revoked_at.isoformat() if token.revoked_at else None,
        }
        for token in tokens
    ]
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _as_table(tokens: Sequence[Token], now: datetime) -> str:
    if not tokens:
        return "There are no tokens. Make one: countersign tokens add NAME --source billing-service\n"
    head = ("NAME", "STATE", "SOURCES", "SCOPES", "CHANNELS", "EXPIRES", "LAST USED")
    table = [head, *(_row(token, now) for token in tokens)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table)
    return "\n".join(lines) + "\n"


def _row(token: Token, now: datetime) -> tuple[str, ...]:
    return (
        token.name,
        _state(token, now),
        ",".join(token.sources),
        ",".join(sorted(token.scopes)),
        ",".join(token.channels) or "any",
        _day(token.expires_at) if token.expires_at else "never",
        f"{token.used_at:%Y-%m-%d %H:%M} UTC" if token.used_at else "never",
    )


def _state(token: Token, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "valid" if token.lives(now) else "expired"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


# --- What was typed -----------------------------------------------------------------------------


def _each(read: Callable[[str], str]) -> Callable[[str], list[str]]:
    """Reads a list with commas."""

    def every(text: str) -> list[str]:
        found = [read(each.strip()) for each in text.split(",") if each.strip()]
        if not found:
            raise argparse.ArgumentTypeError("is empty")
        return found

    return every


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name for a token: write at most 63 small letters, digits, '-', '_' and '.', as in billing"
        )
    return text


def _source(text: str) -> str:
    if not _SOURCE.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name for a source: write at most 63 letters, digits, '-', '_' and '.', such as "
            "billing-service"
        )
    return text


def _scope(text: str) -> Scope:
    try:
        return Scope(text)
    except ValueError:
        near = difflib.get_close_matches(text, list(Scope), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {_listed(list(Scope))}"
        raise argparse.ArgumentTypeError(f"{text!r} is no scope: {hint}") from None


def _channel(text: str) -> str:
    if not _CHANNEL.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no channel: write '#ops', in quotes, or its id, such as C012AB3CD"
        )
    return text


def _span(text: str) -> timedelta:
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
