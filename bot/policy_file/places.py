"""Errors in the file: the line, the key, and a sentence that says what is wrong and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bot.approvals.model.errors import SettingsError
from bot.policy_file import terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A key of the file. As a string it is the start of an error message: file, line and key."""

    path: Path
    tree: yaml.Node | None
    loc: tuple[str | int, ...] = ()

    def at(self, *loc: str | int) -> Place:
        return replace(self, loc=self.loc + loc)

    def has(self, *loc: str | int) -> bool:
        """Whether the file contains this key."""
        return _found(self.tree, self.loc + loc)[2]

    def __str__(self) -> str:
        line, loc, _ = _found(self.tree, self.loc)
        key = ".".join(str(part) for part in loc)
        return f"{self.path}, line {line}" + (f', key "{key}"' if key else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What a kind of file may hold, for error messages."""

    known: Callable[[Sequence[str | int]], Sequence[str]]
    """The keys that the mapping at a place may have. Empty if the keys are names that the user chooses."""
    listed: Mapping[str, str]
    """An example of what each list may contain."""
    short: Callable[[Place, str], str | None] = lambda _place, _key: None
    """A sentence of its own about a list that is too short. None if there is none."""


def problems(place: Place, error: ValidationError, words: Vocabulary | None = None) -> SettingsError:
    """One error with one line for each mistake in the file: a policy file if no other vocabulary is given."""
    of_file = words or _OF_POLICIES
    return SettingsError("\n".join(_sentence(place.at(*each["loc"]), each, of_file) for each in _first(error)))


def refuse_twice(place: Place) -> None:
    """Raises `SettingsError` if a mapping has a key twice. YAML would silently keep only the last one."""
    nodes = [] if place.tree is None else [place.tree]
    visited: set[int] = set()
    while nodes:
        node = nodes.pop()
        if id(node) in visited:
            continue  # an alias, which may point to a node that contains it
        visited.add(id(node))
        match node:
            case yaml.MappingNode(value=pairs):
                seen: dict[str, int] = {}
                for key, value in pairs:
                    line = key.start_mark.line + 1
                    if str(key.value) in seen:
                        raise SettingsError(
                            f'{place.path}, line {line}, key "{key.value}": it appears twice, first in line '
                            f"{seen[str(key.value)]}. Keep one."
                        )
                    seen[str(key.value)] = line
                    nodes.append(value)
            case yaml.SequenceNode(value=entries):
                nodes.extend(entries)


# --- Within -------------------------------------------------------------------------------------


_KNOWN: Mapping[str, type[terms.Strict]] = {
    "": terms.Document,
    "defaults": terms.Terms,
    "rules": terms.RuleTerms,
    "match": terms.Match,
    "escalate": terms.EscalateTerms,
    "groups": terms.GroupTerms,
    "sequence": terms.NamedStage,
    "hours": terms.HoursTerms,
    "undo": terms.UndoEntry,
    "reject": terms.RejectTerms,
    "bind": terms.BindTerms,
}
"""The model of the value of each key. For a list, the model of its entries."""

_LISTED: Mapping[str, str] = {
    "approvers": '"@ops-leads", U012AB3CD',
    "to": '"@on-call"',
    "risk": "high, critical",
    "graph": "cleanup, deploy-*",
    "source": "billing-service, ci-*",
    "server": "prod, eu-*",
    "action": "pay, refund_*",
    "requester": '"@interns"',
    "channel": '"#ops"',
    "groups": '{approvers: ["@security"], quorum: 1}',
    "sequence": '{name: lead, approvers: ["@ops-leads"]}, {name: finance, approvers: ["@finance"]}',
    "via": "portal",
    "mask": 'iban, "card.*"',
    "holidays": "2026-12-25, 2027-01-01",
    "leave_out": "details.draft, quoted_at",
    "keys": "payee, amount",
    "rules": "{name: grave, match: {risk: [high]}}",
}
"""An example of what each list may contain, for error messages."""


def _known(loc: Sequence[str | int]) -> Sequence[str]:
    """The keys that the mapping at this place may have. Empty if the keys are names that the user chooses."""
    if loc[:1] in (("approvals",), ("cards",)) and len(loc) <= 2:
        model = terms.Approvals if loc[0] == "approvals" else terms.Card
        return terms.keys(model) if len(loc) == 2 else ()
    found = _KNOWN.get(next((part for part in reversed(loc) if isinstance(part, str)), ""))
    return terms.keys(found) if found is not None else ()


def _first(error: ValidationError) -> Iterator[Any]:
    """The errors, without those that only follow from others: pydantic drops the bad entries of a list, and then finds
    that the list is too short."""
    errors = error.errors()
    for each in errors:
        within = any(
            len(other["loc"]) > len(each["loc"]) and other["loc"][: len(each["loc"])] == each["loc"] for other in errors
        )
        if each["type"] != "too_short" or not within:
            yield each


def _short(place: Place, key: str) -> str | None:
    if key in ("approvers", "to"):
        does = "undo anything" if "undo" in place.loc else "answer"
        return f'{place}: nobody may {does}. Name who may: ["@ops-leads", U012AB3CD, bob@example.com]'
    if key in terms.keys(terms.Match):
        return f"{place}: an empty list matches nothing. Leave it out if the {key} does not matter."
    return None


_OF_POLICIES = Vocabulary(known=_known, listed=_LISTED, short=_short)


def _sentence(place: Place, error: Any, words: Vocabulary) -> str:
    loc = place.loc
    key = next((str(part) for part in reversed(loc) if isinstance(part, str)), "")
    match error["type"]:
        case "extra_forbidden":
            known = words.known(loc[:-1])
            near = difflib.get_close_matches(str(loc[-1]), known, n=1)
            hint = f'Did you mean "{near[0]}"?' if near else f"Known here: {', '.join(known)}."
            return f"{place}: there is no such key. {hint}"
        case "too_short":
            otherwise = f"{place}: this is too short. It should be a list such as [{words.listed.get(key, '...')}]."
            return words.short(place, key) or otherwise
        case "missing":
            return f"{place}: this key is missing."
        case "tuple_type":
            return f"{place}: this should be a list, such as [{words.listed.get(key, '...')}]."
        case "model_type":
            return f"{place}: this should be a mapping with {', '.join(words.known(loc))}."
        case _:
            return f"{place}: {str(error['msg']).removeprefix('Value error, ')}."


def _found(tree: yaml.Node | None, loc: Sequence[str | int]) -> tuple[int, tuple[str | int, ...], bool]:
    """Finds a key: its line, its path, and whether the file has it.

    The line is counted from 1. If the file has only the first parts of `loc`, it is the line of the last part found.
    The path is `loc` without the index 0 of a list if the file has a single value instead of the list.
    """
    node, line, seen = tree, 1, list[str | int]()
    for number, part in enumerate(loc):
        match node:
            case yaml.MappingNode() if isinstance(part, int):
                continue  # a single mapping in place of a list
            case yaml.MappingNode():
                found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
                if found is None:
                    return line, (*seen, *loc[number:]), False
                line, node = found[0].start_mark.line + 1, found[1]
            case yaml.SequenceNode() if isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
            case yaml.ScalarNode() if part == 0:
                continue
            case _:
                return line, (*seen, *loc[number:]), False
        seen.append(part)
    return line, tuple(seen), True
