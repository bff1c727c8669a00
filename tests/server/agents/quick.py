"""Has the development server look for new runs at once. By itself it looks twice a second, and these tests have
hundreds of runs. Without the module that it changes, the tests are slow and still right.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

SECONDS = 0.01


async def sleep(seconds: float, *given: Any) -> Any:
    return await asyncio.sleep(min(seconds, SECONDS), *given)


try:
    from langgraph_runtime_inmem import ops
except ImportError:
    pass
else:
    ops.asyncio = SimpleNamespace(**{**vars(asyncio), "sleep": sleep})
