"""Agents of LangChain and deepagents with a chat model that says what a test wrote down for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool


class ScriptedModel(BaseChatModel):
    """Says the next line of its script, counted by what it has said before."""

    script: list[AIMessage]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> ScriptedModel:
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        said = sum(isinstance(message, AIMessage) for message in messages)
        line = self.script[min(said, len(self.script) - 1)]
        return ChatResult(generations=[ChatGeneration(message=line.model_copy(deep=True))])


def calls(*named: tuple[str, dict[str, Any]]) -> AIMessage:
    """The model wants these tools called."""
    return AIMessage(
        content="",
        tool_calls=[{"name": name, "args": arguments, "id": f"call-{n}"} for n, (name, arguments) in enumerate(named)],
    )


def model(*lines: AIMessage) -> ScriptedModel:
    """A model that says these lines, and is done then."""
    return ScriptedModel(script=[*lines, AIMessage(content="All done.")])


class Outbox:
    """Tools that note what they were called with."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, dict[str, Any]]] = []

        @tool
        def send(to: str, copies: int = 1) -> str:
            """Send a letter."""
            self.ran.append(("send", {"to": to, "copies": copies}))
            return f"sent to {to}"

        @tool
        def burn(path: str) -> str:
            """Burn a letter."""
            self.ran.append(("burn", {"path": path}))
            return f"burnt {path}"

        self.tools = [send, burn]


def results(messages: Sequence[BaseMessage]) -> list[str]:
    """What the model was told of its calls."""
    return [str(message.content) for message in messages if isinstance(message, ToolMessage)]
