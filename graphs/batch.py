"""Works through a CSV file and asks after every `every` rows if a sample looks right: begin, work, check, keep, finish.

Each row gets a text, made from a template and the row's columns. Rows are written only after their sample was approved.
A complaint stops the task; the rows that were approved before stay.
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
MAX_FILE_BYTES: Final = 20_000_000  # a file is read into memory
MAX_SAMPLES: Final = 3

_CHANGED: Final = "The file has changed since the task was started."
_PLACE: Final = re.compile(r"\{([^{}]*)\}")


class Inputs(TypedDict):
    """What to work through."""

    file: Annotated[
        str,
        Field(
            title="File",
            description="A CSV file in the folder BATCH_ROOT. Its first line names the columns.",
            examples=["customers.csv"],
        ),
    ]
    template: Annotated[
        str,
        Field(
            title="Template",
            description="The text for each row. {name} stands for the column name of that row.",
            examples=["Dear {name}, your invoice {number} is due."],
            json_schema_extra={"format": "multiline"},
        ),
    ]
    every: NotRequired[
        Annotated[
            int,
            Field(
                title="Ask every",
                description="How many rows to work before a sample is shown.",
                default=DEFAULT_EVERY,
                ge=1,
                le=10_000,
            ),
        ]
    ]


class State(Inputs):
    """The inputs, and how far the task is. The line with the column names does not count as a row."""

    digest: NotRequired[str]
    total: NotRequired[int]
    worked: NotRequired[int]
    right: NotRequired[int]
    samples: NotRequired[list[dict[str, str]]]
    complaint: NotRequired[str]
    outcome: NotRequired[str]


class InputError(ValueError):
    """The inputs are wrong. The message tells the person who wrote them what would be right."""


def check_inputs(inputs: dict[str, Any]) -> None:
    """Raises `InputError` if the task cannot run with these inputs. The message says what would be right."""
    columns, _, _ = _table(inputs)
    template = inputs.get("template")
    if not isinstance(template, str) or not template.strip():
        raise InputError("template is missing: what text should each row get?")
    unknown = [name for name in _PLACE.findall(template) if name not in columns]
    if unknown:
        known = ", ".join(columns)
        raise InputError(f"template has {{{unknown[0]}}}, but the file has no such column. Its columns are {known}.")
    _every(inputs)


def begin(state: State) -> dict[str, Any]:
    """Reads the file once. Its digest shows later if the file has changed."""
    check_inputs(dict(state))
    _, rows, digest = _table(dict(state))
    return {"digest": digest, "total": len(rows), "worked": 0, "right": 0, "complaint": ""}


def work(state: State) -> dict[str, Any]:
    """Works the next rows and picks samples. Nothing is written yet, because the samples may be wrong."""
    columns, rows, digest = _table(dict(state))
    start = state["right"]
    if digest != state["digest"]:
        return {"complaint": _CHANGED}
    chunk = list(islice(rows, start, start + _every(dict(state))))
    picked = sorted({0, len(chunk) // 2, len(chunk) - 1})[:MAX_SAMPLES]
    return {
        "worked": start + len(chunk),
        "samples": [{"row": str(start + at + 1), **_worked(columns, chunk[at], state["template"])} for at in picked],
    }


def check(state: State) -> dict[str, Any]:
    """Shows samples of the last rows and waits for yes or no. A no is a complaint, which stops the task."""
    right, worked, total = state["right"], state["worked"], state["total"]
    given = answers.verdict(
        interrupt(
            {
                "type": "quality_check",
                "question": f"Do rows {right + 1:,} to {worked:,} of {total:,} look right?",
                "samples": state["samples"],
                "details": {"file": state["file"].strip(), "template": state["template"], "approved so far": right},
                "reason": _reason(len(state["samples"]), worked - right, right),
                "summary": ["samples"],
                "risk_level": "low",
                "answer": "object",
            }
        )
    )
    return {"complaint": "" if given.approved else given.feedback or "Somebody said that the rows do not look right."}


def keep(state: State, config: RunnableConfig) -> dict[str, Any]:
    """Writes all approved rows to one file, at once. Safe to run again: the file stays the same."""
    columns, rows, digest = _table(dict(state))
    if digest != state["digest"]:
        return {"complaint": _CHANGED}
    content = _csv(columns, rows[: state["worked"]], state["template"])
    folder.write(_root(), _output(state, config), content, replace=True)
    return {"right": state["worked"]}


def finish(state: State, config: RunnableConfig) -> dict[str, Any]:
    """Writes the result of the task to `outcome`."""
    right, total, complaint = state["right"], state["total"], state["complaint"]
    if right:
        lines = [f"Wrote {right:,} of {_rows(total)} to {(_root() / _output(state, config)).as_posix()}."]
    else:
        lines = ["Nothing was written." if complaint else "Nothing to do: the file has no rows."]
    if complaint:
        lines.append(f"Stopped after row {right:,} of {total:,}: {complaint}")
    return {"outcome": "\n".join(lines)}


def _reason(shown: int, worked: int, right: int) -> str:
    kept = f" and keeps the {_rows(right)} approved before" if right else ""
    return f"This shows {shown} of {_rows(worked)}. A complaint stops the task{kept}."


def _after_begin(state: State) -> Literal["work", "finish"]:
    return "work" if state["total"] else "finish"


def _after_work(state: State) -> Literal["check", "finish"]:
    return "finish" if state["complaint"] else "check"


def _after_check(state: State) -> Literal["keep", "finish"]:
    return "finish" if state["complaint"] else "keep"


def _after_keep(state: State) -> Literal["work", "finish"]:
    return "finish" if state["complaint"] or state["right"] == state["total"] else "work"


def _table(inputs: dict[str, Any]) -> tuple[list[str], list[list[str]], str]:
    """The columns, the rows and the digest of the file. Raises `InputError` if the file cannot be used."""
    name = inputs.get("file")
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"file is missing: which CSV file in {_root().as_posix()} should be worked through?")
    try:
        content = folder.read(_root(), folder.inside(name))
    except folder.PathError as error:
        raise InputError(f"file: {error}") from None
    except OSError as error:
        raise InputError(f"file {name!r} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    if content is None:
        raise InputError(f"file {name!r} does not exist in {_root().as_posix()}.")
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"file {name!r} has {len(content):,} bytes. At most {MAX_FILE_BYTES:,} are allowed.")
    try:
        columns, *rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) if row]
    except UnicodeDecodeError:
        raise InputError(f"file {name!r} is not UTF-8: save it as UTF-8.") from None
    except csv.Error as error:
        raise InputError(f"file {name!r} is not a CSV file: {error}.") from None
    except ValueError:
        raise InputError(f"file {name!r} is empty: its first line must name the columns.") from None
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise InputError(
                f"file {name!r}: row {number} has {len(row)} fields, but there are {len(columns)} columns."
            )
    if RESULT in columns or len(set(columns)) < len(columns):
        raise InputError(
            f"file {name!r}: two columns have the same name, or one is named "
            f"{RESULT}, which is the name of the new column."
        )
    return columns, rows, hashlib.sha256(content).hexdigest()


def _every(inputs: dict[str, Any]) -> int:
    every = inputs.get("every", DEFAULT_EVERY)
    if not isinstance(every, int) or isinstance(every, bool) or not 1 <= every <= 10_000:
        raise InputError(f"every {every!r} is not a number of rows: write one from 1 to 10000.")
    return every


def _worked(columns: list[str], row: list[str], template: str) -> dict[str, str]:
    """The row with its text. Each {column} is replaced once; braces inside a field stay as they are."""
    fields = dict(zip(columns, row, strict=True))
    return {**fields, RESULT: _PLACE.sub(lambda place: fields[place[1]], template)}


def _csv(columns: list[str], rows: list[list[str]], template: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*columns, RESULT])
    writer.writeheader()
    writer.writerows(_worked(columns, row, template) for row in rows)
    return text.getvalue().encode()


def _output(state: State, config: RunnableConfig) -> PurePosixPath:
    """The path of the output. It contains a part of the task's id, so two tasks on one file do not share it."""
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
