"""Masks the secrets of a question, so that everybody may see the rest.

The question itself is never changed: masking makes a copy to render, which keeps the digest of the true question.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import pairwise
from operator import is_
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeVar

from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Question, retitled

MASK: Final = "••••"
"""Replaces a secret in what people see."""
EDGE: Final = r"(?:(?<!\w)|(?<=\\[nrt]))"
"""Matches where a word begins, also after an escaped line end, as in JSON within JSON."""
DEEPEST: Final = 150
"""How many levels of a value are searched. Anything deeper is hidden as a whole."""
_SHORT: Final = 4
_WORD: Final = 6
_MOST_KNOWN: Final = 200
_LONGEST_KNOWN: Final = 4096
_ROOTS: Final = frozenset({"arguments", "inputs", "payload"})
_SCHEMA_VALUES: Final = frozenset({"default", "const", "examples", "example", "enum"})
_NAMES: Final = ("name", "key", "Name", "Key")
_VALUES: Final = frozenset({"value", "Value", "val"})
_OWN: Final = ("shape", "convention", "risk")
"""Fields whose text comes from the bot itself."""
_SCHEMAS: Final = frozenset({"form", "schema"})
_PLAIN: Final = frozenset({type(None), bool, int, float, datetime, timedelta})
"""Types whose values hold no text."""

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A secret in a text. The first `head` and the last `tail` of its characters may be shown."""

    start: int
    end: int
    head: int = 0
    tail: int = 0


class Secrets(Protocol):
    """Decides what looks like a secret."""

    def found(self, text: str) -> Sequence[Found]:
        """The places of secrets in the text, in order and without overlaps."""
        ...

    def is_telling(self, name: str, value: JSON) -> bool:
        """Whether a value with this name is a secret."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """One secret of a question: its first place, the mask that is shown instead, and the secret itself."""

    place: str
    mask: str
    value: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked(Question):
    """A question as everybody may see it. Its digest is that of the true question, because votes are bound to that
    one."""

    of: Question
    hidden: tuple[Hidden, ...] = ()

    @property
    def canonical(self) -> str:
        return self.of.canonical

    @property
    def digest(self) -> str:
        return self.of.digest


def true_of(question: Question) -> Question:
    """The true question, which votes are bound to, of a question that may be masked."""
    return question.of if isinstance(question, Masked) else question


def hidden_in(question: Question) -> tuple[Hidden, ...]:
    """The secrets that the question does not show."""
    return question.hidden if isinstance(question, Masked) else ()


@lru_cache(maxsize=256)
def _fields(of: type[Any]) -> tuple[str, ...]:
    """The names of a record's fields."""
    return tuple(each.name for each in fields(of))


class _Hides(IntEnum):
    """How much of a value is hidden."""

    FOUND = 0
    """Only what looks like a secret."""
    SECRETS = 1
    """Every text and number, because its name says that it is a secret."""
    ALL = 2
    """Everything, because the policy says so: even yes, no or null may be the secret."""


def masked(question: Question, secrets: Secrets, marks: Sequence[str] = ()) -> Masked:
    """The question as everybody may see it."""
    masker = Masker(secrets, marks)
    masker.study(question)
    return masker.question(question)


