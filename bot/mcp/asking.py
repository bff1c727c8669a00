"""A call that is held until people have decided. Whatever else happens, it is never a yes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import anyio

from bot.mcp.api import ALREADY_CONSUMED, Api, ApiError, Json
from bot.mcp.tools import Call

WAIT_SECONDS: Final = 20
"""How long one call of the API waits. In between, the client hears that the call lives."""
HELD_SECONDS: Final = 3600.0
"""How long a call is held if the client wants to hear of progress."""
HELD_QUIETLY_SECONDS: Final = 50.0
"""How long it is held otherwise: many clients give up a silent call after a minute."""
WITHDRAW_SECONDS: Final = 5.0

Progress: TypeAlias = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """People, their silence or a withdrawal settled it."""

    request: Json
    decision: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class StillPending:
    """Nobody has decided yet, and the call ends before the client gives it up."""

    request: Json
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyUsed:
    """It was approved, and another call took the approval."""

    request: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The API refused, or cannot be reached."""

    why: str
    key: str | None = None
    """With which the same question can be found again. None if asking again is of no use."""


Outcome: TypeAlias = Settled | StillPending | AlreadyUsed | Failed


async def held(api: Api, call: Call, progress: Progress, seconds: float | None) -> Outcome:
    """Asks, waits, and takes the decision. seconds: how long it waits at most; None: until the request is settled.

    If the call is cancelled and no other call can go on with its request, the request is withdrawn.
    """
    request: Json | None = None
    try:
        request = await api.ask(call.question, call.idempotency_key(api.caller))
        end = None if seconds is None else time.monotonic() + seconds
        while request["status"] == "pending":
            await progress(words_of(request))
            left = WAIT_SECONDS if end is None else min(float(WAIT_SECONDS), end - time.monotonic())
            if left < 1 or api.is_ending():
                return StillPending(request=request, key=call.key)
            request = await api.read(request["id"], wait_seconds=int(left))
        return await taken(api, call, request)
    except ApiError as error:
        return Failed(why=str(error), key=call.key if error.later is not None else None)
    except asyncio.CancelledError:
        if request is not None and not call.keeps and not api.is_ending():
            await _withdrawn(api, request)
        raise


async def taken(api: Api, call: Call, request: Json) -> Outcome:
    """What became of a settled request. An approval is consumed by this call, so that no other call acts on it.
    Raises `ApiError`."""
    decision = request["decision"]
    if call.tool == "ask_human" or decision.get("approved") is not True:
        return Settled(request=request, decision=decision)
    try:
        return Settled(request=request, decision=await api.consume(request["id"], call.execution))
    except ApiError as error:
        if error.kind == ALREADY_CONSUMED:
            return AlreadyUsed(request=request)
        raise


def words_of(request: Json) -> str:
    """What a person who watches the client is told meanwhile."""
    link = request.get("permalink")
    return f"Waiting for people in Slack: {link}" if link else "Waiting for people in Slack"


async def _withdrawn(api: Api, request: Json) -> None:
    with anyio.move_on_after(WITHDRAW_SECONDS, shield=True):
        try:
            await api.withdraw(request["id"], "The program that asked does not wait for the answer any more.")
        except ApiError:
            return  # it was decided meanwhile, or cannot be reached: then it ends at its deadline
