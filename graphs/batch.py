"""Works through a CSV and asks, every so many rows, whether a sample looks right: begin, work, check, keep, finish.

Each row gets a text, made of a template and the row's columns. Rows are written when their sample was found right,
so the output holds nothing else at any time. A complaint stops it, with what was found right until then.
"""

import csv
import hashlib
import io
import os
import re
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal, NotRequired

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import Field
from typing_extensions import TypedDict

from graphs import answers, folder

DEFAULT_ROOT: Final = "var/batch"
DEFAULT_EVERY: Final = 50
RESULT: Final = "result"
OUTPUT: Final = "out"
LARGEST: Final = 20_000_000  # bytes; a file is read whole
SAMPLES: Final = 3

_CHANGED: Final = "The file has changed since the task was started."
_PLACE: Final = re.compile(r"\{([^{}]*)\}")


class Inputs(TypedDict):
    """What to work through."""

    file: Annotated[
        str,
        Field(
            title="File",
            description="The CSV file, with a line of headings, in the folder that the operator allows (BATCH_ROOT).",
            examples=["customers.csv"],
        ),
    ]
    template: Annotated[
        str,
        Field(
            title="Template",
            description="The text that each row gets, with the columns that stand in it in braces.",
            examples=["Dear {name}, your invoice {number} is due."],
            json_schema_extra={"format": "multiline"},
        ),
    ]
    every: NotRequired[
        Annotated[
            int,
            Field(
                title="Ask every",
                description="After how many rows a sample is shown.",
                default=DEFAULT_EVERY,
                ge=1,
                le=10_000,
            ),
        ]
    ]


class State(Inputs):
    """The inputs, and how far it is. Rows are counted without the headings."""

    digest: NotRequired[str]
    total: NotRequired[int]
    worked: NotRequired[int]
    right: NotRequired[int]
    samples: NotRequired[list[dict[str, str]]]
    complaint: NotRequired[str]
    outcome: NotRequired[str]


class InputError(ValueError):
    """Inputs that cannot be right; the sentence is for the person who wrote them."""


def check_inputs(inputs: dict[str, Any]) -> None:
    """Raises `InputError`, with a sentence that says what would be right, unless these inputs can be run."""
    columns, _, _ = _table(inputs)
    template = inputs.get("template")
    if not isinstance(template, str) or not template.strip():
        raise InputError("template is missing: what text should each row get?")
    unknown = [name for name in _PLACE.findall(template) if name not in columns]
    if unknown:
        known = ", ".join(columns)
        raise InputError(f"template has {{{unknown[0]}}}, and the file has no such column: it has {known}.")
    _every(inputs)


def begin(state: State) -> dict[str, Any]:
    """Reads the file once, and its digest, by which a change of it is seen."""
    check_inputs(dict(state))
    _, rows, digest = _table(dict(state))
    return {"digest": digest, "total": len(rows), "worked": 0, "right": 0, "complaint": ""}