class Masker:
    """Masks the secrets of one task. Each secret has one mask everywhere, and no two secrets share a mask.

    `marks` are names of keys, or ends of dotted paths, whose values are always hidden; `*` and `?` are wildcards. A
    value that was hidden because of its name is also hidden in every text that is masked later.
    """

    def __init__(self, secrets: Secrets, marks: Sequence[str] = ()) -> None:
        self._secrets = secrets
        self._marks = [mark for mark in map(_parts, marks) if mark]
        self._masks: dict[str, Hidden] = {}
        self._taken: set[str] = set()
        self._known: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        self._met: dict[str, Hidden] = {}
        self._learns = False
        self._done: dict[int, tuple[tuple[Any, Any], Collection[str], int]] = {}
        """What a record was masked to, by its id, so that a record that is drawn twice is masked once. It holds the
        record too, whose id is then nobody else's."""

    def learn(self, value: JSON, root: str) -> None:
        """Note the values that are hidden because of their names, so that they are hidden in texts too."""
        self._learns = True
        self.value(value, root)
        self._learns = False

    def study(self, question: Question) -> None:
        """Learn what is hidden in the question's arguments and payload."""
        for item in question.items:
            self.learn(dict(item.arguments), "arguments")
        self.learn(question.payload, "payload")

    @property
    def known(self) -> tuple[str, ...]:
        """The values that were hidden because of their names; texts may repeat them."""
        return tuple(self._known)

    def question(self, question: Question) -> Masked:
        """The question as everybody may see it."""
        self._met = {}
        shown = {
            each.name: self._field(each.name, getattr(question, each.name))
            for each in fields(question)
            if each.name not in _OWN
        }
        if retitled(question, shown["items"]) != question.title:
            shown["title"] = retitled(question, shown["items"])  # it names an argument, which may be hidden there
        own = {name: getattr(question, name) for name in _OWN}
        return Masked(**shown, **own, of=question, hidden=tuple(self._met.values()))

    def record(self, record: T, *, but: Collection[str] = ()) -> T:
        """A copy of the record with its secrets masked, or the record itself if it has none. The fields named in `but`
        stay as they are."""
        known = len(self._known)
        if (done := self._done.get(id(record))) is not None and done[1:] == (but, known):
            kept: T = done[0][1]
            return kept
        changed: dict[str, Any] = {}
        for name in _fields(type(record)):
            value = getattr(record, name)
            if type(value) in _PLAIN or name == "id" or name in but:
                continue
            masked = self._field(name, value)
            if masked is not value:
                changed[name] = masked
        made = replace(record, **changed) if changed else record
        if but and known == len(self._known):  # what is learned meanwhile may hide more of it the next time
            self._done[id(record)] = ((record, made), but, known)
        return made

    def _field(self, name: str, value: Any) -> Any:
        """The value of a record's field, of any type, with its secrets masked. The value itself if it has none."""
        match value:
            case Question():
                return self.question(value)
            case Enum():
                return value
            case str():
                return self.text(value, name)
            case tuple():
                return self._entries(name, value)
            case dict() | list() if name in _SCHEMAS:
                return self._schema(value, _Hides.FOUND)
            case dict():
                return self.value(value, name)
            case Mapping():
                return self.value(dict(value), name)
            case list():
                return self.value(value, name)
            case _ if is_dataclass(value) and not isinstance(value, type):
                return self.record(value)
            case _:
                return value

    def _entries(self, name: str, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if not value:
            return value
        masked = [self._field(name, each) for each in value]
        return value if all(map(is_, masked, value)) else tuple(masked)

    def text(self, words: str, place: str = "") -> str:
        """The text with a mask in place of each secret."""
        found = self._secrets.found(words)
        if not found and not self._known:
            return words
        spans = [(each.start, each.end, each.head, each.tail) for each in found]
        for start, end in self._repeated(words) if self._known else ():
            if all(end <= other[0] or other[1] <= start for other in spans):
                spans.append((start, end, 0, 0))
        written, at = [], 0
        for start, end, head, tail in sorted(spans):
            written += [words[at:start], self._mask(words[start:end], place, head, tail)]
            at = end
        return "".join([*written, words[at:]]) if spans else words

    def value(self, value: JSON, root: str) -> JSON:
        """The value in the same shape, with a mask in place of each secret. The value itself if it has none."""
        return self._value(value, (root,), _Hides.FOUND)

    # --- Within ---------------------------------------------------------------------------------

    def _value(self, value: JSON, path: Path, hides: _Hides) -> JSON:
        if len(path) > DEEPEST:
            return self._mask(value, ".".join(path[:4]), 0, 0)
        match value:
            case dict():
                return self._object(value, path, hides)
            case list():
                telling = _telling_entries(value, self._secrets)
                entries = [
                    self._value(each, path, max(hides, _Hides.SECRETS) if number in telling else hides)
                    for number, each in enumerate(value)
                ]
                return value if all(map(is_, entries, value)) else entries
            case _ if hides is _Hides.ALL:
                return self._whole(value, path)
            case str() if value and hides is _Hides.SECRETS:
                return self._whole(value, path)
            case str():
                return self._words(value, path)
            case int() | float() if hides is _Hides.SECRETS and not isinstance(value, bool):
                return self._whole(value, path)
            case _:
                return value

    def _object(self, value: dict[str, JSON], path: Path, hides: _Hides) -> JSON:
        named = next((value[name] for name in _NAMES if isinstance(value.get(name), str)), "")
        shown: dict[str, JSON] = {}
        same = True
        for key, each in value.items():
            at = (*path, key)
            name = str(named) if named and key in _VALUES else key
            if self._marks and (self._marked(at) or self._marked((*path, name))):
                hidden = _Hides.ALL
            else:
                hidden = max(hides, _Hides.SECRETS) if self._secrets.is_telling(name, each) else hides
            written = self._words(key, path)
            while written in shown:
                written += "'"
            shown[written] = masked = self._value(each, at, hidden)
            same = same and masked is each and written is key
        return value if same else shown

    def _words(self, words: str, path: Path) -> str:
        """The text that stands at this place, masked."""
        if self._learns or not (self._known or self._secrets.found(words)):
            return words
        return self.text(words, ".".join(path))

    def _whole(self, value: str | float | None, path: Path) -> str:
        """A mask for the whole value. From now on, the value is hidden in texts too."""
        words = value if isinstance(value, str) else json.dumps(value)
        found = self._secrets.found(words)
        whole = len(found) == 1 and (found[0].start, found[0].end) == (0, len(words))
        mask = self._mask(value, ".".join(path), *((found[0].head, found[0].tail) if whole else (0, 0)))
        enough = len(words) >= (_WORD if words.isalpha() else _SHORT)
        if enough and len(words) <= _LONGEST_KNOWN and len(self._known) < _MOST_KNOWN and words not in self._known:
            self._known[words] = mask
            self._pattern = None
        return mask

    def _repeated(self, words: str) -> Iterator[tuple[int, int]]:
        if self._pattern is None:
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(rf"{EDGE}{re.escape(each)}(?!\w)" for each in longest_first))
        for match in self._pattern.finditer(words):
            yield match.span()

    def _mask(self, value: JSON, place: str, head: int, tail: int) -> str:
        words = value if isinstance(value, str) else json.dumps(value, default=str)
        kept = f"{type(value).__name__}:{words}" if not isinstance(value, str) else words
        hidden = self._masks.get(kept)
        if hidden is None:
            plain = f"{words[:head]}{MASK}{words[len(words) - tail :]}"
            mask, number = plain, 1
            while mask in self._taken:
                number += 1
                mask = f"{plain}#{number}"
            self._taken.add(mask)
            hidden = self._masks[kept] = Hidden(place=place, mask=mask, value=value)
        self._met.setdefault(kept, replace(hidden, place=place))
        return hidden.mask

    def _hides(self, name: str) -> _Hides:
        """How much of a property's values is hidden, judged by its schema alone."""
        if self._marked((name,)):
            return _Hides.ALL
        return _Hides.SECRETS if self._secrets.is_telling(name, "?") else _Hides.FOUND

    def _marked(self, path: Path) -> bool:
        return any(
            len(mark) <= len(path)
            and all(fnmatchcase(name.casefold(), part) for name, part in zip(path[-len(mark) :], mark, strict=True))
            for mark in self._marks
        )

    def _schema(self, schema: JSON, hides: _Hides, depth: int = 0) -> JSON:
        """A JSON Schema with the secrets in its texts masked, and the sample values of properties that name secrets."""
        if depth > DEEPEST:
            return None
        match schema:
            case dict():
                shown: dict[str, JSON] = {}
                for key, each in schema.items():
                    if key == "properties" and isinstance(each, dict):
                        shown[key] = {
                            name: self._schema(about, self._hides(name), depth + 1) for name, about in each.items()
                        }
                    elif key in _SCHEMA_VALUES:
                        shown[key] = self._value(each, ("form", key), hides)
                    else:
                        shown[key] = self._schema(each, hides, depth + 1)
                return shown
            case list():
                return [self._schema(each, hides, depth + 1) for each in schema]
            case str():
                return self.text(schema, "form")
            case _:
                return schema


def _parts(mark: str) -> Path:
    """The names of a dotted path, without a leading name such as `arguments` that stands for a part of the question."""
    parts = tuple(mark.casefold().split("."))
    return parts[1:] if len(parts) > 1 and parts[0] in _ROOTS else parts


def _telling_entries(entries: Sequence[JSON], secrets: Secrets) -> set[int]:
    """The positions of secrets that follow their name in a list: after an option (`--password`), or in a pair."""
    telling: set[int] = set()
    if len(entries) != 2 and not any(isinstance(each, str) and each.startswith("-") for each in entries):
        return telling
    for number, (name, value) in enumerate(pairwise(entries)):
        option = isinstance(name, str) and name.startswith("-") and "=" not in name
        pair = len(entries) == 2 and isinstance(name, str)
        if isinstance(name, str) and (option or pair) and secrets.is_telling(name.lstrip("-").rstrip(":"), value):
            telling.add(number + 1)
    return telling
