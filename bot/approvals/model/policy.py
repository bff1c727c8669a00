"""Who may answer, how many people must, by when, and what happens if nobody does.

The policy file is read elsewhere (`bot.policy_file`). This module holds its rules in the form that the domain uses.
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
"""A name in a policy that means one person, by id or e-mail address, and not the members of a group or channel."""

# --- What happens while nobody answers ----------------------------------------------------------


class Via(StrEnum):
    """How an escalation reaches people."""

    DM = "dm"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind:
    """Post in the task's thread that an answer is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warn:
    """Post in the task's thread that the deadline is near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """Send the card to these people, by DM or into a channel. If it `adds` them, they may answer from then on."""

    to: tuple[str, ...]
    via: Via = Via.DM
    adds: bool = True
    held: tuple[str, ...] = ()
    """The names in `to` that come from the question and not from the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    """Settle the request as expired: the graph is told that nobody answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Treat silence as an approval. This happens only if the policy file says so explicitly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Choose this option if nobody answers."""

    choice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """Let the request keep waiting, and say that it is late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseWindow:
    """Nobody undid what the agent has done, so it stays. Only an undo window has this step."""


Action: TypeAlias = Remind | Warn | Escalate | Expire | Consent | Pick | Overdue | CloseWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An action that happens once `after` has passed since the stage was opened."""

    after: timedelta
    action: Action

    @property
    def at_deadline(self) -> bool:
        return isinstance(self.action, Expire | Consent | Pick | Overdue | CloseWindow)

    @property
    def moves(self) -> bool:
        """Whether the step comes later if the deadline is extended."""
        return self.at_deadline or isinstance(self.action, Warn)


# --- Who is asked -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """`needed` of these people must approve. `approvers` are user ids (`U...`), e-mail addresses, user groups
    (`@handle` or `S...`) and channels, for their members (`#name` or `C...`). A name that means nobody adds nobody."""

    approvers: tuple[str, ...]
    needed: int = 1
    held: tuple[str, ...] = ()
    """The names in `approvers` that come from the question and not from the policy. They must be ordinary members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The groups of people who are asked at one time, and what happens while they do not answer. The stage is passed
    once every group has agreed. Each person counts for one group only, even if they are in two of them."""

    groups: tuple[Group, ...]
    name: str = ""
    """The stage's name in the policy file. Empty if it is the only stage."""
    steps: tuple[Step, ...] = ()
    """The steps in the order of their time. Each happens once."""
    remind_every: timedelta | None = None
    reject_quorum: int = 1

    def __post_init__(self) -> None:
        if list(self.steps) != sorted(self.steps, key=lambda step: step.after):
            raise ValueError("the steps of a policy are in the order of their time")

    @property
    def approvers(self) -> tuple[str, ...]:
        """The names of everyone who may answer from the moment the stage opens, as they are written in the policy."""
        return tuple(dict.fromkeys(ref for group in self.groups for ref in group.approvers))

    @property
    def needed(self) -> int:
        """How many people must approve, over all groups."""
        return sum(group.needed for group in self.groups)

    @property
    def deadline(self) -> timedelta | None:
        """The time from the stage's opening until silence has its consequence. None if it never has one."""
        return next((step.after for step in self.steps if step.at_deadline), None)


def one_stage(
    approvers: tuple[str, ...], needed: int = 1, steps: tuple[Step, ...] = (), **terms: Any
) -> tuple[Stage, ...]:
    """The ordinary case: a single stage with one group, in which `needed` of these approvers must approve."""
    return (Stage(groups=(Group(approvers=approvers, needed=needed),), steps=steps, **terms),)


# --- The terms of one request -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Auto:
    """The rule answers at once, without a person."""

    approve: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardTerms:
    """How the owner of a graph wants its cards to look."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """What people read in place of an argument's name."""
    keys: tuple[str, ...] = ()
    """The arguments that a card shows first, in this order. The question's own `summary` follows them."""


class OnStale(StrEnum):
    """What follows if a decision was not delivered in time."""

    ASK = "ask"
    """People are asked again."""
    STOP = "stop"
    """The task is stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoTerms:
    """Who may undo what an agent has done, if the agent offers that."""

    approvers: tuple[str, ...] = ()
    """Named as in a group. If there are none and the requester may not undo it either, those who approve may."""
    requester: bool = True
    held: tuple[str, ...] = ()
    """The names in `approvers` that come from the question and not from the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The terms of one request: its stages, one after the other, and the settings that apply to all of them."""

    name: str
    stages: tuple[Stage, ...]
    self_approval: bool = False
    guests: bool = False
    """Whether a key of the question may name guests and people of other companies."""
    self_answer: bool = True
    """Whether the requester may answer a question that approves nothing."""
    reasons: tuple[Verdict, ...] = (Verdict.REJECT,)
    """The verdicts that need a reason."""
    hours: Hours | None = None
    """The hours that count towards every deadline and step. None if all hours count."""
    channel: str = ""
    """A channel that also gets the card (`#name` or `C...`). Empty if the card is only in the task's thread."""
    private: bool = False
    """Whether only the people who may answer can see what is asked."""
    confirm: bool = False
    """Whether Slack asks for confirmation before an approval."""
    auto: Auto | None = None
    extend: timedelta | None = None
    """By how much an eligible approver may extend a stage's deadline, once. None if nobody may extend it."""
    max_rounds: int | None = None
    """How often one task may ask from the same place in its graph. Asking once more stops the task. None if there is no
    limit."""
    via: tuple[str, ...] = ()
    """The names of the tokens through which people may vote from somewhere else than Slack."""
    mask: tuple[str, ...] = ()
    """Keys, or ends of dotted paths, whose values are hidden. Values that look like secrets are hidden as well."""
    card: CardTerms = field(default_factory=CardTerms)
    """How the graph's cards look."""
    hold: timedelta = timedelta()
    """How long a decision is kept from the agent, so that it can be taken back or stopped. Zero: not at all."""
    valid_for: timedelta | None = None
    """How long after a decision the agent may still be given it. None if that has no end."""
    on_stale: OnStale = OnStale.ASK
    """What follows if that time has passed."""
    undo: UndoTerms = field(default_factory=UndoTerms)
    """Who may undo what an agent has done."""

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("a policy has at least one stage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How a graph continues after a rejected breakpoint: as if the node `as_node` had run and returned `values`. In the
    texts of `values`, `{reason}` stands for the reason of the rejection."""

    as_node: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphTerms:
    """How a graph wants its answers, if its questions do not say so themselves."""

    answer: str = ""
    """The convention for yes and no. Empty if each shape uses its own."""
    unbound: tuple[str, ...] = ()
    """Keys of its questions, as dotted paths, whose values may differ between what was approved and what runs. An
    approval is not bound to these values, and the card says so."""
    reject: Route | None = None
    """How the graph continues after a rejected breakpoint. None if the task ends there."""
