"""Which threads of a server have changed, whoever started them. Its rows are hints only: what a thread asks is read
from its state, when its task is driven."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from bot.approvals.model.ids import JSON, ThreadId
from bot.engines.server.client import Row, ServerClient
from bot.engines.server.status import TASK

OVERLAP: Final = timedelta(minutes=2)
"""How much of the time before the last look is looked at again, because clocks differ and rows are written late."""
MAY_ASK: Final = ("interrupted", "error")
"""The states of a thread that may have a question. A stale click by anybody makes an open question's thread `error`."""
_ALL: Final = "*"
_PARENTS: Final = ("parent_thread_id", "parent_run_id")
"""Metadata keys that name the run which started a thread. deepagents writes the first (`async_subagents`)."""
_AGENT: Final = "subagent_name"
"""Metadata key of deepagents: what the parent calls the subagent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundThread:
    """A thread that has changed."""

    id: ThreadId
    graph: str
    """The id of its graph. Empty if it has not run yet."""
    updated_at: datetime
    status: str
    """`idle`, `busy`, `interrupted` or `error`."""
    metadata: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def may_ask(self) -> bool:
        return self.status in MAY_ASK

    @property
    def task_id(self) -> str | None:
        """The task of the bot that made the thread. None if somebody else made it."""
        id = self.metadata.get(TASK)
        return id if isinstance(id, str) else None

    @property
    def parent(self) -> str:
        """What is known of the run that started it: its thread's id, and the name by which that knows this one. Empty
        if nothing is."""
        id = next((str(self.metadata[key]) for key in _PARENTS if self.metadata.get(key)), "")
        name = self.metadata.get(_AGENT)
        return f"{id} ({name})" if id and name else id

    def said(self, path: str) -> str:
        """What the thread's row says at this path, such as `metadata.user_email`. Empty if it says nothing there."""
        value: Any = {"metadata": self.metadata}
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return value if isinstance(value, str) else ""


async def changed(
    client: ServerClient,
    since: datetime | None = None,
    *,
    statuses: Iterable[str | None] = MAY_ASK,
    graphs: Iterable[str] = (_ALL,),
    metadata: Mapping[str, Any] | None = None,
) -> tuple[FoundThread, ...]:
    """The threads that have changed since the last look, those that changed last first; all of them without `since`.

    `statuses` are those that are searched for, where None is any. `graphs` and `metadata` are what a watched thread
    must have. Raises `Unreachable`.
    """
    wanted, found = frozenset(graphs), dict[str, FoundThread]()
    from_then = since - OVERLAP if since is not None else None
    for status in statuses:
        async for row in _rows(client, from_then, status, metadata):
            thread = _thread(row)
            if _ALL in wanted or thread.graph in wanted:
                found.setdefault(thread.id, thread)
    return tuple(sorted(found.values(), key=lambda thread: thread.updated_at, reverse=True))


async def _rows(
    client: ServerClient, since: datetime | None, status: str | None, metadata: Mapping[str, Any] | None
) -> AsyncIterator[Row]:
    offset = 0
    while page := await client.threads(offset=offset, status=status, metadata=metadata):
        for row in page:
            if since is not None and _at(row) < since:
                return
            yield row
        offset += len(page)


def _at(row: Row) -> datetime:
    return datetime.fromisoformat(str(row["updated_at"]))


def _thread(row: Row) -> FoundThread:
    metadata = row.get("metadata") or {}
    return FoundThread(
        id=ThreadId(str(row["thread_id"])),
        graph=str(metadata.get("graph_id", "")),
        updated_at=_at(row),
        status=str(row["status"]),
        metadata=metadata,
    )
