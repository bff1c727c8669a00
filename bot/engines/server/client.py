"""One LangGraph Server's HTTP API, as far as the bot uses it.

Every call has a time limit, and raises `Unreachable` with a sentence if the server does not answer. Nothing of the
environment is sent: LangGraph's own `get_client` would send LANGSMITH_API_KEY to whatever address it is given.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

import httpx
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import (
    APIStatusError,
    AuthenticationError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)

from bot.approvals.model.errors import Unreachable
from bot.approvals.model.facts import ServerAway, ServerReached
from bot.approvals.ports.telemetry import SILENT, Telemetry

Row: TypeAlias = Mapping[str, Any]
"""A JSON object as the server sends it."""

STRICT: Final = "__pregel_strict_resume"
"""Makes LangGraph refuse an answer to an interrupt that is not open. It is a private name, which the server hands
through; `tests/server/test_canaries.py` watches it. Newer servers know `strict_resume` as well."""

_SECONDS: Final = httpx.Timeout(connect=3, read=15, write=15, pool=15)
_STREAM_SECONDS: Final = httpx.Timeout(connect=3, read=None, write=15, pool=15)
"""A stream says nothing for as long as its run does. Whoever follows it sets the limit."""
_RUN_FIELDS: Final[Any] = ["run_id", "assistant_id", "created_at", "status", "metadata", "kwargs"]
_THREAD_FIELDS: Final[Any] = ["thread_id", "updated_at", "status", "metadata"]
_MAX_RUNS: Final = 20
"""The newest runs of a thread that are looked at."""
_PAGE: Final = 100


class Busy(Exception):
    """Another run has the thread. Nothing was begun."""


class NoThread(Exception):
    """The server does not know this thread."""


class Refused(Exception):
    """The server does not do what was asked, and says why. Nothing was changed."""


@dataclass(slots=True, kw_only=True)
class ServerClient:
    """The API of one server."""

    name: str
    """The server's name in servers.yaml."""
    sdk: LangGraphClient
    streams: LangGraphClient
    telemetry: Telemetry = SILENT
    away: bool = field(default=False, init=False)
    """Whether the last call got no answer."""
    _told: bool | None = field(default=None, init=False)
    """Whether it was last told of as reached. None before the first call."""

    async def close(self) -> None:
        await self.sdk.aclose()
        await self.streams.aclose()

    # --- What is there --------------------------------------------------------------------------

    async def info(self) -> Row:
        """The server's version and what it can do. Raises `Refused` if it has no such page, as Aegra has none."""
        with self._asked(missing=Refused):
            return cast("Row", await self.sdk.http.get("/info"))

    async def assistants(self, **by: str) -> list[Row]:
        """The assistants with this `graph_id` or `name`, the oldest first."""
        try:
            with self._asked(missing=Refused):
                found = await self.sdk.assistants.search(
                    **cast("Any", by), limit=_PAGE, sort_by="created_at", sort_order="asc"
                )
        except Refused:  # the server has no graph of this id
            return []
        return cast("list[Row]", found)

    async def schemas(self, assistant_id: str) -> Row:
        """The JSON Schemas of the assistant's input and state."""
        with self._asked():
            return cast("Row", await self.sdk.assistants.get_schemas(assistant_id))

    async def drawing(self, assistant_id: str) -> Row:
        """The nodes and edges of the assistant's graph, and of the graphs within it."""
        with self._asked():
            return cast("Row", await self.sdk.assistants.get_graph(assistant_id, xray=True))

    async def threads(
        self, *, offset: int = 0, status: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """A page of threads, those that changed last first."""
        with self._asked():
            found = await self.sdk.threads.search(
                status=cast("Any", status),
                metadata=dict(metadata or {}),
                limit=_PAGE,
                offset=offset,
                sort_by="updated_at",
                sort_order="desc",
                select=_THREAD_FIELDS,
            )
        return cast("list[Row]", found)

    # --- One thread -----------------------------------------------------------------------------

    async def thread(self, thread_id: str) -> Row:
        """The thread's row, with its last error. Raises `NoThread`."""
        with self._asked(missing=NoThread):
            return cast("Row", await self.sdk.threads.get(thread_id))

    async def runs(self, thread_id: str) -> list[Row]:
        """The thread's newest runs, the newest first. Raises `NoThread`."""
        with self._asked(missing=NoThread):
            found = await self.sdk.runs.list(thread_id, limit=_MAX_RUNS, select=_RUN_FIELDS)
        return cast("list[Row]", found)

    async def state(self, thread_id: str, checkpoint: Row | None = None) -> Row:
        """The thread's state, with those of its subgraphs. Raises `NoThread`."""
        with self._asked(missing=NoThread):
            found = await self.sdk.threads.get_state(thread_id, cast("Any", checkpoint), subgraphs=True)
        return cast("Row", found)

    async def create_thread(self, thread_id: str, graph_id: str, metadata: Mapping[str, str]) -> None:
        """Make the thread. Does nothing if it is there."""
        with self._asked():
            await self.sdk.threads.create(
                thread_id=thread_id, graph_id=graph_id, metadata=dict(metadata), if_exists="do_nothing"
            )

    async def update_state(
        self, thread_id: str, values: Mapping[str, Any] | None, as_node: str | None, checkpoint: Row
    ) -> None:
        """Change the state as it is at this checkpoint, as if the node had just returned these values. Raises `Busy`,
        `Refused` or `NoThread`."""
        with self._asked(missing=NoThread):
            given = dict(values) if values is not None else None
            await self.sdk.threads.update_state(
                thread_id, given, as_node=as_node, checkpoint=cast("Any", dict(checkpoint))
            )

    async def create_run(
        self,
        thread_id: str,
        assistant_id: str,
        *,
        given: Mapping[str, Any],
        metadata: Mapping[str, Any],
        context: Mapping[str, Any],
        limit: int | None,
    ) -> str:
        """Begin a run and return its id. It is strict, it stores every step before the next one begins, and it is not
        begun while another run has the thread. Raises `Busy`, `Refused` or `NoThread`.

        `given` is its `input` or its `command`. `context` and `limit`, the greatest number of steps, are those of the
        runs before: the server gives a run no other context than its own.
        """
        with self._asked(missing=NoThread):
            run = await self.sdk.runs.create(
                thread_id,
                assistant_id,
                **cast("Any", given),
                durability="sync",
                multitask_strategy="reject",
                config=cast("Any", {"configurable": {**context, STRICT: True}, **_limited(limit)}),
                strict_resume=True,
                stream_mode=["custom", "tasks"],
                stream_subgraphs=True,
                metadata=dict(metadata),
                headers={"traceparent": trace} if (trace := self.telemetry.here()) is not None else None,
            )
        return str(run["run_id"])

    async def run_status(self, thread_id: str, run_id: str) -> str:
        """How the run stands: `pending`, `running`, `success`, `error`, `timeout` or `interrupted`. Empty if it was
        deleted."""
        try:
            with self._asked(missing=NoThread):
                return str((await self.sdk.runs.get(thread_id, run_id))["status"])
        except NoThread:
            return ""

    async def follow(self, thread_id: str, run_id: str) -> AsyncIterator[tuple[str, Any]]:
        """What the run streams, as (event, data), until it is over. To leave it leaves the run alone."""
        with self._asked(missing=NoThread):
            # with a list of modes the server takes the last one only; without, all that the run was begun with
            async for part in self.streams.runs.join_stream(thread_id, run_id):
                yield part.event, part.data

    async def cancel(self, thread_id: str, run_id: str) -> None:
        """Have the run stopped. The thread keeps what it has done so far. Does nothing if the run is over."""
        try:
            with self._asked(missing=NoThread):
                await self.sdk.runs.cancel(thread_id, run_id, action="interrupt")
        except (NoThread, Busy, Refused):
            pass

    # --- Within ---------------------------------------------------------------------------------

    @contextmanager
    def _asked(self, missing: type[Exception] | None = None) -> Iterator[None]:
        """Tells an answer from none. Says once that the server is away, and once that it is back."""
        try:
            yield
        except (httpx.TransportError, InternalServerError, RateLimitError) as error:
            raise self._gone(_spoken(error), error) from error
        except (AuthenticationError, PermissionDeniedError) as error:
            raise self._gone("it does not take the bot's api_key", error) from error
        except ConflictError as error:
            self._back()
            raise Busy from error
        except NotFoundError as error:
            self._back()
            raise (missing or Refused)(error.message) from error
        except APIStatusError as error:
            self._back()
            if missing is NoThread and "must be a UUID" in error.message:
                raise NoThread(error.message) from error
            raise Refused(error.message) from error
        except ValueError as error:  # no JSON: something else answers at this address
            raise self._gone("what answers there is no LangGraph Server", error) from error
        else:
            self._back()

    def _gone(self, why: str, error: Exception) -> Unreachable:
        self.away = True
        if self._told is not False:
            self._told = False
            self.telemetry.tell(ServerAway(server=self.name, error=_named(error)))
        return Unreachable(f"the LangGraph Server {self.name}: {why}")

    def _back(self) -> None:
        self.away = False
        if not self._told:
            self._told = True
            self.telemetry.tell(ServerReached(server=self.name))


def connect(name: str, url: str, api_key: str | None, telemetry: Telemetry = SILENT) -> ServerClient:
    """The API of the server at this address. Nothing is called yet."""
    streams = _sdk(url, api_key, _STREAM_SECONDS)
    return ServerClient(name=name, sdk=_sdk(url, api_key, _SECONDS), streams=streams, telemetry=telemetry)


def _sdk(url: str, api_key: str | None, seconds: httpx.Timeout) -> LangGraphClient:
    headers = {"x-api-key": api_key} if api_key else {}
    return LangGraphClient(httpx.AsyncClient(base_url=url, headers=headers, timeout=seconds))


def _limited(limit: int | None) -> dict[str, int]:
    return {"recursion_limit": limit} if limit is not None else {}


def _named(error: Exception) -> str:
    """The error in a word or two: `status 503`, or its class."""
    return f"status {error.status_code}" if isinstance(error, APIStatusError) else type(error).__name__


def _spoken(error: Exception) -> str:
    match error:
        case RateLimitError():
            return "it asks for fewer calls"
        case APIStatusError():
            return f"it answers with the error {error.status_code}"
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return "nothing answers at its address"
        case httpx.TimeoutException():
            return "it takes too long to answer"
        case _:
            return "the connection broke"
