"""Reads servers.yaml: the LangGraph Servers on which agents run, what may be started there, and what is watched.

The reading is as strict as that of policies.yaml: a mistake stops the start with an error that names the file, the
line, the key and what would be right. No error repeats the value of a variable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from bot.approvals.model.errors import SettingsError
from bot.approvals.model.ids import JSON
from bot.policy_file import places
from bot.policy_file.documents import document_of
from bot.policy_file.places import Place
from bot.servers_file import entries
from bot.servers_file.entries import Document, ServerEntry, WatchEntry
from bot.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTerms:
    """Which threads of a server are watched, whoever started them, and where their questions are asked."""

    channel: str
    """`#name` or id."""
    graphs: tuple[str, ...] = ("*",)
    """Patterns of the names of graphs; `*` stands for any characters, `?` for one."""
    metadata: Mapping[str, JSON] = field(default_factory=dict)
    """What a thread's metadata must hold."""
    requester: tuple[str, ...] = ()
    """Where a thread's metadata names the person who wants it: the keys, from the outside in. Empty if nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTerms:
    """One LangGraph Server."""

    name: str
    url: str
    api_key: str | None = field(default=None, repr=False)
    """None if it takes calls without one."""
    start: tuple[str, ...] = ()
    """The assistants that may be started from here, by the name of their graph or their own."""
    watch: WatchTerms | None = None
    """None if only what is started from here is followed."""
    webhook_key: str | None = field(default=None, repr=False)
    """The key with which the server may say that something has changed. None if it does not say so."""


def configured(settings: Settings) -> tuple[ServerTerms, ...]:
    """The servers of SERVERS_FILE. None if it is not set and there is no such file. Raises `SettingsError` if the file
    is wrong, or is missing although the setting names it."""
    is_named = "servers_file" in settings.model_fields_set
    if not is_named and not settings.servers_file.exists():
        return ()
    return load(settings.servers_file, settings.variable)


def load(path: Path, variable: entries.Variable) -> tuple[ServerTerms, ...]:
    """The servers of the file. `variable` gives the value of a variable, empty if it has none. Raises `SettingsError`
    if the file is missing, unreadable or wrong."""
    place, document = document_of(path, "SERVERS_FILE names it; leave it out if no agent runs on a LangGraph Server.")
    try:
        read = Document.model_validate(document, context={entries.VARIABLE: variable})
    except ValidationError as error:
        raise places.problems(place, error, entries.WORDS) from None
    _refuse_contradictions(place, read)
    return tuple(_server(each) for each in read.servers)


# --- Within -------------------------------------------------------------------------------------


def _refuse_contradictions(place: Place, read: Document) -> None:
    for number, each in enumerate(read.servers):
        at = place.at("servers", number)
        if each.name in [other.name for other in read.servers[:number]]:
            raise SettingsError(f"{at.at('name')}: another server has this name. Give it its own.")
        if each.start is None and each.watch is None:
            raise SettingsError(
                f"{at}: nothing is started on this server and none of its threads is watched. Write start, such as "
                'start: [deploy], or watch, such as watch: {channel: "#ops"}.'
            )


def _server(entry: ServerEntry) -> ServerTerms:
    return ServerTerms(
        name=entry.name,
        url=entry.url,
        api_key=entry.api_key,
        start=entry.start or (),
        watch=_watch(entry.watch) if entry.watch is not None else None,
        webhook_key=entry.webhook_key,
    )


def _watch(entry: WatchEntry) -> WatchTerms:
    return WatchTerms(
        channel=entry.channel,
        graphs=entry.graphs,
        metadata=entry.metadata,
        requester=tuple(entry.requester.split(".")[1:]) if entry.requester is not None else (),
    )
