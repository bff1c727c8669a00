"""What a node does to the world, once, also where the node is executed again.

LangGraph executes a node again when its process died, or it raised, before its result was saved. `key` is the same
in both executions; `once` stores it together with the effect.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from langgraph.config import get_config

Result: TypeAlias = dict[str, Any]
"""What an effect left behind, as JSON has it."""

_PATIENCE = 30  # seconds to wait for another process' transaction


class NoStableKey(RuntimeError):
    """Called outside of a node, or in a graph that saves nothing: the next execution could not be recognised."""


class KeyUsedTwice(RuntimeError):
    """One key for two different effects: the second would be taken for the first, and left out in silence."""


def key(*parts: str) -> str:
    """The idempotency key of the running node's effect: 64 hex digits, the same when this node is executed again.

    It is made of the thread_id and of `checkpoint_ns`, which names the tasks from the root graph down to this node.
    LangGraph derives a task's id from the checkpoint before it, the node, the step and its place among siblings, so
    another round of a loop, another `Send`, another call of a subgraph and a fork each have their own.
    Measured on langgraph 1.2: stable across processes for a node that raised, however it ran, and for one that was
    killed with `durability="sync"`. With "async" or "exit" a kill can lose the checkpoint, and the key with it.

    A node with several effects gives each its own `parts`.
    """
    try:
        configured = get_config()["configurable"]
        thread_id, namespace = configured["thread_id"], configured["checkpoint_ns"]
    except (RuntimeError, KeyError):
        namespace = thread_id = ""
    if not thread_id or not namespace:
        raise NoStableKey(
            "The key of an effect can be made only in a node of a graph that has a checkpointer and a thread_id."
        )
    return hashlib.sha256(json.dumps([thread_id, namespace, *parts]).encode()).hexdigest()


def once(database: Path, key: str, about: Result, effect: Callable[[sqlite3.Connection], Result]) -> Result:
    """What `effect` returned, now or when this key first came; it is executed only then.

    The effect writes through the connection that it is given: the key is stored in the same transaction, so there
    are both or neither, whenever the process dies. `about` says what the effect is; a key that comes with another
    one raises `KeyUsedTwice`. Safe between processes.
    """
    with _transaction(database) as connection:
        known = _find(connection, key, about)
        if known is not None:
            return known
        result = effect(connection)
        _store(connection, key, about, result)
    return result


def remembered(database: Path, key: str, about: Result) -> Result | None:
    """What `remember` stored under this key; None where there is nothing. `KeyUsedTwice` as in `once`."""
    with _transaction(database) as connection:
        return _find(connection, key, about)


def remember(database: Path, key: str, about: Result, result: Result) -> None:
    """Store what an effect outside of the database (a mail, a call) left behind, right after it.

    A process that dies between the two does it a second time: where that matters, the other side has to be given
    the key.
    """
    once(database, key, about, lambda _: result)


@contextmanager
def _transaction(database: Path) -> Iterator[sqlite3.Connection]:
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database, timeout=_PATIENCE, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS effects (key TEXT PRIMARY KEY, about TEXT NOT NULL, result TEXT NOT NULL,"
                " done_at TEXT NOT NULL) STRICT"
            )
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _find(connection: sqlite3.Connection, key: str, about: Result) -> Result | None:
    row = connection.execute("SELECT about, result FROM effects WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    if row[0] != _text(about):
        raise KeyUsedTwice(f"The key {key[:12]} was used for {row[0]}, and now for {_text(about)}.")
    result: Result = json.loads(row[1])
    return result


def _store(connection: sqlite3.Connection, key: str, about: Result, result: Result) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    connection.execute("INSERT INTO effects VALUES (?, ?, ?, ?)", (key, _text(about), _text(result), now))


def _text(value: Result) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
