"""What a run is doing, in words: the names of the running nodes, or what they say themselves. For every engine.

A run tells it by LangGraph's stream, in the modes `tasks` and `custom`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from bot.approvals.model.ids import TaskId

MAX_CHARACTERS: Final = 200
_TOLD: Final = ("status", "progress", "message", "text", "step")
_MAX_NAMED: Final = 3
"""If more nodes run, only their number is told."""
_NS_END: Final = ":"
"""Between a node's name and its task's id, in the name of the subgraph that it runs."""


class Told(Protocol):
    """Takes what runs are doing, such as `bot.approvals.services.delivery.progress`."""

    def tell(self, task_id: TaskId, words: str) -> None: ...

    def over(self, task_id: TaskId) -> None: ...


class Untold:
    """Nobody does."""

    def tell(self, task_id: TaskId, words: str) -> None: ...

    def over(self, task_id: TaskId) -> None: ...


@dataclass(frozen=True, slots=True)
class _Node:
    name: str
    within: str
    """The task in whose subgraph it runs. Empty in the root graph."""


@dataclass(slots=True)
class Telling:
    """What one run is doing, chunk by chunk of its stream."""

    _running: dict[str, _Node] = field(default_factory=dict)
    _said: str = ""

    def heard(self, namespace: Sequence[str], mode: str, chunk: Any) -> str:
        """What the run is doing after this chunk. Empty if that has no name."""
        if mode == "custom":
            self._said = _words(chunk) or self._said
        elif isinstance(chunk, Mapping):
            id = str(chunk.get("id", ""))
            if "triggers" in chunk:
                within = namespace[-1].rpartition(_NS_END)[2] if namespace else ""
                self._running[id] = _Node(str(chunk.get("name", "")), within)
                self._said = ""
            else:
                self._running.pop(id, None)
        outer = {node.within for node in self._running.values()}
        inner = [node.name for id, node in self._running.items() if id not in outer]
        return self._said or _listed(list(dict.fromkeys(inner)))


def _words(chunk: Any) -> str:
    if isinstance(chunk, Mapping):
        chunk = next((chunk[name] for name in _TOLD if isinstance(chunk.get(name), str)), "")
    return chunk.strip()[:MAX_CHARACTERS] if isinstance(chunk, str) else ""


def _listed(names: list[str]) -> str:
    words = [name.strip("_").replace("_", " ")[:MAX_CHARACTERS] for name in names if not name.startswith("__")]
    more = f" and {len(words) - _MAX_NAMED} more" if len(words) > _MAX_NAMED else ""
    return ", ".join(words[:_MAX_NAMED]) + more
