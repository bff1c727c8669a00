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
from typing import Any

from langgraph._internal._constants import CONFIG_KEY_RUNTIME, CONFIG_KEY_STREAM
from langgraph.pregel.protocol import StreamProtocol
from langgraph.runtime import Runtime

from bot.engines.telling import Telling


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
