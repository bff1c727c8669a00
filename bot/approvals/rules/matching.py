"""Which rule of the file governs a question: the first that matches, or the default policy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Final, TypeAlias

from bot.approvals.model.ids import JSON, ChannelId, Person, Program
from bot.approvals.model.policy import (
    ONE_PERSON,
    CardTerms,
    Consent,
    Escalate,
    GraphTerms,
    Group,
    Pick,
    Policy,
    Stage,
    Step,
)
from bot.approvals.model.question import Item, Question
from bot.approvals.rules import windows
from bot.approvals.rules.names import matches, matches_exactly, matches_to_the_letter, misleading


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a rule can match: the question, and the task that asks it."""

    graph: str
    channel: ChannelId
    requester: Person | Program
    inputs: Mapping[str, JSON]
    question: Question
    people: Mapping[str, frozenset[Person]] = field(default_factory=dict)
    """The people that each name in a rule's `requester` resolves to."""
    channels: Mapping[str, ChannelId] = field(default_factory=dict)
    """The channel that each name in a rule's `channel` resolves to."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """The names in rules that cannot be resolved, each with the reason as the end of a sentence."""
    source: str = ""
    """The program that made the task through the API. Empty if a person started it in Slack."""
    server: str = ""
    """The LangGraph Server that runs the agent. Empty if it runs here."""


class ConditionFailed(Exception):
    """A rule could not be evaluated; `str()` says why. The rule then neither governs nor may be skipped."""


Condition: TypeAlias = Callable[[Facts, Sequence[Item]], Sequence[bool]]
"""Evaluates a rule's `when`: whether it holds for each of these items. Raises `ConditionFailed` if it cannot be
evaluated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A policy, and what a question must match to be governed by it. Everything that is set must match. Patterns may
    use `*` and `?`."""

    policy: Policy
    graphs: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    requesters: tuple[str, ...] = ()
    """Names of people, written as in a policy."""
    channels: tuple[str, ...] = ()
    """Ids of channels, or names after a `#`."""
    sources: tuple[str, ...] = ()
    """Programs that make tasks through the API. What people start in Slack matches none of them."""
    servers: tuple[str, ...] = ()
    """Names of LangGraph Servers. What runs here matches none of them. A rule that may say yes without a person governs
    what runs on a server only if it names it: a graph there may have any name."""
    when: Condition | None = None
    condition: str = ""
    """The text of `when`, as the file has it."""

    def objection(self, facts: Facts) -> str:
        """Why the rule does not govern, in words; empty if it does. Raises `ConditionFailed` if the rule cannot be
        evaluated.

        One matching item of several is enough. But a rule that may say yes without a person must match every item, each
        by its exact name: if a name only looks harmless, people are asked.
        """
        question = facts.question
        unknown: list[str] = []
        if self.graphs and not any(self.covers(facts.graph, pattern) for pattern in self.graphs):
            return f"the graph is {facts.graph or 'not said'}, not {_or(self.graphs)}"
        if self.sources and not (facts.source and any(self.covers(facts.source, each) for each in self.sources)):
            return f"the source is {facts.source or 'Slack'}, not {_or(self.sources)}"
        if self.servers and not (facts.server and any(self.covers(facts.server, each) for each in self.servers)):
            return f"the agent runs {f'on {facts.server}' if facts.server else 'here'}, not on {_or(self.servers)}"
        if facts.server and not self.servers and self.says_yes_alone:
            return f"it may say yes without a person, and does not name the server {facts.server}, so people are asked"
        if self.risks and question.risk not in self.risks:
            return f"its risk is {question.risk or 'not said'}, not {_or(self.risks)}"
        if self.requesters and not any(facts.requester in facts.people.get(ref, ()) for ref in self.requesters):
            if isinstance(facts.requester, Person):  # a program is none of these, whomever they mean
                unknown += [ref for ref in self.requesters if ref in facts.unknown]
            if not unknown:
                return f"the requester is not {_or(self.requesters)}"
        if self.channels and facts.channel not in {facts.channels.get(ref, ref) for ref in self.channels}:
            nowhere = [ref for ref in self.channels if ref in facts.unknown]
            if not nowhere:
                return f"the channel is not {_or(self.channels)}"
            unknown += nowhere
        found = self._objections(facts)
        said = [objection for objection in found if objection]
        if said and (self.says_yes_alone or len(said) == len(found)):
            return said[0]
        if unknown:
            raise ConditionFailed(" ".join(f"{ref} {facts.unknown[ref]}" for ref in unknown))
        return ""

    @property
    def says_yes_alone(self) -> bool:
        return says_yes_alone(self.policy)

    def covers(self, graph: str, pattern: str) -> bool:
        """Whether this pattern of the rule matches the graph or the source. If the rule may say yes without a person,
        only the exact spelling matches."""
        return (matches_to_the_letter if self.says_yes_alone else matches)(graph, pattern)

    def _objections(self, facts: Facts) -> list[str]:
        """For each item, why the rule does not govern it; empty if it does."""
        items = facts.question.items
        found = [self._objection_to(item) for item in items]
        named = [at for at, objection in enumerate(found) if not objection]
        if self.when is not None and named:
            for at, holds in zip(named, self.when(facts, [items[at] for at in named]), strict=True):
                found[at] = "" if holds else f"its condition does not hold: {self.condition}"
        return found

    def _objection_to(self, item: Item) -> str:
        if self.says_yes_alone and (characters := misleading(item.name)):
            return f"the action's name holds characters that mislead, {', '.join(characters)}, so people are asked"
        if self.actions and not any(self._is(item.name, pattern) for pattern in self.actions):
            return f"the action is {item.name or 'not named'}, not {_or(self.actions)}"
        return ""

    def _is(self, name: str, pattern: str) -> bool:
        return (matches_exactly if self.says_yes_alone else matches)(name, pattern)


def says_yes_alone(policy: Policy) -> bool:
    """Whether the policy may approve or choose without a person."""
    silence = (isinstance(step.action, Consent | Pick) for stage in policy.stages for step in stage.steps)
    return (policy.auto is not None and policy.auto.approve) or any(silence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """All rules in their order, and the policy that governs if none matches. The first rule that matches governs."""

    rules: tuple[Rule, ...]
    otherwise: Policy
    graphs: Mapping[str, GraphTerms] = field(default_factory=dict)
    """For each graph, the terms on which it accepts answers."""
    cards: Mapping[str, CardTerms] = field(default_factory=dict)
    """For each graph, how its cards look."""

    def select(self, facts: Facts) -> Policy:
        """The policy that governs, with the question's keys replaced by the people that they hold, and with how the
        graph's cards look.

        Raises `ConditionFailed` if a rule cannot be evaluated: it might have governed, so it cannot be skipped. It is
        skipped only for an offer to undo.
        """
        look = self.cards.get(facts.graph, CardTerms())
        for rule in self.rules:
            try:
                if not rule.objection(facts):
                    return _governing(rule.policy, facts, look)
            except ConditionFailed as failed:
                if facts.question.window is not None:
                    continue  # it has been done, and a rule about doing it must not keep people from undoing it
                raise ConditionFailed(f"the rule `{rule.policy.name}` cannot be worked out: {failed}") from failed
        return _governing(self.otherwise, facts, look)

    def before(self, name: str) -> tuple[str, ...]:
        """The names of the rules that are looked at before the one of this name."""
        return tuple(takewhile(lambda each: each != name, (rule.policy.name for rule in self.rules)))

    @property
    def conditional(self) -> bool:
        """Whether any rule has a condition, which may take a while to evaluate."""
        return any(rule.when is not None for rule in self.rules)

    @property
    def policies(self) -> tuple[Policy, ...]:
        return (*(rule.policy for rule in self.rules), self.otherwise)

    @property
    def sources(self) -> tuple[str, ...]:
        """Every pattern in a rule's `source`."""
        return tuple(dict.fromkeys(ref for rule in self.rules for ref in rule.sources))

    @property
    def servers(self) -> Mapping[str, Rule]:
        """Every pattern in a rule's `server`, with the first rule that has it."""
        found: dict[str, Rule] = {}
        for rule in self.rules:
            for ref in rule.servers:
                found.setdefault(ref, rule)
        return found

    @property
    def requesters(self) -> tuple[str, ...]:
        """Every name in a rule's `requester`."""
        return tuple(dict.fromkeys(ref for rule in self.rules for ref in rule.requesters))

    @property
    def channels(self) -> tuple[str, ...]:
        """Every name in a rule's `channel`."""
        return tuple(dict.fromkeys(ref for rule in self.rules for ref in rule.channels))


