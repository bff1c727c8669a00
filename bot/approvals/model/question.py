"""What an interrupt asks, in one form for all shapes in which a graph may ask it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.approvals.model import action_title
from bot.approvals.model.ids import JSON


class Verdict(StrEnum):
    """The ways in which an approver may answer one item."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    RESPOND = "respond"
    CHOOSE = "choose"
    UNDO = "undo"
    KEEP = "keep"


class Risk(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


IN_TEXT: Final = "text"
IN_JSON: Final = "json"
"""The two conventions in which a graph declares that it wants text: as it was written (`IN_TEXT`), or read as JSON
(`IN_JSON`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One proposed action: its name, its arguments, and the verdicts that the graph takes for it."""

    name: str
    arguments: Mapping[str, JSON]
    verdicts: tuple[Verdict, ...]
    schema: JSON = None
    """The JSON Schema of the arguments, if the graph gave one. An edit has to fit it."""
    form: JSON = None
    """The JSON Schema of the value that this item wants, if the question has several items and each wants its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice in full. The agent receives the value. What the label does not say of it is shown beside the label."""

    label: str
    """The same text as in `Question.choices`."""
    value: JSON
    description: str = ""
    """What else the graph says about this choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time in which something that an agent has done can be undone. It counts from the action."""

    length: timedelta
    at: datetime | None = None
    """When the agent acted, as it says. None if it does not say so."""
    how: str = ""
    """How it is undone, in the agent's words. Empty if the agent does not say."""
    problem: str = ""
    """What is wrong with the window that the agent gave, as a sentence. Empty if nothing is: `length` is the default
    otherwise."""


class _Digested:
    """A place to keep the digest once it is computed. It is not a field, so it is neither compared nor stored."""

    __slots__ = ("_taken",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(_Digested):
    """What an interrupt asks, in one form for all shapes. `shape` names the module that reads and answers it."""

    shape: str
    title: str
    items: tuple[Item, ...]
    text: str = ""
    """Why the graph asks, or what else it says about the question."""
    choices: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    """The choices in full, one for each of `choices`. Empty if each label is its value, or the value as JSON."""
    form: JSON = None
    """The JSON Schema of the value that the graph wants. None if it wants a verdict or plain text."""
    risk: Risk | None = None
    convention: str = ""
    """The form in which the shape's module writes the answer. Empty for the shape's own form."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The graph's own names for verdicts, if they differ from ours."""
    summary: tuple[str, ...] = ()
    """The names of the arguments that the graph wants people to see first."""
    payload: JSON = None
    """The interrupt's value as the graph gave it. *Details* shows it."""
    types: tuple[str, ...] | None = None
    """Notes on what JSON cannot express about the interrupt's value, one for each place: for example, NaN is not the
    text `nan`. None if the question was stored before such notes were kept."""
    window: Window | None = None
    """The time in which people may undo what the agent has done. None if the question is about something that is still
    to be done."""
    look_again: str = ""
    """If the agent looked again at what it was about to do, and found it changed: the digest (`payload_digest`) of what
    had been approved, which this question takes the place of. Empty otherwise."""

    def __post_init__(self) -> None:
        if not self.items:
            raise ValueError("a question has at least one item: without one there is nothing to say a verdict of")

    @property
    def canonical(self) -> str:
        """All that can be seen of the question, as one text. Two questions that differ have different texts."""
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
            *([{"summary": list(self.summary)}] if self.summary else []),
            *([{"types": list(self.types)}] if self.types else []),
            *([{"window": [self.window.length.total_seconds(), self.window.how]}] if self.window else []),
        ]
        return json.dumps(seen, sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of all that can be seen of the question. A vote is bound to it. It is computed only once,
        because every button of a card carries it and a question may be large."""
        taken: str | None = getattr(self, "_taken", None)
        if taken is None:
            taken = hashlib.sha256(self.canonical.encode()).hexdigest()
            object.__setattr__(self, "_taken", taken)
        return taken

    def asks_as(self, other: Question) -> bool:
        """Whether both ask exactly the same. They are compared as text, because true, 1 and 1.0 are equal in Python.

        If both have a payload, that says what is asked, and the words for it are not compared: the title, the text and
        the names of the buttons. They are this program's own and change with its versions, or they come from what the
        agent said before. What an earlier version of this program did not store of either is not compared.
        """
        one, two = (self, other)
        if self.payload is not None and other.payload is not None:
            one, two = (replace(each, title="", text="", labels={}) for each in (self, other))
        if self.types is None or other.types is None:
            one, two = (replace(each, types=None, options=()) for each in (one, two))
        return _written(one) == _written(two)


def payload_digest(payload: JSON) -> str:
    """SHA-256, in hex, of an interrupt's value as canonical JSON. Graphs compute the same (`graphs/effects.py`)."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _written(question: Question) -> list[str]:
    schemas = [json.dumps(item.schema, sort_keys=True) for item in question.items]
    return [question.canonical, *schemas]


def with_arguments(question: Question, index: int, arguments: Mapping[str, JSON]) -> Question:
    """The question with one item's arguments replaced. The item's name stays, so an edit cannot change the action."""
    items = list(question.items)
    items[index] = replace(items[index], arguments=dict(arguments))
    return replace(question, items=tuple(items), title=retitled(question, tuple(items)))


def titled(item: Item) -> str:
    """The title of a question about this one action, if the question has no words of its own."""
    approvable = Verdict.APPROVE in item.verdicts or Verdict.EDIT in item.verdicts
    return action_title.of_one(item.name, item.arguments, approvable=approvable)


def title_of(items: Sequence[Item], noun: str) -> str:
    """The title of a question about these actions. `noun` is what several of them are called, such as "tools"."""
    return titled(items[0]) if len(items) == 1 else action_title.of_several((each.name for each in items), noun)


def retitled(question: Question, items: tuple[Item, ...]) -> str:
    """The question's title if it had these items. Only a title that was made of the item's arguments changes."""
    made = len(question.items) == len(items) == 1 and question.title == titled(question.items[0])
    return titled(items[0]) if made else question.title
