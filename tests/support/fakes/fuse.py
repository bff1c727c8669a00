"""Death at a chosen moment: a process that is killed between two awaits, and what it can no longer do then."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Killed(Exception):
    """The process is gone; nothing in it runs any more."""


class Fuse:
    """Counts moments, and kills at the chosen one and at every later one."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.kill_at = kill_at
        self.moments: list[str] = []

    @property
    def burnt(self) -> bool:
        return self.kill_at is not None and len(self.moments) > self.kill_at

    def tick(self, moment: str) -> None:
        self.moments.append(moment)
        if self.burnt:
            raise Killed(moment)


def mortal(port: T, fuse: Fuse) -> T:
    """The port, with a moment before and after each of its calls."""
    return cast(T, _Mortal(port, fuse))


class _Mortal:
    def __init__(self, port: object, fuse: Fuse) -> None:
        self._port = port
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._port, name)
        return self._guarded(name, verb) if inspect.iscoroutinefunction(verb) else verb

    def _guarded(
        self, name: str, verb: Callable[..., Coroutine[Any, Any, object]]
    ) -> Callable[..., Coroutine[Any, Any, object]]:
        async def call(*args: object, **kwargs: object) -> object:
            self._fuse.tick(f"before {name}")
            result = await verb(*args, **kwargs)
            self._fuse.tick(f"after {name}")
            return result

        return call
