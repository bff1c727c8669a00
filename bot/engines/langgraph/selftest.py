"""A test at the start, before any graph runs: no answer reaches a question that nobody was shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import CONFIG_KEY_STRICT_RESUME
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from bot.approvals.model.errors import SettingsError
from bot.approvals.model.fingerprint import fingerprint
from bot.engines.langgraph import guard

_ASKED, _DRIFTED = "Pay 10?", "Pay 99?"


class _State(TypedDict, total=False):
    told: Any


async def refuse_unguarded() -> None:
    """Raises SettingsError if the guard does not work, because this LangGraph would give an answer to another question.

    It takes about 15 ms.
    """
    guard.install()
    drifted = await _answered([_ASKED, _DRIFTED])
    same = await _answered([_ASKED, _ASKED])
    if drifted or same != [True]:
        raise SettingsError(
            "The installed LangGraph does not let answers be guarded: a test agent that asked something else than was "
            f"approved got {drifted or 'nothing'}, one that asked the same got {same or 'nothing'}. "
            "Nothing was started. Install the versions of requirements.lock."
        )


async def _answered(asks: Sequence[str]) -> list[Any]:
    """The answers of a graph that asks the first question in its first run, and the second when it is resumed."""
    asking, got = iter(asks), list[Any]()

    def pay(state: _State) -> _State:  # noqa: ARG001 - LangGraph gives it
        got.append(interrupt(next(asking)))
        return {}

    builder = StateGraph(_State)
    builder.add_node("pay", pay)
    builder.add_edge(START, "pay")
    graph = builder.compile(checkpointer=_Saver())
    await graph.ainvoke({}, _config(guard.Run()), durability="sync")
    (asked,) = (await graph.aget_state(_config(guard.Run()))).interrupts
    known = guard.Known(asked=fingerprint(asked.value, None, datetime.now(UTC)), answer=lambda: True)
    given: Command[Any] = Command(resume={asked.id: guard.HELD})
    await graph.ainvoke(given, _config(guard.Run(known={asked.id: known})), durability="sync")
    return got


def _config(run: guard.Run) -> RunnableConfig:
    return RunnableConfig(configurable={"thread_id": "selftest", CONFIG_KEY_STRICT_RESUME: True, guard.KEY: run})


class _Saver(InMemorySaver):
    """LangGraph's saver in memory, which asks the run before it writes, as ours do."""

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        found = await super().aget_tuple(config)
        if (run := guard.run_of(config)) is not None:
            run.loaded(found)
        return found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        if (run := guard.run_of(config)) is not None:
            run.admit()
        return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        if (run := guard.run_of(config)) is not None:
            run.admit(task_id, writes)
        await super().aput_writes(config, writes, task_id, task_path)
