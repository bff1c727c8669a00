"""Facts as lines of the log: an event's name, and what it is about, as ids and figures.

A line holds no text that people or agents wrote, so nothing in it has to be looked through for secrets.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Final, TypeAlias, get_args

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.facts import (
    Fact,
    JobPutOff,
    Recorded,
    StorageAnswered,
    StorageUnreachable,
)
from bot.approvals.model.ids import JSON, Person
from bot.approvals.model.trace import Trace
from bot.printable import printable
from bot.telemetry.levels import level_of

Figure: TypeAlias = str | int | float

NAME: Final = "countersign"
"""The logger of all facts."""

TOLD: Final[Mapping[str, tuple[str, ...]]] = {
    "taken_back": ("version", "message"),
    "delivery_stopped": ("version", "decision"),
    "shown": ("as", "version", "channel"),
    "refused": ("tried", "why"),
    "unreached": ("why", "channel"),
    "unattached": ("why",),
    "failed": ("error_id",),
    "webhook_delivered": ("type", "attempts"),
    "webhook_given_up": ("type", "attempts"),
}
"""What a line has of an audit event's `data`, by the event's kind: figures, and words that stand in the code. All else
may hold what people or agents wrote. Of the kinds that are not here it has the `version` and the `outcome`."""

_WORD: Final = re.compile(r"[A-Za-z_.: ]{1,80}")
"""A word of the code's, such as `take back`, or of Slack's, such as `user_not_found`."""
_ID: Final = re.compile(r"[A-Z][A-Z0-9]{1,20}")
"""An id of Slack's."""
_ERROR_ID: Final = re.compile(r"[0-9a-f]{8}")
_PLAIN: Final = re.compile(r"[\w.,:/{}@#*+-]+", re.ASCII)
"""What stands in a line without quotes."""
_ABOUT: Final = {"task_id": "task", "request_id": "request", "thread_id": "thread"}


class Lines:
    """Writes one line for each fact, except for answers of storage."""

    def __init__(self) -> None:
        self._log = logging.getLogger(NAME)
        self._storage_is_away = False

    def take(self, fact: Fact, at: float | None = None, trace: Trace | None = None) -> None:
        """Write the line of a fact that was told at that time, in that trace."""
        if type(fact) is StorageAnswered:
            self._storage_is_away = False
            return
        level = level_of(fact)
        if isinstance(fact, StorageUnreachable):
            level = logging.DEBUG if self._storage_is_away else level  # once for each time that it is away
            self._storage_is_away = True
        if level < self._log.getEffectiveLevel():
            return
        figures = dict(_figures(fact))
        if trace := trace or (fact.about.trace if isinstance(fact, Recorded) and fact.about else None):
            figures["trace"] = trace.split("-")[1]
        event = f"{fact.event}.{fact.entry.kind}" if isinstance(fact, Recorded) else fact.event
        record = logging.LogRecord(NAME, level, "", 0, _Words(event, figures), None, None)
        if at is not None:
            record.created, record.msecs = at, at % 1 * 1000
        record.event, record.figures = event, figures
        self._log.callHandlers(record)  # even if a graph has switched off all loggers that it does not know


class _Words:
    """A line as text, which is written out only if somebody wants it so."""

    __slots__ = ("event", "figures")

    def __init__(self, event: str, figures: Mapping[str, Figure]) -> None:
        self.event = event
        self.figures = figures

    def __str__(self) -> str:
        told = [f"{name}={_quoted(value)}" for name, value in self.figures.items()]
        return " ".join([self.event, *told])


def _quoted(value: Figure) -> str:
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value if _PLAIN.fullmatch(value) else json.dumps(printable(value), ensure_ascii=False)


def _figures(fact: Fact) -> Iterator[tuple[str, Figure]]:
    """What is told of the fact, by name. What is empty is left out."""
    if isinstance(fact, Recorded):
        yield from _of_event(fact.entry)
        return
    for name in _FIELDS[type(fact)]:
        value = getattr(fact, name)
        if isinstance(fact, JobPutOff) and name == "key":
            name = "person" if isinstance(value, Person) else "task"
        if isinstance(value, Person):
            yield name, _person(value)
        elif isinstance(value, float):
            yield name, round(value, 4)
        elif isinstance(value, tuple):
            if value:
                yield name, ",".join(value)
        elif value is not None and value is not False and value != "":
            yield _ABOUT.get(name, name), value


def _of_event(event: AuditEvent) -> Iterator[tuple[str, Figure]]:
    yield "task", event.task_id
    if event.request_id is not None:
        yield "request", event.request_id
    if event.person is not None:
        yield "person", _person(event.person)
    if event.kind == "opened" and event.rule:
        yield "rule", event.rule
    for key in TOLD.get(event.kind, ("version", "outcome")):
        if (value := _figure(key, event.data.get(key))) is not None:
            yield key, value
    if event.through:
        yield "through", event.through


def _figure(key: str, value: JSON) -> Figure | None:
    """The value, if it is one that the code writes there, whatever an event holds."""
    if isinstance(value, str):
        form = {"channel": _ID, "error_id": _ERROR_ID}.get(key, _WORD)
        return value if form.fullmatch(value) else None
    return value if isinstance(value, int) else None


def _person(person: Person) -> str:
    return f"{person.team_id}/{person.user_id}"


_FIELDS: Final[Mapping[type, tuple[str, ...]]] = {
    cls: tuple(sorted((each.name for each in fields(cls)), key=lambda name: name not in ("task_id", "request_id")))
    for cls in get_args(Fact)
}
"""The fields of each kind of fact in the order of a line: what it is about comes first."""
