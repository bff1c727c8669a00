"""What the page of failures quotes from the log is what the code says."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.unit.docs.pages import ROOT, codes, rows, section

PAGE = "docs/reference/failures.md"
LINES = [codes(row[0])[0] for row in rows(section(PAGE, "## What the log says"))]
ANYTHING = "…"


@cache
def sentences() -> frozenset[str]:
    """Every text in the bot's code, with `…` in place of what is put into it."""
    found = set()
    for file in (ROOT / "bot").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else ANYTHING for part in node.values]
                found.add("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(re.sub(r"%[sdgr]", ANYTHING, node.value))
    return frozenset(found)


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_log_is_one_that_the_bot_writes(line: str) -> None:
    wanted = re.compile(".*".join(map(re.escape, line.split(ANYTHING))))

    assert len(line) > 20
    assert [each for each in sentences() if wanted.fullmatch(each)]
