"""The policies that new requests get. They change whenever an operator has the policy file read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.approvals.model.policy import GraphTerms
from bot.approvals.rules.matching import Policies


@dataclass(slots=True)
class CurrentPolicies:
    """Holds the policies of the file as it was read last. They are replaced whole: whoever takes `now` once decides by
    one file, whatever happens meanwhile."""

    now: Policies

    @property
    def graphs(self) -> Mapping[str, GraphTerms]:
        """The terms on which each graph accepts answers, always those of the current file."""
        return _GraphsNow(self)


@dataclass(frozen=True, slots=True)
class _GraphsNow(Mapping[str, GraphTerms]):
    of: CurrentPolicies

    def __getitem__(self, graph: str) -> GraphTerms:
        return self.of.now.graphs[graph]

    def __iter__(self) -> Iterator[str]:
        return iter(self.of.now.graphs)

    def __len__(self) -> int:
        return len(self.of.now.graphs)
