"""Whether a run may still write: asked of storage before each write of a saver."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from langchain_core.runnables import RunnableConfig

from bot.approvals.ids import ThreadId

FENCING_TOKEN: Final = "__countersign_fencing_token"  # noqa: S105 - the name of a key
"""Key in a run's `configurable`. Two underscores keep LangGraph from copying it into the metadata."""

Fence: TypeAlias = Callable[[ThreadId, int], Awaitable[bool]]
"""Whether this token is still the one that holds this thread."""


class LeaseLost(Exception):
    """The run's lease is somebody else's by now, so nothing more of it may be saved."""


async def admit(fence: Fence, config: RunnableConfig) -> None:
    """Return if the run of this config may write; `LeaseLost` if it may not. A config without a token is not a run
    of ours (`aupdate_state`, say) and is refused too."""
    configurable = config["configurable"]
    token = configurable.get(FENCING_TOKEN)
    if not isinstance(token, int) or not await fence(ThreadId(str(configurable["thread_id"])), token):
        raise LeaseLost(f"thread {configurable['thread_id']}: the lease with token {token} is over")
