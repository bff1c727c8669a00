"""The catalog: the agents that workers can run, as they publish them. So other processes load no agent's code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.approvals.model.agent import Graph
from bot.approvals.model.ids import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A graph of langgraph.json, as a worker found it."""

    graph: Graph
    schema: Mapping[str, JSON] = field(default_factory=dict)
    """JSON Schema of all inputs together. Empty if the graph is unavailable."""
    open: bool = False
    """Whether any names may be given in place of the one input."""
    certain: bool = False
    """Whether the graph takes its example as it is. It may look for something that is not there, such as a file."""
    checked: bool = False
    """Whether the graph's code checks its inputs too. Only a worker can run that check."""
    nodes: tuple[str, ...] = ()
    """The names of its nodes. Empty if the graph is unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All agents of langgraph.json, in its order."""

    agents: tuple[Agent, ...]
    digest: str
    """Of the agents. Two catalogs with the same digest list the same agents."""
    published_at: datetime

    def agent(self, name: str) -> Agent | None:
        """The agent of this name. None if there is none."""
        return next((each for each in self.agents if each.graph.name == name), None)