# --- Keys of the question -----------------------------------------------------------------------


def is_key(ref: str) -> bool:
    """Whether an approver's name is a key of the question, such as `details.owner`, which holds people."""
    return "@" not in ref and not ref.startswith("#") and "." in ref


def bound(policy: Policy, question: Question) -> Policy:
    """The policy with the question's keys replaced by the people that they hold. A key that holds nobody stays, and
    resolves to nobody. `held` lists the names that came from the question, unless the policy lets questions name
    guests."""

    def told(written: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names, and those among them that only the question gave."""
        found = {name: _held(name, question) for name in written if is_key(name)}
        refs = tuple(dict.fromkeys(ref for name in written for ref in found.get(name) or (name,)))
        held = () if policy.guests else tuple(ref for ref in refs if ref not in written)
        return refs, held

    def group(each: Group) -> Group:
        refs, held = told(each.approvers)
        return replace(each, approvers=refs, held=held)

    def escalation(each: Escalate) -> Escalate:
        refs, held = told(each.to)
        return replace(each, to=refs, held=held)

    refs, held = told(policy.undo.approvers)
    return replace(_each(policy, group, escalation), undo=replace(policy.undo, approvers=refs, held=held))


# --- Ids ----------------------------------------------------------------------------------------


def names_in(policy: Policy) -> tuple[str, ...]:
    """Every name that the policy asks or posts to, except keys of the question."""
    groups = (group.approvers for stage in policy.stages for group in stage.groups)
    later = (step.action.to for stage in policy.stages for step in stage.steps if isinstance(step.action, Escalate))
    channel = (policy.channel,) if policy.channel else ()
    return tuple(dict.fromkeys(ref for refs in (*groups, *later, channel) for ref in refs if not is_key(ref)))


def with_ids(policy: Policy, ids: Mapping[str, str]) -> Policy:
    """The policy with these names replaced by their ids. A person that the policy names itself does not count as named
    only by the question, even if the two write the name differently."""

    def told(written: Iterable[str], held: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        own = {ids.get(ref, ref) for ref in written if ref not in held}
        refs = tuple(dict.fromkeys(ids.get(ref, ref) for ref in written))
        return refs, tuple(ref for ref in refs if ref not in own)

    def group(each: Group) -> Group:
        refs, held = told(each.approvers, each.held)
        return replace(each, approvers=refs, held=held)

    def escalation(each: Escalate) -> Escalate:
        refs, held = told(each.to, each.held)
        return replace(each, to=refs, held=held)

    return replace(_each(policy, group, escalation), channel=ids.get(policy.channel, policy.channel))


# --- Within -------------------------------------------------------------------------------------


ANY_CHANNEL: Final = "#"
"""Stands for the members of any channel; no channel has this name."""
_USER: Final = re.compile(r"[UW][A-Z0-9]+")
_GROUP: Final = re.compile(r"S[A-Z0-9]+")
_CHANNEL: Final = re.compile(r"[CG][A-Z0-9]+")


def _governing(policy: Policy, facts: Facts, look: CardTerms) -> Policy:
    question = facts.question
    return replace(windows.under(bound(policy, question), question, facts.requester), card=look)


def _each(policy: Policy, group: Callable[[Group], Group], escalation: Callable[[Escalate], Escalate]) -> Policy:
    def step(each: Step) -> Step:
        return replace(each, action=escalation(each.action)) if isinstance(each.action, Escalate) else each

    def stage(each: Stage) -> Stage:
        return replace(each, groups=tuple(map(group, each.groups)), steps=tuple(map(step, each.steps)))

    return replace(policy, stages=tuple(map(stage, policy.stages)))


def _held(name: str, question: Question) -> tuple[str, ...]:
    return tuple(ref for value in _values(name.split("."), question) for ref in _people(value))


def _values(path: Sequence[str], question: Question) -> Iterator[JSON]:
    """The payload's value at this path; for a path below `arguments`, the value in each item's arguments."""
    if path[0] == "arguments":
        yield from (_at(dict(item.arguments), path[1:]) for item in question.items)
    else:
        yield _at(question.payload, path)


def _at(value: JSON, path: Sequence[str]) -> JSON:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _people(value: JSON) -> Iterator[str]:
    """The user ids and e-mail addresses in a value. Groups are left out, because a graph may name people only."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str) and names_one(each):
            yield each


def is_user(ref: str) -> bool:
    """Whether this is a user's id."""
    return _USER.fullmatch(ref) is not None


def is_group(ref: str) -> bool:
    """Whether this is a user group's handle or id."""
    return ref.startswith("@") or _GROUP.fullmatch(ref) is not None


def is_channel(ref: str) -> bool:
    """Whether this is a channel's name or id. The ids of older private channels begin with a G."""
    return ref.startswith("#") or _CHANNEL.fullmatch(ref) is not None


def names_one(ref: str) -> bool:
    """Whether this names one person, by id or e-mail, and not a group or channel."""
    return ONE_PERSON.fullmatch(ref) is not None


def _or(names: Sequence[str]) -> str:
    return " or ".join(names)
