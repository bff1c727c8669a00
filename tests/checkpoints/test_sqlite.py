"""The SQLite saver beside LangGraph's own: both read and write the same rows."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import ERROR, INTERRUPT
from langgraph.checkpoint.base import Checkpoint, CheckpointTuple, copy_checkpoint, empty_checkpoint
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from bot.engines.langgraph.checkpoints import sqlite_saver
from bot.engines.langgraph.checkpoints.serializer import TypedSerializer
from bot.engines.langgraph.checkpoints.sqlite import FencedSqliteSaver
from bot.engines.langgraph.read_once import _Once
from tests.checkpoints.savers import Leases

FIRST, SECOND = "1ef00000-0000-6000-8000-000000000000", "1ef00000-0000-6000-8000-000000000001"


@asynccontextmanager
async def ours(folder: Path, leases: Leases) -> AsyncIterator[FencedSqliteSaver]:
    async with sqlite_saver(folder / "checkpoints.sqlite", leases.fence) as saver:
        yield saver


@asynccontextmanager
async def langgraphs(folder: Path) -> AsyncIterator[AsyncSqliteSaver]:
    async with aiosqlite.connect(folder / "checkpoints.sqlite") as connection:
        yield AsyncSqliteSaver(connection, serde=TypedSerializer())


def checkpoint(id: str, **values: Any) -> Checkpoint:
    made = copy_checkpoint(empty_checkpoint())
    made["id"] = id
    made["channel_values"] = values
    return made


async def fill(saver: Any, config: RunnableConfig) -> None:
    """Two checkpoints of the root and one of a subgraph, with writes of two tasks that come twice."""
    place = {**config["configurable"], "checkpoint_ns": ""}
    first = await saver.aput({"configurable": place}, checkpoint(FIRST, n=1), {"step": 0}, {})
    place |= {"checkpoint_id": first["configurable"]["checkpoint_id"]}
    second = await saver.aput({"configurable": place}, checkpoint(SECOND, n=2), {"step": 1, "é": "\ud800"}, {})
    within = {**config["configurable"], "checkpoint_ns": "ask:1"}
    await saver.aput({"configurable": within}, checkpoint(FIRST, deep=("a", {1: 2})), {"step": -1}, {})
    place |= {"checkpoint_id": second["configurable"]["checkpoint_id"]}
    at: RunnableConfig = {"configurable": place}
    await saver.aput_writes(at, [("a", "kept"), ("b", None)], "task-2", "~path, 2")
    await saver.aput_writes(at, [("a", "ignored"), ("b", None), ("c", 3)], "task-2", "~path, 2")
    await saver.aput_writes(at, [(INTERRUPT, "first")], "task-1", "~path, 1")
    await saver.aput_writes(at, [(INTERRUPT, "last"), (ERROR, "raised")], "task-1", "~path, 1")
    await saver.aput_writes(at, [], "task-3")


async def everything(saver: Any, thread_id: str) -> list[CheckpointTuple | None]:
    def place(namespace: str, **more: str) -> RunnableConfig:
        return RunnableConfig(configurable={"thread_id": thread_id, "checkpoint_ns": namespace, **more})

    wanted = [place(""), place("", checkpoint_id=FIRST), place("ask:1"), place("ask:2"), place("", checkpoint_id="no")]
    return [await saver.aget_tuple(each) for each in wanted]


async def test_langgraphs_own_saver_reads_what_ours_writes(tmp_path: Path) -> None:
    """Everything reads the same, so ours can replace it and be replaced by it."""
    leases = Leases()
    async with ours(tmp_path, leases) as saver:
        await fill(saver, leases.take("thread"))
        mine = await everything(saver, "thread")
    async with langgraphs(tmp_path) as saver:
        theirs = await everything(saver, "thread")

    assert theirs == mine
    assert [each is None for each in mine] == [False, False, False, True, True]


async def test_ours_reads_what_langgraphs_own_saver_writes(tmp_path: Path) -> None:
    """And in the order in which LangGraph applies the writes."""
    leases = Leases()
    async with langgraphs(tmp_path) as saver:
        await fill(saver, leases.take("thread"))
        theirs = await everything(saver, "thread")
    async with ours(tmp_path, leases) as saver:
        mine = await everything(saver, "thread")

    assert mine == theirs
    newest = mine[0]
    assert newest is not None
    assert newest.pending_writes == [
        ("task-1", INTERRUPT, "last"),
        ("task-1", ERROR, "raised"),
        ("task-2", "a", "kept"),
        ("task-2", "b", None),
        ("task-2", "c", 3),
    ]


async def test_a_deleted_thread_is_gone_and_no_other(tmp_path: Path) -> None:
    """Nothing of the one is left in either table, and the other reads as before."""
    leases = Leases()
    async with ours(tmp_path, leases) as saver:
        await fill(saver, leases.take("gone"))
        await fill(saver, leases.take("kept"))
        before = await everything(saver, "kept")
        await saver.adelete_thread("gone")

        assert await everything(saver, "gone") == [None] * 5
        assert await everything(saver, "kept") == before
    with sqlite3.connect(tmp_path / "checkpoints.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM writes WHERE thread_id = 'gone'").fetchone() == (0,)
    connection.close()


async def test_of_writes_that_fail_together_none_is_stored(tmp_path: Path) -> None:
    """The transaction is rolled back, so the next one of another thread does not store half of them."""
    leases = Leases()
    async with ours(tmp_path, leases) as saver:
        config = leases.take("thread")
        await fill(saver, config)
        at: RunnableConfig = {"configurable": {**config["configurable"], "checkpoint_ns": "", "checkpoint_id": FIRST}}
        no_text: Any = object()
        with pytest.raises(sqlite3.Error):
            await saver.aput_writes(at, [("a", 1), (no_text, 2)], "task")
        await fill(saver, leases.take("other"))

        found = await saver.aget_tuple(at)
    assert found is not None
    assert [each[:2] for each in found.pending_writes or []] == []


async def test_one_read_tells_the_newest_checkpoint_and_the_other_namespaces(tmp_path: Path) -> None:
    """The same checkpoint as any other read, and only the names of the thread's own namespaces."""
    leases = Leases()
    async with ours(tmp_path, leases) as saver:
        await fill(saver, leases.take("thread"))
        root = RunnableConfig(configurable={"thread_id": "thread"})
        nobody = RunnableConfig(configurable={"thread_id": "nobody"})

        assert await saver.aget_newest(root) == (await saver.aget_tuple(root), frozenset({"ask:1"}))
        assert await saver.aget_newest(nobody) == (None, frozenset())


