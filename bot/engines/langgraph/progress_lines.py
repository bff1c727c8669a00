"""What a running graph is doing, in words: the names of the nodes that run, or what they say themselves.

A node says something through LangGraph's stream writer (`get_stream_writer()("3 of 12 files")`); a text, or an object
with one under a usual name. A run is listened to as a graph listens to its subgraphs: to stream it instead would run
its nodes in another way, in which a cancelled one is stored as one that failed. The private names are held by
`tests/unit/engines/langgraph/test_progress.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from langgraph._internal._constants import CONFIG_KEY_RUNTIME, CONFIG_KEY_STREAM, NS_END
from langgraph.pregel.protocol import StreamProtocol
from langgraph.runtime import Runtime

LONGEST: Final = 200
_TOLD: Final = ("status", "progress", "message", "text", "step")
_MOST: Final = 3
"""Nodes that are named; of more only how many there are."""


@contextmanager
def listening(tell: Callable[[str], None], begin: Callable[[str], None] = lambda _: None) -> Iterator[dict[str, Any]]:
    """What a run has to be configured with, so that `tell` is told what it is doing for as long as the block runs, and
    `begin` of each step, by its id, before any of its code runs."""
    run, loop, over = Telling(), asyncio.get_running_loop(), False

    def heard(namespace: Sequence[str], mode: str, chunk: Any) -> None:
        if not over:
            tell(run.heard(namespace, mode, chunk))

    def streamed(part: tuple[Any, ...]) -> None:  # also in the threads of nodes that are no coroutines
        if isinstance(part[2], Mapping) and "triggers" in part[2]:
            begin(str(part[2].get("id", "")))
        loop.call_soon_threadsafe(heard, *part[:3])

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
    """The task whose subgraph it runs in; empty at the top."""


@dataclass(slots=True)
class Telling:
    """What is known of one run, chunk by chunk of its stream."""

    _running: dict[str, _Node] = field(default_factory=dict)
    _said: str = ""

    def heard(self, namespace: Sequence[str], mode: str, chunk: Any) -> str:
        """What the run is doing after this chunk; empty while it does nothing that has a name."""
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
    return chunk.strip()[:LONGEST] if isinstance(chunk, str) else ""


def _listed(names: list[str]) -> str:
    words = [name.strip("_").replace("_", " ")[:LONGEST] for name in names if not name.startswith("__")]
    more = f" and {len(words) - _MOST} more" if len(words) > _MOST else ""
    return ", ".join(words[:_MOST]) + more
