"""One thread of any graph, driven as the bot drives it, and a node that dies after its effect."""

import copy
from dataclasses import replace
from typing import Any
from uuid import uuid4

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

Builder = StateGraph[Any, Any, Any, Any]


class Killed(Exception):
    """The process died here."""


class Thread:
    """One thread: strictly by interrupt id, every step saved before the next."""

    def __init__(
        self, graph: Builder | CompiledStateGraph[Any, Any, Any, Any], saver: BaseCheckpointSaver[Any]
    ) -> None:
        self.thread_id = str(uuid4())
        self.config: RunnableConfig = {"configurable": {"thread_id": self.thread_id, "__pregel_strict_resume": True}}
        self.saver = saver
        self.graph = compiled(graph, saver)

    async def start(self, **inputs: Any) -> Any:
        """Runs until the graph asks, or ends; what it asks, or None."""
        return await self._run(inputs)

    async def answer(self, value: object) -> Any:
        """Answers the open question; the next one, or None."""
        state = await self.graph.aget_state(self.config, subgraphs=True)
        (question,) = state.interrupts
        return await self._run(Command(resume={question.id: value}))

    async def approve(self) -> Any:
        return await self.answer({"approved": True, "feedback": ""})

    async def reject(self, feedback: str = "") -> Any:
        return await self.answer({"approved": False, "feedback": feedback})

    async def proceed(self, graph: Builder | None = None) -> Any:
        """Goes on after a crash, as another process would: with the graph as it is."""
        if graph is not None:
            self.graph = compiled(graph, self.saver)
        return await self._run(None)

    async def state(self) -> dict[str, Any]:
        return dict((await self.graph.aget_state(self.config)).values)

    async def outcome(self) -> str:
        state = await self.graph.aget_state(self.config)
        assert state.next == ()
        return str(state.values["outcome"])

    async def _run(self, given: Any) -> Any:
        await self.graph.ainvoke(given, self.config, durability="sync")
        state = await self.graph.aget_state(self.config, subgraphs=True)
        if not state.interrupts:
            return None
        (question,) = state.interrupts
        return question.value


def compiled(
    graph: Builder | CompiledStateGraph[Any, Any, Any, Any], saver: BaseCheckpointSaver[Any]
) -> CompiledStateGraph[Any, Any, Any, Any]:
    if isinstance(graph, StateGraph):
        return graph.compile(checkpointer=saver)
    return graph.copy(update={"checkpointer": saver})


def dying(graph: Any, node: str, *, times: int = 1) -> Builder:
    """The graph, in which a node dies, the first times, after all that it did and before its result is saved."""
    spec = graph.nodes[node]
    left = [times]

    async def dies(state: Any, config: RunnableConfig) -> Any:
        result = await spec.runnable.ainvoke(state, config)
        if left[0]:
            left[0] -= 1
            raise Killed
        return result

    changed: Builder = copy.copy(graph)
    changed.nodes = {**graph.nodes, node: replace(spec, runnable=RunnableLambda(dies))}
    return changed
