"""Where in the file something is wrong, and what would be right there: an error's line, its key and its sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bot.approvals.model.errors import SettingsError
from bot.policy_file import terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A key of the file, as an error names it."""

    path: Path
    tree: yaml.Node | None
    loc: tuple[str | int, ...] = ()

    def at(self, *loc: str | int) -> Place:
        return replace(self, loc=self.loc + loc)

    def has(self, *loc: str | int) -> bool:
        """Whether the file says this key itself."""
        return _found(self.tree, self.loc + loc)[2]

    def __str__(self) -> str:
        line, loc, _ = _found(self.tree, self.loc)
        key = ".".join(str(part) for part in loc)
        return f"{self.path}, line {line}" + (f', key "{key}"' if key else "")


def problems(place: Place, error: ValidationError) -> SettingsError:
    """All that is wrong with the file's shape, a sentence each."""
    return SettingsError("\n".join(_sentence(place.at(*each["loc"]), each) for each in _first(error)))


def refuse_twice(place: Place) -> None:
    """YAML takes the last of two keys of one name without a word, which would drop whole rules."""
    nodes = [] if place.tree is None else [place.tree]
    visited: set[int] = set()
    while nodes:
        node = nodes.pop()
        if id(node) in visited:
            continue  # an alias; it may stand within itself
        visited.add(id(node))
        match node:
            case yaml.MappingNode(value=pairs):
                seen: dict[str, int] = {}
                for key, value in pairs:
                    line = key.start_mark.line + 1
                    if str(key.value) in seen:
                        raise SettingsError(
                            f'{place.path}, line {line}, key "{key.value}": it is there twice, first in line '
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
    "reject": terms.RejectTerms,
    "bind": terms.BindTerms,
}
"""What stands below each key, or in each entry of its list."""

_LISTED: Mapping[str, str] = {
    "approvers": '"@ops-leads", U012AB3CD',
    "to": '"@on-call"',
    "risk": "high, critical",
    "graph": "cleanup, deploy-*",
    "action": "pay, refund_*",
    "requester": '"@interns"',
    "channel": '"#ops"',
    "groups": '{approvers: ["@security"], quorum: 1}',
    "sequence": '{name: lead, approvers: ["@ops-leads"]}, {name: finance, approvers: ["@finance"]}',
    "mask": 'iban, "card.*"',
    "holidays": "2026-12-25, 2027-01-01",
    "leave_out": "details.draft, quoted_at",
    "rules": "{name: grave, match: {risk: [high]}}",
}
"""What stands in each list."""


def _known(loc: Sequence[str | int]) -> Sequence[str]:
    """The keys that the mapping at this place may have; none where they are names of the reader's own."""
    if loc[:1] == ("approvals",) and len(loc) <= 2:
        return terms.keys(terms.Approvals) if len(loc) == 2 else ()
    model = _KNOWN.get(next((part for part in reversed(loc) if isinstance(part, str)), ""))
    return terms.keys(model) if model is not None else ()


def _first(error: ValidationError) -> Iterator[Any]:
    """The errors, but none that only follows from one within it: a list without its bad entries is too short."""
    errors = error.errors()
    for each in errors:
        within = any(
            len(other["loc"]) > len(each["loc"]) and other["loc"][: len(each["loc"])] == each["loc"] for other in errors
        )
        if each["type"] != "too_short" or not within:
            yield each


def _sentence(place: Place, error: Any) -> str:
    loc = place.loc
    key = next((str(part) for part in reversed(loc) if isinstance(part, str)), "")
    match error["type"]:
        case "extra_forbidden":
            known = _known(loc[:-1])
            near = difflib.get_close_matches(str(loc[-1]), known, n=1)
            hint = f'Did you mean "{near[0]}"?' if near else f"Known here: {', '.join(known)}."
            return f"{place}: there is no such key. {hint}"
        case "too_short" if key in ("approvers", "to"):
            return f'{place}: nobody may answer. Name who may: ["@ops-leads", U012AB3CD, bob@example.com]'
        case "too_short" if key in terms.keys(terms.Match):
            return f"{place}: an empty list matches nothing. Leave it out where the {key} does not matter."
        case "too_short":
            return f"{place}: this is too short. It should be a list such as [{_LISTED.get(key, '...')}]."
        case "missing":
            return f"{place}: it is missing."
        case "tuple_type":
            return f"{place}: this should be a list, such as [{_LISTED.get(key, '...')}]."
        case "model_type":
            return f"{place}: this should be a mapping with {', '.join(_known(loc))}."
        case _:
            return f"{place}: {str(error['msg']).removeprefix('Value error, ')}."


def _found(tree: yaml.Node | None, loc: Sequence[str | int]) -> tuple[int, tuple[str | int, ...], bool]:
    """The line of the deepest part of `loc` that the file has, counted from 1; `loc` as the file writes it, without
    numbers where it has one and not a list; and whether it has all of it."""
    node, line, seen = tree, 1, list[str | int]()
    for number, part in enumerate(loc):
        match node:
            case yaml.MappingNode() if isinstance(part, int):
                continue  # one, where there may be a list
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
