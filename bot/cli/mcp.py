"""`countersign mcp`: the tools of `bot.mcp` over stdio, for a client on this machine. It calls a bot's HTTP API, and
reads nothing but COUNTERSIGN_URL and COUNTERSIGN_TOKEN of its settings."""

from __future__ import annotations

import argparse
import hashlib
import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final, Self
from urllib.parse import urlsplit

from bot.approvals.model.errors import SettingsError
from bot.approvals.model.token import PREFIX
from bot.durations import duration

URL: Final = "COUNTERSIGN_URL"
TOKEN: Final = "COUNTERSIGN_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was typed, and what the environment says. The token comes from there alone, because any program of the
    machine can read a command line."""

    url: str
    source: str | None = None
    requester: str | None = None
    channel: str | None = None
    hold: float | None = None
    """Seconds. None: as long as the client is expected to wait."""

    @classmethod
    def of(cls, typed: argparse.Namespace) -> Self:
        return cls(**{name: value for name, value in vars(typed).items() if name in cls.__slots__})


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--url`, and what every question says besides itself."""
    parser.add_argument(
        "--url",
        default=os.environ.get(URL, ""),
        help=f"the bot's address, such as https://approvals.example.com. Default: {URL}",
    )
    parser.add_argument(
        "--source", metavar="NAME", help="the program that asks, as people read it. Default: what the token speaks for"
    )
    parser.add_argument(
        "--requester", metavar="WHO", help="for whom it asks, by Slack id or e-mail address; they may not answer"
    )
    parser.add_argument("--channel", metavar="CHANNEL", help='where it asks, such as "#ops"')
    parser.add_argument(
        "--hold",
        type=_seconds,
        metavar="50s",
        help="how long a call waits before it says that nobody has decided yet. Default: 1h if the client wants to "
        "hear of progress, else 50s",
    )


async def main(options: Options) -> int:
    """Serves the tools until the client closes the standard input. Raises SettingsError if that cannot begin."""
    url, token = _address(options.url), _token()
    if find_spec("mcp") is None:
        raise SettingsError(
            "countersign mcp needs the package `mcp`, which is not installed. Install the extra: "
            "pip install 'countersign-bot[mcp]'"
        )
    import httpx2
    from mcp.server.stdio import stdio_server

    from bot.mcp.api import Api
    from bot.mcp.server import quiet, server_of

    quiet()
    async with httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}) as http:
        api = Api(http=http, caller=_caller(token), common=_common(options))
        server = server_of(lambda _: api, held_seconds=options.hold)
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())
    return 0


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(
            f"{URL} {'is not set' if not url else 'is no address of a bot'}: set it, or --url, to the address at which "
            "the bot serves its HTTP API, such as https://approvals.example.com"
        )
    return url


def _token() -> str:
    token = os.environ.get(TOKEN, "").strip()
    if not token.startswith(PREFIX) or not token.isascii() or not token.isprintable():
        raise SettingsError(
            f"{TOKEN} {'is no token' if token else 'is not set'}: set it to what `countersign tokens add` printed, "
            f"which begins with {PREFIX}"
        )
    return token


def _caller(token: str) -> str:
    """What keys begin with: the same for the same token, and of no use to anybody else."""
    return hashlib.sha256(b"countersign mcp " + token.encode()).hexdigest()[:16]


def _common(options: Options) -> dict[str, object]:
    source = {"name": options.source} if options.source is not None else None
    said: dict[str, object | None] = {"source": source, "requester": options.requester, "channel": options.channel}
    return {name: value for name, value in said.items() if value is not None}


def _seconds(text: str) -> float:
    try:
        return duration(text).total_seconds()
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
