"""One thread of a graph, driven as the bot drives it, and files with an age."""

import errno
import os
import time
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.types import Command

from graphs import cleanup

DAY = 24 * 60 * 60
NOT_PERMITTED = PermissionError(errno.EACCES, "Permission denied")


class Run:
    """One thread of the graph, driven as the bot drives it."""

    def __init__(self, saver: BaseCheckpointSaver[Any]) -> None:
        self.thread_id = str(uuid4())
        self.config: RunnableConfig = {"configurable": {"thread_id": self.thread_id, "__pregel_strict_resume": True}}
        self.graph = cleanup.graph.compile(checkpointer=saver)

    def start(self, **inputs: str) -> dict[str, Any]:
        """Runs until the graph asks; what it asks."""
        self.graph.invoke(cast(cleanup.Inputs, inputs), self.config, durability="sync")
        asked = self.asked
        assert asked is not None
        return asked

    def reply(self, value: object) -> dict[str, Any]:
        """Answers the open question; the next one."""
        self.resume(value)
        asked = self.asked
        assert asked is not None
        return asked

    def answer(self, value: object) -> str:
        """Answers the open question; the outcome. Nobody undoes what was done."""
        self.resume(value)
        if (asked := self.asked) is not None and asked.get("type") == "undo_window":
            return self.keep()
        return self.outcome

    def approve(self) -> str:
        return self.answer({"approved": True, "feedback": ""})

    def keep(self) -> str:
        """Leaves what was done as it is; the outcome."""
        return self.answer({"type": "keep"})

    def undo(self, key: str = "1" * 64) -> str:
        """Undoes what was done, as the bot says it; the outcome."""
        asked = self.asked
        assert asked is not None
        return self.answer({"type": "undo", "undo": asked["undo"], "key": key})

    def resume(self, value: object) -> None:
        """Answers the open question."""
        (question,) = self.graph.get_state(self.config).interrupts
        self.graph.invoke(Command(resume={question.id: value}), self.config, durability="sync")

    def stops_before(self, node: str) -> None:
        """From now on it stops before this node, until it proceeds."""
        self.graph = cleanup.graph.compile(checkpointer=self.graph.checkpointer, interrupt_before=[node])

    def proceed(self) -> None:
        """Goes on after a crash, as another process would."""
        self.graph.invoke(None, self.config, durability="sync")

    @property
    def asked(self) -> dict[str, Any] | None:
        """What is open. None if nothing is."""
        open_ = self.graph.get_state(self.config).interrupts
        return cast("dict[str, Any]", open_[0].value) if open_ else None

    @property
    def state(self) -> cleanup.State:
        return cast(cleanup.State, self.graph.get_state(self.config).values)

    @property
    def outcome(self) -> str:
        return self.state["outcome"]


YES = {"approved": True, "feedback": ""}


def shown(question: dict[str, Any]) -> list[str]:
    """The names of the files that a question lists, without what stands behind each."""
    return [str(line).rpartition(" (")[0] for line in question["details"]["names"]]


def write(path: Path, *, days: float, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    then = time.time() - days * DAY
    os.utime(path, (then, then))
    return path


def trashed(root: Path, run: Run) -> list[str]:
    batch = root / ".trash" / run.thread_id
    return sorted(path.relative_to(batch).as_posix() for path in batch.rglob("*") if path.is_file())
