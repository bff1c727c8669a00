"""policies.yaml -> `Policies`. Strict: a key that is not known, or a list of approvers that is empty, stops the
start with the file, the line, the key and what would be right."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError, field_validator

from bot.approvals.errors import SettingsError
from bot.approvals.policy import Escalate, Expire, GraphTerms, Policies, Policy, Remind, Route, Rule, Step
from bot.approvals.question import Risk
from bot.durations import duration
from bot.engine.questions import conventions


def _approver(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[UW][A-Z0-9]+|S[A-Z0-9]+|@[\w.-]+|[^@\s<>]+@[^@\s<>]+", value):
        raise ValueError(
            f"{value!r} names nobody: write a user id (U012AB3CD), an e-mail address, or a user group (@ops-leads)"
        )
    return value


def _convention(value: object) -> object:
    if not isinstance(value, str) or not conventions.is_known(value):
        raise ValueError(
            f"{value!r} is no way to say yes and no: write {', '.join(conventions.CONVENTIONS)}, or two words of your "
            "own, the one for yes first, such as go/stop"
        )
    return value


Duration = Annotated[timedelta, BeforeValidator(duration)]
Approver = Annotated[str, BeforeValidator(_approver)]
Approvers = Annotated[tuple[Approver, ...], Field(min_length=1)]
Convention = Annotated[str, BeforeValidator(_convention)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _said(cls, value: object) -> object:
        """A key with nothing after it is no way of leaving it out: an empty `approvers:` would be the defaults'."""
        if value is None:
            raise ValueError("nothing is said: give it a value, or leave the key out")
        return value


class EscalateTerms(_Strict):
    after: Duration
    to: Approvers


class Match(_Strict):
    graph: str = "*"
    risk: Annotated[tuple[Risk, ...], Field(min_length=1)] | None = None


class Terms(_Strict):
    """What a rule may say; what it leaves out, the defaults say."""

    approvers: Approvers | None = None
    quorum: Annotated[int, Field(ge=1)] | None = None
    self_approval: bool | None = None
    reason_required: bool | None = None
    remind_after: Duration | None = None
    escalate: EscalateTerms | None = None
    deadline: Duration | None = None
    max_rounds: Annotated[int, Field(ge=1)] | None = None


class RuleTerms(Terms):
    name: str
    match: Match = Match()


class RejectTerms(_Strict):
    as_node: str
    values: dict[str, JsonValue] = {}


class Approvals(_Strict):
    """How one graph wants its answers."""

    answer: Convention | None = None
    reject: RejectTerms | None = None


class Document(_Strict):
    defaults: Terms
    rules: tuple[RuleTerms, ...] = ()
    approvals: dict[str, Approvals] = {}


def load(path: Path) -> Policies:
    """The policies of the file; `SettingsError` where it cannot be relied on."""
    try:
        text = path.read_text()
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_twice(path, tree)
        document = yaml.safe_load(text)
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such file. POLICY_FILE names it; it says who may answer.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}).") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise SettingsError(f"{where}: this is not YAML ({error.problem}).") from None
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"{path}: this is not YAML ({' '.join(str(error).split())}).") from None
    try:
        read = Document.model_validate(document)
    except ValidationError as error:
        raise SettingsError("\n".join(_problem(path, tree, each) for each in _first(error))) from None
    place = _Place(path=path, tree=tree)
    otherwise = _policy(place.at("defaults"), "defaults", read.defaults, Terms())
    rules = tuple(
        Rule(
            policy=_policy(place.at("rules", number), rule.name, rule, read.defaults),
            graph=rule.match.graph,
            risk=tuple(str(risk) for risk in rule.match.risk or ()),
        )
        for number, rule in enumerate(read.rules)
    )
    graphs = {name: _graph_terms(said) for name, said in read.approvals.items()}
    return Policies(rules=rules, otherwise=otherwise, graphs=graphs)


def _graph_terms(said: Approvals) -> GraphTerms:
    route = None if said.reject is None else Route(as_node=said.reject.as_node, values=said.reject.values)
    return GraphTerms(answer=said.answer or "", reject=route)