async def test_a_namespace_that_is_not_there_is_not_looked_into(tmp_path: Path) -> None:
    """A look at a thread reads the database once if the thread has no subgraph."""
    leases = Leases()
    async with ours(tmp_path, leases) as saver:
        await fill(saver, leases.take("thread"))
        expected = await everything(saver, "thread")
        statements: list[str] = []
        await saver.conn.set_trace_callback(statements.append)

        found = await everything(_Once(saver), "thread")

    assert found == expected
    assert any("ask:1" in statement for statement in statements)
    assert not any("ask:2" in statement for statement in statements)


async def test_no_cursor_leaves_the_thread_of_its_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a cursor is freed, it resets its statement. If the connection's thread executes that statement again at
    the same moment, SQLite refuses (`bad parameter or other API misuse`) and the run fails."""
    left: list[object] = []
    leases = Leases()
    async with ours(tmp_path, leases) as saver:
        execute = saver.conn._execute

        async def noted(*call: Any) -> Any:
            left.append(returned := await execute(*call))  # type: ignore[no-untyped-call]
            return returned

        monkeypatch.setattr(saver.conn, "_execute", noted)
        await fill(saver, leases.take("thread"))
        await everything(saver, "thread")
        await saver.aprune(["thread"])
        await saver.adelete_thread("thread")

    assert left
    assert not any(isinstance(each, sqlite3.Cursor) for each in left)
