"""docs/reference/audit-events.md names the events that the code writes, and those alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from bot.approvals.model import audit
from bot.approvals.model.question import Question
from bot.approvals.services.audit.snapshot import full
from tests.support.builders import a_request, a_task

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "audit-events.md").read_text()
AT = {
    "event_of": 1,
    "event_by": 2,
    "event_of_task": 2,
    "event_of_webhook": 1,
    "note": 2,
    "save": 1,
    "_set": 2,
    "end": 2,
    "request": 1,
    "task": 1,
    "_end": 3,
}
"""Which argument of these is an event's kind, counted from 0."""


def kinds_in(tree: ast.AST) -> Iterator[str]:
    """The kinds that a module writes, wherever they stand as words."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            named = [each.value for each in node.keywords if each.arg == "kind" and name in ("AuditEvent", "Verb")]
            placed = node.args[AT[name] : AT[name] + 1] if name in AT else []
            for given in (*named, *placed):
                yield from words_in(given)
        if isinstance(node, ast.FunctionDef) and node.name.endswith("_kind"):
            for each in ast.walk(node):
                yield from words_in(each.value) if isinstance(each, ast.Return) and each.value else ()


def words_in(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def written() -> set[str]:
    modules = (ROOT / "bot" / "approvals").rglob("*.py")
    found = {kind for module in modules for kind in kinds_in(ast.parse(module.read_text())) if kind.isidentifier()}
    return found | {audit.PURGED}


def test_the_table_names_the_kinds_that_the_code_writes() -> None:
    table = set(
        re.findall(r"^\| `(\w+)` \|", PAGE.partition("## What happened")[2].partition("\n## ")[0], re.MULTILINE)
    )

    assert table == written()
    assert len(table) > 25


def test_the_page_names_each_key_that_a_version_is_held_under() -> None:
    held = full(a_request(), a_task())
    named = set(re.findall(r"`([\w.]+)`", PAGE))

    assert held.keys() <= named
    for key in ("task", "policy"):
        inner = held[key]
        assert isinstance(inner, dict)
        assert {f"{key}.{name}" for name in inner} <= named
    assert {f"question.{each.name}" for each in fields(Question)} <= named
