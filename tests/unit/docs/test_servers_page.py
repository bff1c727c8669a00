"""The page of LangGraph Servers names every key of servers.yaml with its default, and its figures are the code's."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import servers_file
from bot.app.servers import lookouts, serving
from bot.engines.server import engine, watching
from bot.policy_file.terms import Strict
from bot.servers_file import entries
from tests.unit.docs.pages import PAGES, codes, fenced, rows, section

PAGE = "docs/reference/servers.md"


def explained(heading: str) -> dict[str, str]:
    """Key -> default, as a table of the page has them."""
    return {name: row[1] for row in rows(section(PAGE, heading)) for name in codes(row[0])}


@pytest.mark.parametrize(
    ("heading", "model"), [("## A server", entries.ServerEntry), ("## A watch", entries.WatchEntry)]
)
def test_the_page_explains_every_key_and_no_other(heading: str, model: type[Strict]) -> None:
    stated = explained(heading)

    assert set(stated) == set(model.model_fields)
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert {name for name, default in stated.items() if default == "required"} == required


def test_the_example_of_the_page_is_right(tmp_path: Path) -> None:
    (text,) = fenced(PAGE, "yaml")
    (tmp_path / "servers.yaml").write_text(text)

    (prod,) = servers_file.load(tmp_path / "servers.yaml", lambda name: f"https://{name.lower()}.example.com")

    assert prod.watch is not None
    assert set(codes(section(PAGE, "## A watch"))) >= {'["*"]'}
    assert prod.watch.graphs == entries.WatchEntry.model_fields["graphs"].default


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    stated = {row[0]: row[1] for row in rows(section(PAGE, "## How soon"))}

    assert stated["how long one look may take"].startswith(f"{lookouts.MAX_LOOK_SECONDS:g} s.")
    assert watching.OVERLAP.total_seconds() == 120
    assert lookouts.MIN_SECONDS_BETWEEN == 1
    assert lookouts.AGENTS_EVERY.total_seconds() == 60
    followed, again = engine.MAX_FOLLOWED.total_seconds(), serving.LOOK_AGAIN.total_seconds()
    assert (
        stated["how long a run is followed"] == f"{followed:g} s. After that, its thread is looked at every {again:g} s"
    )
    away = stated["how soon a task is tried again if its server does not answer"]
    assert away == f"{serving.AWAY_AGAIN.total_seconds():g} s"
    assert f"At least {entries.MIN_KEY_CHARACTERS} characters" in PAGES[PAGE]