def _policy(place: _Place, name: str, terms: Terms, defaults: Terms) -> Policy:
    said = defaults.model_dump(exclude_none=True) | terms.model_dump(exclude_none=True, include=set(Terms.model_fields))
    if not said.get("approvers"):
        raise SettingsError(
            f'{place.at("approvers")}: nobody may answer. Name who may: approvers: ["@ops-leads", U012AB3CD]'
        )
    escalate = said.get("escalate")
    windows: list[tuple[str, Step | None]] = [
        ("remind_after", _step(said.get("remind_after"), Remind())),
        ("escalate.after", _step(escalate["after"], Escalate(to=escalate["to"])) if escalate else None),
        ("deadline", _step(said.get("deadline"), Expire())),
    ]
    steps = [(key, step) for key, step in windows if step is not None]
    for (key, step), (later_key, later) in itertools.pairwise(steps):
        if step.after >= later.after:
            raise SettingsError(
                f"{place.at(*key.split('.'))}: it would not come before {later_key}. "
                "The windows are counted from the question: remind_after, then escalate.after, then deadline."
            )
    return Policy(
        name=name,
        approvers=tuple(said["approvers"]),
        quorum=said.get("quorum", 1),
        self_approval=said.get("self_approval", False),
        reason_required=said.get("reason_required", True),
        steps=tuple(step for _, step in steps),
        max_rounds=said.get("max_rounds"),
    )


def _step(after: timedelta | None, action: Remind | Escalate | Expire) -> Step | None:
    return None if after is None else Step(after=after, action=action)


# --- Errors -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A key of the file, as an error names it."""

    path: Path
    tree: yaml.Node | None
    loc: tuple[str | int, ...] = ()

    def at(self, *loc: str | int) -> _Place:
        return replace(self, loc=self.loc + loc)

    def __str__(self) -> str:
        key = ".".join(str(part) for part in self.loc)
        return f"{self.path}, line {_line(self.tree, self.loc)}" + (f', key "{key}"' if key else "")


_FIELDS: Mapping[str, Sequence[str]] = {
    "": list(Document.model_fields),
    "defaults": list(Terms.model_fields),
    "rules": list(RuleTerms.model_fields),
    "match": list(Match.model_fields),
    "escalate": list(EscalateTerms.model_fields),
    "reject": list(RejectTerms.model_fields),
}


def _known(loc: Sequence[str | int]) -> Sequence[str]:
    """The keys that the mapping at this place may have; none where they are names of the reader's own."""
    if loc[:1] == ("approvals",) and len(loc) <= 2:
        return list(Approvals.model_fields) if len(loc) == 2 else ()
    return _FIELDS.get(next((str(part) for part in reversed(loc) if isinstance(part, str)), ""), ())


def _first(error: ValidationError) -> Iterator[Any]:
    """The errors, but none that only follows from one within it: a list without its bad entries is too short."""
    errors = error.errors()
    for each in errors:
        within = any(
            len(other["loc"]) > len(each["loc"]) and other["loc"][: len(each["loc"])] == each["loc"] for other in errors
        )
        if each["type"] != "too_short" or not within:
            yield each


_LISTED: Mapping[str, str] = {
    "approvers": '"@ops-leads", U012AB3CD',
    "to": '"@on-call"',
    "risk": "high, critical",
    "rules": "{name: grave, match: {risk: [high]}}",
}
"""What stands in each list."""


def _problem(path: Path, tree: yaml.Node | None, error: Any) -> str:
    loc: tuple[str | int, ...] = error["loc"]
    where = _Place(path=path, tree=tree, loc=loc)
    match error["type"]:
        case "extra_forbidden":
            known = _known(loc[:-1])
            near = difflib.get_close_matches(str(loc[-1]), known, n=1)
            hint = f'Did you mean "{near[0]}"?' if near else f"Known here: {', '.join(known)}."
            return f"{where}: there is no such key. {hint}"
        case "too_short" if loc[-1] == "risk":
            return f"{where}: an empty list matches nothing. Leave it out where the risk does not matter."
        case "too_short":
            return f'{where}: nobody may answer. Name who may: ["@ops-leads", U012AB3CD, bob@example.com]'
        case "missing":
            return f"{where}: it is missing."
        case "tuple_type":
            return f"{where}: this should be a list, such as [{_LISTED.get(str(loc[-1]), '...')}]."
        case "model_type":
            known = _known(loc)
            return f"{where}: this should be a mapping with {', '.join(known)}."
        case _:
            return f"{where}: {str(error['msg']).removeprefix('Value error, ')}."


def _refuse_twice(path: Path, tree: yaml.Node | None) -> None:
    """YAML takes the last of two keys of one name without a word, which would drop whole rules."""
    nodes = [] if tree is None else [tree]
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
                            f'{path}, line {line}, key "{key.value}": it is there twice, first in line '
                            f"{seen[str(key.value)]}. Keep one."
                        )
                    seen[str(key.value)] = line
                    nodes.append(value)
            case yaml.SequenceNode(value=entries):
                nodes.extend(entries)


def _line(tree: yaml.Node | None, loc: Sequence[str | int]) -> int:
    """The line of the deepest part of `loc` that the file has, counted from 1."""
    node, line = tree, 1
    for part in loc:
        match node:
            case yaml.MappingNode():
                found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
                if found is None:
                    return line
                line, node = found[0].start_mark.line + 1, found[1]
            case yaml.SequenceNode() if isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
            case _:
                return line
    return line
