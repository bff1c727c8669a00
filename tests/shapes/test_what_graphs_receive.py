"""docs/reference/interrupts.md, played: each row is what the code does, and no code acts on a no or on silence."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from bot.approvals.model.decision import Answered, Approve, Decision, Expired, ItemVerdict, Reject, Respond
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.question import Question, Verdict
from bot.engines import questions

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "interrupts.md"
AT: Final = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
SAID: Final[dict[str, tuple[Verdict, ItemVerdict]]] = {
    "approval": (Verdict.APPROVE, Approve()),
    "rejection": (Verdict.REJECT, Reject(reason="the reason")),
    'answer "no"': (Verdict.RESPOND, Respond(value="no")),
}


@dataclass(frozen=True)
class Row:
    """One pattern, and what the page says of it by the heading of each column."""

    code: str
    convention: str
    says: dict[str, str]


def rows() -> list[Row]:
    """The table between the marks."""
    table = PAGE.read_text().partition("<!-- patterns -->\n")[2].partition("<!-- /patterns -->")[0]
    heading, _, *lines = [[cell.strip() for cell in line.strip("|\n ").split(" | ")] for line in table.splitlines()]
    found = []
    for code, convention, *cells in lines:
        named = "" if convention == "none" else convention.strip("`")
        found.append(Row(code.strip("`"), named, dict(zip(heading[2:], cells, strict=True))))
    return found


def asked(row: Row) -> Question:
    """The question that the row's code asks."""
    calls = (node for node in ast.walk(ast.parse(row.code)) if isinstance(node, ast.Call))
    call = next(each for each in calls if isinstance(each.func, ast.Name) and each.func.id == "interrupt")
    schema = next((ast.literal_eval(each.value) for each in call.keywords), None)
    return questions.read(ast.literal_eval(call.args[0]), schema, row.convention)


def acts(code: str, received: Any) -> bool:
    """Whether the row's code acts on what it receives."""
    acted: list[bool] = []
    exec(code, {"interrupt": lambda *_, **__: received, "act": lambda: acted.append(True)})  # noqa: S102 - the page's own lines
    return bool(acted)


def played(row: Row, column: str) -> str:
    """What happens, as the page would say it."""
    question = asked(row)
    decision: Decision = Expired(at=AT)
    if column in SAID:
        verdict, said = SAID[column]
        if verdict not in question.items[0].verdicts:
            return "is not offered"
        decision = Answered(verdicts=(said,), voters=(), edited=False, at=AT)
    try:
        received = questions.answer(question, question, decision)
    except InvalidAnswer:
        return "the task stops"
    written = f"`{received!r}`".replace("'", '"')
    return f"{written}, and it acts" if column.startswith("answer") and acts(row.code, received) else written


def test_the_page_has_the_rows_that_are_played() -> None:
    assert len(rows()) >= 15


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.code}, {row.convention or 'none'}")
def test_the_table_says_what_the_graph_receives(row: Row) -> None:
    assert {column: played(row, column) for column in row.says} == row.says


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.code}, {row.convention or 'none'}")
def test_the_code_acts_on_an_approval_and_never_on_a_no_or_on_silence(row: Row) -> None:
    for column in ("rejection", "silence"):
        if row.says[column].startswith("`"):
            assert not acts(row.code, ast.literal_eval(row.says[column].strip("`")))
    if "act()" in row.code:
        assert acts(row.code, ast.literal_eval(row.says["approval"].strip("`")))
