"""What `langgraph dev` 0.16.7 sent, and how the engine reads it. The threads are those of `tests/server/agents`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.approvals.model.agent import ThreadStatus
from bot.approvals.model.request import Request
from bot.approvals.model.server import OnServer
from bot.approvals.model.task import Running, Task
from bot.engines.server import status, stops
from bot.engines.server.status import Look
from tests.support.builders import NOON, a_task

_FOLDER = Path(__file__).parent / "recorded"


def recorded(name: str) -> dict[str, Any]:
    """The thread as the server sent it: `runs`, `state` and `error`."""
    found: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text())
    for run in found.get("runs", []):
        run["metadata"].setdefault(status.INTENT, "recorded")
    return found


def assistant(name: str = "assistant") -> dict[str, Any]:
    """The drawing and the schemas of the graph `stop`, or of the one that has it within."""
    return recorded(name)


def ours(**changes: Any) -> Task:
    """A task of the bot's own, whose first try is under way."""
    return replace(a_task(), server=OnServer(name="dev"), state=Running(), tries=1, **changes)


def theirs() -> Task:
    """A task of a thread that somebody else started."""
    return replace(a_task(), server=OnServer(name="dev", watched=True), state=Running())


def look(name: str, *, task: Task | None = None, requests: Sequence[Request] = (), **changes: Any) -> Look:
    """What is known of a recorded thread."""
    thread = recorded(name)
    values: dict[str, Any] = {
        "task": task or ours(),
        "requests": requests,
        "runs": thread["runs"],
        "state": thread["state"],
        "error": thread["error"],
        "now": NOON,
        "stops": stops.drawn(assistant()["drawing"]),
        "schema": assistant()["schemas"]["state_schema"],
        "ran": {step.checkpoint_id: ("prepare",) for step in status.steps(thread["state"], thread["runs"])},
    }
    return Look(**{**values, **changes})


def read(name: str, **changes: Any) -> ThreadStatus:
    """How a recorded thread stands."""
    return status.read(look(name, **changes))


def by_others(runs: Sequence[Mapping[str, Any]], **first: Any) -> list[dict[str, Any]]:
    """The same runs, as if somebody else had begun them. `first` changes the newest."""
    foreign = [{**run, "metadata": {}} for run in runs]
    return [{**foreign[0], **first}, *foreign[1:]]


def tried(runs: Sequence[Mapping[str, Any]], number: int = 1) -> list[dict[str, Any]]:
    """The same runs, of which the newest belongs to this try of the task."""
    newest = {**runs[0], "metadata": {**runs[0]["metadata"], status.TRY: number}}
    return [newest, *(dict(run) for run in runs[1:])]
