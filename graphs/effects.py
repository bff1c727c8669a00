"""Makes sure that a node's effect on the world happens once, even if the node runs again.

LangGraph runs a node again if its process died, or if it raised, before its result was saved. `key` returns the same
key in both runs, and `once` stores that key together with the effect. `look_again` asks once more if the world is no
longer what people approved.
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
from langgraph.types import interrupt

Result: TypeAlias = dict[str, Any]
"""What an effect returns, as JSON."""

Payload: TypeAlias = dict[str, Any]
"""What a graph asks: the value of an `interrupt`, as JSON."""

_GUARD = "__countersign_guard"  # Countersign's own, which knows what a node asked in an earlier run
_SCRATCHPAD = "__pregel_scratchpad"  # LangGraph's own, with the answers of the running task
_MAX_WAIT_SECONDS = 30  # for another process's transaction


class NoStableKey(RuntimeError):
    """There is no stable key: the code runs outside a node, or the graph has no checkpointer."""


class KeyUsedTwice(RuntimeError):
    """One key was used for two different effects. The second would silently be skipped."""


def key(*parts: str) -> str:
    """The idempotency key of the running node's effect: 64 hex digits, the same if this node runs again.

    It is made of the thread_id and of `checkpoint_ns`, which names the tasks from the root graph down to this node.
    LangGraph derives a task's id from the checkpoint before it, the node, the step and its place among siblings, so
    another round of a loop, another `Send`, another call of a subgraph and a fork each have their own key.
    Measured on langgraph 1.2: the key is the same in another process if the node raised, and with `durability="sync"`
    also if the process was killed. With "async" or "exit" a kill can lose the checkpoint, and the key with it.

    If a node has several effects, pass different `parts` for each.
    """
    try:
        configured = get_config()["configurable"]
        thread_id, namespace = configured["thread_id"], configured["checkpoint_ns"]
    except (RuntimeError, KeyError):
        namespace = thread_id = ""
    if not thread_id or not namespace:
        raise NoStableKey("effects.key works only inside a node of a graph that has a checkpointer and a thread_id.")
    return hashlib.sha256(json.dumps([thread_id, namespace, *parts]).encode()).hexdigest()


def look_again(approved: Payload, now: Payload) -> Any | None:
    """Compares what was approved with what is true now. Returns None if it is the same: act. Else the answer to `now`.

    Both are questions as the graph asks them: `approved` is the one that was answered with yes, and `now` is what it
    would ask at this moment. They are compared as JSON, to the letter: true, 1 and 1.0 differ. A difference is asked
    as a new version on the same card. An answer of None comes back as False, because None means that all is the same.

    Call it in a node that asks nothing else. Best is a node of its own right before the one that acts: then the look is
    not repeated after half of the work is done. On plain LangGraph, no other node that asks may run beside it, because
    only Countersign knows then that this one has asked.

    When the question is answered, the node runs again, and by then the world may be another once more, even the one
    that was approved first. So from then on it always asks what is true now. Countersign hands out an answer only to
    the question that people were shown, and shows any other as the next version. Plain LangGraph compares nothing, and
    hands out the answer in any case.
    """
    if not asked_before() and _canonical(approved) == _canonical(now):
        return None
    digest = hashlib.sha256(_canonical(approved).encode()).hexdigest()
    answer = interrupt({**now, "look_again": digest})
    return False if answer is None else answer


def asked_before() -> bool:
    """Whether the running node has asked already, and is answered now or still waited for. If so, it must ask again
    before it finishes."""
    configured = get_config()["configurable"]
    pad, guard = configured[_SCRATCHPAD], configured.get(_GUARD)
    if guard is not None and guard.has_asked(configured["checkpoint_ns"]):
        return True
    return bool(pad.resume) or pad.get_null_resume(False) is not None


def once(database: Path, key: str, about: Result, effect: Callable[[sqlite3.Connection], Result]) -> Result:
    """Runs `effect` unless this key was used before, and returns its result, or the stored result of the first run.

    The effect must write through the connection that it gets. The key is stored in the same transaction, so both are
    stored or neither, even if the process dies. `about` describes the effect. Raises `KeyUsedTwice` if the key was
    used with another description. Safe with several processes.
    """
    with _transaction(database) as connection:
        known = _find(connection, key, about)
        if known is not None:
            return known
        result = effect(connection)
        _store(connection, key, about, result)
    return result


def remembered(database: Path, key: str, about: Result) -> Result | None:
    """What `remember` stored under this key, or None. Raises `KeyUsedTwice` like `once`."""
    with _transaction(database) as connection:
        return _find(connection, key, about)


def remember(database: Path, key: str, about: Result, result: Result) -> None:
    """Stores the result of an effect outside the database, such as an e-mail. Call it right after the effect.

    If the process dies between the two, the effect happens again. If that matters, give the key to the other side.
    """
    once(database, key, about, lambda _: result)


@contextmanager
def _transaction(database: Path) -> Iterator[sqlite3.Connection]:
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database, timeout=_MAX_WAIT_SECONDS, isolation_level=None)) as connection:
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
        raise KeyUsedTwice(f"The key {key[:12]} was used for {row[0]} before, and is used for {_text(about)} now.")
    result: Result = json.loads(row[1])
    return result


def _store(connection: sqlite3.Connection, key: str, about: Result, result: Result) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    connection.execute("INSERT INTO effects VALUES (?, ?, ?, ?)", (key, _text(about), _text(result), now))


def _canonical(value: Payload) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _text(value: Result) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
