"""Whether a run may write. The savers ask storage and the run's guard before each write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple

from bot.approvals.model.ids import ThreadId
from bot.engines.langgraph.guard import run_of

FENCING_TOKEN: Final = "__countersign_fencing_token"  # noqa: S105 - the name of a key
"""Key in a run's `configurable`. Two underscores keep LangGraph from copying it into the metadata."""

Fence: TypeAlias = Callable[[ThreadId, int], Awaitable[bool]]
"""Whether this token is still the one that holds this thread."""


class LeaseLost(Exception):
    """Another process has the run's lease by now, so nothing more of the run may be saved."""


async def admit(fence: Fence, config: RunnableConfig) -> None:
    """Raises LeaseLost if the run of this config may not store a checkpoint, also for a config without a token, which
    is no run of ours (`aupdate_state`, for example). Raises NotAsked if a question was passed over."""
    await _admit_holder(fence, config)
    if (run := run_of(config)) is not None:
        run.admit()


def asking(config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str) -> None:
    """Raises NotAsked if the task would finish with these writes without having asked what people were shown.

    It is called before the first `await`, because LangGraph stores the step's checkpoint at the same time as these
    writes, and `admit` has to know by then that a question was passed over.
    """
    if (run := run_of(config)) is not None:
        run.admit(task_id, writes)


def noted(config: RunnableConfig, found: CheckpointTuple | None) -> CheckpointTuple | None:
    """The checkpoint, after the run that reads it has noted which task asks what."""
    if (run := run_of(config)) is not None:
        run.loaded(found)
    return found


async def _admit_holder(fence: Fence, config: RunnableConfig) -> None:
    configurable = config["configurable"]
    token = configurable.get(FENCING_TOKEN)
    if not isinstance(token, int) or not await fence(ThreadId(str(configurable["thread_id"])), token):
        raise LeaseLost(f"thread {configurable['thread_id']}: the lease with token {token} is over")
