"""Values of an event as lines of text for a person. Whatever people or agents wrote stays within its own line or behind
a bar, so it can neither look like a line of ours, nor hide one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.ids import JSON, Person
from bot.durations import spoken
from bot.printable import printable

INDENT: Final = "    "
BAR: Final = "| "
"""Begins each line of a text that has several."""
_MAX_INLINE_CHARACTERS: Final = 100
"""A longer list or mapping gets a line for each of its parts."""


@dataclass(slots=True)
class Data:
    """The data of an event. What no sentence takes is still `left`, and is shown as it was recorded."""

    left: dict[str, JSON]

    @classmethod
    def of(cls, event: AuditEvent) -> Data:
        return cls(dict(event.data))

    def take(self, key: str) -> JSON:
        """The value, which is told now. None if there is none."""
        return self.left.pop(key, None)

    def text(self, key: str) -> str:
        """The value if it is text, otherwise what it looks like. Empty if there is none."""
        value = self.take(key)
        return "" if value is None else one_line(value)

    def inner(self, key: str) -> Data:
        """The mapping of this name, to be told part by part. What is left of it stays under the name."""
        value = self.left.get(key)
        if not isinstance(value, dict):
            return Data({})
        inner = dict(value)
        self.left[key] = inner
        return Data(inner)

    def rest(self) -> list[str]:
        """Lines for what is left, without what is empty. Nothing is left then."""
        lines = [line for key, value in self.left.items() if not is_empty(value) for line in shown(key, value)]
        self.left.clear()
        return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What is told of one event: a sentence, and lines below it."""

    sentence: str
    lines: list[str] = field(default_factory=list)


def is_empty(value: JSON) -> bool:
    """Whether there is nothing to show. No, 0 and an empty text of an argument are something, but this is never asked
    of arguments."""
    return (
        value is None or value == "" or value == [] or (isinstance(value, dict) and all(map(is_empty, value.values())))
    )


def one_line(value: JSON) -> str:
    """The value on one line: a text as it is, anything else as JSON."""
    return printable(value if isinstance(value, str) else as_json(value))


def as_json(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False)


def quoted(value: JSON) -> str:
    """What somebody said, between quotation marks."""
    return f"“{one_line(value)}”"


def shown(name: str, value: JSON) -> list[str]:
    """The value under its name, to the letter: JSON, or the lines of a text that has several."""
    name = printable(name)
    if isinstance(value, str) and "\n" in value:
        return [f"{name}:", *barred(value)]
    flat = as_json(value)
    if isinstance(value, dict) and value and len(flat) > _MAX_INLINE_CHARACTERS:
        return [f"{name}:", *indented(line for key, each in value.items() for line in shown(str(key), each))]
    if isinstance(value, list) and len(flat) > _MAX_INLINE_CHARACTERS:
        return [
            f"{name}:",
            *indented(line for number, each in enumerate(value, start=1) for line in shown(f"{number}", each)),
        ]
    return [f"{name}: {printable(flat)}"]


def prose(name: str, value: JSON) -> list[str]:
    """A text under its name, without quotation marks. Nothing if it is empty."""
    if is_empty(value):
        return []
    if not isinstance(value, str):
        return shown(name, value)
    return [f"{name}:", *barred(value)] if "\n" in value else [f"{name}: {printable(value)}"]


def barred(text: str) -> list[str]:
    return [f"{INDENT}{BAR}{printable(line)}".rstrip() for line in text.split("\n")]


def indented(lines: Iterable[str]) -> list[str]:
    return [f"{INDENT}{line}" for line in lines]


def listed(values: JSON, last: str = "and") -> str:
    """`a, b and c`, with people by their ids. Empty if there is nothing."""
    words = values if isinstance(values, list) else [] if is_empty(values) else [values]
    safe = [person(each) for each in words]
    return f"{', '.join(safe[:-1])} {last} {safe[-1]}" if len(safe) > 1 else "".join(safe)


def person(value: JSON | Person) -> str:
    """A person by their ids, or a program by its name."""
    match value:
        case Person(team_id=team_id, user_id=user_id):
            return printable(f"{user_id} ({team_id})")
        case {"user_id": str() as user_id, "team_id": str() as team_id, **more} if not more:
            return printable(f"{user_id} ({team_id})")
        case {"name": str() as name, **more} if not more:
            return f"the program {printable(name)}"
        case _:
            return one_line(value)


def moment(value: JSON) -> str:
    """A time as people write it. What is no time stays as it is."""
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return one_line(value)
        return when(at) if at.tzinfo else one_line(value)
    return one_line(value)


def when(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def seconds(value: JSON) -> str:
    """A span of time as people write it."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e10:
        return spoken(timedelta(seconds=value)) if value >= 1 or not value else f"{value:g}s"
    return one_line(value)


def pairs(value: Mapping[str, JSON]) -> list[str]:
    """A line or more for each of them."""
    return [line for key, each in value.items() for line in shown(key, each)]
