"""Moves the old files of a folder to a trash folder, after a person approves the list: scan, ask, move, report.

Only folders below CLEANUP_ROOT are allowed. A file that changed after the list was shown stays where it is.
"""

import hashlib
import os
import re
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal, NotRequired

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import Field
from typing_extensions import TypedDict

from graphs import trash

DEFAULT_ROOT: Final = "var/files"
DEFAULT_AGE: Final = "30d"
MAX_FILES: Final = 2_000  # in one question, because somebody has to read it

_HOURS: Final = {"h": 1, "d": 24, "w": 7 * 24}
_MAX_LISTED: Final = 10


class Inputs(TypedDict):
    """What to clean."""

    path: Annotated[
        str,
        Field(
            title="Folder",
            description="The folder to clean, below the root that the operator allows (CLEANUP_ROOT).",
            examples=["logs"],
        ),
    ]
    older_than: NotRequired[
        Annotated[
            str,
            Field(
                title="Older than",
                description="How long a file must be unchanged: hours, days or weeks, such as 12h, 30d, 2w.",
                default=DEFAULT_AGE,
                pattern=r"^[0-9]{1,5}[hdw]$",
            ),
        ]
    ]
    keep: NotRequired[
        Annotated[
            str,
            Field(
                title="Keep",
                description="Files that stay even if they are old: a pattern such as *.keep or logs/2024*.",
                default="",
            ),
        ]
    ]


class State(Inputs):
    """The inputs, and what each step found."""

    root: NotRequired[str]
    folder: NotRequired[str]
    files: NotRequired[list[trash.File]]
    more: NotRequired[int]
    unread: NotRequired[list[trash.Skipped]]
    approved: NotRequired[bool]
    feedback: NotRequired[str]
    moved: NotRequired[list[trash.File]]
    skipped: NotRequired[list[trash.Skipped]]
    outcome: NotRequired[str]


class InputError(ValueError):
    """The inputs are wrong. The message tells the person who wrote them what would be right."""


def check_inputs(inputs: dict[str, Any]) -> None:
    """Raises `InputError` if the task cannot run with these inputs. The message says what would be right."""
    _folder(inputs)
    _age(inputs)
    _keep(inputs)


def scan(state: State) -> dict[str, Any]:
    """Lists the files that are old enough, oldest first, with what `move` needs to see whether a file changed."""
    inputs = dict(state)
    root, folder = _folder(inputs)
    keep = _keep(inputs)

    def keeps(path: str) -> bool:
        return any(fnmatchcase(name, keep) for name in (path, PurePosixPath(path).name))

    with trash.open_root(root) as opened:
        files, unread = trash.find(opened, folder, datetime.now(UTC) - _age(inputs), keeps)
    return {
        "root": str(root),
        "folder": folder,
        "files": files[:MAX_FILES],
        "more": len(files[MAX_FILES:]),
        "unread": unread,
    }


def ask(state: State) -> dict[str, Any]:
    """Shows the list and waits for `{"approved": bool, "feedback": str}`. Any other answer counts as a no."""
    files, folder = state["files"], state["folder"]
    details: dict[str, Any] = {
        "path": folder,
        "size": _size(files),
        "oldest": _day(files[0]),
        "goes to": _trash_folder(state),
    }
    if state["more"]:
        details["left for another run"] = state["more"]
    if state["unread"]:
        details["could not be read"] = _listed(state["unread"])
    details["names"] = [f"{file['path']} ({_human(file['size'])})" for file in files]

    answer = interrupt(
        {
            "question": f"Move {_count(len(files))} of {folder} to the trash?",
            "details": details,
            "reason": f"unchanged for {_older_than(state)}, and can be moved back",
            "summary": ["names", "size", "oldest"],
            "risk_level": "medium",
            "answer": "object",
        }
    )
    match answer:
        case {"approved": bool(approved), **rest}:
            return {"approved": approved, "feedback": str(rest.get("feedback") or "")}
        case bool(approved):
            return {"approved": approved, "feedback": ""}
        case _:
            return {"approved": False, "feedback": "The answer was neither yes nor no."}


def move(state: State, config: RunnableConfig) -> dict[str, Any]:
    """Moves the approved files. Leaves those that changed since they were shown. Safe to run again."""
    moved: list[trash.File] = []
    skipped: list[trash.Skipped] = []
    with trash.open_root(Path(state["root"])) as root:
        for file in state["files"]:
            left = trash.move(root, file, _batch(config))
            if left is None:
                moved.append(file)
            else:
                skipped.append(left)
    return {"moved": moved, "skipped": skipped}


def report(state: State, config: RunnableConfig) -> dict[str, Any]:
    """Writes the result of the task to `outcome`."""
    lines: list[str] = []
    if not state["files"]:
        lines.append(f"Nothing to do: no file in {state['folder']} was unchanged for {_older_than(state)}.")
    elif not state["approved"]:
        lines.append("Nothing was moved.")
    else:
        moved, skipped = state["moved"], state["skipped"]
        if moved:
            lines.append(f"Moved {_count(len(moved))}, {_size(moved)}, to {_trash_folder(state)}/{_batch(config)}.")
        else:
            lines.append("Nothing was moved.")
        if skipped:
            lines += [f"Skipped {_count(len(skipped))}:", *(f"- {line}" for line in _listed(skipped))]
        if state["more"]:
            are = "1 more file is" if state["more"] == 1 else f"{state['more']:,} more files are"
            lines.append(f"{are} old enough: start the task again for {'it' if state['more'] == 1 else 'those'}.")
    if state["unread"]:
        lines += ["Could not be read:", *(f"- {line}" for line in _listed(state["unread"]))]
    return {"outcome": "\n".join(lines)}


