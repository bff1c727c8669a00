"""The table of the audit log: whatever people and agents wrote, a spreadsheet shows it as text, whole or marked as cut,
and a program gets back what was written.

Tried by hand with LibreOffice 7.4, which finds formulas in the same table without these guards, with commas and with
semicolons as separators.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from bot.approvals.model.audit import Entry
from bot.approvals.rules.masking import Masker
from bot.cli.audit import rows
from bot.storage.codec import encode
from tests.support.builders import a_request, an_event
from tests.support.fakes.secrets import Marked

BARE = Masker(Marked())
NUMBER, TASK, RULE, DATA, DIGEST, CUT = 0, 3, 9, 10, 11, 15
"""Columns."""


def row(data: dict[str, Any] | None = None, **changes: Any) -> list[str]:
    """The cells of one entry, as a program reads them."""
    (cells,) = csv.reader(io.StringIO(written(data, **changes)))
    return cells


def written(data: dict[str, Any] | None = None, **changes: Any) -> str:
    event = an_event("refused", a_request(), data=data or {}, **changes)
    entry = Entry(number=1, task_id="t", body=encode(event).encode(), digest="", link="")
    return rows.csv_line(entry, BARE)


FORMULAS = ["=1+1", "+1", "-1", "@x", " =1+1", "\t=1", "\r=1", "\n=1", "\u00a0=1", "\u3000=1"]
FULL_WIDTH = ["\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "\ufe66x", "\u2212x"]
NUMBERS = ["12345e10", "01234567", "1/2", "1-2", "12:30", "5%"]


@pytest.mark.parametrize("text", [*FORMULAS, *FULL_WIDTH, *NUMBERS])
def test_a_cell_that_would_be_a_formula_or_a_number_is_text(text: str) -> None:
    cell = row(rule=text)[RULE]

    assert cell.startswith("'")


@pytest.mark.parametrize("text", ["", "two hours", "6e7c4db1", "a=1", "1e5x", "payments (EU)"])
def test_any_other_cell_stays_as_it_is(text: str) -> None:
    assert row(rule=text)[RULE] == text


@pytest.mark.parametrize("text", ["=1", "'=1", "''", "'x", "12345e10", "two hours"])
def test_a_program_gets_a_cell_back_by_taking_one_apostrophe_away(text: str) -> None:
    assert row(rule=text)[RULE].removeprefix("'") == text


def test_an_id_of_digits_keeps_its_zeros() -> None:
    """Of the ids of tasks, one in forty has digits alone, and some look like powers of ten."""
    assert row(task_id="01234567")[TASK] == "'01234567"


@pytest.mark.parametrize("text", ["a;=1+1", 'a; "=1+1', "a;\t@x", "a; \uff1d1", "a;;-1"])
def test_no_formula_begins_after_a_semicolon(text: str) -> None:
    """Which separates cells where a comma stands in numbers."""
    line = written({"why": text, text: 1}, rule=text)

    cells = [cell.lstrip("\"' \\") for cell in line.split(";")]
    assert not any(cell.startswith(("=", "+", "-", "@", "\uff1d")) for cell in cells)
    assert json.loads(row({"why": text, text: 1})[DATA]) == {"why": text, text: 1}


@pytest.mark.parametrize("character", ["\x1b[2J", "\r", "\n", "\u202e", "\x9b", "\x7f", "\u2028", "\x00", "\U000e0041"])
def test_control_characters_are_written_out_and_the_data_stays_json(character: str) -> None:
    """A file that somebody prints to a terminal moves no cursor there, no text stands in another order, and no line
    ends within a cell."""
    data = {"why": f"a{character}b", f"{character}": "c"}

    line = written(data, rule=f"a{character}b")

    assert character not in line.removesuffix("\r\n")
    assert json.loads(row(data)[DATA]) == data


def test_the_table_says_that_it_is_utf8() -> None:
    """Otherwise Excel shows other letters for ü."""
    head = rows.csv_header()

    assert head.encode().startswith(b"\xef\xbb\xbfnumber,at,")
    assert json.loads(row({"why": "ü, “nö”"})[DATA]) == {"why": "ü, “nö”"}
    assert "ü" in row({"why": "ü"})[DATA]


@pytest.mark.parametrize("letter", ["a", "ü", "\U0001f600"])
def test_a_cell_that_is_too_long_for_excel_is_cut_and_says_how_long_it_was(letter: str) -> None:
    """Excel would put the rest into other cells."""
    data = {"why": letter * 32_767 + "=1+1"}

    cells = row(data)

    assert len(cells[DATA].encode("utf-16-le")) // 2 <= rows.MAX_CELL_UNITS
    assert cells[DATA].endswith(f"{letter}…")
    assert cells[CUT] == str(len(json.dumps(data, ensure_ascii=False)))


def test_a_cell_that_just_fits_is_whole() -> None:
    data = {"why": "a" * (rows.MAX_CELL_UNITS - len('{"why": ""}'))}

    cells = row(data)

    assert json.loads(cells[DATA]) == data
    assert cells[CUT] == ""
