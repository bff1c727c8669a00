"""Contains a graph's errors, so that no graph can end the process.

An asyncio task that raises `SystemExit` or `KeyboardInterrupt` breaks the event loop before anybody awaits it, and a
`GeneratorExit` breaks LangGraph's own generators. So if a task that a graph's code made raises something that is not an
`Exception`, it raises a `Broken` in its place.

A process that such code forks and that comes back from it would go on with everybody's work, so it ends there.

To run graphs in a process of their own, change this module and `LangGraphEngine._run`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from types import TracebackType
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

_WITHIN: Final[ContextVar[bool]] = ContextVar("countersign_graph", default=False)


class Broken(RuntimeError):
    """A graph raised what only the interpreter should raise, such as `SystemExit`, which is the `__cause__`.

    It is a `RuntimeError`, because LangGraph's retry policies do not repeat a node for one.
    """


@contextmanager
def contained() -> Iterator[None]:
    """Put around all code that may be a graph's. Whatever that raises leaves the block as an `Exception`.

    A cancellation stays one if somebody cancelled the present task. One that the graph raised itself is its error.
    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop.get_task_factory(), _Factory):
        loop.set_task_factory(_Factory(loop.get_task_factory()))
    token = _WITHIN.set(True)
    try:
        yield
    except Exception:
        raise
    except asyncio.CancelledError as error:
        if is_ours():
            raise
        raise Broken("the graph cancelled itself") from error
    except BaseException as error:
        raise _broken(error) from error
    finally:
        _WITHIN.reset(token)


async def apart(run: Coroutine[Any, Any, Result]) -> Result:
    """The result of a run in a task of its own, so that the run can do no harm to the present task, such as cancel it.
    The run is cancelled if the present task is."""
    return await asyncio.get_running_loop().create_task(run)


def is_ours() -> bool:
    """Whether the present task was cancelled, so that a cancellation is not an error of the graph."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def cause_of(error: BaseException) -> BaseException:
    """The error that the graph itself raised."""
    return error.__cause__ if isinstance(error, Broken) and error.__cause__ is not None else error


def worded(error: BaseException) -> str:
    """The error's own words, if it has any."""
    try:
        return str(error)
    except BaseException:  # its `__str__` may be a graph's code
        return "it cannot be put into words"


def end_if_forked(pid: int) -> None:
    """Ends the process at once if it is not this one: then a graph's code has forked it."""
    if os.getpid() != pid:
        os._exit(0)


def _broken(error: BaseException) -> Broken:
    return Broken(f"the graph raised {type(error).__name__}")


class _Factory:
    """Makes the tasks of a loop as before, but guards those of a graph."""

    def __init__(self, before: Any) -> None:
        self._before = before

    def __call__(
        self, loop: asyncio.AbstractEventLoop, coro: Any, *, context: Context | None = None, **more: Any
    ) -> asyncio.Future[Any]:
        within = _WITHIN.get() if context is None else context.get(_WITHIN, False)
        if within and asyncio.iscoroutine(coro):
            coro = _Guarded(coro)
        named = more if context is None else {**more, "context": context}
        if self._before is not None:
            made: asyncio.Future[Any] = self._before(loop, coro, **named)
            return made
        return asyncio.Task(coro, loop=loop, **named)


class _Guarded(Coroutine[Any, Any, Any]):
    """The coroutine, raising a `Broken` in place of anything that is not an `Exception`, and coming back only in the
    process that called it.

    This is an object rather than a coroutine around it, because a `GeneratorExit` must pass only if it is being closed.
    """

    def __init__(self, inner: Coroutine[Any, Any, Any]) -> None:
        self._inner = inner
        self.__name__ = self.__qualname__ = getattr(inner, "__qualname__", type(inner).__name__)

    def send(self, value: Any) -> Any:
        pid = os.getpid()
        try:
            return self._inner.send(value)
        except (Exception, asyncio.CancelledError):
            raise
        except BaseException as error:
            raise _broken(error) from error
        finally:
            if os.getpid() != pid:  # as `end_if_forked`, which would cost a call for each step of a coroutine
                os._exit(0)

    def throw(
        self,
        typ: type[BaseException] | BaseException,
        val: object = None,
        tb: TracebackType | None = None,
    ) -> Any:
        pid = os.getpid()
        try:
            return self._inner.throw(typ) if isinstance(typ, BaseException) else self._inner.throw(typ, val, tb)
        except (Exception, asyncio.CancelledError):
            raise
        except BaseException as error:
            raise _broken(error) from error
        finally:
            end_if_forked(pid)

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()