def _after_scan(state: State) -> Literal["ask", "report"]:
    return "ask" if state["files"] else "report"


def _after_ask(state: State) -> Literal["move", "report"]:
    return "move" if state["approved"] else "report"


def _folder(inputs: dict[str, Any]) -> tuple[Path, str]:
    """The root, and the folder relative to it, with links resolved.

    A path is tried below the root first, then below the current directory.
    """
    configured = os.environ.get("CLEANUP_ROOT") or DEFAULT_ROOT
    path = inputs.get("path")
    if not isinstance(path, str) or not path.strip():
        raise InputError(f"path is missing: which folder in {configured} should be cleaned?")
    path = path.strip()
    try:
        root = Path(configured).resolve(strict=True)
    except (OSError, RuntimeError):
        raise InputError(
            f"The folder {configured} does not exist. Create it, or set CLEANUP_ROOT to the folder that may be cleaned."
        ) from None
    try:
        named = [(root / path).resolve(), Path(path).resolve()]
        folder = next((each for each in named if each.is_relative_to(root) and each.is_dir()), named[0])
        is_folder = folder.is_dir()
    except (OSError, RuntimeError, ValueError):  # for example a loop of links, a name that is too long, or a NUL
        raise InputError(f"path {path!r} cannot be read.") from None
    if not folder.is_relative_to(root):
        raise InputError(f"path {path!r} leads out of {configured}. Only folders inside it can be cleaned.")
    if not is_folder:
        raise InputError(f"path {path!r} is not a folder in {configured}.")
    inside = folder.relative_to(root)
    if inside.parts[:1] == (trash.TRASH,):
        raise InputError(f"path {path!r} is the trash itself, which cannot be cleaned.")
    return root, inside.as_posix()


def _age(inputs: dict[str, Any]) -> timedelta:
    text = inputs.get("older_than") or DEFAULT_AGE
    match = re.fullmatch(r"([0-9]{1,5})([hdw])", text.strip()) if isinstance(text, str) else None
    if match is None or int(match[1]) == 0:
        raise InputError(f"older_than {text!r} is not an age: write a number and h, d or w, such as 12h, 30d or 2w.")
    return timedelta(hours=int(match[1]) * _HOURS[match[2]])


def _keep(inputs: dict[str, Any]) -> str:
    keep = inputs.get("keep") or ""
    if not isinstance(keep, str):
        raise InputError(f"keep {keep!r} is not a pattern: write one such as *.keep.")
    return keep.strip()


def _older_than(state: State) -> str:
    """The age in words, such as "30 days"."""
    age = (state.get("older_than") or DEFAULT_AGE).strip()
    number, unit = int(age[:-1]), {"h": "hour", "d": "day", "w": "week"}[age[-1]]
    return f"1 {unit}" if number == 1 else f"{number:,} {unit}s"


def _batch(config: RunnableConfig) -> str:
    """The name of this task's folder in the trash: the thread_id, or its hash if it cannot be a folder name."""
    thread_id = str(config["configurable"]["thread_id"])
    if re.fullmatch(r"[A-Za-z0-9_-]{1,100}", thread_id):
        return thread_id
    return hashlib.sha256(thread_id.encode()).hexdigest()[:32]


def _trash_folder(state: State) -> str:
    """The folder in which each task has one of its own. Relative to the current directory if the root is below it."""
    root, here = Path(state["root"]), Path.cwd()
    shown = root.relative_to(here) if root.is_relative_to(here) else root
    return (shown / trash.TRASH).as_posix()


def _count(number: int) -> str:
    return "1 file" if number == 1 else f"{number:,} files"


def _size(files: list[trash.File]) -> str:
    total = sum(file["size"] for file in files)
    return f"{_human(total)} ({total:,} bytes)" if total >= 1000 else _human(total)


def _human(size: int) -> str:
    if size < 1000:
        return "1 byte" if size == 1 else f"{size} bytes"
    amount = float(size)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def _day(file: trash.File) -> str:
    return file["modified"][:10]


def _listed(entries: list[trash.Skipped]) -> list[str]:
    lines = [f"{entry['path']}: {entry['reason']}" for entry in entries[:_MAX_LISTED]]
    if len(entries) > _MAX_LISTED:
        lines.append(f"and {len(entries) - _MAX_LISTED:,} more")
    return lines


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("scan", scan)
graph.add_node("ask", ask)
graph.add_node("move", move)
graph.add_node("report", report)
graph.add_edge(START, "scan")
graph.add_conditional_edges("scan", _after_scan)
graph.add_conditional_edges("ask", _after_ask)
graph.add_edge("move", "report")
graph.add_edge("report", END)
