"""Who may answer, how many of them, by when, and what happens when nobody does.

The file is read at the edge (`bot.policy_file`); here are its rules as the domain knows them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias

from bot.approvals.model.hours import Hours
from bot.approvals.model.question import Verdict

ONE_PERSON: Final = re.compile(r"[UW][A-Z0-9]+|[^@\s<>#]+@[^@\s<>]+")
"""A name that means one person, by id or e-mail, and not those who are in something."""

# --- What happens while nobody answers ----------------------------------------------------------


class Via(StrEnum):
    """How an escalation reaches people."""

    DM = "dm"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind:
    """Say in the task's thread that an answer is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warn:
    """Say in the task's thread that the deadline is near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """Send the card to these people, by DM or into a channel; where it `adds` them, they may answer from then on."""

    to: tuple[str, ...]
    via: Via = Via.DM
    adds: bool = True
    held: tuple[str, ...] = ()
    """Those of `to` whom the question names, and the policy does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    """Settle the request as expired: the graph is told that nobody answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Take silence for an approval. The file has said so in as many words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Choose this option in everybody's silence."""

    choice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """Let the request wait on, and say that it is late."""


Action: TypeAlias = Remind | Warn | Escalate | Expire | Consent | Pick | Overdue


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happens once `after` has passed since the stage was opened."""

    after: timedelta
    action: Action

    @property
    def at_deadline(self) -> bool:
        return isinstance(self.action, Expire | Consent | Pick | Overdue)

    @property
    def moves(self) -> bool:
        """Whether it comes later where the deadline is put off."""
        return self.at_deadline or isinstance(self.action, Warn)


# --- Who is asked -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """So many of these have to agree. `approvers` are user ids (`U...`), e-mail addresses, user groups (`@handle` or
    `S...`) and members of channels (`#name` or `C...`); a name that means nobody adds nobody."""

    approvers: tuple[str, ...]
    needed: int = 1
    held: tuple[str, ...] = ()
    """Those of `approvers` whom the question names, and the policy does not: they have to be ordinary members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Who is asked at one time, and what happens while they do not answer. It is passed once every group has agreed,
    each with people of its own: one person takes one seat, also where they are in two of the groups."""

    groups: tuple[Group, ...]
    name: str = ""
    """How the file calls it; empty where it is the only one."""
    steps: tuple[Step, ...] = ()
    """Once each, in the order of their time."""
    remind_every: timedelta | None = None
    reject_quorum: int = 1

    def __post_init__(self) -> None:
        if list(self.steps) != sorted(self.steps, key=lambda step: step.after):
            raise ValueError("the steps of a policy are in the order of their time")

    @property
    def approvers(self) -> tuple[str, ...]:
        """Everyone who may answer from its opening on, as the policy names them."""
        return tuple(dict.fromkeys(ref for group in self.groups for ref in group.approvers))

    @property
    def needed(self) -> int:
        """How many people have to agree."""
        return sum(group.needed for group in self.groups)

    @property
    def deadline(self) -> timedelta | None:
        """When silence has its consequence, counted from the stage's opening; None: never."""
        return next((step.after for step in self.steps if step.at_deadline), None)


def one_stage(
    approvers: tuple[str, ...], needed: int = 1, steps: tuple[Step, ...] = (), **terms: Any
) -> tuple[Stage, ...]:
    """The ordinary case: these are asked once, and so many of them have to agree."""
    return (Stage(groups=(Group(approvers=approvers, needed=needed),), steps=steps, **terms),)


# --- The terms of one request -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Auto:
    """The rule answers at once, without a person."""

    approve: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The terms of one request: its stages, one after the other, and what holds in all of them."""

    name: str
    stages: tuple[Stage, ...]
    self_approval: bool = False
    guests: bool = False
    """Whether a key of the question may name guests and people of other companies."""
    self_answer: bool = True
    """Whether whoever started the task may answer a question that approves nothing."""
    reasons: tuple[Verdict, ...] = (Verdict.REJECT,)
    """The verdicts that must say why."""
    hours: Hours | None = None
    """The hours that count in every window; None: all."""
    channel: str = ""
    """Where the card stands as well (`#name` or `C...`); empty: in the task's thread alone."""
    private: bool = False
    """Whether what is asked is shown to those alone who may answer."""
    confirm: bool = False
    """Whether Slack asks once more before an approval."""
    auto: Auto | None = None
    extend: timedelta | None = None
    """By how much one who may answer may put a stage's deadline off, once; None: not at all."""
    max_rounds: int | None = None
    """How often one place of a graph may ask within a task; once more stops the task. None: without end."""
    mask: tuple[str, ...] = ()
    """Keys and ends of dotted paths whose values are hidden, besides what looks like a secret."""

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("a policy has at least one stage")


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
    unbound: tuple[str, ...] = ()
    """Keys of its questions, as dotted paths, whose values may differ between what was approved and what runs: an
    approval is not bound to them, and the card says so."""
    reject: Route | None = None
    """What follows on a rejected breakpoint; None: the task's end."""
