"""The page of the HTTP API names each call, each status and each kind of problem."""

from __future__ import annotations

import json
from typing import Any, Final, get_args

from bot.http import problems
from bot.http.bodies import given
from tests.unit.docs.pages import DOCS, rows, section

PAGE: Final = "docs/reference/http-api.md"
DOCUMENT: Final[dict[str, Any]] = json.loads((DOCS / "reference" / "openapi.json").read_text())


def test_the_page_names_each_call_with_its_scopes() -> None:
    calls = {
        f"`{method.upper()} {path}`": " or ".join(f"`{scope}`" for scope in operation["security"][0]["token"])
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }

    assert {row[0]: row[2] for row in rows(section(PAGE, "## Calls"))} == calls


def test_the_page_names_each_status() -> None:
    for heading, statuses in (("request", given.Status), ("task", given.TaskStatus)):
        listed = [row[0].strip("`") for row in rows(section(PAGE, f"## The status of a {heading}"))]
        assert listed == list(get_args(statuses))


def test_the_page_tells_of_each_problem_what_the_document_tells() -> None:
    """If it differs: the table is that of `problems.ALL`."""
    listed = [tuple(cell.strip("`") for cell in row[:2]) + tuple(row[2:]) for row in rows(section(PAGE, "## Problems"))]

    assert listed == [(str(int(kind.status)), kind.slug, kind.title, kind.advice) for kind in problems.ALL]
