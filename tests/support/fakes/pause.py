"""A place where a fake waits, so that a test can act in the middle of its work."""

from __future__ import annotations

import asyncio


class Pause:
    """`reached` is set by the fake; the fake goes on after `go`."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go = asyncio.Event()

    async def here(self) -> None:
        self.reached.set()
        await self.go.wait()
