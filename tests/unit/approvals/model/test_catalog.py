"""The catalog of agents, as other processes read it."""

from __future__ import annotations

from bot.approvals.model.agent import Graph
from bot.approvals.model.catalog import Agent, Catalog
from tests.support.builders import NOON


def test_an_agent_is_found_by_its_exact_name() -> None:
    clean, pay = (Agent(graph=Graph(name=name, description="", inputs=())) for name in ("clean", "pay"))
    catalog = Catalog(agents=(clean, pay), digest="d", published_at=NOON)

    assert catalog.agent("pay") is pay
    assert catalog.agent("Pay") is None
