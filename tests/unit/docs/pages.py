"""The documents as tests read them: README and docs/, their tables, and what stands in code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
DOCS: Final = ROOT / "docs"
FILES: Final = (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))
PAGES: Final = {str(file.relative_to(ROOT)): file.read_text() for file in FILES}
"""Path -> text, of README and of every page in docs/."""


def section(page: str, heading: str) -> str:
    """What stands below a heading, up to the next of its kind; fails if the page has no such heading."""
    hashes = re.match("#+", heading)
    assert hashes is not None
    found = re.search(
        rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(hashes[0])}}} |\Z)", PAGES[page], re.MULTILINE | re.DOTALL
    )
    assert found is not None, f"{page} has no {heading}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of every table in a text, without the headings."""
    lines = [line.strip() for line in text.splitlines()]
    tables = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for number, line in enumerate(lines)
        if line.startswith("|")
        and not line.startswith("| ---")
        and not (number + 1 < len(lines) and lines[number + 1].startswith("| ---"))
    ]
    assert tables, "there is no table"
    return tables


def codes(text: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def fenced(page: str, language: str) -> list[str]:
    """The fenced blocks of this language."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", PAGES[page], re.MULTILINE | re.DOTALL)
