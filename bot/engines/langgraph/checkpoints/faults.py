"""Tells errors of the database from errors of the graph, and raises them as the domain's."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import traceback
from collections.abc import Iterator

from bot.approvals.model.errors import Unreachable
from bot.engines.langgraph.checkpoints.classes import UnknownType


@contextlib.contextmanager
def lost() -> Iterator[None]:
    """Raises Unreachable in place of what a saver raises if its database does not answer, or if this process cannot
    read what is stored."""
    try:
        yield
    except _unanswered() as error:
        raise Unreachable("the graph's state could not be read or written") from error
    except _kinds("redisvl.exceptions", "RedisVLError") as error:
        # The search library wraps whatever the client raised.
        if not is_down(error):
            raise
        raise Unreachable("the graph's state could not be read or written") from error
    except UnknownType as error:
        raise Unreachable(str(error)) from error


def is_down(error: BaseException) -> bool:
    """Whether the cause of this error is a server that does not answer."""
    down = _down()
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:  # a graph may close the chain to a circle
        if isinstance(cause, down):
            return True
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return False


def from_saver(error: BaseException) -> bool:
    """Whether this is a database error from a saver, rather than from a graph that uses a database itself."""
    if not isinstance(error, sqlite3.OperationalError | Unreachable) and not is_down(error):
        return False
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_globals.get("__name__", "").startswith(__package__ or "") for frame, _ in frames)


def _unanswered() -> tuple[type[BaseException], ...]:
    return (sqlite3.OperationalError, *_down())


def _down() -> tuple[type[BaseException], ...]:
    """What redis-py raises after its retries if the server is gone, hangs or is still loading its data."""
    return _kinds("redis.exceptions", "ConnectionError", "TimeoutError")


def _kinds(module: str, *names: str) -> tuple[type[BaseException], ...]:
    """These errors of a library. None as long as nothing has imported it, because then nothing can raise them: a bot
    on SQLite need not load Redis' libraries."""
    loaded = sys.modules.get(module)
    return tuple(getattr(loaded, name) for name in names) if loaded is not None else ()
