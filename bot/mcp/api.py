"""The calls of the HTTP API that the tools make, over the network or inside the gateway's own process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import httpx2

from bot.approvals.model.errors import CountersignError

Json: TypeAlias = dict[str, Any]
PATIENCE_SECONDS: Final = 120.0
"""How long a call is tried again if the bot is away, as during a restart."""
ANSWER_SECONDS: Final = 15.0
"""How long one try may take. A wait adds its own time."""
FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 5.0
_LATER: Final = (408, 429, 500, 502, 503, 504)
_CONFLICT: Final = "conflict"
ALREADY_CONSUMED: Final = "already-consumed"


class ApiError(CountersignError):
    """The API refused, or cannot be reached. `str()` says what happened and what to do."""

    def __init__(self, words: str, *, kind: str = "", status: int = 0, later: float | None = None) -> None:
        super().__init__(words)
        self.kind = kind
        """The kind of problem, such as `key-reused`. Empty if the API named none."""
        self.status = status
        """The HTTP status. 0 if there was no answer."""
        self.later = later
        """Seconds after which the same call may succeed. None if it never will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The API, as one token calls it. The token is in the client's headers, and nowhere else."""

    http: httpx2.AsyncClient
    caller: str
    """What keys begin with, so that they are not those of another program with the same source."""
    common: Mapping[str, Any] = field(default_factory=dict)
    """What every request says besides its question."""
    is_ending: Callable[[], bool] = lambda: False
    """Whether the bot that would answer is being shut down, so that no further try can succeed."""
    patience_seconds: float = PATIENCE_SECONDS

    async def ask(self, question: Json, key: str) -> Json:
        """The request for this question: a new one, or the one that has the key. Raises `ApiError`."""
        headers = {"Idempotency-Key": key}
        body = {"question": question, **self.common}
        return _request_of(await self._call("POST", "/v1/requests", json=body, headers=headers))

    async def read(self, id: str, wait_seconds: int = 0) -> Json:
        """The request, as soon as it is settled, or when the time is over. Raises `ApiError`."""
        path = f"/v1/requests/{id}" + (f"?wait={wait_seconds}" if wait_seconds else "")
        return _request_of(await self._call("GET", path, seconds=wait_seconds + ANSWER_SECONDS))

    async def consume(self, id: str, execution: str) -> Json:
        """The decision, for this execution alone. Raises `ApiError`, with ALREADY_CONSUMED if another one took it."""
        body = {"execution": execution}
        found = (await self._call("POST", f"/v1/requests/{id}/consume", json=body)).get("decision")
        return _decision_of(found)

    async def withdraw(self, id: str, reason: str) -> None:
        """Nobody can answer the request any more. Raises `ApiError`, for example if it was decided."""
        await self._call("POST", f"/v1/requests/{id}/cancel", json={"reason": reason})

    async def _call(self, method: str, path: str, *, seconds: float = ANSWER_SECONDS, **content: Any) -> Json:
        end = time.monotonic() + self.patience_seconds
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._once(method, path, seconds, content)
            except ApiError as error:
                if error.later is None or self.is_ending():
                    raise
                seconds_off = max(pause, error.later)
                if time.monotonic() + seconds_off > end:
                    raise
            await asyncio.sleep(seconds_off)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _once(self, method: str, path: str, seconds: float, content: Mapping[str, Any]) -> Json:
        try:
            async with asyncio.timeout(seconds):
                reply = await self.http.request(method, path, timeout=None, **content)
        except (httpx2.TransportError, TimeoutError) as error:
            why = str(error) or type(error).__name__
            raise ApiError(f"Countersign cannot be reached ({why}).", later=0.0) from None
        except (ValueError, RecursionError) as error:
            raise ApiError(f"This cannot be sent, so nothing was done: {error}.") from None
        found = _object_of(reply)
        if reply.is_success and found is not None:
            return found
        raise _refusal(reply, found or {})


def _request_of(found: Json) -> Json:
    """The request, which is settled if and only if it has a decision. Raises `ApiError` if this is none."""
    if not isinstance(found.get("id"), str) or not isinstance(found.get("status"), str):
        raise _unexpected()
    if found["status"] != "pending":
        _decision_of(found.get("decision"))
    return found


def _decision_of(found: object) -> Json:
    if not isinstance(found, dict) or not isinstance(found.get("verdict"), str):
        raise _unexpected()
    return found


def _unexpected(status: int = 200) -> ApiError:
    return ApiError(
        f"What answered at the address of Countersign is not its API, or is broken (HTTP status {status}).",
        status=status,
    )


def _object_of(reply: httpx2.Response) -> Json | None:
    try:
        found = reply.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _refusal(reply: httpx2.Response, problem: Json) -> ApiError:
    status = reply.status_code
    kind = str(problem.get("type", "")).rpartition("#")[2].removeprefix("problem-")
    later: float | None = None
    if status in _LATER or kind == _CONFLICT:
        asked = reply.headers.get("retry-after", "")
        later = float(asked) if asked.isascii() and asked.isdigit() else 0.0
    words = _words(problem) if problem.get("detail") else str(_unexpected(status))
    return ApiError(words, kind=kind, status=status, later=later)


def _words(problem: Json) -> str:
    faults = problem.get("errors")
    told = [f"{each.get('path')}: {each.get('problem')}" for each in faults] if isinstance(faults, list) else []
    detail = str(problem["detail"])
    return "\n".join([detail, *(each for each in told if each.partition(": ")[2] not in detail)])
