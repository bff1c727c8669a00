"""What the page of failures quotes from the log is what the code says."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from functools import cache
from typing import get_args

import pytest

from bot.approvals.model.facts import WorkerEnd
from tests.unit.docs.pages import ROOT, codes, rows, section
from tests.unit.telemetry.samples import EACH

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


EVENTS = [line for line in LINES if re.match(r"[a-z]+\.[a-z_]+( |$)", line)]


@pytest.mark.parametrize("line", EVENTS)
def test_an_event_of_the_log_is_one_that_the_bot_tells(line: str) -> None:
    """With keys that it has, and the words that they hold."""
    event, *figures = line.split()
    (sample,) = [fact for fact in EACH if fact.event == event]
    held = {"task_id": "task", "thread_id": "thread"}
    keys = {held.get(each.name, each.name): each.type for each in fields(sample)}
    keys |= {"task": keys["key"]} if "key" in keys else {}

    for figure in figures:
        key, _, value = figure.partition("=")
        assert key in keys
        assert value == ANYTHING or value in ("-9", "true") or value in get_args(WorkerEnd)


@pytest.mark.parametrize("line", [line for line in LINES if line not in EVENTS])
def test_a_line_of_the_log_is_one_that_the_bot_writes(line: str) -> None:
    wanted = re.compile(".*".join(map(re.escape, line.split(ANYTHING))))

    assert len(line) > 20
    assert [each for each in sentences() if wanted.fullmatch(each)]
