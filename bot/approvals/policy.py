"""Who may answer, how many of them, by when, and what happens when nobody does.

The file is read at the edge (`bot.policy_file`); here are its rules as the domain knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind:
    """Say in the task's thread that an answer is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """Send the card to these people by DM; from then on they may answer too."""

    to: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    """Settle the request as expired."""


Action: TypeAlias = Remind | Escalate | Expire


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happens once `after` has passed since the request was opened."""

    after: timedelta
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The terms of one request. `approvers` and an escalation's `to` hold user ids (`U...`), e-mail addresses
    and user groups (`@handle` or `S...`). An empty list is nobody."""

    name: str
    approvers: tuple[str, ...]
    quorum: int = 1
    self_approval: bool = False
    reason_required: bool = True
    """Whether a rejection must say why."""
    steps: tuple[Step, ...] = ()
    """In the order of their time."""
    extend: timedelta | None = None
    """By how much an approver may put the deadline off, once; None: not at all."""
    max_rounds: int | None = None
    """How often one place of a graph may ask within a task; once more stops the task. None: without end."""

    def __post_init__(self) -> None:
        if list(self.steps) != sorted(self.steps, key=lambda step: step.after):
            raise ValueError("the steps of a policy are in the order of their time")

    @property
    def deadline(self) -> timedelta | None:
        """When the request expires, counted from its opening; None: never."""
        return next((step.after for step in self.steps if isinstance(step.action, Expire)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The policy of the requests that match every pattern that is set. `graph` may hold `*` and `?`."""

    policy: Policy
    graph: str = "*"
    risk: tuple[str, ...] = ()

    def matches(self, *, graph: str, risk: str | None) -> bool:
        return fnmatchcase(graph, self.graph) and (not self.risk or risk in self.risk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a graph goes from a rejected breakpoint: on, as if the node `as_node` had run and returned `values`, in
    whose texts `{reason}` stands for the rejection's."""

    as_node: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphTerms:
    """How a graph wants its answers, where its questions do not say it themselves."""

    answer: str = ""
    """The convention for yes and no; empty: each shape's own."""
    reject: Route | None = None
    """What follows on a rejected breakpoint; None: the task's end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """All rules, the first match first, and what governs where none matches."""

    rules: tuple[Rule, ...]
    otherwise: Policy
    graphs: Mapping[str, GraphTerms] = field(default_factory=dict)
    """How each graph that is named wants its answers."""

    def select(self, *, graph: str, risk: str | None) -> Policy:
        return next((rule.policy for rule in self.rules if rule.matches(graph=graph, risk=risk)), self.otherwise)
