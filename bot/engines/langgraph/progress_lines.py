"""What a running graph is doing, in words: the names of the running nodes, or what they say themselves.

A node says something through LangGraph's stream writer (`get_stream_writer()("3 of 12 files")`): a text, or an object
that has one under a usual name. This module listens to a run as a graph listens to its subgraphs. Streaming the run
would execute its nodes in another way, in which a cancelled node is stored as a failed one.
`tests/unit/engines/langgraph/test_progress.py` watches the private names.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from langgraph._internal._constants import CONFIG_KEY_RUNTIME, CONFIG_KEY_STREAM, NS_END
from langgraph.pregel.protocol import StreamProtocol
from langgraph.runtime import Runtime

MAX_CHARACTERS: Final = 200
_TOLD: Final = ("status", "progress", "message", "text", "step")
_MAX_NAMED: Final = 3
"""If more nodes run, only their number is told."""


@contextmanager
def listening(tell: Callable[[str], None], begin: Callable[[str], None] = lambda _: None) -> Iterator[dict[str, Any]]:
    """The configuration with which a run reports to `tell` what it is doing while the block runs, and to `begin` the id
    of each step before any of its code runs."""
    run, loop, over = Telling(), asyncio.get_running_loop(), False
    own_thread = threading.get_ident()

    def heard(namespace: Sequence[str], mode: str, chunk: Any) -> None:
        if not over:
            tell(run.heard(namespace, mode, chunk))

    def streamed(part: tuple[Any, ...]) -> None:  # also in the threads of nodes that are not coroutines
        if isinstance(part[2], Mapping) and "triggers" in part[2]:
            begin(str(part[2].get("id", "")))
        later = loop.call_soon if threading.get_ident() == own_thread else loop.call_soon_threadsafe
        later(heard, *part[:3])

    def said(chunk: Any) -> None:
        loop.call_soon_threadsafe(heard, (), "custom", chunk)

    try:
        yield {
            CONFIG_KEY_STREAM: StreamProtocol(streamed, {"tasks"}),
            CONFIG_KEY_RUNTIME: Runtime(stream_writer=said),
        }
    finally:
        over = True


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
                within = namespace[-1].rpartition(NS_END)[2] if namespace else ""
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
