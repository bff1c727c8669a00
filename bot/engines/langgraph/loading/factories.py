"""What langgraph.json names -> a graph on our saver. It may name a graph, or a factory of one: sync or async, or a
context manager that keeps something open for its graph.

LangGraph's own server calls a factory for each run. Here it is called once, when the process starts.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import is_dataclass
from typing import Any, Final, TypeAlias, cast, get_origin, get_type_hints

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import StateGraph
from langgraph.pregel import Pregel
from langgraph.store.memory import InMemoryStore
from langgraph_sdk.runtime import ServerRuntime, _ExecutionRuntime
from pydantic import BaseModel, ValidationError

log = logging.getLogger(__name__)

Saver: TypeAlias = BaseCheckpointSaver[Any]
AnyGraph: TypeAlias = Pregel[Any, Any, Any, Any]
Context: TypeAlias = AbstractAsyncContextManager[object] | AbstractContextManager[object]

SECONDS_TO_OPEN: Final = 60.0
"""How long a factory may take. It may hang, and the other graphs wait for it."""
SECONDS_TO_CLOSE: Final = 5.0
"""How long something that a graph keeps open may take to close. Then it is cancelled."""
_LATE: Final = f"it took more than {SECONDS_TO_OPEN:g} s"


async def compiled(exported: object, saver: Saver, held: AsyncExitStack) -> AnyGraph:
    """The graph on our saver. What its factory keeps open is closed with `held`."""
    if isinstance(exported, StateGraph):
        return cast("AnyGraph", exported.compile(checkpointer=saver))
    if isinstance(exported, Pregel):
        # without its cache, because a cached step that was approved once would not ask again
        return exported.copy(update={"checkpointer": saver, "cache": None})
    if isinstance(exported, AbstractAsyncContextManager | AbstractContextManager):
        return await compiled(await held.enter_async_context(_kept(exported)), saver, held)
    if callable(exported):
        made = _called(cast("Callable[..., object]", exported))
        return await compiled(await _in_time(made) if inspect.isawaitable(made) else made, saver, held)
    raise TypeError(f"it is a {type(exported).__name__}, not a StateGraph, a compiled graph or a factory of one")


def context(graph: AnyGraph) -> Any:
    """The context for a run: the defaults of the graph's context schema. None if there is no such schema, or if it has
    required fields."""
    schema = graph.context_schema
    if schema is None or not (is_dataclass(schema) or issubclass(schema, BaseModel)):
        return None
    try:
        return schema()
    except (TypeError, ValidationError):
        return None


async def _in_time(made: Awaitable[object]) -> object:
    limit = asyncio.timeout(SECONDS_TO_OPEN)
    try:
        async with limit:
            return await made
    except TimeoutError:
        if limit.expired():
            raise TimeoutError(_LATE) from None
        raise


@asynccontextmanager
async def _kept(context: Context) -> AsyncIterator[object]:
    """What the context manager gives. It is entered and left in a task of its own, so that if something in it breaks,
    such as a connection in a task group, that task is cancelled and not the bot."""
    given: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()
    keeper = asyncio.create_task(_keep(context, given, over))
    try:
        both: set[asyncio.Future[Any]] = {keeper, given}
        done, _ = await asyncio.wait(both, timeout=SECONDS_TO_OPEN, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            raise TimeoutError(_LATE)
        if not given.done():
            raise (None if keeper.cancelled() else keeper.exception()) or RuntimeError("it was cancelled as it opened")
        keeper.add_done_callback(_told)
        yield given.result()
    finally:
        over.set()
        if not given.done():
            keeper.cancel()
        _, late = await asyncio.wait([keeper], timeout=SECONDS_TO_CLOSE)
        if late:
            log.warning("what a graph keeps open did not close within %s s", SECONDS_TO_CLOSE)
            keeper.cancel()
            await asyncio.wait([keeper], timeout=SECONDS_TO_CLOSE)


async def _keep(context: Context, given: asyncio.Future[object], over: asyncio.Event) -> None:
    async with AsyncExitStack() as stack:
        if isinstance(context, AbstractAsyncContextManager):
            given.set_result(await stack.enter_async_context(context))
        else:
            given.set_result(stack.enter_context(context))
        await over.wait()


def _told(keeper: asyncio.Task[None]) -> None:
    """Logs what the task raised, because nobody awaits it."""
    error = None if keeper.cancelled() else keeper.exception()
    if error is not None:
        log.error("what a graph keeps open has broken, or did not close", exc_info=error)


def _called(factory: Callable[..., object]) -> object | Awaitable[object]:
    """Calls a factory with what it takes: an empty config, or the runtime that LangGraph's own server would give it."""
    hints = _hints(factory)
    given: list[object] = []
    named: dict[str, object] = {}
    for name, parameter in inspect.signature(factory).parameters.items():
        if parameter.default is not parameter.empty:
            continue
        argument = _runtime() if _is_runtime(hints.get(name)) else RunnableConfig()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            given.append(argument)
        elif parameter.kind is parameter.KEYWORD_ONLY:
            named[name] = argument
    return factory(*given, **named)


def _hints(factory: Callable[..., object]) -> dict[str, Any]:
    try:
        return get_type_hints(factory)
    except (NameError, TypeError):  # a name that only a type checker knows, or an object that has no hints
        return {}


def _is_runtime(hint: Any) -> bool:
    return ServerRuntime in (hint, get_origin(hint)) or _ExecutionRuntime in (hint, get_origin(hint))


def _runtime() -> object:
    """The runtime for a factory, as for a run, so that it opens what its graph needs. Nobody is signed in."""
    return _ExecutionRuntime(access_context="threads.create_run", user=None, store=InMemoryStore())
