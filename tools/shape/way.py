"""Prints the way of one vote through the modules of `bot`, as JSON: each stop with what led there.

It runs in a checkout, of this version or an earlier one, on the fakes and the real storage of that checkout's tests.
"""

from __future__ import annotations

import asyncio
import dis
import importlib
import inspect
import json
import sys
from functools import cached_property
from types import FrameType, ModuleType
from typing import Any

WORLDS = ("tests.support.world", "tests.support.fakes.world")
"""Where a checkout's tests may have their people; the first that is there."""
TOLD = "bot.approvals.ports.telemetry"
"""What an operator is told. Nothing of a vote depends on it, so its reader need not go there."""
SUSPENDS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_GENERATOR


class Tracer:
    """What `sys.setprofile` calls; it records while `watching`."""

    def __init__(self) -> None:
        self.stops: list[dict[str, str]] = []
        self.watching = False
        self._here: str | None = None
        self._started: dict[int, FrameType] = {}

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        if self.watching and event in ("call", "return") and _counts(frame):
            to = self._called(frame) if event == "call" else _returned_to(frame, arg)
            if to is not None and self._here not in (None, module := _module(to)):
                stop = {"by": event, "origin": self._here, "module": module, "function": frame.f_code.co_qualname}
                self.stops.append(stop)
            self._here = _module(to) if to is not None else self._here

    def _called(self, frame: FrameType) -> FrameType | None:
        """The frame; None if it has begun before, and goes on after an await."""
        new = id(frame) not in self._started
        self._started[id(frame)] = frame
        return frame if new else None


def _returned_to(frame: FrameType, arg: Any) -> FrameType | None:
    """The nearest caller that counts; None if there is none, or the frame only waits."""
    code = frame.f_code
    waits = code.co_flags & SUSPENDS and dis.opname[code.co_code[frame.f_lasti]] == "YIELD_VALUE"
    if waits and type(arg).__name__ != "async_generator_wrapped_value":
        return None
    caller = frame.f_back
    while caller is not None and not _counts(caller):
        caller = caller.f_back
    return caller


def _module(frame: FrameType) -> str:
    name = str(frame.f_globals.get("__name__", ""))
    return "bot.storage" if name.startswith("bot.storage") else name


def _counts(frame: FrameType) -> bool:
    code = frame.f_code
    written = not code.co_filename.startswith("<") and not code.co_name.startswith(("<", "__"))
    if not written or not _module(frame).startswith("bot.") or _module(frame) == TOLD:
        return False
    me = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
    return not isinstance(inspect.getattr_static(type(me), code.co_name, None), property | cached_property)


async def vote(tracer: Tracer, world: ModuleType) -> None:
    """bob approves the one question of a task, which settles it."""
    async with world.a_world() as one:
        request = await one.request(await one.started())
        tracer.watching = True
        await one.vote(world.BOB, on=request)
        tracer.watching = False


def _world() -> ModuleType:
    for name in WORLDS:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if not name.startswith(f"{error.name}"):
                raise
    raise SystemExit(f"none of {', '.join(WORLDS)} is there")


sys.path.insert(0, "")  # before anything else that is installed: another checkout may be
tracer = Tracer()
sys.setprofile(tracer)
asyncio.run(vote(tracer, _world()))
sys.setprofile(None)
written = [
    number for number, stop in enumerate(tracer.stops) if (stop["by"], stop["module"]) == ("call", "bot.storage")
]
json.dump(tracer.stops[: written[-1] + 1], sys.stdout)
