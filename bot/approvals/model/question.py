"""What an interrupt asks, in our own form, whichever shape the graph asked it in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Final

from bot.approvals.model.ids import JSON


class Verdict(StrEnum):
    """What an approver may say of one item."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    RESPOND = "respond"
    CHOOSE = "choose"


class Risk(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


IN_TEXT: Final = "text"
IN_JSON: Final = "json"
"""The two conventions in which a graph declares that it wants words: as they are, or what they say as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One proposed action: its name, its arguments, and the verdicts that the graph takes for it."""

    name: str
    arguments: Mapping[str, JSON]
    verdicts: tuple[Verdict, ...]
    schema: JSON = None
    """A JSON Schema of the arguments, where the graph gave one: an edit has to fit it."""
    form: JSON = None
    """A JSON Schema of the value that this item wants, if the question has several and each wants its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice in full. What the label leaves out is shown beside it: the value is what the agent receives."""

    label: str
    """As in `Question.choices`."""
    value: JSON
    description: str = ""
    """What else the graph says of this choice."""


class _Digested:
    """Room for a digest that is taken once. It is no field: neither equal questions nor their records know of it."""

    __slots__ = ("_taken",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(_Digested):
    """What an interrupt asks, in our own form. `shape` names the module that reads and answers it."""

    shape: str
    title: str
    items: tuple[Item, ...]
    text: str = ""
    """Why it is asked, or what else the graph says of it."""
    choices: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    """The choices in full, one for each of `choices`. Empty if each label is its value, or the value as JSON."""
    form: JSON = None
    """A JSON Schema of the value that the graph wants; None where it wants a verdict or plain text."""
    risk: Risk | None = None
    convention: str = ""
    """How the shape's module words its answer; empty for the shape's own way."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What the graph calls a verdict, where it is not the verdict's own name."""
    payload: JSON = None
    """The interrupt's value as the graph gave it: what "View all" shows."""
    types: tuple[str, ...] | None = None
    """What JSON cannot say of the interrupt's value, a note for each place: NaN is not the text `nan`. None if the
    question was stored before such notes were kept."""

    def __post_init__(self) -> None:
        if not self.items:
            raise ValueError("a question has at least one item: without one there is nothing to say a verdict of")

    @property
    def canonical(self) -> str:
        """All that can be seen of the question, in one way of writing: different for any two that differ."""
        seen: list[object] = [
            self.shape,
            self.title,
            self.text,
            [
                [item.name, item.arguments, list(item.verdicts), *([item.form] if item.form is not None else [])]
                for item in self.items
            ],
            list(self.choices),
            self.form,
            self.risk,
            self.convention,
            self.payload,
            *([sorted(self.labels.items())] if self.labels else []),
            *([{"options": [asdict(option) for option in self.options]}] if self.options else []),
            *([{"types": list(self.types)}] if self.types else []),
        ]
        return json.dumps(seen, sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of all that can be seen of the question. A vote is bound to it. It is taken once: a card has
        it in each of its buttons, and a question may be large."""
        taken: str | None = getattr(self, "_taken", None)
        if taken is None:
            taken = hashlib.sha256(self.canonical.encode()).hexdigest()
            object.__setattr__(self, "_taken", taken)
        return taken

    def asks_as(self, other: Question) -> bool:
        """Whether both ask the same, to the letter: true, 1 and 1.0 are equal to Python. What an earlier version of
        this program did not keep of one of them is not compared."""
        one, two = (self, other)
        if self.types is None or other.types is None:
            one, two = (replace(each, types=None, options=()) for each in (self, other))
        return _written(one) == _written(two)


def _written(question: Question) -> list[str]:
    schemas = [json.dumps(item.schema, sort_keys=True) for item in question.items]
    return [question.canonical, *schemas]


def with_arguments(question: Question, index: int, arguments: Mapping[str, JSON]) -> Question:
    """The question with one item's arguments replaced; its name stays, so an edit cannot switch the action."""
    items = list(question.items)
    items[index] = replace(items[index], arguments=dict(arguments))
    return replace(question, items=tuple(items))
