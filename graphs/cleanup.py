"""Moves the old files of a folder to a trash folder, after a person approves the list. Afterwards it can be undone.

The steps: scan, ask, look, move, offer, put back, report. Only folders below CLEANUP_ROOT are allowed. If a file
changed after the list was shown, `look` asks again. One that changes even after that stays where it is.
"""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal, NotRequired

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import Field
from typing_extensions import TypedDict

from graphs import effects, file_words, trash, undo
from graphs.answers import verdict

DEFAULT_ROOT: Final = "var/files"
DEFAULT_AGE: Final = "30d"
DEFAULT_UNDO: Final = "10m"
MAX_UNDO: Final = timedelta(days=3650)
MAX_FILES: Final = 2_000  # in one question, because somebody has to read it

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


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
    window: NotRequired[str]
    approved: NotRequired[bool]
    feedback: NotRequired[str]
    gone: NotRequired[list[trash.Skipped]]
    moved: NotRequired[list[trash.File]]
    skipped: NotRequired[list[trash.Skipped]]
    acted_at: NotRequired[str]
    undone: NotRequired[bool]
    back: NotRequired[list[trash.File]]
    stayed: NotRequired[list[trash.Skipped]]
    outcome: NotRequired[str]


class InputError(ValueError):
    """The inputs are wrong. The message tells the person who wrote them what would be right."""


def check_inputs(inputs: dict[str, Any]) -> None:
    """Raises `InputError` if the task cannot run with these inputs. The message says what would be right."""
    _folder(inputs)
    _age(inputs)
    _keep(inputs)
    _window()


def scan(state: State) -> dict[str, Any]:
    """Lists the files that are old enough, oldest first, with what `move` needs to see whether a file changed."""
    inputs = dict(state)
    root, folder = _folder(inputs)
    keep, window = _keep(inputs), _window()

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
        "window": window,
    }


def ask(state: State) -> dict[str, Any]:
    """Shows the list and waits for `{"approved": bool, "feedback": str}`. Any other answer counts as a no."""
    return _answered(interrupt(_question(state, state["files"])))


def look(state: State, config: RunnableConfig) -> dict[str, Any]:
    """Compares the files with what was approved. If they differ, asks about them as they are now.

    Moves nothing. If no file is left, nobody is asked.
    """
    files: list[trash.File] = []
    gone: list[trash.Skipped] = []
    changed: list[str] = []
    with trash.open_root(Path(state["root"])) as root:
        for file in state["files"]:
            now = trash.look(root, file, _batch(config))
            if isinstance(now, str):
                gone.append(trash.Skipped(path=file["path"], reason=now))
            else:
                files.append(now)
            if different := file_words.difference(file, now):
                changed.append(f"{file['path']}: {different}")
    if not files and not effects.asked_before():
        return {"files": [], "gone": gone}
    answer = effects.look_again(_question(state, state["files"]), _question(state, files, changed))
    return {} if answer is None else {"files": files, "gone": gone, **_answered(answer)}


def move(state: State, config: RunnableConfig) -> dict[str, Any]:
    """Moves the approved files. Leaves those that changed since they were shown. Safe to run again."""
    moved: list[trash.File] = []
    skipped = list(state.get("gone", []))
    with trash.open_root(Path(state["root"])) as root:
        for file in state["files"]:
            left = trash.move(root, file, _batch(config))
            if left is None:
                moved.append(file)
            else:
                skipped.append(left)
    return {"moved": moved, "skipped": skipped, "acted_at": undo.acted_at()}


def offer(state: State, config: RunnableConfig) -> dict[str, Any]:
    """Says what was moved, and waits until somebody undoes it or the window closes.

    The approved question has named the files: this one is short, so that a card shows all of it beside *Undo*.
    """
    moved, place = state["moved"], f"{_trash_folder(state)}/{_batch(config)}"
    result: dict[str, Any] = {"size": file_words.size(moved), "moved to": place}
    if state["skipped"]:
        result["skipped"] = file_words.listed(state["skipped"])
    undone = undo.offer(
        f"Moved {file_words.count(len(moved))} of {state['folder']} to the trash",
        result=result,
        how="Moves the files back. One that was changed in the trash, or whose place is taken, stays there.",
        window=state["window"],
        at=state["acted_at"],
    )
    return {"undone": undone is not None}


def put_back(state: State, config: RunnableConfig) -> dict[str, Any]:
    """Moves the files back from the trash, and overwrites nothing. Safe to run again, so it needs no key."""
    back: list[trash.File] = []
    stayed: list[trash.Skipped] = []
    with trash.open_root(Path(state["root"])) as root:
        for file in state["moved"]:
            stays = trash.put_back(root, file, _batch(config))
            if stays is None:
                back.append(file)
            else:
                stayed.append(stays)
    return {"back": back, "stayed": stayed}


