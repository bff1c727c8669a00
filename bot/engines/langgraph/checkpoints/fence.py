"""Whether a run may write: asked of storage, and of the run's guard, before each write of a saver."""

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
    """The run's lease is somebody else's by now, so nothing more of it may be saved."""


async def admit(fence: Fence, config: RunnableConfig) -> None:
    """Return if the run of this config may store a checkpoint. Raises `LeaseLost`, also for a config without a token,
    which is no run of ours (`aupdate_state`, say); raises `NotAsked` if a question was passed over."""
    await _admit_holder(fence, config)
    if (run := run_of(config)) is not None:
        run.admit()


def asking(config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str) -> None:
    """Return if the task may finish with these writes: it has asked what people were shown. Raises `NotAsked`.

    Called before the first wait: LangGraph stores the step's checkpoint at the same time as these writes, and `admit`
    has to know by then that a question was passed over.
    """
    if (run := run_of(config)) is not None:
        run.admit(task_id, writes)


def noted(config: RunnableConfig, found: CheckpointTuple | None) -> CheckpointTuple | None:
    """The checkpoint, of which the run that reads it has noted who asks what."""
    if (run := run_of(config)) is not None:
        run.loaded(found)
    return found


async def _admit_holder(fence: Fence, config: RunnableConfig) -> None:
    configurable = config["configurable"]
    token = configurable.get(FENCING_TOKEN)
    if not isinstance(token, int) or not await fence(ThreadId(str(configurable["thread_id"])), token):
        raise LeaseLost(f"thread {configurable['thread_id']}: the lease with token {token} is over")
