"""policies.yaml -> `Policies`. Strict: a key that is not known, or a list of approvers that is empty, stops the
start with the file, the line, the key and what would be right."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.approvals.errors import SettingsError
from bot.approvals.model import Risk
from bot.approvals.policy import Escalate, Expire, Policies, Policy, Remind, Rule, Step
from bot.durations import duration


def _approver(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[UW][A-Z0-9]+|S[A-Z0-9]+|@[\w.-]+|[^@\s]+@[^@\s]+", value):
        raise ValueError(
            f"{value!r} names nobody: write a user id (U012AB3CD), an e-mail address, or a user group (@ops-leads)"
        )
    return value


Duration = Annotated[timedelta, BeforeValidator(duration)]
Approver = Annotated[str, BeforeValidator(_approver)]
Approvers = Annotated[tuple[Approver, ...], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EscalateTerms(_Strict):
    after: Duration
    to: Approvers


class Match(_Strict):
    graph: str = "*"
    risk: tuple[Risk, ...] = ()


class Terms(_Strict):
    """What a rule may say; what it leaves out, the defaults say."""

    approvers: Approvers | None = None
    quorum: Annotated[int, Field(ge=1)] | None = None
    self_approval: bool | None = None
    reason_required: bool | None = None
    remind_after: Duration | None = None
    escalate: EscalateTerms | None = None
    deadline: Duration | None = None


class RuleTerms(Terms):
    name: str
    match: Match = Match()


class Document(_Strict):
    defaults: Terms
    rules: tuple[RuleTerms, ...] = ()


def load(path: Path) -> Policies:
    """The policies of the file; `SettingsError` where it cannot be relied on."""
    try:
        text = path.read_text()
        document = yaml.safe_load(text)
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such file. POLICY_FILE names it; it says who may answer.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}).") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: this is not YAML: {' '.join(str(error).split())}") from None
    try:
        read = Document.model_validate(document)
    except ValidationError as error:
        raise SettingsError("\n".join(_problem(path, tree, each) for each in error.errors())) from None
    otherwise = _policy(path, "defaults", read.defaults, Terms())
    rules = tuple(
        Rule(
            policy=_policy(path, rule.name, rule, read.defaults),
            graph=rule.match.graph,
            risk=tuple(str(risk) for risk in rule.match.risk),
        )
        for rule in read.rules
    )
    return Policies(rules=rules, otherwise=otherwise)


def _policy(path: Path, name: str, terms: Terms, defaults: Terms) -> Policy:
    said = defaults.model_dump(exclude_none=True) | terms.model_dump(exclude_none=True, include=set(Terms.model_fields))
    if not said.get("approvers"):
        raise SettingsError(
            f'{path}, key "{name}.approvers": nobody may answer. Name who may: approvers: ["@ops-leads", U012AB3CD]'
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
                f'{path}, key "{name}.{key}": it would come after {later_key}. '
                "The windows are counted from the question: remind_after, then escalate.after, then deadline."
            )
    return Policy(
        name=name,
        approvers=tuple(said["approvers"]),
        quorum=said.get("quorum", 1),
        self_approval=said.get("self_approval", False),
        reason_required=said.get("reason_required", True),
        steps=tuple(step for _, step in steps),
    )


def _step(after: timedelta | None, action: Remind | Escalate | Expire) -> Step | None:
    return None if after is None else Step(after=after, action=action)


# --- Errors -------------------------------------------------------------------------------------

_FIELDS: Mapping[str, Sequence[str]] = {
    "": list(Document.model_fields),
    "defaults": list(Terms.model_fields),
    "rules": list(RuleTerms.model_fields),
    "match": list(Match.model_fields),
    "escalate": list(EscalateTerms.model_fields),
}


def _problem(path: Path, tree: yaml.Node | None, error: Any) -> str:
    loc: tuple[str | int, ...] = error["loc"]
    key = ".".join(str(part) for part in loc) or "the file"
    where = f'{path}, line {_line(tree, loc)}, key "{key}"'
    match error["type"]:
        case "extra_forbidden":
            known = _FIELDS.get(next((str(part) for part in reversed(loc[:-1]) if isinstance(part, str)), ""), ())
            near = difflib.get_close_matches(str(loc[-1]), known, n=1)
            hint = f'Did you mean "{near[0]}"?' if near else f"Known here: {', '.join(known)}."
            return f"{where}: there is no such key. {hint}"
        case "too_short":
            return f'{where}: nobody may answer. Name who may: ["@ops-leads", U012AB3CD, bob@example.com]'
        case "missing":
            return f"{where}: it is missing."
        case _:
            return f"{where}: {str(error['msg']).removeprefix('Value error, ')}."


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