def work(state: State) -> dict[str, Any]:
    """Works the next rows. Nothing is written yet: what is shown may be wrong."""
    columns, rows, digest = _table(dict(state))
    start = state["right"]
    if digest != state["digest"]:
        return {"complaint": _CHANGED}
    chunk = list(islice(rows, start, start + _every(dict(state))))
    picked = sorted({0, len(chunk) // 2, len(chunk) - 1})[:SAMPLES]
    return {
        "worked": start + len(chunk),
        "samples": [{"row": str(start + at + 1), **_worked(columns, chunk[at], state["template"])} for at in picked],
    }


def check(state: State) -> dict[str, Any]:
    """Shows samples of the last rows and waits for yes or no; no is the complaint that stops it."""
    right, worked, total = state["right"], state["worked"], state["total"]
    given = answers.verdict(
        interrupt(
            {
                "type": "quality_check",
                "question": f"Do rows {right + 1:,} to {worked:,} of {total:,} look right?",
                "samples": state["samples"],
                "details": {"file": state["file"].strip(), "template": state["template"], "found right": right},
                "reason": (
                    f"{len(state['samples'])} of {worked - right:,} are shown. With yes the next rows are worked; "
                    f"a complaint stops it, and keeps the {right:,} rows that were found right."
                ),
                "risk_level": "low",
                "answer": "object",
            }
        )
    )
    return {"complaint": "" if given.approved else given.feedback or "Somebody said that they do not look right."}


def keep(state: State, config: RunnableConfig) -> dict[str, Any]:
    """Writes all rows that were found right, in one file at once. May run again: the file is the same."""
    columns, rows, digest = _table(dict(state))
    if digest != state["digest"]:
        return {"complaint": _CHANGED}
    content = _csv(columns, rows[: state["worked"]], state["template"])
    folder.write(_root(), _output(state, config), content, replace=True)
    return {"right": state["worked"]}


def finish(state: State, config: RunnableConfig) -> dict[str, Any]:
    """Says in `outcome` what became of it."""
    right, total, complaint = state["right"], state["total"], state["complaint"]
    lines = [f"Stopped after row {right:,} of {total:,}: {complaint}"] if complaint else []
    if right:
        lines.append(f"{_rows(right)} of {total:,} are in {(_root() / _output(state, config)).as_posix()}.")
        if complaint:
            lines.append(f"Left out: rows {right + 1:,} to {total:,}.")
    else:
        lines.append("Nothing was written." if complaint else "Nothing to do: the file has no rows.")
    return {"outcome": "\n".join(lines)}


def _after_begin(state: State) -> Literal["work", "finish"]:
    return "work" if state["total"] else "finish"


def _after_work(state: State) -> Literal["check", "finish"]:
    return "finish" if state["complaint"] else "check"


def _after_check(state: State) -> Literal["keep", "finish"]:
    return "finish" if state["complaint"] else "keep"


def _after_keep(state: State) -> Literal["work", "finish"]:
    return "finish" if state["complaint"] or state["right"] == state["total"] else "work"


def _table(inputs: dict[str, Any]) -> tuple[list[str], list[list[str]], str]:
    """The columns, the rows, and the digest of the file."""
    name = inputs.get("file")
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"file is missing: which CSV file in {_root().as_posix()} is to be worked through?")
    try:
        content = folder.read(_root(), folder.inside(name))
    except folder.PathError as error:
        raise InputError(f"file: {error}") from None
    except OSError as error:
        raise InputError(f"file {name!r} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    if content is None:
        raise InputError(f"file {name!r} does not exist in {_root().as_posix()}.")
    if len(content) > LARGEST:
        raise InputError(f"file {name!r} has {len(content):,} bytes, and {LARGEST:,} are the most.")
    try:
        columns, *rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) if row]
    except UnicodeDecodeError:
        raise InputError(f"file {name!r} is not UTF-8: save it so.") from None
    except csv.Error as error:
        raise InputError(f"file {name!r} is no CSV: {error}.") from None
    except ValueError:
        raise InputError(f"file {name!r} is empty: its first line names the columns.") from None
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise InputError(
                f"file {name!r}: row {number} has {len(row)} fields, and there are {len(columns)} columns."
            )
    if RESULT in columns or len(set(columns)) < len(columns):
        raise InputError(f"file {name!r}: a column is named twice, or {RESULT}, which is the new one's name.")
    return columns, rows, hashlib.sha256(content).hexdigest()


def _every(inputs: dict[str, Any]) -> int:
    every = inputs.get("every", DEFAULT_EVERY)
    if not isinstance(every, int) or isinstance(every, bool) or not 1 <= every <= 10_000:
        raise InputError(f"every {every!r} is no number of rows: write one from 1 to 10000.")
    return every


def _worked(columns: list[str], row: list[str], template: str) -> dict[str, str]:
    """The row with its text. Braces are filled once, and nothing in a field is taken for a place."""
    fields = dict(zip(columns, row, strict=True))
    return {**fields, RESULT: _PLACE.sub(lambda place: fields[place[1]], template)}


def _csv(columns: list[str], rows: list[list[str]], template: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*columns, RESULT])
    writer.writeheader()
    writer.writerows(_worked(columns, row, template) for row in rows)
    return text.getvalue().encode()


def _output(state: State, config: RunnableConfig) -> PurePosixPath:
    """Named by the file and by the task, so that two tasks on one file have one each."""
    stem = folder.slug(PurePosixPath(state["file"].strip()).stem) or "rows"
    task = hashlib.sha256(str(config["configurable"]["thread_id"]).encode()).hexdigest()[:8]
    return PurePosixPath(OUTPUT, f"{stem}-{task}.csv")


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _root() -> Path:
    return Path(os.environ.get("BATCH_ROOT") or DEFAULT_ROOT)


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("begin", begin)
graph.add_node("work", work)
graph.add_node("check", check)
graph.add_node("keep", keep)
graph.add_node("finish", finish)
graph.add_edge(START, "begin")
graph.add_conditional_edges("begin", _after_begin)
graph.add_conditional_edges("work", _after_work)
graph.add_conditional_edges("check", _after_check)
graph.add_conditional_edges("keep", _after_keep)
graph.add_edge("finish", END)