def report(state: State, config: RunnableConfig) -> dict[str, Any]:
    """Writes the result of the task to `outcome`."""
    place = f"{_trash_folder(state)}/{_batch(config)}"
    lines: list[str] = []
    if not state["files"] and not state.get("gone"):
        lines.append(f"Nothing to do: no file in {state['folder']} was unchanged for {_older_than(state)}.")
    elif not state["approved"]:
        lines.append("Nothing was moved.")
    else:
        moved, skipped = state["moved"], state["skipped"]
        if state.get("undone"):
            lines += _undone(state["back"], state["stayed"], place)
        elif moved:
            lines.append(f"Moved {file_words.count(len(moved))}, {file_words.size(moved)}, to {place}.")
        else:
            lines.append("Nothing was moved.")
        if skipped:
            lines += [
                f"Skipped {file_words.count(len(skipped))}:",
                *(f"- {line}" for line in file_words.listed(skipped)),
            ]
        if state["more"]:
            are = "1 more file is" if state["more"] == 1 else f"{state['more']:,} more files are"
            lines.append(f"{are} old enough: start the task again for {'it' if state['more'] == 1 else 'those'}.")
    if state["unread"]:
        lines += ["Could not be read:", *(f"- {line}" for line in file_words.listed(state["unread"]))]
    return {"outcome": "\n".join(lines)}


def _undone(back: list[trash.File], stayed: list[trash.Skipped], place: str) -> list[str]:
    """What was moved back, and first of all what could not be, and why."""
    if not stayed:
        return [f"Undone: moved {file_words.count(len(back))}, {file_words.size(back)}, back from {place}."]
    lines = [
        undo.failed(f"{file_words.count(len(stayed))} could not be moved back from {place}."),
        *(f"- {line}" for line in file_words.listed(stayed)),
    ]
    if back:
        lines.append(f"Moved back {file_words.count(len(back))}, {file_words.size(back)}.")
    return lines


def _question(state: State, files: list[trash.File], changed: Sequence[str] = ()) -> dict[str, Any]:
    """What is asked about these files, and what changed about them since they were approved."""
    details: dict[str, Any] = {"changed since": list(changed)} if changed else {}
    details |= {"path": state["folder"], "size": file_words.size(files)}
    if files:
        details["oldest"] = min(file["modified"] for file in files)[:10]
    details["goes to"] = _trash_folder(state)
    if state["more"]:
        details["left for another run"] = state["more"]
    if state["unread"]:
        details["could not be read"] = file_words.listed(state["unread"])
    details["names"] = _names(files)
    if changed:
        details["as seen"] = _seen(files)
    reason = f"unchanged for {_older_than(state)}, and can be moved back"
    if changed:
        reason = f"{file_words.count(len(changed))} changed after this was approved. What is moved can be moved back."
    return {
        "question": f"Move {file_words.count(len(files))} of {state['folder']} to the trash?",
        "details": details,
        "reason": reason,
        "summary": ["changed since", "names", "size"] if changed else ["names", "size", "oldest"],
        "risk_level": "medium",
        "answer": "object",
    }


def _names(files: list[trash.File]) -> list[str]:
    return [f"{file['path']} ({file_words.rounded(file['size'])})" for file in files]


def _seen(files: list[trash.File]) -> str:
    """Short for exactly these files in this state. Binds a yes to it, because a clock time in a question does not."""
    return hashlib.sha256(json.dumps([file["identity"] for file in files]).encode()).hexdigest()[:12]


def _answered(answer: object) -> dict[str, Any]:
    given = verdict(answer)
    return {"approved": given.approved, "feedback": given.feedback}


def _after_scan(state: State) -> Literal["ask", "report"]:
    return "ask" if state["files"] else "report"


def _after_ask(state: State) -> Literal["look", "report"]:
    return "look" if state["approved"] else "report"


def _after_look(state: State) -> Literal["move", "report"]:
    return "move" if state["approved"] else "report"


def _after_move(state: State) -> Literal["offer", "report"]:
    return "offer" if state["moved"] and state.get("window") else "report"


def _after_offer(state: State) -> Literal["put_back", "report"]:
    return "put_back" if state["undone"] else "report"


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
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _keep(inputs: dict[str, Any]) -> str:
    keep = inputs.get("keep") or ""
    if not isinstance(keep, str):
        raise InputError(f"keep {keep!r} is not a pattern: write one such as *.keep.")
    return keep.strip()


def _window() -> str:
    """How long the move can be undone, such as "10m". Empty if it is not offered."""
    text = (os.environ.get("CLEANUP_UNDO") or DEFAULT_UNDO).strip()
    if text == "0":
        return ""
    match = re.fullmatch(r"([0-9]{1,8})([smhdw])", text)
    if match is None or not timedelta(0) < timedelta(**{_UNITS[match[2]]: int(match[1])}) <= MAX_UNDO:
        raise InputError(
            f"The operator's CLEANUP_UNDO {text!r} is not a span: set it to one such as 10m, 2h or 1d, "
            "or to 0 to offer no undo."
        )
    return text


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


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("scan", scan)
graph.add_node("ask", ask)
graph.add_node("look", look)
graph.add_node("move", move)
graph.add_node("offer", offer)
graph.add_node("put_back", put_back)
graph.add_node("report", report)
graph.add_edge(START, "scan")
graph.add_conditional_edges("scan", _after_scan)
graph.add_conditional_edges("ask", _after_ask)
graph.add_conditional_edges("look", _after_look)
graph.add_conditional_edges("move", _after_move)
graph.add_conditional_edges("offer", _after_offer)
graph.add_edge("put_back", "report")
graph.add_edge("report", END)
