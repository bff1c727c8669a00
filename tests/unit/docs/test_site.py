"""The documentation is built strictly: no warning, no link or anchor that leads nowhere, no page outside the menu."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from tests.unit.docs.pages import DOCS, PAGES, ROOT

pytestmark = pytest.mark.heavy

LONGEST_README = 200
WORDS = (
    "brought level",
    "surfaces are",
    "reconcil",
    "gravest",
    "of late",
    "right line",
    "so many of",
    "in so many words",
)
"""What the documents do not say: words of an earlier day, and turns that have to be decoded."""


@dataclass(slots=True)
class Page(HTMLParser):
    """What a page leads to, what it loads, and where it can be led to."""

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, file: Path) -> Page:
        page = cls()
        HTMLParser.__init__(page)
        page.feed(file.read_text())
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in ("img", "script") and given.get("src"):
            self.loaded.append(given["src"])
        if tag == "link" and given.get("rel") in ("stylesheet", "icon"):
            self.loaded.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(DOCS, folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    built = subprocess.run(
        command, cwd=folder, env={**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True, timeout=100
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert "Warning" not in built.stdout + built.stderr
    return folder / "site"


def test_every_page_is_built_and_in_the_navigation(site: Path) -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]
    pages = {str(file.relative_to(DOCS)) for file in DOCS.rglob("*.md")}

    def named(entries: list[Any]) -> list[str]:
        values = [value for entry in entries for value in entry.values()]
        return [page for value in values for page in ([value] if isinstance(value, str) else named(value))]

    assert sorted(named(nav)) == sorted(pages)
    assert {page for page in pages if not (site / address(page)).is_file()} == set()


def address(page: str) -> str:
    """Where a page of docs/ is built to."""
    path = Path(page)
    return str(path.with_suffix(".html") if path.name == "index.md" else path.with_suffix("") / "index.html")


def test_every_link_anchor_and_picture_leads_somewhere(site: Path) -> None:
    built = {file: Page.of(file) for file in site.rglob("*.html") if file.name != "404.html"}
    lost = []
    for file, page in built.items():
        for link in (*page.links, *page.loaded):
            if urlsplit(link).scheme or not link:
                continue
            path, anchor = urldefrag(link)
            to = (file.parent / unquote(path)).resolve() if path else file
            to = to / "index.html" if to.is_dir() else to
            if not to.is_file() or (anchor and to in built and unquote(anchor) not in built[to].anchors):
                lost.append(f"{file.relative_to(site)}: {link}")

    assert lost == []
    assert len(built) > 30


def test_every_picture_is_shown_somewhere(site: Path) -> None:
    shown = {Path(urlsplit(each).path).name for file in site.rglob("*.html") for each in Page.of(file).loaded}

    assert {picture.name for picture in (DOCS / "images").iterdir()} - shown == set()


def test_nothing_is_loaded_from_another_machine(site: Path) -> None:
    pages = [Page.of(file) for file in site.rglob("*.html")]

    assert {each for page in pages for each in page.loaded if urlsplit(each).netloc} == set()


def test_every_link_of_the_readme_leads_somewhere(site: Path) -> None:
    lost = []
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", PAGES["README.md"]):
        path, anchor = urldefrag(link)
        if not (ROOT / path).exists():
            lost.append(link)
        elif anchor:
            page = site / address(str(Path(path).relative_to("docs")))
            lost += [] if anchor in Page.of(page).anchors else [link]

    assert lost == []


def test_the_readme_is_short() -> None:
    assert len(PAGES["README.md"].splitlines()) < LONGEST_README


@pytest.mark.parametrize("page", PAGES)
def test_no_document_has_to_be_decoded(page: str) -> None:
    assert [word for word in WORDS if word in PAGES[page].lower()] == []
