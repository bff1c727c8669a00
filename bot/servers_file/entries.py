"""The keys of servers.yaml, and the values that each may have."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationInfo

from bot.policy_file.places import Place, Vocabulary
from bot.policy_file.terms import Channel, Patterns, Strict, keys
from bot.settings import VARIABLE as WRITTEN

Variable: TypeAlias = Callable[[str], str]
VARIABLE: Final = "variable"
"""The key of the validation's context that holds the `Variable`."""
MIN_KEY_CHARACTERS: Final = 16

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,30}")
_REQUESTER: Final = re.compile(r"metadata(\.[^\s.]+)+")


def _name(value: object) -> object:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is not the name of a server: write up to 31 small letters, digits, - and _, such as prod"
        )
    return value


def _filled(value: object, info: ValidationInfo) -> str:
    """The value with its variables replaced. Raises ValueError if one of them is not set."""
    text = value if isinstance(value, str) else ""
    lookup: Variable = (info.context or {})[VARIABLE]
    for name in WRITTEN.findall(text):
        if not lookup(name):
            raise ValueError(f"${{{name}}} is not set: put {name} into .env or the environment")
    return WRITTEN.sub(lambda found: lookup(found[1]), text)


def _url(value: object, info: ValidationInfo) -> object:
    filled = _filled(value, info).rstrip("/")
    such = "write http:// or https:// and the server's address, such as https://agents.example.com"
    try:
        parts = urlsplit(filled)
        known = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known or any(each.isspace() for each in filled):
        raise ValueError(f"{value!r} is not the address of a server: {such}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("this address holds a user name or a password: leave it out, and give the key under api_key")
    if parts.query or parts.fragment:
        raise ValueError(f"{value!r} goes on after the address, with ? or #: leave that out")
    return filled


def _key(value: object, info: ValidationInfo) -> object:
    """A key, which stands in a variable: this file may be kept where many can read it."""
    if not isinstance(value, str) or not WRITTEN.fullmatch(value):
        raise ValueError(
            "a key does not belong into this file: put it into .env or the environment, and write here its name, such "
            "as ${PROD_LANGGRAPH_KEY}"
        )
    filled = _filled(value, info)
    if not filled.isascii() or not filled.isprintable() or filled != filled.strip():
        raise ValueError(f"the value of {value} is no key: it holds spaces at its ends, or more than ASCII characters")
    return filled


def _webhook_key(value: object, info: ValidationInfo) -> object:
    key = _key(value, info)
    if len(str(key)) < MIN_KEY_CHARACTERS:
        raise ValueError(f"the value of {value} is too short to be a key: use what `openssl rand -hex 32` prints")
    return key


def _assistant(value: object) -> object:
    if not isinstance(value, str) or not value.strip() or value != value.strip() or len(value.split()) > 1:
        raise ValueError(f"{value!r} does not name an assistant: write the name of its graph, such as deploy")
    if "/" in value:
        raise ValueError(f"{value!r} holds a /, which stands between a server's name and an assistant's: leave it out")
    return value


def _assistants(value: object) -> object:
    twice = [each for n, each in enumerate(value) if each in value[:n]] if isinstance(value, list) else []
    if twice:
        raise ValueError(f"{twice[0]!r} appears twice: name each assistant once")
    return value


def _metadata(value: object) -> object:
    """What threads are found by. A server compares whole values, so only plain ones make sense."""
    if not isinstance(value, dict) or not value:
        raise ValueError("this should be a mapping of keys to values, such as {team: payments}")
    for name, each in value.items():
        if not isinstance(name, str) or not isinstance(each, str | int | float | bool):
            raise ValueError(f"{name} should be a text with a text, a number, yes or no, such as team: payments")
    return value


def _requester(value: object) -> object:
    if not isinstance(value, str) or not _REQUESTER.fullmatch(value):
        raise ValueError(
            f"{value!r} does not say where a thread names a person: write metadata and the key, such as "
            "metadata.user_email"
        )
    return value


class WatchEntry(Strict):
    channel: Channel
    graphs: Patterns = ("*",)
    metadata: Annotated[dict[str, Any], BeforeValidator(_metadata)] = Field(default_factory=dict)
    requester: Annotated[str, BeforeValidator(_requester)] | None = None


class ServerEntry(Strict):
    name: Annotated[str, BeforeValidator(_name)]
    url: Annotated[str, BeforeValidator(_url)]
    api_key: Annotated[str, BeforeValidator(_key)] | None = None
    start: (
        Annotated[
            tuple[Annotated[str, BeforeValidator(_assistant)], ...], BeforeValidator(_assistants), Field(min_length=1)
        ]
        | None
    ) = None
    watch: WatchEntry | None = None
    webhook_key: Annotated[str, BeforeValidator(_webhook_key)] | None = None


class Document(Strict):
    servers: Annotated[tuple[ServerEntry, ...], Field(min_length=1)]


def _known(loc: Sequence[str | int]) -> Sequence[str]:
    match [each for each in loc if isinstance(each, str)]:
        case []:
            return keys(Document)
        case ["servers"]:
            return keys(ServerEntry)
        case ["servers", "watch"]:
            return keys(WatchEntry)
        case _:
            return ()


def _short(place: Place, key: str) -> str | None:
    match key:
        case "servers":
            return f"{place}: no server is named. Name one, or remove the file."
        case "start":
            return f"{place}: an empty list starts nothing. Leave it out if nothing is started on this server."
        case "graphs":
            return f'{place}: an empty list watches nothing. Leave it out to watch all graphs, or write ["deploy-*"].'
        case _:
            return None


WORDS: Final = Vocabulary(
    known=_known,
    listed={
        "servers": "{name: prod, url: https://agents.example.com, start: [deploy]}",
        "start": "deploy, refund",
        "graphs": '"deploy-*", refund',
    },
    short=_short,
)
