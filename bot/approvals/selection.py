"""Which rule of the file governs a question: the first that matches, over what holds where none does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TypeAlias

from bot.approvals.ids import JSON, ChannelId, Person
from bot.approvals.policy import Consent, Escalate, GraphTerms, Pick, Policy, Step
from bot.approvals.question import Item, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a rule may ask about: the question, and the task that asks it."""

    graph: str
    channel: ChannelId
    requester: Person
    inputs: Mapping[str, JSON]
    question: Question
    people: Mapping[str, frozenset[Person]] = field(default_factory=dict)
    """Whom the names mean that rules match requesters with."""
    channels: Mapping[str, ChannelId] = field(default_factory=dict)
    """Which channels the names mean that rules match with; one that is missing is no channel."""


class ConditionFailed(Exception):
    """A condition could not be worked out; `str()` says why. Nothing may be taken for granted then, either way."""


Condition: TypeAlias = Callable[[Facts, Item], bool]
"""A rule's `when`, of one item; raises `ConditionFailed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The policy of the questions that match everything that is set. Patterns may hold `*` and `?`."""

    policy: Policy
    graphs: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    requesters: tuple[str, ...] = ()
    """As a policy names people."""
    channels: tuple[str, ...] = ()
    """Channels' ids, or names after a `#`."""
    when: Condition | None = None
    condition: str = ""
    """`when` as it is written."""

    def objection(self, facts: Facts) -> str:
        """Why the rule does not govern, in words; empty where it does. Raises `ConditionFailed`.

        Of several items, one that matches is enough. A rule that may say yes without a person needs every one.
        """
        question = facts.question
        if self.graphs and not _any(facts.graph, self.graphs):
            return f"the graph is {facts.graph or 'not said'}, not {_or(self.graphs)}"
        if self.risks and question.risk not in self.risks:
            return f"its risk is {question.risk or 'not said'}, not {_or(self.risks)}"
        if self.requesters and not any(facts.requester in facts.people.get(ref, ()) for ref in self.requesters):
            return f"the requester is not {_or(self.requesters)}"
        if self.channels and facts.channel not in {facts.channels.get(ref, ref) for ref in self.channels}:
            return f"the channel is not {_or(self.channels)}"
        found = [self._objection_to(facts, item) for item in question.items]
        said = [objection for objection in found if objection]
        enough = not said if says_yes_alone(self.policy) else len(said) < len(found)
        return "" if enough else said[0]

    def _objection_to(self, facts: Facts, item: Item) -> str:
        if self.actions and not _any(item.name, self.actions):
            return f"the action is {item.name or 'not named'}, not {_or(self.actions)}"
        if self.when is not None and not self.when(facts, item):
            return f"its condition does not hold: {self.condition}"
        return ""


def says_yes_alone(policy: Policy) -> bool:
    """Whether the policy may lead to an answer that no person has given, and that is no rejection."""
    silence = (isinstance(step.action, Consent | Pick) for stage in policy.stages for step in stage.steps)
    return (policy.auto is not None and policy.auto.approve) or any(silence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """All rules, the first match first, and what governs where none matches."""

    rules: tuple[Rule, ...]
    otherwise: Policy
    graphs: Mapping[str, GraphTerms] = field(default_factory=dict)
    """How each graph that is named wants its answers."""

    def select(self, facts: Facts) -> Policy:
        """The policy that governs, its keys of the question replaced by whom they name.

        Raises `ConditionFailed`, which names the rule: what might have governed cannot be passed over.
        """
        for rule in self.rules:
            try:
                if not rule.objection(facts):
                    return bound(rule.policy, facts.question)
            except ConditionFailed as failed:
                raise ConditionFailed(f"the rule `{rule.policy.name}` cannot be worked out: {failed}") from failed
        return bound(self.otherwise, facts.question)

    @property
    def policies(self) -> tuple[Policy, ...]:
        return (*(rule.policy for rule in self.rules), self.otherwise)

    @property
    def requesters(self) -> tuple[str, ...]:
        """Every name that a rule matches requesters with."""
        return tuple(dict.fromkeys(ref for rule in self.rules for ref in rule.requesters))

    @property
    def channels(self) -> tuple[str, ...]:
        """Every name that a rule matches channels with."""
        return tuple(dict.fromkeys(ref for rule in self.rules for ref in rule.channels))


# --- Keys of the question -----------------------------------------------------------------------


def is_key(ref: str) -> bool:
    """Whether an approver's name is a key of the question, such as `details.owner`."""
    return "@" not in ref and not ref.startswith("#") and "." in ref


def bound(policy: Policy, question: Question) -> Policy:
    """The policy, in which the keys of the question are replaced by the people whom they hold. One that holds none
    stays, and means nobody."""

    def refs(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(ref for name in names for ref in _held(name, question)))

    def step(each: Step) -> Step:
        action = each.action
        return replace(each, action=replace(action, to=refs(action.to))) if isinstance(action, Escalate) else each

    stages = tuple(
        replace(
            stage,
            groups=tuple(replace(group, approvers=refs(group.approvers)) for group in stage.groups),
            steps=tuple(step(each) for each in stage.steps),
        )
        for stage in policy.stages
    )
    return replace(policy, stages=stages)


def _held(name: str, question: Question) -> tuple[str, ...]:
    if not is_key(name):
        return (name,)
    found = tuple(ref for value in _values(name.split("."), question) for ref in _people(value))
    return found or (name,)


def _values(path: Sequence[str], question: Question) -> Iterator[JSON]:
    """What the payload holds there; below `arguments`, what each item's arguments hold."""
    if path[0] == "arguments":
        yield from (_at(dict(item.arguments), path[1:]) for item in question.items)
    else:
        yield _at(question.payload, path)


def _at(value: JSON, path: Sequence[str]) -> JSON:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _people(value: JSON) -> Iterator[str]:
    """User ids and e-mail addresses alone: a graph may name people, and no group."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str) and names_one(each):
            yield each


def is_user(ref: str) -> bool:
    """Whether it is a user's id."""
    return ref[:1] in ("U", "W") and ref.isalnum() and ref.isupper()


def names_one(ref: str) -> bool:
    """Whether it names one person, by id or e-mail, and not those who are in something."""
    return is_user(ref) or ("@" in ref and not ref.startswith("@"))


def _any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _or(names: Sequence[str]) -> str:
    return " or ".join(names)
