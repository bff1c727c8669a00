"""What `Storage` promises of the catalog of agents."""

from __future__ import annotations

from dataclasses import replace

from bot.approvals.model.agent import Graph, Input
from bot.approvals.model.catalog import Agent, Catalog
from bot.approvals.ports.storage import Storage
from tests.conformance.stores import Store
from tests.support.builders import MINUTE, NOON

CATALOG = Catalog(
    agents=(
        Agent(
            graph=Graph(
                name="clean",
                description="Räumt auf",
                inputs=(
                    Input(name="path", schema={"type": "string", "examples": ["my logs"]}, required=True),
                    Input(name="tags", schema={"anyOf": [{"type": "null"}]}, required=False, default=[1, {"a": None}]),
                ),
                example='/task clean path="my logs"',
            ),
            schema={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
            open=True,
            certain=True,
            checked=True,
            nodes=("look", "delete"),
        ),
        Agent(graph=Graph(name="gone", description="", inputs=(), unavailable="it could not be loaded")),
    ),
    digest="one",
    published_at=NOON,
)


async def test_before_anything_is_published_there_is_no_catalog(storage: Storage) -> None:
    assert await storage.published() is None
    assert await storage.published(known="one") is None


async def test_a_catalog_comes_back_whole_and_is_kept(store: Store) -> None:
    await (await store.open()).publish(CATALOG)

    assert await (await store.reopen()).published() == CATALOG


async def test_the_last_catalog_that_was_published_counts(store: Store) -> None:
    """Also for another process."""
    one, other = await store.open(), await store.open()
    later = replace(CATALOG, agents=CATALOG.agents[:1], digest="two", published_at=NOON + MINUTE)

    await one.publish(CATALOG)
    await other.publish(later)
    assert await one.published() == later

    await one.publish(CATALOG)
    assert await other.published() == CATALOG


async def test_a_catalog_that_is_known_is_not_read_again(storage: Storage) -> None:
    await storage.publish(CATALOG)

    assert await storage.published(known="one") is None
    assert await storage.published(known="another") == CATALOG
