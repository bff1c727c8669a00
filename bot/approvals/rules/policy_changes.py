"""What is different between two readings of the policy file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.approvals.rules.matching import Policies, Rule

Terms = TypeVar("Terms")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChanges:
    """The rules, and the graphs with terms of their own, that are new, gone or different, by name."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    reordered: bool
    """Whether rules that both have stand in another order. The first that matches governs."""
    defaults: bool
    """Whether the policy differs that governs if no rule matches."""
    graphs: tuple[str, ...]
    """Graphs whose answers are accepted on other terms."""
    cards: tuple[str, ...]
    """Graphs whose cards look different."""

    @property
    def any(self) -> bool:
        return bool(
            self.added or self.removed or self.changed or self.reordered or self.defaults or self.graphs or self.cards
        )


def changes(before: Policies, after: Policies) -> PolicyChanges:
    """What has changed from one reading to the other. A rule is known by its name."""
    old, new = _by_name(before), _by_name(after)
    kept = [name for name in old if name in new]
    return PolicyChanges(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed=tuple(name for name in new if name in old and old[name] != new[name]),
        reordered=kept != [name for name in new if name in old],
        defaults=before.otherwise != after.otherwise,
        graphs=_different(before.graphs, after.graphs),
        cards=_different(before.cards, after.cards),
    )


def _by_name(policies: Policies) -> Mapping[str, Rule]:
    """Each rule without its compiled condition, which is never equal to another; the expression stays."""
    return {rule.policy.name: replace(rule, when=None) for rule in policies.rules}


def _different(before: Mapping[str, Terms], after: Mapping[str, Terms]) -> tuple[str, ...]:
    return tuple(name for name in {**before, **after} if before.get(name) != after.get(name))
